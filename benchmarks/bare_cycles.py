"""What Cycles alone takes for a frame: its scenes rendered with nothing before and nothing after."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import bpy

from render.blender.passes import Stage
from render.blender.session import quiet_blender
from render.ranges.quality import RgbSettings


@dataclass(frozen=True)
class Spent:
    """Seconds by the clock, and CPU seconds of all threads of this process."""

    clock_s: float
    cpu_s: float


@dataclass(frozen=True)
class BareCycles:
    """What one frame takes in Cycles: the picture as its settings want it, one 1-sample layer, and the parts of both.

    The layer is that of what is worn, with the hair; that of the head costs less. `sync_s` is everything before the
    first sample of the picture: scene to Cycles, BVH, light tables.
    """

    picture: Spent
    layer: Spent
    sync_s: float
    samples_s: float
    denoise_s: float


def spent(action: Callable[[], object]) -> Spent:
    """How long an action takes."""
    clock, cpu = time.perf_counter(), _cpu_s()
    action()
    return Spent(time.perf_counter() - clock, _cpu_s() - cpu)


def bare_cycles(stage: Stage, settings: RgbSettings, *, parts: bool) -> BareCycles:
    """Render the scenes of a frame on the stage, as Blender's operator does it, and keep nothing of it.

    The parts of the picture are told by difference: one sample without denoising, all samples without denoising, and
    all samples with it. That is two renders more; without `parts` they are left out and the parts are 0.
    """
    scene = stage.scenes["rgb"]
    layer = spent(lambda: _render(stage.scenes["gt_worn"]))
    picture = spent(lambda: _render(scene))
    if not parts:
        return BareCycles(picture, layer, 0.0, 0.0, 0.0)
    cycles = scene.cycles
    cycles.use_denoising = False
    noisy = spent(lambda: _render(scene))
    cycles.samples = 1
    first = spent(lambda: _render(scene))
    cycles.samples, cycles.use_denoising = settings.samples, settings.denoise
    sample_s = (noisy.clock_s - first.clock_s) / max(settings.samples - 1, 1)
    return BareCycles(
        picture,
        layer,
        sync_s=first.clock_s - sample_s,
        samples_s=settings.samples * sample_s,
        denoise_s=picture.clock_s - noisy.clock_s,
    )


def _render(scene: bpy.types.Scene) -> None:
    with quiet_blender():
        bpy.ops.render.render(scene=scene.name)


def _cpu_s() -> float:
    times = os.times()
    return times.user + times.system
