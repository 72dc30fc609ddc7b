"""The command line of train: list, describe, cost, pack, fit, evaluate, floor, predict and report."""

import argparse
import os
import sys
from pathlib import Path

from render.dataset_format import SPLITS, DatasetError
from train.catalogue import experiments, find_experiment
from train.errors import InputError
from train.interruption import EXIT_INTERRUPTED, StopRequestedError
from train.reading_notes import reading_notes
from train.spec import describe, parse_setting, with_settings

EXIT_BAD_INPUT = 2


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it is done, 2 on bad input, 75 when it was interrupted and can be run again."""
    options = _parser().parse_args(arguments)
    # Read when torch loads its thread pool, hence here: on a busy machine, threads that spin while they wait made a
    # training step two to four times slower than threads that sleep.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    commands = {
        "list": _list,
        "describe": _describe,
        "cost": _cost,
        "pack": _pack,
        "fit": _fit,
        "evaluate": _evaluate,
        "floor": _floor,
        "predict": _predict,
        "report": _report,
    }
    try:
        commands[options.command](options)
    except (InputError, DatasetError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except StopRequestedError as reason:
        print(reason, file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    commands.add_parser("list", help="name every experiment")

    describing = commands.add_parser("describe", help="show one experiment: settings, reported scores, assumptions")
    describing.add_argument("key", help="an experiment, as `list` names it")
    _add_settings(describing)

    costing = commands.add_parser("cost", help="parameters and multiply-adds of the networks, for one picture size")
    costing.add_argument("keys", nargs="*", help="experiments, as `list` names them (default: all)")
    costing.add_argument("--width-px", type=_count, default=320)
    costing.add_argument("--height-px", type=_count, default=240)
    _add_settings(costing)

    packing = commands.add_parser("pack", help="turn a dataset into memory-mapped arrays of one size")
    packing.add_argument("--dataset", type=Path, required=True, help="<store>/datasets/<id>")
    packing.add_argument("--out", type=Path, required=True, help="folder to make")
    packing.add_argument("--width-px", type=_count, required=True)
    packing.add_argument("--height-px", type=_count, required=True)

    fitting = commands.add_parser("fit", help="train an experiment, or go on where it stopped")
    fitting.add_argument("--experiment", required=True, metavar="KEY")
    fitting.add_argument("--pack", type=Path, required=True)
    fitting.add_argument("--out", type=Path, required=True, help="folder of the training")
    fitting.add_argument("--seed", type=int, default=0)
    fitting.add_argument(
        "--amp", choices=("off", "bf16", "fp16"), default="off", help="number type of the network (fp16: GPU only)"
    )
    fitting.add_argument(
        "--micro-batch", type=_count, metavar="IMAGES", help="most images at once in a process (default: what fits)"
    )
    fitting.add_argument("--compile", action="store_true", help="let torch.compile make kernels for this network")
    fitting.add_argument("--no-channels-last", action="store_true", help="keep pictures in planes in memory")
    _add_device(fitting)
    _add_settings(fitting)

    evaluating = commands.add_parser("evaluate", help="score a training on one split")
    evaluating.add_argument("--training", type=Path, required=True)
    evaluating.add_argument("--pack", type=Path, required=True)
    evaluating.add_argument("--split", choices=SPLITS, required=True)
    evaluating.add_argument("--out", type=Path, required=True, help="folder to make")
    _add_device(evaluating)

    flooring = commands.add_parser("floor", help="how well distance can be told from true landmarks")
    flooring.add_argument("--dataset", type=Path, required=True, help="<store>/datasets/<id>")
    flooring.add_argument("--split", choices=SPLITS, default="test")
    flooring.add_argument("--seed", type=int, default=0)
    flooring.add_argument(
        "--landmark-error-px", type=float, default=0.0, help="by how much landmarks are off, in rendered pixels"
    )
    flooring.add_argument("--out", type=Path, required=True, help="folder to make")

    predicting = commands.add_parser("predict", help="depth and a mesh, or normals and slopes, from any photograph")
    predicting.add_argument("--training", type=Path, required=True)
    predicting.add_argument("--photo", type=Path, required=True)
    predicting.add_argument("--out", type=Path, required=True, help="folder to make")
    predicting.add_argument(
        "--focal-length-px", type=float, help="of the photograph's camera, in its pixels (default: as in the training)"
    )
    _add_device(predicting)

    reporting = commands.add_parser("report", help="write the self-contained page of results")
    reporting.add_argument("--inputs", type=Path, required=True, help="JSON file that names dataset, trainings, ...")
    reporting.add_argument("--out", type=Path, required=True, help="folder to make")
    return parser


def _add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="PART.FIELD=VALUE",
        help="change a setting of the experiment, as `describe` names it (may be repeated)",
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, but {text!r} came")
    return int(text)


def _chosen(key: str, options: argparse.Namespace):
    return with_settings(find_experiment(key), dict(parse_setting(text) for text in options.set))


# torch takes seconds to import: each command below imports what it needs when it runs.


def _list(options: argparse.Namespace) -> None:  # noqa: ARG001
    for experiment in experiments().values():
        print(f"{experiment.key}\t{experiment.paper}, {experiment.where}\t{experiment.title}")


def _describe(options: argparse.Namespace) -> None:
    experiment = _chosen(options.key, options)
    print(describe(experiment))
    for sentence in reading_notes(experiment):
        print(f"\nnote: {sentence}")


def _cost(options: argparse.Namespace) -> None:
    chosen = [_chosen(key, options) for key in options.keys or experiments()]
    from train.network_cost import network_cost

    print(f"parameters in millions; multiply-adds of one picture of {options.width_px} x {options.height_px} pixels")
    print("experiment\tencoder\tdecoder\tall\tmultiply-adds in 1e9")
    known = {}
    for experiment in chosen:
        spec = experiment.network
        if spec not in known:
            known[spec] = network_cost(spec, height_px=options.height_px, width_px=options.width_px)
        cost = known[spec]
        millions = [count / 1e6 for count in (cost.encoder_parameters, cost.decoder_parameters, cost.parameters)]
        numbers = "\t".join(f"{count:.2f}" for count in millions)
        print(f"{experiment.key}\t{numbers}\t{cost.multiply_adds / 1e9:.2f}")


def _pack(options: argparse.Namespace) -> None:
    from train.data.pack import pack_dataset

    pack_dataset(options.dataset, options.out, width_px=options.width_px, height_px=options.height_px)


def _fit(options: argparse.Namespace) -> None:
    experiment = _chosen(options.experiment, options)
    from train.adversary import adversary_of
    from train.device import use_allowed_cores
    from train.fit import fit
    from train.fit_adversarial import fit_adversarial

    use_allowed_cores()
    train = fit if adversary_of(experiment) is None else fit_adversarial
    train(
        experiment,
        options.pack,
        options.out,
        device=options.device,
        seed=options.seed,
        amp=options.amp,
        micro_batch=options.micro_batch,
        channels_last=not options.no_channels_last,
        compiled=options.compile,
    )


def _evaluate(options: argparse.Namespace) -> None:
    from train.device import use_allowed_cores
    from train.evaluate import evaluate

    use_allowed_cores()
    evaluate(options.training, options.pack, options.split, options.out, device=options.device)


def _floor(options: argparse.Namespace) -> None:
    from train.distance_floor import write_floor

    write_floor(
        options.dataset,
        options.out,
        split=options.split,
        seed=options.seed,
        landmark_error_px=options.landmark_error_px,
    )


def _predict(options: argparse.Namespace) -> None:
    from train.device import use_allowed_cores
    from train.predict import predict_photo

    use_allowed_cores()
    predict_photo(
        options.training, options.photo, options.out, device=options.device, focal_length_px=options.focal_length_px
    )


def _report(options: argparse.Namespace) -> None:
    from train.report import write_report

    write_report(options.inputs, options.out)


if __name__ == "__main__":
    sys.exit(main())
