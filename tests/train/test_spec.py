"""Experiments: what can be changed, what is refused, and that every field of a specification reaches the code."""

import dataclasses
import json

import pytest
import torch

from train.catalogue import build_network, experiments, find_experiment
from train.data.augmentation import draw_change
from train.depth_spec import Encoding, LossSpec
from train.encoding import decode_depth, encode_depth
from train.errors import InputError
from train.losses.depth import depth_loss
from train.losses.normals import pixel_loss
from train.network_spec import DenseDepthSpec, StridedUNetSpec, UNetSimpleSpec
from train.normals_encoding import encode_normals
from train.normals_spec import AdversarySpec, NormalsEncoding, NormalsExperiment, NormalsLossSpec
from train.optimiser import build_optimiser, learning_rate_at
from train.spec import (
    NAMES,
    WORDS,
    Experiment,
    describe,
    experiment_as_json,
    experiment_from_json,
    parse_setting,
    settable_fields,
    settings_tree,
    with_settings,
)
from train.training_spec import AugmentationSpec, OptimiserSpec, Schedule


@pytest.mark.parametrize("key", experiments())
def test_every_experiment_survives_being_stored(key: str):
    """Written as JSON text and read back, an experiment of the catalogue is the same, and passes every check."""
    experiment = find_experiment(key)
    assert experiment_from_json(json.loads(json.dumps(experiment_as_json(experiment))), where="test") == experiment
    assert experiment.key == key


def test_khan2021_row_nine_is_what_the_paper_prints():
    """Batch 6, 20 epochs, Adam 1e-3, weights 0.1, 0.1, 1 and no L1; the numbers of Table 1. Source: khan2021."""
    experiment = find_experiment("khan2021_unet_simple")
    assert experiment.schedule == Schedule(epochs=20, global_batch=6)
    assert experiment.optimiser.learning_rate == 1e-3
    assert (experiment.loss.ssim, experiment.loss.gradient, experiment.loss.normal, experiment.loss.l1) == (
        0.1,
        0.1,
        1.0,
        0.0,
    )
    assert list(experiment.reported["full"].values()) == [0.0103, 0.0207, 0.0281, 0.0089, 0.9960, 0.9976, 0.9987]
    assert list(experiment.reported["head_mask"].values()) == [0.0098, 0.0096, 0.0143, 0.0043, 0.9982, 0.9992, 0.9996]
    assert experiment.assumed


def test_the_l1_variant_differs_in_the_loss_alone():
    """The second experiment changes one setting: the weight of the L1 term is 0.1."""
    literal, variant = find_experiment("khan2021_unet_simple"), find_experiment("khan2021_unet_simple_l1")
    changed = {
        name
        for name in settable_fields(literal)
        if _value(experiment_as_json(literal), name) != _value(experiment_as_json(variant), name)
    }
    assert changed == {"loss.l1"}
    assert variant.loss.l1 == 0.1


def test_an_unknown_key_lists_the_known_ones():
    """The message of a wrong key names the right ones."""
    with pytest.raises(InputError, match="khan2021_unet_simple_l1"):
        find_experiment("khan2021_unet")


def test_settings_change_what_they_name_and_nothing_else():
    """Text becomes the type of the field, and the rest of the experiment stays."""
    experiment = find_experiment("khan2021_unet_simple")
    changed = with_settings(
        experiment, {"schedule.epochs": "3", "optimiser.learning_rate": "2e-4", "layer": "head", "network.width": "8"}
    )
    assert changed == dataclasses.replace(
        experiment,
        schedule=Schedule(epochs=3, global_batch=6),
        optimiser=OptimiserSpec(kind="adam", learning_rate=2e-4),
        layer="head",
        network=UNetSimpleSpec(width=8),
    )


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("schedule.epoch=3", "schedule.epochs"),
        ("paper=other", "no setting 'paper'"),
        ("reported.full=1", "no setting"),
        ("schedule.epochs=2.5", "schedule.epochs"),
        ("schedule.epochs=0", "greater than or equal to 1"),
        ("schedule.epochs=many", "came: 'many'"),
        ("optimiser.learning_rate=0", "greater than 0"),
        ("optimiser.learning_rate=nan", "learning_rate"),
        ("optimiser.beta_1=1", "less than 1"),
        ("loss.l1=-1", "greater than or equal to 0"),
        ("loss.ssim=inf", "finite"),
        ("encoding.kind=inverse", "'reciprocal' or 'metric'"),
        ("encoding.nearest_depth_m=5", "in front of"),
        ("network.kind=resnet", "'unet_simple', 'dense_depth', 'segformer'"),
        ("network.weights=imagenet", "'random'"),
        ("network.encoder=resnet50", "no setting 'network.encoder'"),
        ("encoding.camera=phone", "'metric', 'fixed' or 'canonical'"),
        ("encoding.focal_length_spread=0.5", "greater than or equal to 1"),
        ("split_by=person", "'identity' or 'frame'"),
        ("layer=hair", "'visible' or 'head'"),
    ],
)
def test_a_wrong_setting_is_refused_with_a_reason(setting: str, told: str):
    """The message names the field, what came, and what is allowed."""
    name, value = parse_setting(setting)
    with pytest.raises(InputError) as refusal:
        with_settings(find_experiment("khan2021_unet_simple"), {name: value})
    assert told in str(refusal.value)
    assert value in str(refusal.value)


