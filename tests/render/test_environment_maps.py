"""Environment maps: smoothing spreads light and loses none of it."""

import numpy as np
import pytest

from render import environment_maps
from render.environment_maps import defocused_radiance, lighting_radiance

HEIGHT, WIDTH = 128, 256


@pytest.fixture
def one_pixel(monkeypatch):
    """A black map with one bright pixel at a given place, in place of Blender's."""

    def place(row: int, column: int) -> None:
        radiance = np.zeros((HEIGHT, WIDTH, 3), dtype=np.float32)
        radiance[row, column] = (4.0, 2.0, 1.0)
        monkeypatch.setattr(environment_maps, "environment_radiance", lambda _: radiance)
        lighting_radiance.cache_clear()
        defocused_radiance.cache_clear()

    yield place
    lighting_radiance.cache_clear()
    defocused_radiance.cache_clear()


def test_a_map_cannot_be_written_to():
    """Maps are shared by all frames of a process."""
    with pytest.raises(ValueError, match="read-only"):
        lighting_radiance("studio")[0, 0] = 0.0


@pytest.mark.parametrize("column", [0, 100, WIDTH - 1])
def test_light_of_one_pixel_is_spread_over_nine_and_kept(one_pixel, column):
    """The weights are 1 2 1 both ways over 16, the map closes around its left and right border, the sum stays."""
    one_pixel(40, column)
    smoothed = lighting_radiance("any")
    assert smoothed.sum(axis=(0, 1)) == pytest.approx([4.0, 2.0, 1.0])
    assert smoothed[40, column, 0] == pytest.approx(4.0 * 4 / 16)
    assert smoothed[41, (column + 1) % WIDTH, 1] == pytest.approx(2.0 / 16)


def test_defocus_has_the_spread_of_a_disc(one_pixel):
    """At the horizon and high above it, the blurred point has the variance radius squared over four, in radians."""
    radius_rad = 0.2
    for row, tolerance in ((64, 0.02), (32, 0.05)):
        one_pixel(row, 3)
        blurred = defocused_radiance("any", radius_rad=radius_rad, ceiling=100.0)[..., 0].astype(np.float64)
        weights = blurred[row] / blurred[row].sum()
        offset = (np.arange(WIDTH) - 3 + WIDTH // 2) % WIDTH - WIDTH // 2
        elevation = np.pi * (0.5 - (row + 0.5) / HEIGHT)
        along = offset * 2 * np.pi / WIDTH * np.cos(elevation)
        assert (weights * along**2).sum() == pytest.approx(radius_rad**2 / 4, rel=tolerance)
        down = blurred.sum(axis=1) / blurred.sum()
        up = (np.arange(HEIGHT) - row) * np.pi / HEIGHT
        assert (down * up**2).sum() == pytest.approx(radius_rad**2 / 4, rel=tolerance)


def test_a_sun_is_cut_before_it_is_blurred(one_pixel):
    """No point of the defocused map is brighter than the ceiling, and a lower ceiling gives less light."""
    one_pixel(64, 10)
    full = defocused_radiance("any", radius_rad=0.1, ceiling=100.0)
    cut = defocused_radiance("any", radius_rad=0.1, ceiling=1.0)
    assert cut.sum() == pytest.approx(3.0, rel=1e-3)
    assert full.sum() == pytest.approx(7.0, rel=1e-3)
