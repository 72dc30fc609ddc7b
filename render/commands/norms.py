"""`python -m render norms`: measure procedural people and print docs/head_norms.md anew."""

import argparse


def add_parser(commands) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser("norms", help="measure procedural people beside published norms (docs/head_norms.md)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the page, in Markdown."""
    from render.heads.norms import measured_people_mm, norms_page

    del options
    print(norms_page(measured_people_mm()), end="")
    return 0
