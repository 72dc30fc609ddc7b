"""A renderer that renders nothing: it draws every frame and publishes true records and manifests, without pictures.

It takes the place of `python -m render` where the pipeline alone is measured. In place of a file a frame, a shard has
one that all of its records name.
"""

import argparse
import json
import sys
from pathlib import Path

from render.certification.certificate import CERTIFICATE_FILE, CERTIFICATE_VERSION, Certificate
from render.dataset_format import FrameGeometry
from render.frame_keys import product_epochs, software_versions
from render.shard_draft import add_record, open_drafts, publish_draft
from render.shard_frames import drawn_plans
from render.shard_plan import Product, ShardPlan, read_plan, shard_folder

FILE = "frames.bin"
# A camera 0.85 m ahead of the head. Landmarks, which are most of a true geometry, are made up too, but there.
_WORLD = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0))
_GEOMETRY = FrameGeometry(
    width_px=256,
    height_px=192,
    intrinsics_px=((260.0, 0.0, 128.0), (0.0, 260.0, 96.0), (0.0, 0.0, 1.0)),
    cam_from_world=(*_WORLD[:2], (0.0, 0.0, 1.0, 0.85), _WORLD[3]),
    head_from_world=_WORLD,
    yaw_deg=12.5,
    pitch_deg=-2.0,
    roll_deg=0.5,
    landmarks_cam_m=((0.0123456, -0.0234567, 0.8765432),) * 68,
    landmarks_2d_px=((131.6612, 89.0421),) * 68,
    landmarks_visibility=("visible",) * 68,
)


def main() -> int:
    """Do what `python -m render certify|shard` would be asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    certify = commands.add_parser("certify")
    certify.add_argument("--quick", action="store_true", required=True)
    certify.add_argument("--set", action="append", required=True)
    certify.add_argument("--out", type=Path, required=True)
    shard = commands.add_parser("shard")
    shard.add_argument("--plan", type=Path, required=True)
    shard.add_argument("--element", type=int, action="append", required=True)
    shard.add_argument("--progress", type=Path, required=True)
    for command in (certify, shard):
        command.add_argument("--device", required=True)
        command.add_argument("--assets")
    options = parser.parse_args()
    if options.command == "certify":
        _certify(options)
        return 0
    plan = read_plan(options.plan)
    for element in options.element:
        publish_element(plan, element)
        line = {"element": element, "done": len(plan.elements[element].frames), "stage": "nothing", "seconds": 0.0}
        with options.progress.open("a") as file:
            file.write(json.dumps({**line, "total": line["done"]}) + "\n")
    return 0


def publish_element(plan: ShardPlan, element: int) -> None:
    """Publish what is missing of an element."""
    shard = plan.elements[element]
    folders: dict[Product, Path] = {
        product: shard_folder(Path(plan.store), shard, product) for product in shard.products
    }
    missing: tuple[Product, ...] = tuple(product for product in shard.products if not folders[product].exists())
    if not missing:
        return
    with open_drafts(folders, missing) as drafts:
        for draft in drafts:
            (draft.temporary / FILE).write_bytes(b"no picture\n")
        for drawn in drawn_plans(plan.recipe, shard.frames, plan.assets):
            for draft in drafts:
                geometry = _GEOMETRY if draft.product == "gt" else None
                add_record(draft, plan, drawn.frame, drawn.parameters, draft.temporary / FILE, geometry=geometry)
        for draft in drafts:
            publish_draft(draft, plan, (), retried=[], seconds={}, device="cpu", processes=1)


def _certify(options: argparse.Namespace) -> None:
    options.out.mkdir()
    certificate = Certificate(
        version=CERTIFICATE_VERSION,
        mode="quick",
        device=options.device,
        families=(json.loads(dict(setting.split("=", 1) for setting in options.set)["heads.family"]),),
        assets={},
        epochs=product_epochs("gt"),
        software=software_versions(),
        engine={},
        passed=True,
        checks=(),
    )
    (options.out / CERTIFICATE_FILE).write_text(certificate.model_dump_json())


if __name__ == "__main__":
    sys.exit(main())
