"""What a run does, made of a profile and of typed options; and what its keys depend on."""

import dataclasses
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.identity import key_of
from pipeline.profiles import load_profile, profile_names
from pipeline.run_settings import RunKeys, RunOptions, command_line, dataset_plan, resolve, run_keys
from pipeline.tasks.train_network import fit_arguments
from render.config import RecipeError
from train.catalogue import experiments
from train.errors import InputError

SMALL = "structure.frames={train: 2, test: 2}"
TWO = "structure.frames_per_identity=2"


def keys(options: RunOptions) -> dict[str, str]:
    """Keys of all stages, by stage; of trainings and evaluations those of the profile's last experiment."""
    run: RunKeys = run_keys(options)
    *_, training = run.trainings.values()
    *_, evaluation = run.evaluations.values()
    return {
        "dataset": run.dataset_id,
        "pack": key_of(run.pack),
        "training": key_of(training),
        "evaluation": key_of(evaluation),
        "report": key_of(run.report),
    }


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_can_be_resolved(name: str):
    """A profile that comes with Headroom names a recipe, experiments and settings that exist."""
    settings = resolve(RunOptions(profile=name))
    assert [planned.experiment.key for planned in settings.trainings.values()] == [
        entry.key for entry in load_profile(name).experiments for _ in range(entry.repeats)
    ]
    assert (settings.pack_width_px, settings.pack_height_px) == {
        "quick": (128, 96),
        "standard": (320, 240),
        "paper": (640, 480),
        "bouafif2020_small": (128, 128),
        "khan2021_small": (128, 96),
        "khan2021_small_fixed_sensor": (128, 96),
    }[name]


def test_options_win_over_the_profile_and_reach_what_they_name(tmp_path: Path):
    """Each kind of setting arrives: of the recipe, of every experiment, of the pack; and heads, seed, device, store
    and assets."""
    settings = resolve(
        RunOptions(
            heads="ict",
            seed="7",
            device="gpu",
            frames="24",
            store=str(tmp_path / "elsewhere"),
            assets="/mirror",
            settings=("rgb.samples=3", "experiment.network.width=4", "pack.width_px=48"),
        )
    )
    assert (settings.recipe.heads.family, settings.recipe.rgb.samples) == ("ict", 3)
    assert sum(settings.recipe.structure.frames.values()) == 24
    assert len(settings.trainings) > 1
    for entry in load_profile("quick").experiments:
        experiment = settings.trainings[entry.key].experiment
        assert (experiment.network.width, entry.settings["network.width"]) == (4, 16)
        assert experiment.schedule.epochs == entry.settings["schedule.epochs"]
    assert (settings.store, settings.assets_source) == (tmp_path / "elsewhere", "/mirror")
    assert (settings.seed, settings.device) == (7, "gpu")
    assert (settings.pack_width_px, settings.pack_height_px) == (48, 96)


def test_a_repeated_experiment_is_trained_with_seeds_that_follow_the_run_s(tmp_path: Path):
    """Each repeat has a name, a seed and a key of its own; of two runs that share a seed, that training is one."""
    profile = tmp_path / "seeds.yaml"
    profile.write_text(
        "recipe: quick\npack: {width_px: 64, height_px: 48}\ndevice: cpu\nseed: 4\nsettings: {network.width: 8}\n"
        "experiments:\n"
        "  - {key: khan2021_unet_simple, repeats: 2, settings: {network.width: 4}}\n"
        "  - {key: khan2021_unet_simple_l1}\n"
        "  - {key: khan2021_unet_simple_l1, name: wide, settings: {network.width: 16}}\n"
    )
    options = RunOptions(profile=str(profile), settings=(SMALL, TWO))
    found = {name: planned.seed for name, planned in resolve(options).trainings.items()}
    assert found == {
        "khan2021_unet_simple.seed4": 4,
        "khan2021_unet_simple.seed5": 5,
        "khan2021_unet_simple_l1": 4,
        "wide": 4,
    }
    assert len({key_of(inputs) for inputs in run_keys(options).trainings.values()}) == 4
    widths = [planned.experiment.network.width for planned in resolve(options).trainings.values()]
    assert widths == [4, 4, 8, 16]  # settings of all experiments, and after them an experiment's own
    typed = {
        name: " ".join(fit_arguments(resolve(options), run_keys(options), name)) for name in resolve(options).trainings
    }
    assert "--experiment khan2021_unet_simple --seed 5 " in typed["khan2021_unet_simple.seed5"]
    assert "--experiment khan2021_unet_simple_l1 --seed 4 " in typed["wide"]
    assert typed["wide"].endswith("--set network.width=16")
    later = dataclasses.replace(options, seed="5")
    assert list(resolve(later).trainings)[:2] == ["khan2021_unet_simple.seed5", "khan2021_unet_simple.seed6"]
    shared = "khan2021_unet_simple.seed5"
    assert run_keys(later).trainings[shared] == run_keys(options).trainings[shared]


