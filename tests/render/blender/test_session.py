"""One Blender process: the device is the one asked for, settings reach Cycles, and frames leave nothing behind."""

import ctypes
import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import bpy
import pytest

from render.blender import session
from render.blender.draw import draw_frame, open_stage, person_on_stage
from render.blender.passes import LAYERS_OF_PRODUCT
from render.blender.session import DATABLOCK_KINDS, DeviceError, start_session, temporary_datablocks
from render.config import load_recipe
from render.heads.procedural import load_procedural
from render.ranges.quality import RgbSettings
from render.sampling.frame import draw_frame as draw_parameters

SETTINGS = RgbSettings(samples=1, denoise=False)


def parameters_of(index: int):
    """A small frame of quick; frames 0 to 3 show one person, 4 to 7 the next."""
    recipe = load_recipe("quick", overrides={"cameras.width_px": 40, "cameras.height_px": 28})
    return draw_parameters(recipe, "train", index)


def counts() -> dict[str, int]:
    """Datablocks by kind, but for the result that Blender keeps of a render."""
    found = {kind: len(getattr(bpy.data, kind)) for kind in (*DATABLOCK_KINDS, "shape_keys", "scenes")}
    found["images"] -= sum(image.type == "RENDER_RESULT" for image in bpy.data.images)
    return found


def test_a_missing_gpu_is_an_error_that_says_what_to_do(monkeypatch):
    """Where Cycles finds no device of any back end, the error names the back ends tried and three remedies."""
    monkeypatch.setattr(session, "GPU_BACKENDS", ("ABSENT",))
    with pytest.raises(DeviceError, match=r"'gpu' was asked for.*none of ABSENT.*doctor.*driver.*--device cpu"):
        start_session(device="gpu")


def test_a_gpu_that_exists_is_the_one_that_renders():
    """Only devices of one back end are switched on, and the CPU is not among them; without a GPU it is an error."""
    try:
        start_session(device="gpu")
    except DeviceError as error:
        assert all(backend in str(error) for backend in session.GPU_BACKENDS)
        return
    used = [entry.type for entry in bpy.context.preferences.addons["cycles"].preferences.devices if entry.use]
    assert len(set(used)) == 1 and used[0] in session.GPU_BACKENDS


@pytest.mark.parametrize("products", [("gt",), ("rgb",), ("gt", "rgb"), ("rgb", "gt")])
def test_every_scene_renders_on_the_chosen_device_with_our_threads(products):
    """One scene for each layer of the wanted products, on the CPU, with as many threads as this process may use."""
    stage = open_stage(device="cpu", products=products)
    assert list(stage.scenes) == [layer for product in products for layer in LAYERS_OF_PRODUCT[product]]
    assert set(bpy.data.scenes) == set(stage.scenes.values())
    for scene in stage.scenes.values():
        assert (scene.render.engine, scene.cycles.device) == ("CYCLES", "CPU")
        assert (scene.render.threads_mode, scene.render.threads) == ("FIXED", len(os.sched_getaffinity(0)))
        assert not scene.render.use_motion_blur and not scene.render.use_persistent_data


def test_what_is_made_inside_is_gone_outside_even_after_an_error():
    """Objects, meshes with shape keys, materials and worlds vanish; what was there before stays."""
    start_session(device="cpu")
    kept = bpy.data.materials.new("kept")
    before = counts()
    with pytest.raises(RuntimeError, match="halfway"), temporary_datablocks():
        part = bpy.data.objects.new("part", bpy.data.meshes.new("part"))
        part.shape_key_add(name="Basis")
        bpy.data.worlds.new("world")
        bpy.data.materials.new("lost")
        raise RuntimeError("halfway")
    assert counts() == before
    assert bpy.data.materials["kept"] == kept


def test_frames_and_people_leave_nothing_behind():
    """After each frame there is what was there before it, and after each person the empty stage."""
    stage = open_stage(device="cpu", products=("gt", "rgb"))
    empty = counts()
    for first in (0, 4):
        with person_on_stage(stage, load_procedural(), parameters_of(first), level=0) as person:
            dressed = counts()
            assert dressed["objects"] > empty["objects"]
            for index in (first, first + 1):
                draw_frame(stage, person, parameters_of(index), SETTINGS, noise_seed=3)
                assert counts() == dressed
        assert counts() == empty


