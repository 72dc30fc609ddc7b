"""Procedural people measure what adults measure, and the table that says so is up to date."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from render.__main__ import main
from render.heads.norms import NORMS, measured_people_mm, measures_mm, measuring_points, norms_table
from render.heads.procedural import load_procedural
from render.heads.procedural_anatomy import build_anatomy

TABLE = Path(__file__).parents[3] / "docs" / "head_norms.md"


@pytest.fixture(scope="module")
def measured() -> np.ndarray:
    return measured_people_mm()


def test_means_and_spreads_are_those_of_adults(measured: np.ndarray) -> None:
    """Every mean lies within one published standard deviation of its norm, every spread is 0.5 to 1.5 times it."""
    for norm, mean, spread in zip(NORMS, measured.mean(axis=0), measured.std(axis=0), strict=True):
        assert abs(mean - norm.mean_mm) < norm.spread_mm, (norm.name, mean)
        assert 0.5 < spread / norm.spread_mm < 1.5, (norm.name, spread)


def test_the_table_in_the_docs_is_what_the_model_measures(measured: np.ndarray) -> None:
    """Names and norms agree to the letter, the model's numbers to 0.2 mm; `python -m render norms` writes it anew."""
    text = TABLE.read_text(encoding="utf-8")
    written = [line for line in text.splitlines() if line.startswith("| ")]
    fresh = norms_table(measured).splitlines()
    assert len(written) == len(fresh) == len(NORMS) + 2
    number = re.compile(r"\d+\.\d")
    for ours, theirs in zip(written, fresh, strict=True):
        assert number.sub("#", ours) == number.sub("#", theirs)
        old, new = (np.array(number.findall(line), dtype=float) for line in (ours, theirs))
        assert np.allclose(old, new, atol=0.2)


def test_the_command_prints_the_page(measured: np.ndarray, monkeypatch, capsys) -> None:
    """`python -m render norms` prints what docs/head_norms.md holds: an introduction and the table."""
    monkeypatch.setattr("render.heads.norms.measured_people_mm", lambda: measured)
    assert main(["norms"]) == 0
    printed = capsys.readouterr().out
    assert printed.endswith(norms_table(measured))
    assert printed.split("| measure")[0] == TABLE.read_text(encoding="utf-8").split("| measure")[0]


def test_lengths_grow_with_the_head() -> None:
    """A head made 1.25 times as large has all its measures, belts too, 1.25 times as long."""
    points = measuring_points(load_procedural(), build_anatomy())
    vertices = 1000.0 * load_procedural().mean_vertices_m.astype(np.float64)
    assert np.allclose(measures_mm(points, 1.25 * vertices), 1.25 * measures_mm(points, vertices))


def test_a_belt_is_as_long_as_the_edge_of_its_hull() -> None:
    """The neck's belt is longer than twice its greatest breadth and shorter than pi times it."""
    model = load_procedural()
    points = measuring_points(model, build_anatomy())
    vertices = 1000.0 * model.mean_vertices_m.astype(np.float64)
    breadth = pdist(vertices[points.neck_belt][:, [0, 2]]).max()
    length = measures_mm(points, vertices)[[norm.name for norm in NORMS].index("neck circumference")]
    assert 2 * breadth < length < np.pi * breadth
