"""How Cycles makes the picture: bounces, clamps and denoising, chosen by what a 1024-sample picture shows of them.

docs/speed.md lists what was tried.
"""

import bpy

from render.ranges.quality import RgbSettings


def apply_picture_settings(scene: bpy.types.Scene, settings: RgbSettings, *, noise_seed: int) -> None:
    """Set everything about the picture of this scene that is neither geometry, material nor light."""
    cycles = scene.cycles
    cycles.samples = settings.samples
    cycles.seed = noise_seed
    # A loose threshold stops nearly at once, a strict one never: every pixel takes all samples.
    cycles.use_adaptive_sampling = False
    # A head among lights needs few bounces; only light hair is a little darker for it. A clamp on indirect light keeps
    # fireflies from the denoiser.
    cycles.max_bounces = 5
    cycles.diffuse_bounces = 3
    cycles.glossy_bounces = 2
    cycles.transmission_bounces = 4
    cycles.sample_clamp_indirect = 10.0
    cycles.use_denoising = settings.denoise
    cycles.denoiser = "OPENIMAGEDENOISE"
    cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
    # Denoising albedo and normals well before (ACCURATE) costs as much as ten samples; hair wants it done at all.
    cycles.denoising_prefilter = "FAST"
    cycles.denoising_quality = "HIGH"