def test_a_loss_without_any_term_is_refused():
    """If every weight is 0 there is nothing to learn."""
    off = {"loss.ssim": "0", "loss.gradient": "0", "loss.normal": "0"}
    with pytest.raises(InputError, match="every weight"):
        with_settings(find_experiment("khan2021_unet_simple"), off)


@pytest.mark.parametrize("text", ["schedule.epochs", "=3", "schedule.epochs=", ""])
def test_a_setting_without_name_or_value_is_refused(text: str):
    """The message shows the form that is expected."""
    with pytest.raises(InputError, match=r"part\.field=value"):
        parse_setting(text)


def test_unknown_keys_in_a_stored_experiment_are_refused():
    """A misspelt field is not silently dropped, at either level."""
    for part in ("schedule", None):
        tree = experiment_as_json(find_experiment("khan2021_unet_simple"))
        (tree[part] if part else tree)["epochz"] = 3
        with pytest.raises(InputError, match="epochz"):
            experiment_from_json(tree, where="a test")


def test_describe_shows_every_setting_and_every_assumption():
    """Nothing that decides a training is hidden."""
    experiment = find_experiment("khan2021_unet_simple")
    text = describe(experiment)
    for name in settable_fields(experiment):
        assert f"{name} = {_value(experiment_as_json(experiment), name)}" in text
    for sentence in experiment.assumed:
        assert sentence in text
    assert "rmse_m = 0.0281" in text


# Every field reaches the code: for each, another value, and what in the behaviour changes with it. Fields whose effect
# shows only in a training (schedule, layer, optimiser in use) are proved again end to end in test_fit.py.


def _loss(experiment: Experiment) -> float:
    generator = torch.Generator().manual_seed(1)
    predicted = torch.rand(2, 1, 13, 17, generator=generator) * 3 + 1
    target = torch.rand(2, 1, 13, 17, generator=generator) * 3 + 1
    return depth_loss(predicted, target, spec=experiment.loss, data_range=9.0)[0].item()


def _camera(experiment: Experiment) -> list[float]:
    encoding, focal_widths = experiment.encoding, torch.tensor([1.2])
    return encode_depth(torch.tensor([[0.0, 0.6]]), encoding, focal_widths=focal_widths).flatten().tolist()


def _encoded(experiment: Experiment) -> list[float]:
    depth_m = torch.tensor([[[0.0, 0.6, 0.9]]])
    beyond = torch.tensor([[[0.2, 30.0, 300.0]]])
    encoding = experiment.encoding
    return [*encode_depth(depth_m, encoding).flatten().tolist(), *decode_depth(beyond, encoding).flatten().tolist()]


def _normals_loss(experiment: NormalsExperiment) -> float:
    generator = torch.Generator().manual_seed(1)
    predicted, target = (torch.rand(2, 4, 5, 7, generator=generator) for _ in range(2))
    return pixel_loss(predicted, target, spec=experiment.loss)[0].item()


def _slopes(experiment: NormalsExperiment) -> list[float]:
    maps = encode_normals(torch.ones(1, 3, 1, 2), torch.tensor([0.5, 20.0]).reshape(1, 1, 1, 2), experiment.encoding)
    return maps.flatten().tolist()


