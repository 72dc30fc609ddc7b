"""Fixtures of the tests of train: a small dataset of balls, its pack, and an experiment small enough for a test."""

import dataclasses
from pathlib import Path

import pytest
from ball_dataset import write_ball_dataset
from report_store import ReportStore, write_report_store

from train.catalogue import experiments, find_experiment
from train.data.pack import pack_dataset
from train.network_spec import StridedUNetSpec, UNetSimpleSpec
from train.normals_spec import AdversarySpec, NormalsExperiment
from train.papers import bouafif2020
from train.spec import Experiment
from train.training_spec import Schedule

SOURCE_WIDTH_PX, SOURCE_HEIGHT_PX = 96, 60
PACK_WIDTH_PX, PACK_HEIGHT_PX = 32, 20


@pytest.fixture(scope="session")
def ball_dataset_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of 6 train, 2 validation and 3 test frames at 96 x 60 pixels. Do not change it: tests share it."""
    store = tmp_path_factory.mktemp("ball_store")
    return write_ball_dataset(
        store,
        frames={"train": 6, "validation": 2, "test": 3},
        width_px=SOURCE_WIDTH_PX,
        height_px=SOURCE_HEIGHT_PX,
    )


@pytest.fixture(scope="session")
def ball_pack_folder(ball_dataset_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ball dataset packed at 32 x 20 pixels. Do not change it: tests share it."""
    folder = tmp_path_factory.mktemp("ball_packs") / "balls"
    pack_dataset(ball_dataset_folder, folder, width_px=PACK_WIDTH_PX, height_px=PACK_HEIGHT_PX)
    return folder


@pytest.fixture(scope="session")
def tiny_experiment() -> Experiment:
    """khan2021 with the L1 term, at width 2, two epochs of batches of 4 (so that the second batch is smaller)."""
    return dataclasses.replace(
        experiments()["khan2021_unet_simple_l1"],
        network=UNetSimpleSpec(width=2),
        schedule=Schedule(epochs=2, global_batch=4),
    )


@pytest.fixture(scope="session")
def tiny_normals() -> NormalsExperiment:
    """bouafif2020 with its critic, both narrow, for pictures of 32 x 20; two epochs of batches of 4 and 2, in which the
    network learns from every second batch, at a rate that falls."""
    return dataclasses.replace(
        bouafif2020.WGAN_L2,
        network=StridedUNetSpec(width=2, levels=4),
        adversary=AdversarySpec(critic_width=2, critic_steps=2),
        schedule=Schedule(epochs=2, global_batch=4, decay="cosine"),
    )


@pytest.fixture(scope="session")
def store(tiny_experiment: Experiment, tmp_path_factory: pytest.TempPathFactory) -> ReportStore:
    """A store with all stages done. Do not change it: tests share it."""
    plain = dataclasses.replace(
        find_experiment("khan2021_unet_simple"), network=tiny_experiment.network, schedule=tiny_experiment.schedule
    )
    return write_report_store(
        tmp_path_factory.mktemp("report_store"),
        (plain, tiny_experiment),
        frames={"train": 8, "validation": 2, "test": 7},
        source_px=(96, 60),
        pack_px=(32, 20),
    )
