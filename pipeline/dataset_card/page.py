"""README.md of a dataset: front matter as dataset hubs read it, then what a person wants to know before use.

Source of the front matter: the dataset card metadata of the Hugging Face Hub.
"""

import yaml

from pipeline.dataset_card.drawn_values import DrawnNumber
from pipeline.dataset_card.facts import DatasetFacts
from pipeline.dataset_card.licences import AssetLicence
from pipeline.templating import fill_template
from render.certification.certificate import Certificate, Check
from render.dataset_format import SPLITS, Label

SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))
MOST_LEFT_OUT = 20
PRODUCTS = {
    "rgb": "picture, 8-bit sRGB",
    "gt": "planar depth, normals and gradient magnitude, of everything visible and of the head alone; label map",
    "sensor": "depth as a depth camera would have measured it, in whole millimetres",
}
LIMITS = {
    "procedural": "The heads are procedural: made by formula within the spread of published norms, not scanned.",
    "ict": "The heads are drawn from the morphable model of ICT-FaceKit: its faces limit whom they can resemble.",
}
OWN_LIMITS = "The heads are drawn from a model of the publisher's own, with limits of its own."


def card_page(
    facts: DatasetFacts,
    numbers: list[DrawnNumber],
    licences: list[AssetLicence],
    *,
    licence: str,
    shown: int,
    files: str,
    data_files: list[dict[str, str]],
) -> str:
    """The whole page. `licence` is the publisher's choice, or empty; `shown` counts the contact sheet's frames; `files`
    tells of the files of an export, and `data_files` where a hub finds its splits."""
    recipe, manifest = facts.recipe, facts.dataset.manifest
    own = [one for one in (recipe.heads.model_file, recipe.backdrops.image_folder) if one]
    headroom = [f"Headroom {version}" for version in sorted(facts.headroom)]
    software = [f"{name} {version}" for name, version in sorted(facts.software.items())]
    epochs = [f"{part} {epoch}" for part, epoch in sorted(facts.epochs.items())]
    return fill_template(
        "card.md",
        front_matter=_front_matter(facts, licence=licence, data_files=data_files),
        recipe=recipe,
        manifest=manifest,
        frames=facts.frames,
        by_split={split: manifest.frames[split] for split in SPLITS if split in manifest.frames},
        people=facts.identities,
        shown=shown,
        sensor="sensor" in facts.dataset.products,
        sizes=", ".join(f"{width} x {height}" for width, height in sorted(facts.sizes_px)),
        on_disk=", ".join(f"{product} {_size(count)}" for product, count in facts.bytes_of.items()),
        software=f"{', '.join(headroom + software)}; epochs of its code: {', '.join(epochs)}",
        devices=", ".join(sorted(facts.devices)) or "not on record",
        licence=licence,
        products=facts.dataset.products,
        product_words=PRODUCTS,
        labels=", ".join(f"{int(label)} {label.name.lower().replace('_', ' ')}" for label in Label),
        files=files,
        numbers=[_number_row(number) for number in numbers],
        certificate=facts.certificate,
        certificate_summary=facts.certificate.summary[0].upper() + facts.certificate.summary[1:],
        worst=_worst_of_each_kind(facts.certificate),
        left_out=[
            (f"{split}/{index}", frame.reason.replace("|", "/") if frame else "no shard of the store says why")
            for (split, index), frame in facts.left_out.items()
        ],
        most_left_out=MOST_LEFT_OUT,
        limits=LIMITS.get(recipe.heads.family, OWN_LIMITS),
        licences=licences,
        own_files=", ".join(f"`{name}`" for name in own),
    )


def _front_matter(facts: DatasetFacts, *, licence: str, data_files: list[dict[str, str]]) -> str:
    matter: dict = {
        "license": licence.lower() or "unknown",
        "pretty_name": facts.recipe.name,
        "size_categories": [next((words for most, words in SIZES if facts.frames < most), "n>10M")],
        "task_categories": ["depth-estimation", "keypoint-detection", "image-segmentation"],
        "tags": ["synthetic", "faces", "depth", "surface-normals", "landmarks", "segmentation", "blender"],
        "annotations_creators": ["machine-generated"],
        "source_datasets": ["original"],
    }
    if data_files:
        matter["configs"] = [{"config_name": "default", "data_files": data_files}]
    return yaml.safe_dump(matter, sort_keys=False, allow_unicode=True)


def _number_row(number: DrawnNumber) -> dict[str, str]:
    values = number.all
    return {
        "name": number.name,
        "asked": f"{number.range[0]:g} to {number.range[1]:g}" if number.range else "follows",
        "low": f"{values.min():.4g}",
        "high": f"{values.max():.4g}",
        "mean": f"{values.mean():.4g}",
        "deviation": f"{values.std():.3g}",
    }


def _worst_of_each_kind(certificate: Certificate) -> list[Check]:
    """Of each quantity of each layer the check that came closest to its bound."""
    kinds = dict.fromkeys((check.layer, check.quantity) for check in certificate.checks)
    return [
        max(
            (one for one in certificate.checks if (one.layer, one.quantity) == kind),
            key=lambda one: (not one.passed, one.worst / one.bound if one.bound else one.worst),
        )
        for kind in kinds
    ]


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