def _network(experiment: Experiment) -> tuple[str, int]:
    network = build_network(experiment.network)
    return type(network).__name__, sum(parameter.numel() for parameter in network.parameters())


def _steps(experiment: Experiment) -> list[float]:
    layer = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(layer.weight, 1.0)
    optimiser = build_optimiser(layer, experiment.optimiser)
    positions = []
    for slope in (1.0, -3.0, 0.5):
        layer.weight.grad = torch.full_like(layer.weight, slope)
        optimiser.step()
        positions.append(layer.weight.item())
    return positions


def _rates(experiment: Experiment) -> list[float]:
    first, schedule = experiment.optimiser.learning_rate, experiment.schedule
    return [learning_rate_at(done, first=first, schedule=schedule) for done in (0.5, 4.5, 11.5)]


def _changes(experiment: Experiment) -> list[tuple]:
    changes = [draw_change(experiment.augmentation, seed=1, epoch=0, row=row) for row in range(8)]
    return [dataclasses.astuple(change) for change in changes]


PROBES = {
    "network.width": (5, _network),
    "loss.ssim": (0.7, _loss),
    "loss.gradient": (0.7, _loss),
    "loss.normal": (0.7, _loss),
    "loss.l1": (0.7, _loss),
    "loss.ssim_divisor": (2.0, _loss),
    "loss.normal_slope": (4.0, _loss),
    "encoding.kind": ("metric", _encoded),
    "encoding.background_depth_m": (4.0, _encoded),
    "encoding.nearest_depth_m": (0.25, _encoded),
    "encoding.camera": ("canonical", _camera),
    "optimiser.learning_rate": (0.1, _steps),
    "optimiser.beta_1": (0.5, _steps),
    "optimiser.beta_2": (0.5, _steps),
    "optimiser.kind": ("rmsprop", _steps),
    "optimiser.weight_decay": (0.1, _steps),
    "schedule.decay": ("cosine", _rates),
    "schedule.warm_up_epochs": (2.0, _rates),
    "augmentation.flip": (0.5, _changes),
    "augmentation.crop": (0.5, _changes),
    "augmentation.colour": (0.5, _changes),
    "augmentation.blur": (0.5, _changes),
    "augmentation.noise": (0.5, _changes),
}
# Fields that are read only together with another: that other setting, then as above.
DEPENDENT_PROBES = {
    "encoding.canonical_focal_widths": ({"encoding.camera": "canonical"}, 1.5, _camera),
    "encoding.focal_length_spread": ({"encoding.camera": "canonical"}, 1.7, _camera),
    "optimiser.momentum": ({"optimiser.kind": "nesterov"}, 0.5, _steps),
    "optimiser.smoothing": ({"optimiser.kind": "rmsprop"}, 0.5, _steps),
    "schedule.decay_epochs": ({"schedule.decay": "step"}, 3, _rates),
    "schedule.decay_factor": ({"schedule.decay": "step"}, 0.5, _rates),
    "augmentation.crop_smallest": ({"augmentation.crop": "1"}, 0.5, _changes),
    "augmentation.colour_strength": ({"augmentation.colour": "1"}, 0.5, _changes),
    "augmentation.blur_px": ({"augmentation.blur": "1"}, 0.5, _changes),
    "augmentation.noise_strength": ({"augmentation.noise": "1"}, 0.5, _changes),
}
# Another value, and what changes with it, where another optimiser and other changes of pictures are the usual ones.
NORMALS_PROBES = {
    **{name: PROBES[name] for name in PROBES if name.partition(".")[0] in ("schedule", "augmentation")},
    "augmentation.blur": (0.9, _changes),
    "augmentation.noise": (0.9, _changes),
    "augmentation.blur_px": (0.5, _changes),
    "augmentation.noise_strength": (0.5, _changes),
    "network.width": (5, _network),
    "network.levels": (4, _network),
    "loss.pixel": ("l1", _normals_loss),
    "loss.pixel_weight": (2.0, _normals_loss),
    "encoding.largest_gradient": (8.0, _slopes),
    "optimiser.learning_rate": (0.1, _steps),
    "optimiser.kind": ("adam", _steps),
    "optimiser.weight_decay": (0.1, _steps),
    "optimiser.smoothing": (0.5, _steps),
}
NORMALS_DEPENDENT_PROBES = {
    **{name: DEPENDENT_PROBES[name] for name in DEPENDENT_PROBES if name.startswith("schedule.")},
    "augmentation.crop_smallest": ({"augmentation.crop": "1"}, 0.5, _changes),
    "augmentation.colour_strength": ({"augmentation.colour": "1"}, 0.5, _changes),
    "optimiser.beta_1": ({"optimiser.kind": "adam"}, 0.5, _steps),
    "optimiser.beta_2": ({"optimiser.kind": "adam"}, 0.5, _steps),
    "optimiser.momentum": ({"optimiser.kind": "nesterov"}, 0.5, _steps),
}
DEPTH_KEY, NORMALS_KEY = "khan2021_unet_simple", "bouafif2020_wgan_l2"
PROBES_OF = {DEPTH_KEY: PROBES, NORMALS_KEY: NORMALS_PROBES}
DEPENDENT_PROBES_OF = {DEPTH_KEY: DEPENDENT_PROBES, NORMALS_KEY: NORMALS_DEPENDENT_PROBES}
# Proved by whole trainings in test_fit.py, test_early_stop.py, test_camera_and_split.py and test_fit_adversarial.py.
PROVED_BY_TRAINING = {
    "schedule.epochs",
    "schedule.global_batch",
    "layer",
    "split_by",
    "train_people_share",
    "train_backdrops",
}
PROVED_BY_TRAINING |= {"schedule.patience_epochs", "schedule.keep_weights", "schedule.watched_score"}
ADVERSARY = {f"adversary.{name}" for name in ("kind", "critic_width", "critic_steps", "clip")}
PROVED_OF = {DEPTH_KEY: PROVED_BY_TRAINING, NORMALS_KEY: PROVED_BY_TRAINING | ADVERSARY}
# Of networks there is one a kind: any other is refused.
SINGLE_CHOICES = {"network.kind", "network.weights"}


