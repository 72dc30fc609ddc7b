"""A frame's scenes as a .blend file that opens anywhere: what was rendered, images and all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy

from render.blender.passes import Stage
from render.blender.session import quiet_blender


@contextmanager
def saved_at_the_end(stage: Stage, path: Path | None) -> Iterator[None]:
    """Save the stage as it stands when the block ends, well or not: a frame that fails its checks is one to look at.

    Afterwards, because packing an image may change it for what is rendered later. Nothing is saved without a path.
    """
    try:
        yield
    finally:
        if path is not None:
            save_stage(stage, path)


def save_stage(stage: Stage, path: Path) -> None:
    """Write all scenes of a stage to a .blend file; the picture's is the one that it opens with.

    Beside each mesh that modifiers deform lies the plain mesh that was rendered in its place; only that one renders.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for image in bpy.data.images:
        if image.packed_file is None and image.type != "RENDER_RESULT":
            image.pack()
    for scene in stage.scenes.values():
        scene.render.filepath = "//"  # the folder that the passes went to is gone
    shown = bpy.context.window.scene
    bpy.context.window.scene = stage.scenes.get("rgb", shown)
    # Blender takes a name for a .blend file by its ending.
    unfinished = path.with_name(f".unfinished-{os.getpid()}-{path.name}")
    try:
        with quiet_blender():
            bpy.ops.wm.save_as_mainfile(filepath=str(unfinished.resolve()), copy=True, compress=True)
        unfinished.replace(path)
    finally:
        bpy.context.window.scene = shown
        unfinished.unlink(missing_ok=True)
