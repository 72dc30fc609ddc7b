"""The catalogue against the paper: every row of khan2021's Table 1, and the settings that set experiments apart."""

import re

import pytest

from train.catalogue import experiments, find_experiment
from train.errors import InputError
from train.network_spec import DenseDepthSpec, SegformerSpec, StridedUNetSpec, UNetSimpleSpec
from train.papers import khan2021
from train.spec import (
    describe,
    experiment_as_json,
    experiment_from_json,
    settable_fields,
    setting_values,
    with_settings,
)

# Typed from the paper a second time, apart from train/papers/khan2021.py: AbsRel SqRel RMSE RMSElog and three deltas.
TABLE_1 = """
 1 .0312 .0121 .0610 .0169 .9854 .9876 .9902
 2 .0320 .0132 .0712 .0180 .9732 .9803 .9880
 3 .0296 .0096 .0373 .0129 .9890 .9920 .9981
 4 .0375 .0097 .0304 .0101 .9920 .9956 .9969
 5 .0123 .0210 .0306 .0089 .9938 .9965 .9980
 6 .0232 .0219 .0445 .0186 .9919 .9974 .9984
 7 .0145 .0280 .0360 .0154 .9912 .9934 .9978
 8 .0132 .0234 .0353 .0144 .9880 .9909 .9965
 9 .0103 .0207 .0281 .0089 .9960 .9976 .9987
10 .0098 .0096 .0143 .0043 .9982 .9992 .9996
11 .0110 .0074 .0161 .0034 .9981 .9990 .9992
12 .0132 .0077 .0170 .0035 .9980 .9990 .9992
13 .0112 .0076 .0166 .0032 .9887 .9945 .9989
"""
# Row of the table: experiment, and the pixels that it counts.
ROWS = {
    1: ("khan2021_densenet161", "full"),
    2: ("khan2021_densenet121", "full"),
    3: ("khan2021_densenet169", "full"),
    4: ("khan2021_densenet201", "full"),
    5: ("khan2021_resnet101", "full"),
    6: ("khan2021_resnet50", "full"),
    7: ("khan2021_efficientnet_b0", "full"),
    8: ("khan2021_efficientnet_b7", "full"),
    9: ("khan2021_unet_simple", "full"),
    10: ("khan2021_unet_simple", "head_mask"),
    11: ("khan2021_densenet169", "head_mask"),
    12: ("khan2021_resnet101", "head_mask"),
    13: ("khan2021_efficientnet_b7", "head_mask"),
}


@pytest.mark.parametrize("line", TABLE_1.split("\n")[1:-1])
def test_every_row_of_table_1_is_an_experiment_with_its_printed_numbers(line: str):
    """Thirteen rows, nine trainings: a face-only row is its training's scores over the head."""
    number, *printed = line.split()
    key, pixels = ROWS[int(number)]
    experiment = find_experiment(key)
    assert list(experiment.reported[pixels].values()) == [float(value) for value in printed]
    assert tuple(experiment.reported[pixels]) == khan2021.METRICS
    named = {"full": "full image", "head_mask": "face only"}[pixels]
    assert f"row {number} ({named})" in experiment.where
    assert experiment.title.startswith(khan2021.TABLE_1[int(number)][0].replace(" (FC)", ""))


def test_where_names_each_row_once_and_no_experiment_reports_more_than_it_names():
    """Over the trainings of the table, the rows 1 to 13 stand in `where` once each, one for each set of numbers."""
    rows = []
    for experiment in khan2021.TABLE_1_EXPERIMENTS:
        here = [int(number) for number in re.findall(r"row (\d+) \(", experiment.where)]
        assert len(here) == len(experiment.reported)
        rows += here
    assert sorted(rows) == list(range(1, 14))


def test_trainings_of_the_table_differ_in_the_network_alone():
    """'The encoder is replaced with several models while the decoder settings are unchanged' (section IV.D)."""
    first, *others = [setting_values(experiment) for experiment in khan2021.TABLE_1_EXPERIMENTS]
    for other in others:
        changed = {name for name in first.keys() | other.keys() if first.get(name) != other.get(name)}
        assert changed and all(name.startswith("network.") for name in changed)
    for experiment in khan2021.TABLE_1_EXPERIMENTS:
        if isinstance(experiment.network, DenseDepthSpec):
            assert experiment.network.weights == "imagenet"
            assert (experiment.network.decoder_width, experiment.network.activation_between) == (1.0, False)


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("without_ssim", {"loss.ssim": 0.0}),
        ("without_gradient", {"loss.gradient": 0.0}),
        ("without_normal", {"loss.normal": 0.0}),
        ("metric_target", {"encoding.kind": "metric"}),
        ("half_of_people", {"train_people_share": 0.5}),
        ("quarter_of_people", {"train_people_share": 0.25}),
        ("simple_backdrops", {"train_backdrops": "simple"}),
        ("complex_backdrops", {"train_backdrops": "complex"}),
    ],
)
def test_an_ablation_changes_one_setting_and_claims_no_number_of_the_paper(name: str, changed: dict):
    """Each takes one thing from the training of four terms; taking the L1 term is row 9 itself."""
    whole = setting_values(find_experiment("khan2021_unet_simple_l1"))
    ablation = find_experiment(f"khan2021_unet_simple_l1_{name}")
    values = setting_values(ablation)
    assert {field: value for field, value in values.items() if value != whole[field]} == changed
    assert ablation.reported == {}
    assert "not in the paper" in ablation.where


