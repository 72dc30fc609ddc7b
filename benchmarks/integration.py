"""`python -m benchmarks.integration`: error and time of every method of integration, and of its solvers against others.

One run, one thread, processor seconds. It makes its own surfaces; `--pack` adds rendered heads, `--predictions` the
normals that a network predicted for them. It prints tables, then each bar and whether it is met, and exits with 1 where
one is not.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.integration_methods import (
    BILATERAL,
    ROWS,
    Result,
    batched_throughput,
    head_cases,
    run_cases,
    surface_cases,
)
from benchmarks.integration_solvers import MOST_ERROR_PX, Timing, time_solvers
from benchmarks.processor import processor_name
from train.errors import InputError

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
SIDES_PX, QUICK_SIDES_PX = (128, 256, 512, 1024, 2048), (128, 256)
OURS, CHOLMOD, PYAMG = "ours, compiled", "CHOLMOD cached", ("pyamg Ruge-Stueben", "pyamg aggregation")
# The bars: how many times faster than these; error and time of robust integration over bilateral; and time a pixel at
# the largest over that at the smallest size, where memory no longer keeps up with the processor's caches.
LEAST_OVER_CHOLMOD, LEAST_OVER_PYAMG, MOST_GROWTH = 2.0, 6.0, 3.0
MOST_ERROR, MOST_TIME, MOST_ERROR_WITH_GRADIENT = 0.6, 1 / 3, 0.3


@dataclasses.dataclass(frozen=True)
class Bar:
    """A claim, what was measured, and whether it holds; None where it could not be measured."""

    claim: str
    measured: str
    met: bool | None


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 0 when no bar is missed."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(1)
    print(f"{processor_name()}; one thread; torch {torch.__version__}, numpy {np.__version__}")
    sides_px = QUICK_SIDES_PX if options.quick else tuple(options.sides)
    timings = time_solvers(sides_px, rounds=2 if options.quick else 4, limit_s=options.limit)
    _print_timings(timings)
    seeds = 1 if options.quick else options.seeds
    try:
        results = list(run_cases(surface_cases(side_px=96 if options.quick else options.side, seeds=seeds)))
        if options.pack is not None:
            heads = 3 if options.quick else options.heads
            cases = head_cases(options.pack, heads=heads, seeds=seeds, predictions=options.predictions)
            results += run_cases(cases)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    table = averaged(results)
    _print_results(table)
    rates = batched_throughput(side_px=128, pictures=4 if options.quick else 16)
    print(
        "\nbatches of 128 x 128, pictures a second: " + "; ".join(f"{name} {rate:.0f}" for name, rate in rates.items())
    )
    bars = [*solver_bars(timings), *method_bars(results)]
    print()
    for bar in bars:
        print(f"{ {True: 'met', False: 'MISSED', None: 'not measured'}[bar.met] }: {bar.claim}: {bar.measured}")
    if options.out is not None:
        _write(options.out, timings, table, rates, bars)
    return 1 if any(bar.met is False for bar in bars) else 0


def averaged(results: Sequence[Result]) -> list[Result]:
    """Means over seeds and heads, in the order of their first appearance."""
    groups: dict[tuple[str, str, str, str], list[Result]] = {}
    for result in results:
        groups.setdefault((result.surface, result.projection, result.normals, result.method), []).append(result)
    return [
        Result(*key, float(np.mean([one.error for one in group])), float(np.mean([one.seconds for one in group])))
        for key, group in groups.items()
    ]


def solver_bars(timings: dict[int, dict[str, Timing]]) -> list[Bar]:
    """How the compiled solver compares at every size."""
    against_cholmod, against_pyamg, per_pixel_ns, errors = [], [], [], []
    for side_px, row in timings.items():
        ours = row[OURS].seconds or float("nan")
        errors.append(row[OURS].error_px or 0.0)
        per_pixel_ns.append(ours / side_px**2 * 1e9)
        against_cholmod += [seconds / ours for seconds in [row[CHOLMOD].seconds] if seconds is not None]
        rivals = [seconds for name in PYAMG if (seconds := row[name].seconds) is not None]
        against_pyamg += [min(rivals) / ours] if rivals else []
    growth = per_pixel_ns[-1] / per_pixel_ns[0]
    return [
        Bar(
            f"error of the solver at most {MOST_ERROR_PX} px",
            ", ".join(f"{error:.0e}" for error in errors),
            max(errors) <= MOST_ERROR_PX,
        ),
        Bar(
            f"linear in pixels: time a pixel grows by at most {MOST_GROWTH} from first to last size",
            f"{', '.join(f'{value:.0f}' for value in per_pixel_ns)} ns a pixel, {growth:.1f} times",
            growth <= MOST_GROWTH,
        ),
        _times_faster("cached CHOLMOD", against_cholmod, LEAST_OVER_CHOLMOD),
        _times_faster("the best pyamg", against_pyamg, LEAST_OVER_PYAMG),
    ]


def method_bars(results: Sequence[Result]) -> list[Bar]:
    """How the robust methods compare with the bilateral one, for every surface with jumps.

    A measured ratio is the geometric mean over the pictures of one kind, each compared with itself.
    """
    pictures: dict[tuple[str, str, str], list[dict[str, Result]]] = {}
    for start in range(0, len(results), len(ROWS)):
        row = {one.method: one for one in results[start : start + len(ROWS)]}
        kind = row["robust"]
        if kind.surface != "smooth" and (kind.surface, kind.projection) != ("heads", "orthographic"):
            pictures.setdefault((kind.surface, kind.projection, kind.normals), []).append(row)
    bars = []
    for kind, rows in pictures.items():
        where = f"{', '.join(kind)} normals"
        for method, quantity, most in (
            ("robust", "error", MOST_ERROR),
            ("robust", "seconds", MOST_TIME),
            ("robust_gradient", "error", MOST_ERROR_WITH_GRADIENT),
        ):
            ratios = [getattr(row[method], quantity) / getattr(row[BILATERAL], quantity) for row in rows]
            ratio = float(np.exp(np.mean(np.log(ratios))))
            claim = f"{where}: {quantity} of {method} at most {most:.2g} of bilateral"
            bars.append(Bar(claim, f"{ratio:.2f}", ratio <= most))
    return bars


def _times_faster(name: str, ratios: list[float], least: float) -> Bar:
    claim = f"at least {least:g} times faster than {name} at every size"
    if not ratios:
        return Bar(claim, "not installed", None)
    return Bar(claim, ", ".join(f"{ratio:.1f}" for ratio in ratios), min(ratios) >= least)


def _print_timings(timings: dict[int, dict[str, Timing]]) -> None:
    print("\nsolving the same weighted system, milliseconds (largest error, px)\n")
    print("| solver | " + " | ".join(f"{side_px}²" for side_px in timings) + " |\n|---|" + "---|" * len(timings))
    for name in timings[next(iter(timings))]:
        cells = []
        for row in timings.values():
            timing = row[name]
            cells.append(
                timing.remark if timing.seconds is None else f"{timing.seconds * 1000:.1f} ({timing.error_px:.0e})"
            )
        print(f"| {name} | " + " | ".join(cells) + " |")


def _print_results(table: Sequence[Result]) -> None:
    columns = list(dict.fromkeys((one.surface, one.projection, one.normals) for one in table))
    cells = {(one.method, (one.surface, one.projection, one.normals)): one for one in table}
    print("\nmean absolute error, px (orthographic) or mm (perspective), and milliseconds\n")
    print("| surface | " + " | ".join(ROWS) + " |\n|---|" + "---|" * len(ROWS))
    for column in columns:
        row = [cells[name, column] for name in ROWS]
        print(
            f"| {', '.join(column)} | " + " | ".join(f"{one.error:.3g} ({one.seconds * 1e3:.0f})" for one in row) + " |"
        )


def _write(
    path: Path, timings: dict[int, dict[str, Timing]], table: Sequence[Result], rates: dict, bars: list[Bar]
) -> None:
    report = {
        "processor": processor_name(),
        "solvers": {
            side: {name: dataclasses.asdict(one) for name, one in row.items()} for side, row in timings.items()
        },
        "methods": [dataclasses.asdict(one) for one in table],
        "batched_pictures_a_second": rates,
        "bars": [dataclasses.asdict(bar) for bar in bars],
    }
    path.write_text(json.dumps(report, indent=1) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.integration", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, one seed, three heads")
    parser.add_argument("--pack", type=Path, help="a pack of `python -m train pack`: adds heads of its test split")
    parser.add_argument(
        "--predictions", type=Path, help="a folder of <row>.npy, normals predicted for rows of the pack"
    )
    parser.add_argument("--heads", type=int, default=12, help="heads of the pack")
    parser.add_argument("--seeds", type=int, default=5, help="seeds of the noise")
    parser.add_argument("--sides", type=int, nargs="+", default=SIDES_PX, help="pixels of the systems to be solved")
    parser.add_argument("--side", type=int, default=256, help="pixels of the made-up surfaces")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds that one solution of a rival may take")
    parser.add_argument("--out", type=Path, help="a JSON file to write")
    return parser


if __name__ == "__main__":
    if any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):
        # Libraries read these as they are loaded, which they are by now.
        command = [sys.executable, "-m", "benchmarks.integration", *sys.argv[1:]]
        sys.exit(subprocess.run(command, env=os.environ | ONE_THREAD, check=False).returncode)
    sys.exit(main())
