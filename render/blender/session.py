"""One Blender process: an empty scene, Cycles on an explicitly chosen device, and nothing left behind."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import bpy

Device = Literal["cpu", "gpu"]
GPU_BACKENDS = ("OPTIX", "CUDA", "HIP", "ONEAPI", "METAL")
# Everything that building a scene can create; shape keys go with their mesh.
DATABLOCK_KINDS = (
    "objects", "meshes", "curves", "hair_curves", "armatures", "cameras", "lights", "materials", "textures",
    "images", "worlds", "node_groups", "actions", "collections",
)  # fmt: skip
# M_ARENA_MAX, M_MMAP_THRESHOLD and M_TRIM_THRESHOLD of malloc.h. A lower threshold takes a frame 0.2 CPU seconds more:
# the kernel clears every page of an array that is mapped anew.
GLIBC_HEAP_OPTIONS = {-8: 2, -3: 2**23, -1: 2**26}


class DeviceError(Exception):
    """A device was asked for that this machine does not have."""


def start_session(*, device: Device) -> None:
    """Empty Blender's memory and choose the device that Cycles renders on.

    Raises: DeviceError when device is `gpu` and Cycles finds none; a CPU is never taken in its place.
    """
    _keep_heap_small()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    if device == "gpu":
        _activate_gpu()


def add_scene(name: str, *, device: Device) -> bpy.types.Scene:
    """A new scene that Cycles renders on the chosen device."""
    scene = bpy.data.scenes.new(name)
    scene.render.engine = "CYCLES"
    scene.cycles.device = device.upper()
    # AUTO ignores the affinity mask of a farm's job, and then threads fight for the cores.
    scene.render.threads_mode = "FIXED"
    scene.render.threads = len(os.sched_getaffinity(0))
    # Nearly everything moves from frame to frame: keeping Cycles' data saved no time, and once it showed old objects.
    scene.render.use_persistent_data = False
    scene.render.use_compositing = False
    scene.render.use_sequencer = False
    scene.render.use_motion_blur = False
    scene.render.resolution_percentage = 100
    scene.render.pixel_aspect_x = scene.render.pixel_aspect_y = 1.0
    scene.view_settings.view_transform = "Standard"
    return scene


def _keep_heap_small() -> None:
    """Tell glibc to keep one heap for all threads but one, and to map every large array on its own.

    With its defaults, a heap for each of Blender's threads and a threshold that climbs to 32 MB, what is freed stays in
    pieces between what lives: 150 MB more after 500 frames (docs/speed.md). Other C libraries have no such settings.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        for option, value in GLIBC_HEAP_OPTIONS.items():
            set_option(option, value)


def _activate_gpu() -> None:
    preferences = bpy.context.preferences.addons["cycles"].preferences
    for backend in GPU_BACKENDS:
        try:
            preferences.compute_device_type = backend
        except TypeError:
            continue  # this build of bpy does not know the back end
        preferences.refresh_devices()
        found = [entry for entry in preferences.devices if entry.type == backend]
        for entry in preferences.devices:
            entry.use = entry.type == backend
        if found:
            return
    raise DeviceError(
        f"device 'gpu' was asked for, but Cycles finds none of {', '.join(GPU_BACKENDS)} on this machine. "
        "Run `python -m pipeline doctor` to see what it finds, install the driver, or choose --device cpu."
    )


@contextmanager
def quiet_blender() -> Iterator[None]:
    """Drop what Blender prints on standard output (a line for every step of a render); errors go elsewhere."""
    sys.stdout.flush()
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(nowhere)
        os.close(kept)


@contextmanager
def temporary_datablocks() -> Iterator[None]:
    """Remove every datablock that was created inside, whatever happens (a leak is about 7 MB a frame)."""
    before = {kind: set(getattr(bpy.data, kind)) for kind in DATABLOCK_KINDS}
    try:
        yield
    finally:
        created = [block for kind, old in before.items() for block in getattr(bpy.data, kind) if block not in old]
        bpy.data.batch_remove(created)


def release_memory() -> None:
    """Give back what Blender still holds of datablocks that are removed by now.

    The evaluated copies of a scene live until it is evaluated again: hair alone keeps 350 MB while the next person is
    built. What is free then lies in pieces between live ones, so glibc is told to hand it to the system (a C library
    that has no `malloc_trim` does so by itself, or never).
    """
    for scene in bpy.data.scenes:
        for layer in scene.view_layers:
            layer.update()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
