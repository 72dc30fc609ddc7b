"""RunSettings: what a run really does, made of a profile and of the options that were typed."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pipeline.devices import chosen_device
from pipeline.errors import PipelineError
from pipeline.frame_counts import with_total_frames
from pipeline.identity import (
    certificate_inputs,
    evaluation_inputs,
    floor_inputs,
    key_of,
    pack_inputs,
    report_inputs,
    training_inputs,
)
from pipeline.planning import DatasetPlan, plan_dataset
from pipeline.profiles import DEVICES, Amp, Device, Profile, load_profile
from pipeline.store import Kind
from render.config import Recipe, load_recipe, parse_override
from render.frame_keys import asset_hashes
from render.heads.families import FAMILIES
from render.ranges.people import OWN_FAMILIES
from render.recipe_head import GAZE_RANGES
from train.catalogue import find_experiment
from train.spec import Experiment, with_settings

EXPERIMENT_PREFIX = "experiment."
PACK_PREFIX = "pack."
EVALUATED_SPLIT = "test"


@dataclass(frozen=True)
class RunOptions:
    """Options as typed: text, and empty where nothing was said."""

    profile: str = "quick"
    recipe: str = ""
    frames: str = ""
    heads: str = ""
    store: str = "store"
    settings: tuple[str, ...] = ()
    seed: str = ""
    device: str = ""
    assets: str = ""


@dataclass(frozen=True)
class PlannedExperiment:
    """One training of a run. `settings` is what was changed, as `--set` of `python -m train fit` takes it."""

    experiment: Experiment
    settings: dict[str, str]
    seed: int


@dataclass(frozen=True)
class RunSettings:
    """Everything that decides a run, checked. `seed` is of the trainings; the recipe has its own."""

    recipe: Recipe
    trainings: dict[str, PlannedExperiment]
    """By the profile's name or the experiment's key, with the seed behind it where the experiment is repeated."""
    pack_width_px: int
    pack_height_px: int
    seed: int
    device: Device
    amp: Amp
    store: Path
    assets_source: str | None


@dataclass(frozen=True)
class RunKeys:
    """Inputs of everything that a run publishes; a key is the hash of its inputs.

    `floor` is None for a dataset without validation frames, on which the floor chooses its settings.
    """

    certificate: dict
    dataset_id: str
    pack: dict
    floor: dict | None
    trainings: dict[str, dict]
    evaluations: dict[str, dict]
    report: dict


@lru_cache(maxsize=64)
def resolve(options: RunOptions) -> RunSettings:
    """Read profile, recipe and experiments, and apply the options.

    A setting `experiment.part.field=value` changes every experiment of the profile, `pack.width_px=value` the pack;
    any other key is one of the recipe.
    Raises: PipelineError, RecipeError, InputError that name what came and what is allowed.
    """
    profile = load_profile(options.profile)
    recipe_settings, experiment_settings, pack = _sort_settings(options, profile)
    if options.heads:
        if options.heads not in FAMILIES:
            raise PipelineError(f"--heads {options.heads!r} is no head family; known are {', '.join(sorted(FAMILIES))}")
        recipe_settings["heads.family"] = options.heads
    recipe = load_recipe(options.recipe or profile.recipe, overrides=recipe_settings)
    if options.frames:
        recipe = with_total_frames(recipe, _whole_number("--frames", options.frames, least=1))
    first_seed = _whole_number("--seed", options.seed, least=0) if options.seed else profile.seed
    trainings = {}
    for entry in profile.experiments:
        written = profile.settings | entry.settings
        changes = {name: str(value) for name, value in written.items()} | experiment_settings
        experiment = with_settings(find_experiment(entry.key), changes)
        for seed in range(first_seed, first_seed + entry.repeats):
            name = (entry.name or entry.key) + (f".seed{seed}" if entry.repeats > 1 else "")
            trainings[name] = PlannedExperiment(experiment, changes, seed)
    device = options.device or profile.device
    if device not in DEVICES:
        raise PipelineError(f"--device must be one of {', '.join(DEVICES)}, but {device!r} came")
    return RunSettings(
        recipe=recipe,
        trainings=trainings,
        pack_width_px=pack["width_px"],
        pack_height_px=pack["height_px"],
        seed=first_seed,
        device=device,  # pyright: ignore[reportArgumentType]
        amp=profile.amp,
        store=Path(options.store).resolve(),
        assets_source=options.assets or None,
    )


@lru_cache(maxsize=8)
def dataset_plan(options: RunOptions) -> DatasetPlan:
    """The frames of the run's dataset. Raises: as `resolve`, and DatasetError when two splits share a person."""
    from render.asset_library import assets_source

    settings = resolve(options)
    assets = asset_hashes(settings.recipe, source=assets_source(settings.assets_source))
    return plan_dataset(settings.recipe, assets, store=settings.store)