@pytest.mark.parametrize("key", PROBES_OF)
def test_no_field_is_left_without_proof(key: str):
    """A new field of a specification must come with a proof that it does something."""
    experiment = find_experiment(key)
    fields = set(settable_fields(experiment))
    assert fields == set(PROBES_OF[key]) | set(DEPENDENT_PROBES_OF[key]) | PROVED_OF[key] | SINGLE_CHOICES
    named = {part.name for part in dataclasses.fields(experiment)} - {*NAMES, *WORDS}
    assert {name.split(".")[0] for name in fields} == named


@pytest.mark.parametrize(("key", "name"), [(key, name) for key, probes in PROBES_OF.items() for name in probes])
def test_every_field_changes_what_is_computed(key: str, name: str):
    """Another value of the field gives another result; so no field is decoration."""
    value, probe = PROBES_OF[key][name]
    experiment = find_experiment(key)
    assert probe(with_settings(experiment, {name: str(value)})) != probe(experiment)


@pytest.mark.parametrize(
    ("key", "name"), [(key, name) for key, probes in DEPENDENT_PROBES_OF.items() for name in probes]
)
def test_a_field_that_depends_on_another_works_with_it_and_is_refused_without(key: str, name: str):
    """With the setting that makes it read, another value gives another result; without, it would do nothing."""
    condition, value, probe = DEPENDENT_PROBES_OF[key][name]
    experiment = find_experiment(key)
    assert probe(with_settings(experiment, {**condition, name: str(value)})) != probe(
        with_settings(experiment, condition)
    )
    with pytest.raises(InputError, match=f"{name} = .* would change nothing"):
        with_settings(experiment, {name: str(value)})


@pytest.mark.parametrize(("name", "value"), [("critic_width", "8"), ("critic_steps", "2"), ("clip", "0.1")])
def test_settings_of_a_critic_are_refused_where_there_is_none(name: str, value: str):
    """With adversary.kind=none they would change nothing."""
    with pytest.raises(InputError, match=f"adversary.{name} = .* would change nothing: .*kind=wgan"):
        with_settings(find_experiment("bouafif2020_l2"), {f"adversary.{name}": value})


