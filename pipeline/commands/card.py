"""`python -m pipeline card`: a page that says what a published dataset holds, with pictures, plots and licences."""

import argparse
from pathlib import Path

from pipeline.commands.export import add_dataset_options


def add_parser(commands) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser("card", help="write a dataset's card: page, contact sheet, plots, licences")
    add_dataset_options(parser)
    parser.add_argument("--out", type=Path, help="a folder that does not exist yet [default: <name>-card]")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the card and print its page."""
    from pipeline.dataset_card.write_card import CARD, write_card
    from pipeline.new_folder import new_folder
    from pipeline.published_dataset import find_dataset

    dataset = find_dataset(options.dataset, options.store)
    out = options.out or Path(f"{dataset.manifest.name}-card")
    with new_folder(out, apart_from=dataset.store) as folder:
        write_card(dataset, folder, licence=options.licence)
    print(out / CARD)
    return 0
