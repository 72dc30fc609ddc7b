"""Command line beside luigi's: `python -m pipeline doctor|plan`."""

import argparse
import sys
from pathlib import Path

from pipeline.doctor import run_doctor
from pipeline.frame_lookup import published_shards
from pipeline.luigi_defaults import PLAIN_ERRORS
from pipeline.planning import BOTH, shards_to_render
from pipeline.run_settings import RunOptions, dataset_plan, resolve
from pipeline.tasks.render_dataset import describe_plan

BAD_INPUT = 2


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 on success, 1 when the doctor finds a gap, 2 on bad input."""
    parser = argparse.ArgumentParser(prog="python -m pipeline", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    doctor = commands.add_parser("doctor", help="say what this machine can do, and what to do about each gap")
    doctor.add_argument("--store", default="store", help="folder that will hold everything that is made")
    doctor.add_argument("--assets", help="folder or mirror that holds the assets (else HEADROOM_ASSETS)")
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON")

    plan = commands.add_parser("plan", help="say what a run would render and what it would use again; renders nothing")
    for name, meaning in (
        ("profile", "how big a run: quick, standard, paper, or a .yaml file"),
        ("recipe", "recipe name or .yaml file"),
        ("frames", "frames in all"),
        ("heads", "head family"),
        ("store", "folder of everything that is made"),
    ):
        plan.add_argument(f"--{name}", default=getattr(RunOptions, name), help=meaning)
    plan.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting; may be repeated")
    options = parser.parse_args(arguments)
    try:
        if options.command == "doctor":
            return run_doctor(store=Path(options.store).resolve(), assets=options.assets, as_json=options.json)
        print_plan(
            RunOptions(
                profile=options.profile,
                recipe=options.recipe,
                frames=options.frames,
                heads=options.heads,
                store=options.store,
                settings=tuple(options.set),
            )
        )
    except PLAIN_ERRORS as error:
        print(f"python -m pipeline {options.command}: {error}", file=sys.stderr)
        return BAD_INPUT
    return 0


def print_plan(options: RunOptions) -> None:
    """Print how many frames of each product a run would render, in how many shards, and how many it would use again."""
    settings, plan = resolve(options), dataset_plan(options)
    published = {product: published_shards(settings.store, product) for product in BOTH}
    shards = shards_to_render(plan.frames, published, shard_size=plan.recipe.structure.shard_size)
    print(f"dataset {plan.dataset_id} in {settings.store}")
    print(", ".join(f"{count} {split}" for split, count in plan.recipe.structure.frames.items()) + " frames")
    print(describe_plan(plan, shards))
    print(f"{len(shards)} shards to render")


if __name__ == "__main__":
    sys.exit(main())
