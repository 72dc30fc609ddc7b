"""How well stored normals agree with stored depth at each subdivision level, and what a level costs."""

import time
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from render.blender.draw import draw_frame, person_on_stage
from render.blender.head import surface_triangles
from render.blender.passes import HEAD, Stage
from render.certification.certificate import Agreement
from render.certification.errors import degrees_between
from render.config import Recipe
from render.dataset_format import SurfaceLayer
from render.geometry.pinhole import pixel_rays
from render.heads.model import HeadModel
from render.parameters import FrameParameters

SIZE_PX = (640, 480)
LEVELS = (0, 1, 2, 3)
# Where depth bends more than this within two pixels, a fold or an outline lies, and no difference tells its normal.
MOST_BEND = 0.2


def measure_agreement(
    stage: Stage, model: HeadModel, parameters: FrameParameters, recipe: Recipe, level: int
) -> Agreement:
    """The angle between normals and depth over the smooth inside of a bare head at one subdivision level."""
    width_px, height_px = SIZE_PX
    camera = replace(parameters.camera, width_px=width_px, height_px=height_px)
    bare = replace(
        parameters,
        camera=camera,
        hair=replace(parameters.hair, style="bald", beard="none"),
        glasses=replace(parameters.glasses, style="none"),
        outfit=replace(parameters.outfit, style="none"),
    )
    started_s = time.process_time()
    with person_on_stage(stage, model, bare, level=level) as person:
        person_s, started_s = time.process_time() - started_s, time.process_time()
        drawn = draw_frame(stage, person, bare, recipe.rgb, noise_seed=0)
        frame_s = time.process_time() - started_s
        _, triangles = surface_triangles(person.parts[HEAD])
    if drawn.truth is None or drawn.geometry is None:
        raise RuntimeError("the stage of a certificate must be one of ground truth")
    rays = pixel_rays(np.array(drawn.geometry.intrinsics_px), width_px=width_px, height_px=height_px)
    normals, smooth = normals_of_depth(drawn.truth.head, rays)
    angles_deg = degrees_between(drawn.truth.head.normals_cam.astype(np.float64), normals)[smooth]
    return Agreement(
        family=model.family,
        subdivision_level=level,
        width_px=width_px,
        height_px=height_px,
        pixels=int(smooth.sum()),
        median_deg=float(np.median(angles_deg)),
        percentile_90_deg=float(np.percentile(angles_deg, 90)),
        triangles=len(triangles),
        frame_cpu_seconds=frame_s,
        person_cpu_seconds=person_s,
    )


def normals_of_depth(
    layer: SurfaceLayer, rays: Float[np.ndarray, "h w 3"]
) -> tuple[Float[np.ndarray, "h w 3"], Bool[np.ndarray, "h w"]]:
    """Normals of the surface through the back-projected pixels, by central differences, facing the camera; and where
    the surface is smooth enough for that."""
    depth = layer.depth_m.astype(np.float64)
    points = rays * depth[..., None]
    down, right = np.gradient(points, axis=(0, 1))
    normals = np.cross(down, right)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True).clip(1e-12)
    normals *= -np.sign((normals * rays).sum(axis=-1, keepdims=True))
    step_m = depth * float(rays[0, 1, 0] - rays[0, 0, 0])
    bend = sum(np.abs(np.diff(depth, n=2, axis=axis, prepend=0, append=0)) for axis in (0, 1))
    inside = ndimage.binary_erosion(depth > 0, iterations=3)
    folded = ndimage.binary_dilation(bend > MOST_BEND * step_m.clip(1e-9))
    return normals, inside & np.logical_not(folded)