def test_the_number_type_of_a_profile_reaches_the_trainings_and_their_keys(tmp_path: Path):
    """Networks are trained as `amp` says, which is another training; off where nothing is said; others are refused."""
    text = "recipe: quick\npack: {width_px: 64, height_px: 48}\ndevice: cpu\nseed: 4\n"
    text += "experiments: [{key: khan2021_unet_simple}]\n"
    found = {}
    for amp, line in (("off", ""), ("bf16", "amp: bf16\n")):
        profile = tmp_path / f"{amp}.yaml"
        profile.write_text(text + line)
        options = RunOptions(profile=str(profile), settings=(SMALL, TWO))
        keys = run_keys(options)
        (arguments,) = (fit_arguments(resolve(options), keys, name) for name in keys.trainings)
        assert f"--amp {amp} " in " ".join(arguments)
        found[amp] = keys
    assert found["off"].pack == found["bf16"].pack
    assert found["off"].trainings != found["bf16"].trainings
    profile.write_text(text + "amp: half\n")
    with pytest.raises(PipelineError, match=r"amp: .*'bf16'.*came: 'half'"):
        resolve(RunOptions(profile=str(profile), store=str(tmp_path)))


def test_a_floor_needs_validation_frames():
    """The floor chooses its settings on validation frames; without them a run has none, and it is part of a report."""
    with_validation = "structure.frames={train: 2, validation: 2, test: 2}"
    assert run_keys(RunOptions(settings=(SMALL, TWO))).floor is None
    keys = run_keys(RunOptions(settings=(with_validation, TWO)))
    assert keys.floor is not None and keys.report["floor"] == key_of(keys.floor)


@pytest.mark.parametrize(
    ("change", "stages"),
    [
        ({}, set()),
        ({"store": "elsewhere", "device": "gpu", "assets": "/mirror"}, set()),
        ({"settings": (SMALL, TWO, "structure.shard_size=1")}, set()),
        ({"settings": (SMALL, TWO, "name=renamed")}, {"report"}),
        ({"seed": "1"}, {"training", "evaluation", "report"}),
        ({"settings": (SMALL, TWO, "experiment.loss.l1=0.5")}, {"training", "evaluation", "report"}),
        ({"settings": (SMALL, TWO, "pack.height_px=48")}, {"pack", "training", "evaluation", "report"}),
        ({"settings": (SMALL, TWO, "rgb.samples=3")}, {"dataset", "pack", "training", "evaluation", "report"}),
    ],
)
def test_a_change_makes_new_keys_downstream_and_nowhere_else(change: dict, stages: set[str]):
    """Keys hash what goes in: not the store, the device or the assets' place, and nothing upstream of a change."""
    before = keys(RunOptions(settings=(SMALL, TWO)))
    after = keys(RunOptions(**{"settings": (SMALL, TWO), **change}))
    assert {stage for stage in before if before[stage] != after[stage]} == stages


def test_corrected_words_evaluate_anew_and_train_nothing(monkeypatch: pytest.MonkeyPatch):
    """What an experiment reports and assumes stands in its evaluation, and no training depends on it."""
    options = RunOptions(settings=(SMALL, TWO))
    before = keys(options)
    listed = experiments()
    corrected = {key: dataclasses.replace(one, assumed=("a corrected sentence",)) for key, one in listed.items()}
    monkeypatch.setattr("train.catalogue.experiments", lambda: corrected)
    resolve.cache_clear()
    run_keys.cache_clear()
    try:
        after = keys(options)
    finally:
        resolve.cache_clear()
        run_keys.cache_clear()
    assert {stage for stage in before if before[stage] != after[stage]} == {"evaluation", "report"}


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"profile": "huge"}, PipelineError, r"no profile 'huge'.*paper, quick, standard"),
        ({"recipe": "nope"}, RecipeError, r"no recipe 'nope'.*khan2021"),
        ({"heads": "smpl"}, PipelineError, r"--heads 'smpl'.*known are .*ict, .*procedural"),
        ({"heads": "flame"}, RecipeError, r"'flame' is read from a file of yours: set heads\.model_file"),
        ({"frames": "many"}, PipelineError, r"--frames must be a whole number, 1 or more, but 'many' came"),
        ({"seed": "-1"}, PipelineError, r"--seed must be a whole number, 0 or more, but '-1' came"),
        ({"device": "tpu"}, PipelineError, r"--device must be one of auto, cpu, gpu, but 'tpu' came"),
        ({"settings": ("rgb.samples",)}, RecipeError, r"expected --set key=value .* but 'rgb.samples' came"),
        ({"settings": ("rgb.samples=0",)}, RecipeError, r"rgb.samples: .*greater than or equal to 1 \(came: 0\)"),
        ({"settings": ("experiment.network.depth=3",)}, InputError, r"no setting 'network.depth'.*network.width"),
        ({"settings": ("pack.depth_px=3",)}, PipelineError, r"no setting 'depth_px'; it has width_px, height_px"),
        ({"settings": ("pack.width_px=3",)}, PipelineError, r"pack.width_px must be a whole number, 16 or more"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused_in_plain_words(options: dict, error: type, words: str):
    """The message says what came and what is allowed."""
    with pytest.raises(error, match=words):
        resolve(RunOptions(**options))


def test_the_noted_command_makes_the_same_run():
    """The report's command holds every option that results depend on."""
    options = RunOptions(profile="quick", heads="procedural", frames="24", settings=("rgb.samples=3", "seed=5"))
    assert command_line(options) == (
        "luigi --module pipeline FullRun --profile quick --frames 24 --heads procedural "
        "--set rgb.samples=3 --set seed=5"
    )


def test_a_plan_is_drawn_once_for_equal_options():
    """Stages ask for the plan again and again; equal options share one."""
    assert dataset_plan(RunOptions(settings=(SMALL, TWO))) is dataset_plan(RunOptions(settings=(SMALL, TWO)))
