"""Writing a dataset's card into a folder: page, pictures, plots, recipe, certificate and licences."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import yaml
from PIL import Image

from pipeline.console import say
from pipeline.dataset_card.drawn_values import drawn_names, drawn_numbers, split_column
from pipeline.dataset_card.facts import gather_facts
from pipeline.dataset_card.licences import asset_licences
from pipeline.dataset_card.page import card_page
from pipeline.dataset_card.pictures import chosen_frames, contact_sheet, example_picture
from pipeline.dataset_card.plots import distributions_figure
from pipeline.published_dataset import PublishedDataset
from render.dataset_format import DATASET_CERTIFICATE

CARD, CONTACT_SHEET, EXAMPLE, DISTRIBUTIONS = "README.md", "contact_sheet.jpg", "example.jpg", "distributions.png"
RECIPE, CERTIFICATE, LICENCES = "recipe.yaml", "certificate.json", "licences"
JPEG_QUALITY = 90


def write_card(
    dataset: PublishedDataset,
    folder: Path,
    *,
    licence: str,
    files: str = "",
    data_files: Sequence[dict[str, str]] = (),
) -> None:
    """Fill an existing folder with the card of a dataset; `files` and `data_files` tell of an export beside it.

    Raises: DatasetError when something of the dataset cannot be read.
    """
    facts = gather_facts(dataset)
    frames = chosen_frames(dataset, facts.identities)
    Image.fromarray(contact_sheet(frames)).save(folder / CONTACT_SHEET, quality=JPEG_QUALITY)
    Image.fromarray(example_picture(frames[0])).save(folder / EXAMPLE, quality=JPEG_QUALITY)
    numbers = list(drawn_numbers(dataset, facts.recipe, split_column(dataset)))
    figure = distributions_figure(dataset.frames, dataset.manifest.identities, numbers, list(drawn_names(dataset)))
    figure.savefig(folder / DISTRIBUTIONS, format="png")
    (folder / RECIPE).write_text(yaml.safe_dump(facts.recipe.model_dump(mode="json"), sort_keys=False))
    shutil.copyfile(dataset.folder / DATASET_CERTIFICATE, folder / CERTIFICATE)
    licences = asset_licences(facts.assets, own_pictures=facts.own_pictures)
    for asset in licences:
        if asset.text:
            (folder / LICENCES).mkdir(exist_ok=True)
            (folder / LICENCES / f"{asset.asset}.txt").write_text(asset.text, encoding="utf-8")
        if not asset.spdx:
            say("card", f"WARNING: {asset.asset} is {asset.title}; read its licence before you publish what it made")
    page = card_page(
        facts, numbers, licences, licence=licence, shown=len(frames), files=files, data_files=list(data_files)
    )
    (folder / CARD).write_text(page, encoding="utf-8")