def test_the_quantity_decides_what_a_stored_experiment_is():
    """Trees without one are of depth, as they always were, and normals say so; another quantity, or settings of the
    other kind, are refused; `--set` changes it for neither."""
    depth, normals = (experiment_as_json(find_experiment(key)) for key in (DEPTH_KEY, NORMALS_KEY))
    assert "quantity" not in depth and normals["quantity"] == "normals"
    assert settings_tree(normals)["quantity"] == "normals"
    with pytest.raises(InputError, match="no quantity 'colour' can be learnt; expected one of depth, normals"):
        experiment_from_json({**normals, "quantity": "colour"}, where="a test")
    with pytest.raises(InputError, match="adversary"):
        experiment_from_json({**normals, "quantity": "depth"}, where="a test")
    for key in (DEPTH_KEY, NORMALS_KEY):
        with pytest.raises(InputError, match="no setting 'quantity'"):
            with_settings(find_experiment(key), {"quantity": "normals"})


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"optimiser.kind": "sgd", "optimiser.beta_1": "0.5"}, "kind=adam or adamw"),
        ({"schedule.watched_score": "full.rmse_m"}, "patience_epochs above 0"),
        ({"schedule.warm_up_epochs": "20"}, "must end before"),
        ({"schedule.patience_epochs": "3", "schedule.watched_score": "rmse_m"}, "watched_score"),
        ({"augmentation.flip": "1.5"}, "less than or equal to 1"),
        ({"encoding.camera": "fixed", "augmentation.crop": "0.5"}, "set augmentation.crop=0"),
    ],
)
def test_settings_that_cannot_go_together_are_refused(settings: dict[str, str], told: str):
    """The message names what is missing or too much."""
    with pytest.raises(InputError, match=told):
        with_settings(find_experiment("khan2021_unet_simple"), settings)


def _position(kind: str, slopes: list[float], **fields: float) -> float:
    layer = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(layer.weight, 1.0)
    optimiser = build_optimiser(layer, OptimiserSpec(kind=kind, learning_rate=0.1, **fields))  # pyright: ignore
    for slope in slopes:
        layer.weight.grad = torch.full_like(layer.weight, slope)
        optimiser.step()
    return layer.weight.item()


def test_optimisers_step_as_their_formulas_say():
    """Plain descent; Nesterov's look ahead; RMSprop's division; AdamW's decay of the weight itself."""
    assert _position("sgd", [0.5, 0.5]) == pytest.approx(1 - 0.1 * 1.0)
    # Velocity v = m v + g, step g + m v: first 0.5 + 0.9 * 0.5, then 0.5 + 0.9 * 0.95.
    assert _position("nesterov", [0.5, 0.5], momentum=0.9) == pytest.approx(1 - 0.1 * (0.95 + 1.355))
    assert _position("rmsprop", [0.5], smoothing=0.75) == pytest.approx(1 - 0.1 * 0.5 / (0.25 * 0.25) ** 0.5)
    assert _position("adamw", [0.0], weight_decay=0.3) == pytest.approx(1 - 0.1 * 0.3)
    assert _position("sgd", [0.0], weight_decay=0.3) == pytest.approx(1 - 0.1 * 0.3)


def test_a_kind_that_no_builder_knows_is_refused(monkeypatch: pytest.MonkeyPatch):
    """The kind picks the builder: one that came past the checks is still refused."""
    monkeypatch.setattr("train.catalogue.UNetSimpleSpec", DenseDepthSpec)
    with pytest.raises(InputError, match="UNetSimpleSpec"):
        build_network(UNetSimpleSpec())
    strange = OptimiserSpec()
    object.__setattr__(strange, "kind", "lion")
    with pytest.raises(InputError, match="adam"):
        build_optimiser(torch.nn.Linear(1, 1), strange)


def test_specifications_are_frozen():
    """No code can change a specification behind the back of what was stored."""
    parts = (LossSpec(), Encoding(), OptimiserSpec(), Schedule(), AugmentationSpec(), AdversarySpec())
    for spec in (UNetSimpleSpec(), StridedUNetSpec(), *parts, NormalsLossSpec(), NormalsEncoding()):
        first = dataclasses.fields(spec)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(spec, first, getattr(spec, first))


def _value(tree: dict, dotted: str):
    for part in dotted.split("."):
        tree = tree[part]
    return tree
