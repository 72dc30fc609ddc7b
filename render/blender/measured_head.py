"""A frame of a person with everything that a certificate compares it to: meshes, strands, and Blender's projection."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from render.blender.draw import draw_frame, person_on_stage
from render.blender.head import landmarks_world_m, surface_vertices_m
from render.blender.measured_scene import (
    RenderedMesh,
    RenderedStrands,
    blender_projection_px,
    rendered_mesh,
    rendered_strands,
)
from render.blender.passes import HEAD, WORN, Stage
from render.config import Recipe
from render.dataset_format import FrameGeometry, GroundTruth
from render.heads.model import HeadModel
from render.parameters import Camera, FrameParameters


@dataclass(frozen=True)
class HeadPicture:
    """One picture of a head: its ground truth, and its landmarks in pixels as Blender's own camera projects them."""

    camera: Camera
    truth: GroundTruth
    geometry: FrameGeometry
    blender_landmarks_px: Float[np.ndarray, "68 2"]


@dataclass(frozen=True)
class MeasuredHead:
    """A person in one pose, in several sizes of picture, and the surfaces that were rendered (world axes, metres)."""

    pictures: tuple[HeadPicture, ...]
    head: RenderedMesh
    worn: RenderedMesh
    strands: RenderedStrands


def measure_head(
    stage: Stage, model: HeadModel, parameters: FrameParameters, recipe: Recipe, sizes_px: tuple[tuple[int, int], ...]
) -> MeasuredHead:
    """Draw a frame in pictures of these widths and heights, as `render.shard` does, and export what was drawn."""
    with person_on_stage(stage, model, parameters, level=recipe.heads.subdivision_level) as person:
        pictures = []
        for width_px, height_px in sizes_px:
            camera = replace(parameters.camera, width_px=width_px, height_px=height_px)
            sized = replace(parameters, camera=camera)
            drawn = draw_frame(stage, person, sized, recipe.rgb, noise_seed=0)
            if drawn.truth is None or drawn.geometry is None:
                raise RuntimeError("the stage of a certificate must be one of ground truth")
            landmarks_m = landmarks_world_m(person, surface_vertices_m(person.parts[HEAD]))
            pixels = blender_projection_px(stage, camera, np.array(drawn.geometry.cam_from_world), landmarks_m)
            pictures.append(HeadPicture(camera, drawn.truth, drawn.geometry, pixels))
        return MeasuredHead(
            pictures=tuple(pictures),
            head=rendered_mesh(stage, HEAD),
            worn=rendered_mesh(stage, WORN),
            strands=rendered_strands(stage, WORN),
        )