@lru_cache(maxsize=8)
def run_keys(options: RunOptions) -> RunKeys:
    """What everything that the run publishes depends on."""
    settings, plan = resolve(options), dataset_plan(options)
    dataset_id, asset = plan.dataset_id, FAMILIES[settings.recipe.heads.family].asset_id
    certificate = certificate_inputs(
        certified_settings(settings.recipe),
        {name: sha256 for name, sha256 in plan.assets.items() if name == asset},
        device=chosen_device(settings.device),
    )
    pack = pack_inputs(dataset_id, width_px=settings.pack_width_px, height_px=settings.pack_height_px)
    has_floor = settings.recipe.structure.frames.get("validation", 0) > 0
    floor = floor_inputs(dataset_id, split=EVALUATED_SPLIT) if has_floor else None
    trainings = {
        name: training_inputs(key_of(pack), planned.experiment, seed=planned.seed, amp=settings.amp)
        for name, planned in settings.trainings.items()
    }
    evaluations = {
        name: evaluation_inputs(
            key_of(inputs), key_of(pack), settings.trainings[name].experiment, split=EVALUATED_SPLIT
        )
        for name, inputs in trainings.items()
    }
    report = report_inputs(
        [key_of(inputs) for inputs in evaluations.values()],
        dataset_id,
        recipe_name=settings.recipe.name,
        floor_key=key_of(floor) if floor else None,
    )
    return RunKeys(
        certificate=certificate,
        dataset_id=dataset_id,
        pack=pack,
        floor=floor,
        trainings=trainings,
        evaluations=evaluations,
        report=report,
    )


def certified_settings(recipe: Recipe) -> dict[str, object]:
    """What a certificate takes over from a recipe: its heads, and what a head model of the user's own may not offer."""
    heads = recipe.heads
    settings: dict[str, object] = {
        "heads.family": heads.family,
        "heads.subdivision_level": heads.subdivision_level,
    }
    if heads.family in OWN_FAMILIES:
        settings |= {"heads.model_file": heads.model_file, "heads.identity_modes": heads.identity_modes}
        settings |= {
            "expressions.names": list(recipe.expressions.names),
            "expressions.modes": recipe.expressions.modes,
        }
        settings |= {f"head_poses.{name}": list(getattr(recipe.head_poses, name)) for name in GAZE_RANGES}
    return settings


def results_after_dataset(keys: RunKeys) -> list[tuple[Kind, str, str]]:
    """Kind, name and key of everything that a run publishes after its dataset, in order."""
    return [
        ("packs", "pack", key_of(keys.pack)),
        *([("floors", "floor of distance", key_of(keys.floor))] if keys.floor else []),
        *[("trainings", f"training of {name}", key_of(inputs)) for name, inputs in keys.trainings.items()],
        *[("evaluations", f"evaluation of {name}", key_of(inputs)) for name, inputs in keys.evaluations.items()],
        ("reports", "report", key_of(keys.report)),
    ]


def command_line(options: RunOptions) -> str:
    """The command that makes this run again, but for store and assets, which are of the machine."""
    words = ["luigi --module pipeline FullRun", f"--profile {options.profile}"]
    for name in ("recipe", "frames", "heads", "seed", "device"):
        if getattr(options, name):
            words.append(f"--{name} {getattr(options, name)}")
    return " ".join([*words, *(f"--set {setting}" for setting in options.settings)])


def _sort_settings(options: RunOptions, profile: Profile) -> tuple[dict[str, object], dict[str, str], dict[str, int]]:
    recipe_settings: dict[str, object] = dict(profile.recipe_settings)
    experiment_settings: dict[str, str] = {}
    pack: dict[str, int] = profile.pack.model_dump()
    for text in options.settings:
        name, value = parse_override(text)
        if name.startswith(EXPERIMENT_PREFIX):
            experiment_settings[name.removeprefix(EXPERIMENT_PREFIX)] = text.partition("=")[2].strip()
        elif name.startswith(PACK_PREFIX):
            field = name.removeprefix(PACK_PREFIX)
            if field not in pack:
                raise PipelineError(f"--set {text}: a pack has no setting {field!r}; it has {', '.join(pack)}")
            pack[field] = _whole_number(f"--set {name}", str(value), least=16)
        else:
            recipe_settings[name] = value
    return recipe_settings, experiment_settings, pack


def check_trainable(recipe: Recipe) -> None:
    """Check that a recipe has frames to train and to test on. Raises: PipelineError that names the missing split."""
    frames = recipe.structure.frames
    for split in ("train", EVALUATED_SPLIT):
        if frames.get(split, 0) == 0:  # pyright: ignore[reportCallIssue, reportArgumentType]
            raise PipelineError(
                f"recipe {recipe.name!r} has no {split} frame (structure.frames is {frames}), but a full run trains "
                f"and tests; give it some: --set structure.frames.{split}=16"
            )


def _whole_number(option: str, text: str, *, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = None
    if number is None or number < least:
        raise PipelineError(f"{option} must be a whole number, {least} or more, but {text!r} came")
    return number
