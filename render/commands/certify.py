"""`python -m render certify`: measure the ground truth and write a certificate."""

import argparse
import sys
from pathlib import Path

from render.commands.machine_options import add_machine_options, add_recipe_options, chosen_recipe, require_new
from render.config import Recipe, load_recipe, parse_override
from render.ranges.people import HEAD_FAMILIES, OWN_FAMILIES

BROKEN = 1
BUILT_IN = [family for family in HEAD_FAMILIES if family not in OWN_FAMILIES]
# Faces turned and tilted every way, five expressions, garments of every kind.
RECIPE = "khan2021"


def add_parser(commands) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser("certify", help="measure the ground truth against closed forms and a ray caster")
    parser.add_argument("--quick", action="store_true", help="few sizes and one frame a head family: half a minute")
    add_recipe_options(parser, default=RECIPE)
    parser.add_argument(
        "--heads", nargs="+", choices=BUILT_IN, help="head families, one after the other (that of the recipe)"
    )
    parser.add_argument("--out", type=Path, required=True, help="a folder that does not exist yet")
    add_machine_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write certificate.json, certificate.md and the pictures; 1 when a bound is broken."""
    from render.asset_library import assets_source, cache_folder
    from render.blender.certification.run import certify
    from render.certification.certificate import CERTIFICATE_FILE, check_line
    from render.certification.page import certificate_page

    require_new(options.out)
    recipes = (chosen_recipe(options),)
    if options.heads:
        recipes = tuple(_with_heads(options, family) for family in dict.fromkeys(options.heads))
    options.out.mkdir(parents=True)
    certificate = certify(
        recipes,
        mode="quick" if options.quick else "full",
        device=options.device,
        assets_source=assets_source(options.assets),
        cache=cache_folder(options.cache),
        folder=options.out,
        tell=(lambda _: None) if options.quick else print,
    )
    (options.out / CERTIFICATE_FILE).write_text(certificate.model_dump_json(indent=1) + "\n", encoding="utf-8")
    (options.out / "certificate.md").write_text(certificate_page(certificate), encoding="utf-8")
    print(certificate.summary)
    for check in certificate.failed:
        print(check_line(check), file=sys.stderr)
    print(options.out / "certificate.md")
    return 0 if certificate.passed else BROKEN


def _with_heads(options: argparse.Namespace, family: str) -> Recipe:
    overrides = dict(parse_override(text) for text in options.set)
    return load_recipe(options.recipe, overrides=overrides | {"heads.family": family})
