"""One frame from parameters to arrays: scene, Cycles, ground truth, geometry record."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from render.blender.backdrop import build_world
from render.blender.camera import place_camera
from render.blender.clothing import add_clothing
from render.blender.frozen import frozen_meshes
from render.blender.glasses import add_glasses
from render.blender.hair import add_hair
from render.blender.hair_nodes import load_hair_nodes
from render.blender.head import (
    Person,
    PosedPerson,
    add_person,
    hidden_by_head,
    landmarks_world_m,
    pose_person,
    surface_triangles,
)
from render.blender.lights import add_lamps
from render.blender.materials import head_materials
from render.blender.occluder import add_occluder
from render.blender.passes import HEAD, Stage, prepare_stage, render_radiance, render_surface
from render.blender.picture_settings import apply_picture_settings
from render.blender.room import add_room
from render.blender.saved_scene import saved_at_the_end
from render.blender.session import Device, release_memory, start_session, temporary_datablocks
from render.dataset_format import FrameGeometry, GroundTruth
from render.geometry.frames import WORLD_FROM_HEAD_AXES, head_angles_deg, rigid_inverse, transform_points
from render.geometry.pinhole import aim_point_m, camera_around, intrinsics_px, project_px
from render.ground_truth.assemble import FirstHits, ground_truth
from render.ground_truth.checks import check_camera_outside, check_ground_truth
from render.ground_truth.landmarks import landmark_visibility
from render.heads.model import HeadModel, eyes_midpoint_m
from render.parameters import Camera, FrameParameters
from render.picture import check_picture, srgb_picture
from render.ranges.quality import RgbSettings


@dataclass(frozen=True)
class DrawnFrame:
    """What one frame gave: ground truth with its geometry, a picture, or both, and seconds by stage."""

    truth: GroundTruth | None
    geometry: FrameGeometry | None
    rgb_srgb: UInt8[np.ndarray, "h w 3"] | None
    seconds: dict[str, float]


def open_stage(*, device: Device, products: Sequence[str]) -> Stage:
    """Start Blender with everything that does not depend on the person or the frame."""
    start_session(device=device)
    load_hair_nodes()
    return prepare_stage(products, device=device)


@contextmanager
def person_on_stage(stage: Stage, model: HeadModel, parameters: FrameParameters, *, level: int) -> Iterator[Person]:
    """The person of a frame, kept for all frames of the same person, then removed with all that belongs to them."""
    try:
        with temporary_datablocks():
            person = add_person(
                stage.collections,
                model,
                parameters.identity,
                head_materials(parameters.skin, parameters.eyes),
                subdivision_level=level,
            )
            cloth = add_clothing(
                stage.collections, person, parameters.outfit, parameters.fabric, subdivision_level=level
            )
            add_hair(stage.collections, person, parameters.hair, parameters.hair_colour, cloth)
            add_glasses(stage.collections, person, parameters.glasses, parameters.lenses, subdivision_level=level)
            yield person
    finally:
        release_memory()


def draw_frame(
    stage: Stage,
    person: Person,
    parameters: FrameParameters,
    settings: RgbSettings,
    *,
    noise_seed: int,
    image_folder: str | None = None,
    blend: Path | None = None,
) -> DrawnFrame:
    """Render one frame and derive what the stage's products promise; `image_folder` holds the pictures of backdrops.

    The scenes are saved as the file `blend` too, if one is named.

    Raises: GroundTruthError or PictureError when a product breaks a promise.
    """
    seconds: dict[str, float] = {}
    camera = parameters.camera
    on_stage = frame_on_stage(
        stage, person, parameters, settings, noise_seed=noise_seed, image_folder=image_folder, seconds=seconds
    )
    with on_stage as (cam_from_world, posed), saved_at_the_end(stage, blend):
        truth = geometry = rgb = None
        if "gt" in stage.products:
            with _timed(seconds, "ground_truth"):
                _check_camera(person, posed, cam_from_world)
            with _timed(seconds, "cycles_gt"):
                head, worn = (render_surface(stage.scenes[name]) for name in ("gt_head", "gt_worn"))
            with _timed(seconds, "ground_truth"):
                truth, geometry = _measure(person, posed, head, worn, camera, cam_from_world)
                check_ground_truth(truth, geometry, near_m=camera.clip_near_m, far_m=camera.clip_far_m)
        if "rgb" in stage.products:
            with _timed(seconds, "cycles_rgb"):
                radiance = render_radiance(stage.scenes["rgb"])
            with _timed(seconds, "picture"):
                rgb = srgb_picture(radiance, exposure_ev=settings.exposure_ev + parameters.lighting.exposure_ev)
                check_picture(rgb)
    return DrawnFrame(truth=truth, geometry=geometry, rgb_srgb=rgb, seconds=seconds)


@contextmanager
def frame_on_stage(
    stage: Stage,
    person: Person,
    parameters: FrameParameters,
    settings: RgbSettings,
    *,
    noise_seed: int,
    image_folder: str | None,
    seconds: dict[str, float],
) -> Iterator[tuple[Float[np.ndarray, "4 4"], PosedPerson]]:
    """All scenes ready to be rendered: camera, pose and light of one frame; gives cam_from_world and the posed person.

    What was added for the frame is removed at the end. `seconds` takes up the time spent, by stage.
    """
    with ExitStack() as frame:
        frame.enter_context(temporary_datablocks())
        with _timed(seconds, "scene"):
            posed = pose_person(person, parameters.expression, parameters.head_pose)
            cam_from_world = _camera_pose(person, parameters.camera, posed.rig.head_from_world)
            place_camera(stage, parameters.camera, cam_from_world)
            add_occluder(stage.collections, person, posed, parameters.occluder, parameters.skin, parameters.fabric)
            if "rgb" in stage.products:
                _light(stage, person, parameters, settings, noise_seed, image_folder)
        with _timed(seconds, "update"):
            frame.enter_context(frozen_meshes(stage.collections))
        yield cam_from_world, posed


def _camera_pose(person: Person, camera: Camera, head_from_world: Float[np.ndarray, "4 4"]) -> Float[np.ndarray, "4 4"]:
    return camera_around(
        aim_point_m(eyes_midpoint_m(person.model, person.vertices_m), head_from_world, aim=camera.aim),
        distance_m=camera.distance_mm / 1000,
        azimuth_deg=camera.azimuth_deg,
        elevation_deg=camera.elevation_deg,
        roll_deg=camera.roll_deg,
        offset_x=camera.offset_x,
        offset_y=camera.offset_y,
        focal_length_mm=camera.focal_length_mm,
        sensor_width_mm=camera.sensor_width_mm,
        width_px=camera.width_px,
        height_px=camera.height_px,
    )


def _light(
    stage: Stage,
    person: Person,
    parameters: FrameParameters,
    settings: RgbSettings,
    noise_seed: int,
    image_folder: str | None,
) -> None:
    scene = stage.scenes["rgb"]
    lighting, backdrop, camera = parameters.lighting, parameters.backdrop, parameters.camera
    scene.world = build_world(
        lighting, backdrop, width_px=camera.width_px, height_px=camera.height_px, image_folder=image_folder
    )
    target = WORLD_FROM_HEAD_AXES @ eyes_midpoint_m(person.model, person.vertices_m)
    add_lamps(scene, lighting, target)
    if backdrop.kind == "room":
        add_room(scene, backdrop, lighting, target)
    apply_picture_settings(scene, settings, noise_seed=noise_seed)


def _check_camera(person: Person, posed: PosedPerson, cam_from_world: Float[np.ndarray, "4 4"]) -> None:
    camera_m = rigid_inverse(cam_from_world)[:3, 3]
    surface_m = posed.surface_world_m
    # Triangles take a while; nearly always the box around the head tells enough.
    if ((camera_m >= surface_m.min(axis=0)) & (camera_m <= surface_m.max(axis=0))).all():
        check_camera_outside(camera_m, *surface_triangles(person.parts[HEAD]))


def _measure(
    person: Person,
    posed: PosedPerson,
    head: FirstHits,
    worn: FirstHits,
    camera: Camera,
    cam_from_world: Float[np.ndarray, "4 4"],
) -> tuple[GroundTruth, FrameGeometry]:
    intrinsics = intrinsics_px(camera)
    truth = ground_truth(head, worn, cam_from_world=cam_from_world, intrinsics=intrinsics)
    landmarks_world = landmarks_world_m(person, posed.surface_world_m)
    landmarks = transform_points(cam_from_world, landmarks_world.astype(np.float64))
    hidden = hidden_by_head(person, landmarks_world, rigid_inverse(cam_from_world)[:3, 3])
    yaw, pitch, roll = head_angles_deg(WORLD_FROM_HEAD_AXES.T @ posed.rig.head_from_world[:3, :3].T)
    geometry = FrameGeometry(
        width_px=camera.width_px,
        height_px=camera.height_px,
        intrinsics_px=_rows(intrinsics),
        cam_from_world=_rows(cam_from_world),
        head_from_world=_rows(posed.rig.head_from_world),
        yaw_deg=round(yaw, 9),
        pitch_deg=round(pitch, 9),
        roll_deg=round(roll, 9),
        landmarks_cam_m=_rows(landmarks),
        landmarks_2d_px=_rows(project_px(intrinsics, landmarks)),
        landmarks_visibility=landmark_visibility(landmarks, hidden, intrinsics, truth),
    )
    return truth, geometry


def _rows(matrix: np.ndarray) -> tuple:
    return tuple(tuple(float(value) for value in row) for row in matrix)


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - started