def test_our_own_row_is_told_from_the_papers():
    """SegFormer stands beside the table, says that it is ours, and reports nothing."""
    experiment = find_experiment("khan2021_segformer_b2")
    assert isinstance(experiment.network, SegformerSpec)
    assert "ours" in experiment.title and "not in the paper" in experiment.where
    assert experiment.reported == {}


def test_every_setting_of_a_network_is_one_that_a_test_proves():
    """A new field of a network needs a test that it reaches the code; these are proved in test_networks.py,
    test_network_cost.py, test_unet_simple.py, test_strided_unet.py and test_imagenet_weights.py."""
    proved = {
        UNetSimpleSpec: {"kind", "width", "weights"},
        DenseDepthSpec: {"kind", "encoder", "weights", "decoder_width", "activation_between"},
        SegformerSpec: {"kind", "encoder", "weights", "decoder_width"},
        StridedUNetSpec: {"kind", "width", "levels", "weights"},
    }
    for experiment in experiments().values():
        fields = {name for name in settable_fields(experiment) if name.startswith("network.")}
        assert fields == {f"network.{name}" for name in proved[type(experiment.network)]}


@pytest.mark.parametrize(
    ("key", "settings", "told"),
    [
        ("khan2021_resnet50", {"network.width": "8"}, "no setting 'network.width'"),
        ("khan2021_segformer_b2", {"network.activation_between": "true"}, "no setting 'network.activation_between'"),
        ("khan2021_unet_simple", {"network.decoder_width": "0.5"}, "no setting 'network.decoder_width'"),
        ("khan2021_unet_simple", {"network.weights": "imagenet"}, "'random'"),
        ("khan2021_resnet50", {"network.weights": "none"}, "'imagenet' or 'random'"),
        ("khan2021_resnet50", {"network.encoder": "resnet18"}, "'resnet50'"),
        ("khan2021_resnet50", {"network.encoder": "mit_b0"}, "'resnet50'"),
        ("khan2021_resnet50", {"network.decoder_width": "0"}, "0.05"),
        ("khan2021_resnet50", {"network.activation_between": "perhaps"}, "boolean"),
    ],
)
def test_a_setting_that_a_network_does_not_use_is_refused(key: str, settings: dict[str, str], told: str):
    """Nothing that was asked of a network is passed over in silence."""
    with pytest.raises(InputError) as refusal:
        with_settings(find_experiment(key), settings)
    assert told in str(refusal.value)


@pytest.mark.parametrize(
    ("network", "told"),
    [
        ({"kind": "dense_depth", "encoder": "resnet50"}, "weights"),
        ({"kind": "dense_depth", "weights": "random"}, "encoder"),
        ({"kind": "unet_simple", "width": 8, "encoder": "resnet50"}, "encoder"),
        ({"width": 8}, "kind"),
    ],
)
def test_a_stored_network_names_its_weights_and_nothing_foreign(network: dict, told: str):
    """Weights are chosen, not defaulted; and a record with fields of another kind of network is refused."""
    tree = {**experiment_as_json(find_experiment("khan2021_resnet50")), "network": network}
    with pytest.raises(InputError, match=told):
        experiment_from_json(tree, where="a test")


def test_settings_of_an_encoder_network_take_their_types():
    """Text of the command line becomes encoder, weights, number and truth value."""
    settings = {"encoder": "densenet121", "weights": "random", "decoder_width": "0.25", "activation_between": "true"}
    changed = with_settings(
        find_experiment("khan2021_resnet50"), {f"network.{name}": value for name, value in settings.items()}
    )
    assert changed.network == DenseDepthSpec(
        encoder="densenet121", weights="random", decoder_width=0.25, activation_between=True
    )
    assert "network.weights = random" in describe(changed)
