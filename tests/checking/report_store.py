"""Everything that a report is made of, small and without a renderer: balls, a pack, a training and an evaluation."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
from ball_dataset import write_ball_dataset

from render.dataset_format import DATASET_INDEX, DATASET_MANIFEST, DatasetManifest, file_sha256
from train.adversary import adversary_of
from train.data.pack import pack_dataset
from train.evaluate import evaluate
from train.fit import fit
from train.fit_adversarial import fit_adversarial
from train.spec import Experiment


@dataclass(frozen=True)
class ReportStore:
    """Folders of the stages, and the inputs that name them all; one training and evaluation for each experiment."""

    dataset: Path
    pack: Path
    trainings: tuple[Path, ...]
    evaluations: tuple[Path, ...]
    inputs: Path


def write_report_store(
    store: Path,
    experiments: Sequence[Experiment],
    *,
    frames: dict[str, int],
    source_px: tuple[int, int],
    pack_px: tuple[int, int],
) -> ReportStore:
    """Run the real stages on a dataset of balls whose index says what a renderer's would."""
    dataset = write_ball_dataset(store, frames=frames, width_px=source_px[0], height_px=source_px[1])
    add_drawn_columns(dataset)
    pack = store / "pack"
    pack_dataset(dataset, pack, width_px=pack_px[0], height_px=pack_px[1])
    trainings = tuple(store / f"training_{experiment.key}" for experiment in experiments)
    evaluations = tuple(store / f"evaluation_{experiment.key}" for experiment in experiments)
    for experiment, training, evaluation in zip(experiments, trainings, evaluations, strict=True):
        train = fit if adversary_of(experiment) is None else fit_adversarial
        train(experiment, pack, training, device="cpu")
        evaluate(training, pack, "test", evaluation, device="cpu")
    run = store / "run.json"
    run.write_text(json.dumps({"frames": 10, "seconds": {"person": 1.5, "rgb": 31.25, "gt": 4.5}, "device": "cpu"}))
    inputs = store / "inputs.json"
    inputs.write_text(
        json.dumps(
            {
                "title": "Balls & <faces>",
                "store": str(store),
                "dataset": "datasets/balls",
                "profile": "quick",
                "command": "luigi --module pipeline FullRun --profile quick",
                "trainings": [folder.name for folder in trainings],
                "evaluations": [folder.name for folder in evaluations],
                "pack": "pack",
                "timings": {"assets": 0.25, "render": 72.5, "pack": 1.125, "fit": 33.0625, "evaluate": 2.75},
                "versions": {"bpy": "4.5.15", "torch": "2.15.0"},
                "seed": 20210,
                "render_runs": ["run.json"],
                "assets": [
                    {"id": "heads", "licence": "MIT", "source": "https://example.org/heads", "sha256": "ab" * 32}
                ],
            }
        )
    )
    return ReportStore(dataset, pack, trainings, evaluations, inputs)


def add_drawn_columns(dataset: Path) -> None:
    """Give each row of the index what a recipe draws, and vouch for the new index in the manifest."""
    rows = pyarrow.parquet.read_table(dataset / DATASET_INDEX).to_pylist()
    for number, row in enumerate(rows):
        stream = np.random.default_rng(number)
        person = np.random.default_rng(1000 + row["identity_index"])
        row |= {
            "drawn.camera.sensor_width_mm": stream.uniform(36, 60),
            "drawn.camera.focal_length_mm": 50.0,
            "drawn.head_pose.yaw_deg": stream.uniform(-40, 40),
            "drawn.expression.name": ["happy", "neutral", "angry", "scared", "sad"][stream.integers(5)],
            "drawn.skin.melanin": person.uniform(0.013, 0.43),
            "drawn.skin.texture_seed": int(person.integers(1 << 30)),
            "drawn.identity.coefficients": person.standard_normal(8).tolist(),
            "drawn.lighting.environment": ["city", "forest", "night"][stream.integers(3)],
            "drawn.lighting.lamps.0.power_w": stream.uniform(5, 40),
            "drawn.backdrop.kind": ["plain", "texture"][stream.integers(2)],
        }
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), dataset / DATASET_INDEX)
    manifest = DatasetManifest.model_validate_json((dataset / DATASET_MANIFEST).read_bytes())
    changed = manifest.model_copy(update={"index_sha256": file_sha256(dataset / DATASET_INDEX)})
    (dataset / DATASET_MANIFEST).write_text(changed.model_dump_json())


def changed_inputs(store: ReportStore, folder: Path, **changes: object) -> Path:
    """The store's inputs with some fields changed and its paths made absolute."""
    tree = json.loads(store.inputs.read_text())
    root = store.inputs.parent
    tree |= {"dataset": str(store.dataset), "pack": str(store.pack), "render_runs": [str(root / "run.json")]}
    tree |= {"trainings": [str(folder) for folder in store.trainings]}
    tree |= {"evaluations": [str(folder) for folder in store.evaluations]}
    tree |= changes
    path = folder / "inputs.json"
    path.write_text(json.dumps(tree))
    return path