def resident_mb() -> float:
    """Memory of this process that lies in RAM."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="this C library never gives memory back")
def test_a_person_who_left_gives_their_memory_back():
    """Long hair takes some 450 MB while it is rendered, and without release_memory none of that ever comes back."""
    parameters = parameters_of(0)
    hair = dataclasses.replace(parameters.hair, style="long_straight")
    parameters = dataclasses.replace(parameters, hair=hair)
    stage = open_stage(device="cpu", products=("gt", "rgb"))
    with person_on_stage(stage, load_procedural(), parameters, level=0) as person:
        draw_frame(stage, person, parameters, SETTINGS, noise_seed=3)
        dressed_mb = resident_mb()
    assert resident_mb() < dressed_mb - 100


def test_every_setting_of_the_picture_reaches_cycles():
    """Samples and denoiser are those of the recipe (OpenImageDenoise); exposure brightens; the seed moves the noise."""
    stage = open_stage(device="cpu", products=("rgb",))
    parameters = parameters_of(0)

    def picture(settings: RgbSettings, seed: int = 3):
        drawn = draw_frame(stage, person, parameters, settings, noise_seed=seed)
        assert drawn.truth is None and drawn.geometry is None and drawn.rgb_srgb is not None
        cycles = stage.scenes["rgb"].cycles
        assert (cycles.samples, cycles.use_denoising, cycles.seed) == (settings.samples, settings.denoise, seed)
        return drawn.rgb_srgb

    with person_on_stage(stage, load_procedural(), parameters, level=0) as person:
        plain = picture(SETTINGS)
        assert (picture(SETTINGS) == plain).all()
        assert (picture(SETTINGS, seed=4) != plain).any()
        assert (picture(SETTINGS.model_copy(update={"samples": 4})) != plain).any()
        denoised = picture(SETTINGS.model_copy(update={"denoise": True}))
        assert stage.scenes["rgb"].cycles.denoiser == "OPENIMAGEDENOISE"
        assert (denoised != plain).any()
        brighter = picture(SETTINGS.model_copy(update={"exposure_ev": 1.0}))
        assert brighter.mean() > plain.mean() + 10


def test_a_frame_of_unknown_expression_leaves_nothing_behind():
    """The error of a shape that the family lacks passes through, and the stage is as before."""
    stage = open_stage(device="cpu", products=("gt",))
    empty = counts()
    parameters = parameters_of(0)
    broken = dataclasses.replace(
        parameters, expression=dataclasses.replace(parameters.expression, weights=(("earWiggle", 0.5),))
    )
    with (
        pytest.raises(ValueError, match=r"needs the shapes \['earWiggle'\], which head family 'procedural' does not"),
        person_on_stage(stage, load_procedural(), parameters, level=0) as person,
    ):
        draw_frame(stage, person, broken, SETTINGS, noise_seed=3)
    assert counts() == empty


# In a process of its own: in this one earlier tests have left holes of any size in the heap, and an array may fill one.
MAP_A_LARGE_ARRAY = """
import ctypes
import numpy as np
from render.blender.session import start_session

class HeapFacts(ctypes.Structure):  # struct mallinfo2 of malloc.h; hblkhd are the bytes in blocks mapped on their own
    _fields_ = [(name, ctypes.c_size_t) for name in "arena ordblks smblks hblks hblkhd".split()]
    _fields_ += [(name, ctypes.c_size_t) for name in "usmblks fsmblks uordblks fordblks keepcost".split()]

facts = ctypes.CDLL(None).mallinfo2
facts.restype = HeapFacts
start_session(device="cpu")
large = np.ones(2**25 - 2**16, dtype=np.uint8)  # the highest that the threshold may climb to
del large
before = facts().hblkhd
arrays = [np.ones(2**24, dtype=np.uint8) for _ in range(8)]  # some of them find room in what the heap keeps
print(facts().hblkhd - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="only glibc tells what it has mapped")
def test_large_arrays_are_mapped_on_their_own_however_large_one_was_that_is_freed():
    """By default a freed block of 32 MB takes the threshold there, and 16 MB come from the heap ever after."""
    answer = subprocess.run([sys.executable, "-c", MAP_A_LARGE_ARRAY], capture_output=True, text=True, check=True)
    assert int(answer.stdout.split()[-1]) >= 4 * 2**24
