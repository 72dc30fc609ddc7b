"""Rules of train.report_charts: valid SVG in which every value stands where it belongs."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from train.report_charts import Series, bars, histogram, line_chart


def elements(svg: str, tag: str) -> list[ElementTree.Element]:
    """All elements of a kind; parsing proves that the SVG is well formed."""
    return [one for one in ElementTree.fromstring(svg).iter() if one.tag == tag]


def test_a_line_runs_through_its_points_in_order_and_larger_is_higher():
    """x grows to the right, y upwards, and every finite point is there."""
    svg = line_chart([Series("a & b", [1, 2, 3], [5.0, 1.0, 3.0])], title="t < u", x_title="epoch")
    points = np.array([one.split(",") for one in elements(svg, "polyline")[0].attrib["points"].split()], dtype=float)
    assert np.all(np.diff(points[:, 0]) > 0)
    assert points[0, 1] < points[2, 1] < points[1, 1]


def test_a_logarithmic_chart_spaces_ratios_evenly_and_leaves_out_what_has_no_logarithm():
    """1, 10, 100 lie at equal distances; 0 and NaN are left out."""
    svg = line_chart(
        [Series("a", [1, 2, 3, 4, 5], [1.0, 10.0, 100.0, 0.0, float("nan")])], title="t", x_title="x", logarithmic=True
    )
    points = np.array([one.split(",") for one in elements(svg, "polyline")[0].attrib["points"].split()], dtype=float)
    assert len(points) == 3
    assert np.diff(points[:, 1])[0] == pytest.approx(np.diff(points[:, 1])[1], abs=0.2)


def test_a_chart_without_a_finite_value_says_so():
    """Nothing is drawn as if it were data."""
    assert "no finite value" in line_chart([Series("a", [1], [float("nan")])], title="t", x_title="x")


def test_the_bars_of_a_histogram_count_every_value():
    """The counts in the bars' titles add up to the number of values, also when all values are the same."""
    for values in (np.random.default_rng(2).normal(size=117).tolist(), [3.0] * 9):
        titles = [one.text or "" for one in elements(histogram(values, title="t", unit="mm"), "title")]
        assert sum(int(text.rsplit(" ", 1)[1]) for text in titles) == len(values)


def test_bars_are_as_long_as_their_values():
    """Lengths are in the ratio of the values, and each text stands in the picture."""
    svg = bars({"a": 1.0, "b": 4.0}, title="t", texts={"a": "one", "b": "four"})
    lengths = [float(one.attrib["width"]) for one in elements(svg, "rect")]
    assert lengths[1] / lengths[0] == pytest.approx(4, rel=0.01)
    assert [one.text for one in elements(svg, "text")] == ["a", "one", "b", "four"]
