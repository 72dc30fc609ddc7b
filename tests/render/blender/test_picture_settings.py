"""Settings of the picture reach Cycles."""

import pytest

from render.blender.picture_settings import apply_picture_settings
from render.blender.session import add_scene, start_session
from render.ranges.quality import RgbSettings


@pytest.mark.parametrize("denoise", [True, False])
def test_samples_seed_and_denoising_reach_cycles(denoise):
    """What the recipe says about samples and denoising, and the seed of the frame, is what Cycles renders with."""
    start_session(device="cpu")
    scene = add_scene("picture", device="cpu")
    apply_picture_settings(scene, RgbSettings(samples=7, denoise=denoise), noise_seed=123456)
    assert (scene.cycles.samples, scene.cycles.seed, scene.cycles.use_denoising) == (7, 123456, denoise)
    assert not scene.cycles.use_adaptive_sampling
    assert scene.cycles.denoiser == "OPENIMAGEDENOISE"
