"""A stand-in for `python -m render shard|certify`: tiny valid shards in milliseconds, and a diary of it.

Its own options come first: `python fake_renderer.py --diary D [--pause-s S] [--fail-element K] shard --plan P …`.
"""

import argparse
import json
import os
import shutil
import socket
import sys
import time
from pathlib import Path

import numpy as np

from render.certification.certificate import CERTIFICATE_FILE, CERTIFICATE_VERSION, Certificate
from render.dataset_format import (
    FORMAT_VERSION,
    FrameGeometry,
    FrameRecord,
    GroundTruth,
    QuarantinedFrame,
    ShardManifest,
    SurfaceLayer,
    canonical_json,
    file_sha256,
    publish,
    write_ground_truth,
    write_rgb,
)
from render.frame_keys import identity_id, product_assets, product_epochs, software_versions
from render.parameters import factor_values
from render.sampling.frame import draw_frame
from render.sensors.millimetre_png import write_millimetres
from render.shard_plan import PlannedFrame, PlannedShard, Product, ShardPlan, read_plan, shard_folder

WIDTH_PX, HEIGHT_PX = 8, 6


def main() -> int:
    """Render the elements asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--diary", type=Path, required=True)
    parser.add_argument("--pause-s", type=float, default=0.0, help="time a frame takes")
    parser.add_argument("--fail-element", type=int, action="append", default=[])
    parser.add_argument("--fail-once", type=Path, help="fail, once, until this file exists")
    parser.add_argument("--hang-once", type=Path, help="hang, once, until this file exists")
    parser.add_argument("--linger-s", type=float, default=0.0, help="time that it takes to end when all is done")
    parser.add_argument("--torn-progress", action="store_true", help="begin the progress file with half a line")
    parser.add_argument("--bad-frame", action="append", default=[], help="split/index that is quarantined")
    parser.add_argument("--fail-certificate", action="store_true")
    commands = parser.add_subparsers(dest="command", required=True)
    certify = commands.add_parser("certify")
    certify.add_argument("--quick", action="store_true", required=True)
    certify.add_argument("--set", action="append", required=True)
    certify.add_argument("--out", type=Path, required=True)
    certify.add_argument("--device", choices=("cpu", "gpu"), required=True)
    certify.add_argument("--assets")
    shard = commands.add_parser("shard")
    shard.add_argument("--plan", type=Path, required=True)
    shard.add_argument("--element", type=int, action="append", required=True)
    shard.add_argument("--progress", type=Path)
    shard.add_argument("--device", choices=("cpu", "gpu"))
    shard.add_argument("--assets")
    options = parser.parse_args()
    if options.command == "certify":
        return certify_heads(options)
    plan = read_plan(options.plan)
    seat = f"seat {sorted(os.sched_getaffinity(0))} {os.environ.get('CUDA_VISIBLE_DEVICES')}"
    _note(options, f"start {os.getpid()}", seat)
    if options.torn_progress:
        options.progress.write_text('{"element": 0, "do\n{"element": "x"}\n[]\n')
    for element in options.element:
        if element in options.fail_element:
            print(f"the lamp broke at element {element}", file=sys.stderr)
            return 1
        if options.fail_once and not options.fail_once.exists():
            options.fail_once.touch()
            return 1
        if options.hang_once and not options.hang_once.exists():
            options.hang_once.touch()
            time.sleep(999)
        render(plan, element, options)
    time.sleep(options.linger_s)
    return 0


def certify_heads(options: argparse.Namespace) -> int:
    """Write a certificate without checks; it fails when asked to."""
    family = dict(setting.split("=") for setting in options.set)["heads.family"].strip('"')
    _note(options, f"certify {family}")
    options.out.mkdir()
    certificate = Certificate(
        version=CERTIFICATE_VERSION,
        mode="quick",
        device=options.device,
        families=(family,),
        assets={},
        epochs=product_epochs("gt"),
        software=software_versions(),
        engine={},
        passed=not options.fail_certificate,
        checks=(),
    )
    (options.out / CERTIFICATE_FILE).write_text(certificate.model_dump_json())
    if options.fail_certificate:
        print("FAILED the plane is not plane", file=sys.stderr)
    return int(options.fail_certificate)


def render(plan: ShardPlan, element: int, options: argparse.Namespace) -> None:
    """Publish what is missing of one element."""
    shard = plan.elements[element]
    missing = [product for product in shard.products if not shard_folder(Path(plan.store), shard, product).exists()]
    drafts = {}
    for product in missing:
        final = shard_folder(Path(plan.store), shard, product)
        drafts[product] = final.parent / f".tmp-{final.name}-{socket.gethostname()}-{os.getpid()}"
        drafts[product].mkdir(parents=True)
    records: dict[str, list[FrameRecord]] = {product: [] for product in missing}
    bad = [frame for frame in shard.frames if f"{frame.split}/{frame.index}" in options.bad_frame]
    for done, frame in enumerate(shard.frames, start=1):
        time.sleep(options.pause_s)
        for product in missing if frame not in bad else ():
            _note(options, f"render {product} {frame.keys[product]}")
            records[product].append(_write(plan, shard, product, done - 1, drafts[product]))
        with options.progress.open("a") as file:
            line = {"element": element, "done": done, "total": len(shard.frames), "stage": "rendering", "seconds": 0.1}
            file.write(json.dumps(line) + "\n")
    for product in missing:
        _publish(plan, shard, product, records[product], bad, drafts[product])
        _note(options, *(f"publish {product} {frame.keys[product]}" for frame in shard.frames))


def _write(plan: ShardPlan, shard: PlannedShard, product: Product, position: int, folder: Path) -> FrameRecord:
    frame = shard.frames[position]
    parameters = draw_frame(plan.recipe, frame.split, frame.index)
    path = folder / f"{position:06d}.{'exr' if product == 'gt' else 'png'}"
    if product == "gt":
        write_ground_truth(path, _truth(frame.index))
    elif product == "sensor":
        write_millimetres(path, np.full((HEIGHT_PX, WIDTH_PX), 700 + frame.index, np.uint16))
    else:
        write_rgb(path, np.full((HEIGHT_PX, WIDTH_PX, 3), 10 + frame.index % 200, np.uint8))
    return FrameRecord(
        key=frame.keys[product],
        product=product,
        identity_id=identity_id(parameters, plan.assets),
        drawn=factor_values(parameters, product),
        assets=product_assets(parameters, product, plan.assets),
        epochs=product_epochs(product),
        software=software_versions(),
        file=path.name,
        file_sha256=file_sha256(path),
        geometry=_geometry(parameters.head_pose.yaw_deg) if product == "gt" else None,
    )


def _truth(index: int) -> GroundTruth:
    depth_m = np.full((HEIGHT_PX, WIDTH_PX), 0.7 + 0.001 * index, np.float32)
    normals_cam = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.float32)
    normals_cam[..., 2] = -1
    layer = SurfaceLayer(depth_m=depth_m, normals_cam=normals_cam, gradient_magnitude=np.zeros_like(depth_m))
    return GroundTruth(visible=layer, head=layer, labels=np.ones((HEIGHT_PX, WIDTH_PX), np.uint8))


def _geometry(yaw_deg: float) -> FrameGeometry:
    world = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0))
    return FrameGeometry(
        width_px=WIDTH_PX,
        height_px=HEIGHT_PX,
        intrinsics_px=((9.0, 0.0, 4.0), (0.0, 9.0, 3.0), (0.0, 0.0, 1.0)),
        cam_from_world=(*world[:2], (0.0, 0.0, 1.0, 0.85), world[3]),
        head_from_world=world,
        yaw_deg=yaw_deg,
        pitch_deg=-2.0,
        roll_deg=0.5,
        landmarks_cam_m=((0.0, 0.0, 0.85),) * 68,
        landmarks_2d_px=((4.0, 3.0),) * 68,
        landmarks_visibility=("visible",) * 68,
    )


def _publish(
    plan: ShardPlan,
    shard: PlannedShard,
    product: Product,
    records: list[FrameRecord],
    bad: list[PlannedFrame],
    folder: Path,
) -> None:
    table = folder / "records.jsonl"
    table.write_text("".join(canonical_json(record.model_dump(mode="json")) + "\n" for record in records))
    manifest = ShardManifest(
        format_version=FORMAT_VERSION,
        product=product,
        frame_keys=tuple(record.key for record in records),
        records_sha256=file_sha256(table),
        quarantined=tuple(
            QuarantinedFrame(
                key=frame.keys[product],
                split=frame.split,
                index=frame.index,
                failed="gt",
                reason="the lamp fell over",
                command="python -m render frame",
            )
            for frame in bad
        ),
    )
    if bad:
        (folder / "recipe.yaml").write_text("name: what the real one writes\n")
    (folder / "shard.json").write_text(canonical_json(manifest.model_dump(mode="json")))
    facts = {"frames": len(records), "seconds": {"rendering": 0.1 * len(records)}, "device": "cpu"}
    (folder / "run.json").write_text(json.dumps(facts))
    if not publish(folder, shard_folder(Path(plan.store), shard, product)):
        shutil.rmtree(folder)


def _note(options: argparse.Namespace, *lines: str) -> None:
    with options.diary.open("a") as file:
        file.write("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    sys.exit(main())
