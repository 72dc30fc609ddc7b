"""Small datasets of balls with exact depth and normals, written through the real contract; no renderer needed.

A ball of 0.1 m stands for the head, one of 0.18 m below it for clothing (in the `visible` layer alone).
"""

from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet

from render.dataset_format import (
    DATASET_INDEX,
    DATASET_MANIFEST,
    FORMAT_VERSION,
    SHARD_MANIFEST,
    SHARD_RECORDS,
    SPLITS,
    DatasetManifest,
    FrameGeometry,
    FrameRecord,
    GroundTruth,
    Label,
    ShardManifest,
    SurfaceLayer,
    canonical_sha256,
    file_sha256,
    write_ground_truth,
    write_rgb,
)

HEAD_RADIUS_M = 0.1
CLOTHING_RADIUS_M = 0.18
FOCAL_PER_WIDTH = 1.1


def write_ball_dataset(
    store: Path,
    *,
    frames: dict[str, int],
    width_px: int,
    height_px: int,
    frames_per_identity: int = 2,
    seed: int = 0,
) -> Path:
    """Write `<store>/datasets/balls` with its shards (one a split and product); returns the dataset folder."""
    rows = []
    shards: dict[str, list[str]] = {"gt": [], "rgb": []}
    for split_number, split in enumerate(SPLITS):
        if frames.get(split, 0) == 0:
            continue
        folders = {product: f"shards/{product}/{split}{seed}" for product in shards}
        records: dict[str, list[FrameRecord]] = {product: [] for product in shards}
        for product, folder in folders.items():
            (store / folder).mkdir(parents=True)
            shards[product].append(folder)
        for index in range(frames[split]):
            stream = np.random.default_rng([seed, split_number, index])
            rgb_srgb, truth, geometry = draw_balls(stream, width_px=width_px, height_px=height_px)
            identity = index // frames_per_identity
            row = {
                "split": split,
                "frame_index": index,
                "identity_index": identity,
                "identity_id": f"{split}-{identity}",
            }
            for product, suffix in (("gt", ".exr"), ("rgb", ".png")):
                key = canonical_sha256([product, seed, split, index, width_px, height_px])
                path = store / folders[product] / f"{index:06d}{suffix}"
                if product == "gt":
                    write_ground_truth(path, truth)
                else:
                    write_rgb(path, rgb_srgb)
                records[product].append(
                    FrameRecord(
                        key=key,
                        product=product,
                        identity_id=row["identity_id"],
                        drawn={"camera": {"distance_mm": geometry.landmarks_cam_m[0][2] * 1000}},
                        assets={},
                        epochs={},
                        software={},
                        file=path.name,
                        file_sha256=file_sha256(path),
                        geometry=geometry if product == "gt" else None,
                    )
                )
                row |= {f"{product}_key": key, f"{product}_shard": folders[product], f"{product}_file": path.name}
            row |= {
                "drawn.camera.distance_mm": geometry.landmarks_cam_m[0][2] * 1000,
                "geometry.yaw_deg": geometry.yaw_deg,
            }
            rows.append(row)
        for product, folder in folders.items():
            write_shard_tables(store / folder, product, records[product])
    dataset = store / "datasets" / "balls"
    dataset.mkdir(parents=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), dataset / DATASET_INDEX)
    manifest = DatasetManifest(
        format_version=FORMAT_VERSION,
        dataset_id=canonical_sha256(rows)[:16],
        name="balls",
        frames={split: frames.get(split, 0) for split in SPLITS},
        identities={split: -(-frames.get(split, 0) // frames_per_identity) for split in SPLITS},
        shards={product: tuple(folders) for product, folders in shards.items()},
        recipe={"name": "balls", "seed": seed},
        index_sha256=file_sha256(dataset / DATASET_INDEX),
        quarantined=dict.fromkeys(SPLITS, 0),
        certificate_sha256="0" * 64,
    )
    (dataset / DATASET_MANIFEST).write_text(manifest.model_dump_json())
    return dataset


def write_shard_tables(shard: Path, product: str, records: list[FrameRecord]) -> None:
    """Write the records table and the manifest that vouches for it."""
    table = shard / SHARD_RECORDS
    table.write_text("".join(record.model_dump_json() + "\n" for record in records))
    manifest = ShardManifest(
        format_version=FORMAT_VERSION,
        product=product,
        frame_keys=tuple(record.key for record in records),
        records_sha256=file_sha256(table),
    )
    (shard / SHARD_MANIFEST).write_text(manifest.model_dump_json())


def draw_balls(stream: np.random.Generator, *, width_px: int, height_px: int):
    """A shaded picture, its ground truth and its geometry, with a ball at 0.7 to 1 m in front of a plain backdrop."""
    focal_px = FOCAL_PER_WIDTH * width_px
    intrinsics_px = np.array([[focal_px, 0, width_px / 2], [0, focal_px, height_px / 2], [0, 0, 1.0]])
    distance_m = stream.uniform(0.7, 1.0)
    head = np.array([stream.uniform(-0.08, 0.08), stream.uniform(-0.08, 0.02), distance_m])
    clothing = head + np.array([0, HEAD_RADIUS_M + CLOTHING_RADIUS_M - 0.02, 0.06])
    rays = pixel_rays(intrinsics_px, width_px=width_px, height_px=height_px)
    head_layer = ball_layer(rays, head, HEAD_RADIUS_M, focal_px)
    clothing_layer = ball_layer(rays, clothing, CLOTHING_RADIUS_M, focal_px)
    head_first = (head_layer.depth_m > 0) & (
        (clothing_layer.depth_m == 0) | (head_layer.depth_m <= clothing_layer.depth_m)
    )

    def merged(name: str) -> np.ndarray:
        first, second = getattr(head_layer, name), getattr(clothing_layer, name)
        return np.where(head_first.reshape(head_first.shape + (1,) * (first.ndim - 2)), first, second)

    visible = SurfaceLayer(
        depth_m=merged("depth_m"),
        normals_cam=merged("normals_cam"),
        gradient_magnitude=merged("gradient_magnitude"),
    )
    labels = np.full((height_px, width_px), Label.BACKGROUND, np.uint8)
    labels[clothing_layer.depth_m > 0] = Label.CLOTHING
    labels[head_first] = Label.SKIN
    light = np.array([stream.uniform(-0.7, 0.7), stream.uniform(-0.7, 0.2), -1.0])
    shade = np.clip(visible.normals_cam @ (light / np.linalg.norm(light)), 0, None) * 0.8 + 0.15
    colours = stream.uniform(0.3, 1.0, size=(3, 3))
    colours[0] *= 0.3
    picture = np.where(
        (labels == Label.BACKGROUND)[..., None],
        colours[0],
        np.where((labels == Label.SKIN)[..., None], colours[1], colours[2]) * shade[..., None],
    )
    centre_px = intrinsics_px[:2] @ head / distance_m
    rgb_srgb = np.round(np.clip(picture, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)
    geometry = FrameGeometry(
        width_px=width_px,
        height_px=height_px,
        intrinsics_px=tuple(tuple(float(value) for value in row) for row in intrinsics_px),
        cam_from_world=identity_matrix(),
        head_from_world=identity_matrix(),
        yaw_deg=float(stream.uniform(-30, 30)),
        pitch_deg=0.0,
        roll_deg=0.0,
        landmarks_cam_m=((*(float(value) for value in head),),) * 68,
        landmarks_2d_px=((float(centre_px[0]), float(centre_px[1])),) * 68,
        landmarks_visibility=("visible",) * 68,
    )
    return rgb_srgb, GroundTruth(visible=visible, head=head_layer, labels=labels), geometry


def identity_matrix() -> tuple[tuple[float, float, float, float], ...]:
    """The 4 x 4 identity, as records hold matrices."""
    return tuple((*(float(value) for value in row),) for row in np.eye(4))


def pixel_rays(intrinsics_px: np.ndarray, *, width_px: int, height_px: int) -> np.ndarray:
    """Directions with z = 1 through the centres of all pixels, (h, w, 3)."""
    columns, rows = np.meshgrid(np.arange(width_px) + 0.5, np.arange(height_px) + 0.5)
    pixels = np.stack([columns, rows, np.ones_like(rows)], axis=-1)
    return pixels @ np.linalg.inv(intrinsics_px).T


def ball_layer(rays: np.ndarray, centre_m: np.ndarray, radius_m: float, focal_px: float) -> SurfaceLayer:
    """Where rays first meet a ball: |t r - c| = R, solved for t, which is planar depth because r has z = 1."""
    a = (rays**2).sum(-1)
    b = rays @ centre_m
    discriminant = b**2 - a * (centre_m @ centre_m - radius_m**2)
    hit = discriminant > 0
    depth_m = np.where(hit, (b - np.sqrt(np.where(hit, discriminant, 0))) / a, 0.0)
    normals = np.where(hit[..., None], (rays * depth_m[..., None] - centre_m) / radius_m, 0.0)
    slope_y, slope_x = np.gradient(depth_m)
    slope = np.where(hit, np.hypot(slope_x, slope_y) * focal_px / np.where(hit, depth_m, 1.0), 0.0)
    return SurfaceLayer(
        depth_m=depth_m.astype(np.float32),
        normals_cam=normals.astype(np.float32),
        gradient_magnitude=slope.astype(np.float32),
    )
