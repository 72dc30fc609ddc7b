"""Keys of everything made beside frames: hashes of what goes in, never of names, paths or hosts."""

from render.certification.certificate import CERTIFICATE_VERSION
from render.dataset_format import canonical_sha256
from render.frame_keys import product_epochs, software_versions
from train.reading_notes import reading_notes
from train.spec import WORDS, Experiment, experiment_as_json, settings_tree

# Bump an epoch by hand when the code that it names makes something else of the same input.
EPOCHS: dict[str, int] = {"pack": 3, "floor": 1, "training": 2, "evaluation": 2, "report": 4}


def certificate_inputs(settings: dict, assets: dict[str, str], *, device: str) -> dict:
    """What the quick certificate of the heads that these settings of a recipe name depends on."""
    return {
        "version": CERTIFICATE_VERSION,
        "mode": "quick",
        "settings": {name: value for name, value in settings.items() if name != "heads.model_file"},
        "assets": assets,
        "epochs": product_epochs("gt"),
        "software": software_versions(),
        "device": device,
    }


def pack_inputs(dataset_id: str, *, width_px: int, height_px: int) -> dict:
    """What a pack depends on."""
    return {"dataset": dataset_id, "width_px": width_px, "height_px": height_px, "epoch": EPOCHS["pack"]}


def floor_inputs(dataset_id: str, *, split: str) -> dict:
    """What the floor of distance depends on."""
    return {"dataset": dataset_id, "split": split, "epoch": EPOCHS["floor"]}


def training_inputs(pack_key: str, experiment: Experiment, *, seed: int, amp: str) -> dict:
    """What a training depends on: the experiment's settings, not what it reports or assumes, and its number type.

    Its key counts as content: a training says which row of a paper it stands for.
    """
    return {
        "pack": pack_key,
        "experiment": settings_tree(experiment_as_json(experiment)),
        "seed": seed,
        "amp": amp,
        "epoch": EPOCHS["training"],
    }


def evaluation_inputs(training_key: str, pack_key: str, experiment: Experiment, *, split: str) -> dict:
    """What an evaluation depends on: the training, and the words about its experiment that stand beside the scores."""
    words = {name: value for name, value in experiment_as_json(experiment).items() if name in ("key", *WORDS)}
    return {
        "training": training_key,
        "pack": pack_key,
        "words": {**words, "notes": list(reading_notes(experiment))},
        "split": split,
        "epoch": EPOCHS["evaluation"],
    }


def report_inputs(
    evaluation_keys: list[str], dataset_id: str, *, recipe_name: str, floor_key: str | None = None
) -> dict:
    """What a report depends on: its evaluations in order, and what it prints about their data."""
    return {
        "evaluations": evaluation_keys,
        "floor": floor_key,
        "dataset": dataset_id,
        "recipe_name": recipe_name,
        "epoch": EPOCHS["report"],
    }


def key_of(inputs: dict) -> str:
    """The key of something that depends on exactly these inputs: 24 hexadecimal digits."""
    return canonical_sha256(inputs)[:24]
