"""A stand-in for `python -m train`: makes the folder that a command promises at once, and keeps a diary.

Its own options come first: `python fake_train.py --diary D [--fail COMMAND] [--pause-s S] pack --dataset …`.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path


def main() -> int:
    """Run one command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--diary", type=Path, required=True)
    parser.add_argument("--fail", default="")
    parser.add_argument("--pause-s", type=float, default=0.0, help="time a command takes")
    parser.add_argument("--meet", type=int, default=0, help="a fit waits until so many are at work at once")
    parser.add_argument("command", choices=("pack", "floor", "fit", "evaluate", "report"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--inputs", type=Path)
    parser.add_argument("--dataset", type=Path)
    options, rest = parser.parse_known_args()
    with options.diary.open("a") as file:
        file.write(f"{options.command} {os.getpid()} {' '.join(rest)}\n")
    if options.command == "fit" and options.meet:
        meet(options.diary.with_suffix(".meet"), options.meet)
    if options.dataset is not None and not (options.dataset / "manifest.json").exists():
        print(f"{options.dataset} is no dataset", file=sys.stderr)
        return 2
    time.sleep(options.pause_s)
    if options.command == options.fail:
        print(f"the {options.command} machine is out of paper", file=sys.stderr)
        return 7
    options.out.mkdir(parents=True, exist_ok=True)
    if options.command == "evaluate":
        scores = {"abs_rel": 0.0321, "rmse_m": 0.0456, "delta_1": 0.9876}
        metrics = {"full": {"pooled": scores}, "head_mask": {"pooled": {**scores, "rmse_m": 0.0123}}}
        reported = {"full": {"abs_rel": 0.0103}, "head_mask": {"rmse_m": 0.0143}}
        evaluation = {"metrics": metrics, "reported": reported}
        (options.out / "evaluation.json").write_text(json.dumps(evaluation))
    if options.command == "report":
        (options.out / "index.html").write_text("<!doctype html><title>report</title>")
        (options.out / "results.json").write_text(json.dumps({"inputs": json.loads(options.inputs.read_text())}))
    return 0


def meet(folder: Path, count: int) -> None:
    """Wait until so many processes came here, and note the GPU that this one was given."""
    folder.mkdir(exist_ok=True)
    (folder / str(os.getpid())).write_text(os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    deadline_s = time.monotonic() + 60
    while len(list(folder.iterdir())) < count:
        if time.monotonic() > deadline_s:
            sys.exit("nobody else came")
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
