"""Experiment: everything that decides one training, as frozen data that can be checked, changed by name and stored."""

import dataclasses
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from train.depth_spec import DepthExperiment, check_depth_experiment
from train.errors import InputError
from train.normals_spec import NormalsExperiment, check_normals_experiment

Experiment = DepthExperiment | NormalsExperiment
OneExperiment = TypeVar("OneExperiment", bound=DepthExperiment | NormalsExperiment)
# What the paper is and reports, and our words about it: no training depends on these.
WORDS = ("paper", "title", "where", "reported", "assumed")
# Which experiment it is, and what its network predicts. Depth is not named, so that trees of the first experiments,
# and with them all keys in stores, stay what they were.
NAMES = ("key", "quantity")


def experiment_as_json(experiment: Experiment) -> dict[str, Any]:
    """The experiment as plain data that `experiment_from_json` reads back unchanged."""
    return TypeAdapter(type(experiment)).dump_python(experiment, mode="json")


def experiment_from_json(tree: Any, *, where: str) -> Experiment:
    """Check plain data field by field. `where` names its origin in messages.

    Raises: InputError that names each wrong field, what came and what is allowed.
    """
    kinds = {"depth": DepthExperiment, "normals": NormalsExperiment}
    quantity = tree.get("quantity", "depth") if isinstance(tree, dict) else "depth"
    if quantity not in kinds:
        raise InputError(f"{where}: no quantity {quantity!r} can be learnt; expected one of {', '.join(kinds)}")
    try:
        experiment = TypeAdapter(kinds[quantity]).validate_python(tree)
    except ValidationError as error:
        lines = [
            f"  {'.'.join(str(part) for part in problem['loc'])}: {problem['msg']} (came: {problem['input']!r})"
            for problem in error.errors()
        ]
        raise InputError(f"{where} is no usable experiment:\n" + "\n".join(lines)) from error
    match experiment:
        case DepthExperiment():
            check_depth_experiment(experiment, where=where)
        case NormalsExperiment():
            check_normals_experiment(experiment, where=where)
    return experiment


def parse_setting(text: str) -> tuple[str, str]:
    """Split `part.field=value`. Raises: InputError on any other form."""
    dotted, equals, value = text.partition("=")
    if not equals or not dotted.strip() or not value.strip():
        raise InputError(f"expected --set part.field=value (for example schedule.epochs=3), but {text!r} came")
    return dotted.strip(), value.strip()


def with_settings(experiment: OneExperiment, settings: dict[str, str]) -> OneExperiment:
    """The experiment with some fields changed, each named `part.field` and given as text.

    Raises: InputError when a field does not exist, may not be set, or does not take that value.
    """
    tree = experiment_as_json(experiment)
    allowed = settable_fields(experiment)
    for dotted, value in settings.items():
        if dotted not in allowed:
            raise InputError(
                f"experiment {experiment.key!r} has no setting {dotted!r} (value {value!r} came). "
                f"What can be set: {', '.join(allowed)}"
            )
        *parents, leaf = dotted.split(".")
        node = tree
        for parent in parents:
            node = node[parent]
        node[leaf] = value
    changed = experiment_from_json(tree, where=f"experiment {experiment.key!r} with {settings}")
    assert isinstance(changed, type(experiment))
    return changed


def settable_fields(experiment: Experiment) -> tuple[str, ...]:
    """Dotted names of everything that `with_settings` may change."""
    names: list[str] = []
    for part in settable_parts(experiment):
        value = getattr(experiment, part)
        if dataclasses.is_dataclass(value):
            names += [f"{part}.{spec_field.name}" for spec_field in dataclasses.fields(value)]
        else:
            names.append(part)
    return tuple(names)


def settable_parts(experiment: Experiment) -> tuple[str, ...]:
    """The parts of an experiment that are settings, and neither names nor words."""
    fields = (part.name for part in dataclasses.fields(experiment))
    return tuple(name for name in fields if name not in NAMES + WORDS)


def settings_tree(tree: dict[str, Any]) -> dict[str, Any]:
    """Of an experiment as plain data, what decides a training: its names and all that `--set` may change."""
    return {part: value for part, value in tree.items() if part not in WORDS}


def setting_values(experiment: Experiment) -> dict[str, Any]:
    """The value of everything that `with_settings` may change, by dotted name."""
    values = {}
    for name in settable_fields(experiment):
        value: Any = experiment
        for part in name.split("."):
            value = getattr(value, part)
        values[name] = value
    return values


def describe(experiment: Experiment) -> str:
    """The experiment in words and settings, for `python -m train describe`."""
    lines = [f"{experiment.key}: {experiment.title}", f"paper: {experiment.paper}, {experiment.where}", "", "settings"]
    lines += [f"  {name} = {value}" for name, value in setting_values(experiment).items()]
    for pixels, scores in experiment.reported.items():
        lines += ["", f"reported by the paper, {pixels}"]
        lines += [f"  {name} = {value}" for name, value in scores.items()]
    if experiment.assumed:
        lines += ["", "assumed by us, because the paper does not say"]
        lines += [f"  - {sentence}" for sentence in experiment.assumed]
    return "\n".join(lines)
