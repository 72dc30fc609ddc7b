"""`python -m render frame --blend`: the file renders the very pixels, on a machine that has nothing else."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from tiny_shards import TINY

from render.dataset_format import read_ground_truth, read_rgb

# Opens the file, renders its picture and the layer `head`, and leaves both as arrays.
OPENED = """
import os, sys
import bpy, numpy
bpy.ops.wm.open_mainfile(filepath=sys.argv[1])
from render.blender.passes import render_radiance, render_surface
from render.picture import srgb_picture
assert bpy.context.window.scene.name == "rgb", bpy.context.window.scene.name
images = [image for image in bpy.data.images if image.type != "RENDER_RESULT"]
assert images and all(image.packed_file for image in images), images
assert not bpy.data.libraries
numpy.save("picture.npy", srgb_picture(render_radiance(bpy.data.scenes["rgb"]), exposure_ev=0.0))
numpy.save("depth.npy", render_surface(bpy.data.scenes["gt_head"]).depth_m)
sys.stdout.flush()
os._exit(0)
"""


def test_a_saved_scene_renders_the_very_pixels_again(tmp_path: Path, asset_cache: Path, repository: Path):
    """Opened by another process in another folder, the picture is equal bit for bit, and so is the depth of the head;
    images are packed, nothing is linked, and the file opens with the picture's scene."""
    settings = TINY | {"backdrops.shares": {"environment": 1}, "structure.frames": {"test": 4}}
    command = [sys.executable, "-m", "render", "frame", "--recipe", "quick", "--split", "test", "--index", "3"]
    command += [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    command += ["--out", str(tmp_path / "frame"), "--blend", str(tmp_path / "scene.blend"), "--cache", str(asset_cache)]
    subprocess.run(command, cwd=repository, check=True, capture_output=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["frame", "scene.blend"]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    opened = subprocess.run(
        [sys.executable, "-c", OPENED, str(tmp_path / "scene.blend")],
        cwd=elsewhere,
        env={"PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert opened.returncode == 0, opened.stderr
    (picture,) = (tmp_path / "frame" / "shards" / "rgb").glob("*/000000.png")
    (truth,) = (tmp_path / "frame" / "shards" / "gt").glob("*/000000.exr")
    np.testing.assert_array_equal(np.load(elsewhere / "picture.npy"), read_rgb(picture))
    depth_m = read_ground_truth(truth).head.depth_m
    seen = depth_m > 0
    assert seen.sum() > 100
    np.testing.assert_array_equal(np.load(elsewhere / "depth.npy")[seen], depth_m[seen])
