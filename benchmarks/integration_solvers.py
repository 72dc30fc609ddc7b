"""Solvers of the weighted system of integration, timed side by side: ours, and whatever is installed of the others.

All solve the same normal equations on a made-up picture with jumps, its mask 54 % of the square, weighted as published.
Ours starts from edge weights and builds all it needs; the others are given the assembled matrix for free. A solver that
takes longer than a limit is left out of larger sizes. Seconds are those of the processor, so that a busy machine does
not change them; everything runs in one thread.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import csc_array
from scipy.sparse.linalg import cg, spsolve

from benchmarks.integration_surfaces import parted_sheets, scene
from train.integration.compiled_solve import solve_refined
from train.integration.direct_solve import normal_equations
from train.integration.edges import Edges, combine, inside, steps
from train.integration.least_squares import published_weights
from train.integration.torch_multigrid import solve_in_torch

# A solver's times count where its largest error is at most this. Source: the measurements that asked for this table.
MOST_ERROR_PX = 1e-4
OUR_TOLERANCE = 1e-7
NOISE_PX_PER_PX = 0.1
CERES_MOST_SIDE_PX = 128


@dataclass(frozen=True)
class System:
    """Weights and targets of the edges, and the same as a matrix without its first pixel, whose depth is 0."""

    arrays: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    shape: tuple[int, int]
    matrix: csc_array
    right_side: np.ndarray
    pixels: np.ndarray
    reference: np.ndarray


@dataclass(frozen=True)
class Timing:
    """Processor seconds of the fastest round and the largest error in pixels; None and why, where it did not run."""

    seconds: float | None
    error_px: float | None
    remark: str = ""


def make_system(side_px: int) -> System:
    """The system at one size. Its reference is our own solution at full precision, which tests compare with SciPy's."""
    truth = scene(parted_sheets(), height_px=side_px, width_px=side_px, perspective=False)
    stream = np.random.default_rng(side_px)
    mask, depth = torch.from_numpy(truth.mask)[None], torch.from_numpy(truth.depth)[None]
    weights = combine(
        torch.mul,
        inside(mask, torch.float64),
        published_weights(torch.from_numpy(truth.gradient_magnitude)[None], 0.1),
    )
    change = steps(depth)
    noise = stream.normal(0, NOISE_PX_PER_PX, (2, *truth.mask.shape))
    arrays = (
        weights.right[0].numpy(),
        weights.down[0].numpy(),
        change.right[0].numpy() + noise[0],
        change.down[0].numpy() + noise[1],
    )
    matrix, right_side, pixels = normal_equations(*arrays)
    reference = solve_refined(*arrays, np.zeros_like(arrays[0]), 1e-11, 100)[0].ravel()[pixels]
    return System(
        arrays, (side_px, side_px), matrix[1:, 1:].tocsc(), right_side[1:], pixels, reference - reference.mean()
    )


def solvers() -> dict[str, Callable[[System], Callable[[], np.ndarray]] | str]:
    """By name, what prepares a solver for a system and returns the part that is timed; or why there is none."""
    found: dict[str, Callable[[System], Callable[[], np.ndarray]] | str] = {
        "ours, compiled": _ours,
        "ours, torch": _ours_in_torch,
        "scipy spsolve": lambda system: lambda: _grounded(np.asarray(spsolve(system.matrix, system.right_side))),
        "scipy CG, Jacobi": _scipy_cg,
    }
    found |= dict.fromkeys(("pyamg Ruge-Stueben", "pyamg aggregation"), "not installed (pyamg)")
    found |= dict.fromkeys(("CHOLMOD cached", "CHOLMOD cold"), "not installed (scikit-sparse)")
    found["Ceres"] = "not installed (pyceres)"
    try:
        import pyamg  # pyright: ignore[reportMissingImports]
    except ImportError:
        pass
    else:
        found["pyamg Ruge-Stueben"] = lambda system: lambda: _pyamg(pyamg.ruge_stuben_solver, system)
        found["pyamg aggregation"] = lambda system: lambda: _pyamg(pyamg.smoothed_aggregation_solver, system)
    try:
        from sksparse import cholmod  # pyright: ignore[reportMissingImports]
    except ImportError:
        pass
    else:
        found["CHOLMOD cached"] = lambda system: _cholmod_cached(cholmod, system)
        found["CHOLMOD cold"] = lambda system: lambda: _grounded(cholmod.cholesky(system.matrix)(system.right_side))
    try:
        import pyceres  # pyright: ignore[reportMissingImports]
    except ImportError:
        pass
    else:
        found["Ceres"] = lambda system: lambda: _ceres(pyceres, system)
    return found


def time_solvers(sides_px: tuple[int, ...], *, rounds: int, limit_s: float) -> dict[int, dict[str, Timing]]:
    """Timings by side and solver. Rounds go through the solvers in turn, so that other load hits them alike."""
    tables: dict[int, dict[str, Timing]] = {}
    slow: dict[str, str] = {}
    for side_px in sides_px:
        system = make_system(side_px)
        timings: dict[str, Timing] = {}
        ready: dict[str, Callable[[], np.ndarray]] = {}
        for name, prepare in solvers().items():
            if isinstance(prepare, str) or name in slow:
                timings[name] = Timing(None, None, prepare if isinstance(prepare, str) else slow[name])
            elif name == "Ceres" and side_px > CERES_MOST_SIDE_PX:
                timings[name] = Timing(None, None, "left out (its cost functions are Python's)")
            else:
                ready[name] = prepare(system)
        for number in range(rounds + 1):
            for name, run in ready.items():
                earlier = timings.get(name)
                if earlier is not None and earlier.seconds is not None and earlier.seconds > limit_s / 4:
                    continue
                started_s = time.process_time()
                solution = run()
                seconds = time.process_time() - started_s
                error_px = float(np.abs(solution - solution.mean() - system.reference).max())
                # The first round warms up: it compiles, and touches memory.
                if number > 1 and earlier is not None and earlier.seconds is not None:
                    seconds = min(seconds, earlier.seconds)
                timings[name] = Timing(seconds, error_px)
        for name, timing in timings.items():
            # Eight times: four times the pixels, and twice for what grows faster.
            if timing.seconds is not None and timing.seconds * 8 > limit_s:
                slow[name] = f"left out (took {timing.seconds:.1f} s at {side_px})"
        tables[side_px] = timings
    return tables


def _grounded(values: np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], values])


def _ours(system: System) -> Callable[[], np.ndarray]:
    start = np.zeros(system.shape)
    return lambda: solve_refined(*system.arrays, start, OUR_TOLERANCE, 100)[0].ravel()[system.pixels]


def _ours_in_torch(system: System) -> Callable[[], np.ndarray]:
    right, down, x, y = (torch.from_numpy(array)[None] for array in system.arrays)
    start = torch.zeros_like(x)

    def run() -> np.ndarray:
        solution = solve_in_torch(Edges(right, down), Edges(x, y), start, tolerance=OUR_TOLERANCE, most_iterations=100)
        return solution[0].numpy().ravel()[system.pixels]

    return run


def _scipy_cg(system: System) -> Callable[[], np.ndarray]:
    from scipy.sparse import diags_array

    def run() -> np.ndarray:
        scale = diags_array(1 / system.matrix.diagonal())
        return _grounded(cg(system.matrix, system.right_side, rtol=1e-7, maxiter=20000, M=scale)[0])

    return run


def _pyamg(make: Callable, system: System) -> np.ndarray:
    hierarchy = make(system.matrix.tocsr())
    return _grounded(hierarchy.solve(system.right_side, tol=1e-6, accel="cg", maxiter=200))


def _cholmod_cached(cholmod, system: System) -> Callable[[], np.ndarray]:
    factor = cholmod.analyze(system.matrix)

    def run() -> np.ndarray:
        factor.cholesky_inplace(system.matrix)
        return _grounded(factor(system.right_side))

    return run


def _ceres(pyceres, system: System) -> np.ndarray:
    """The paper's solver: a residual block an edge, sparse normal equations, one thread."""

    class Edge(pyceres.CostFunction):
        def __init__(self, root_weight: float, target: float):
            pyceres.CostFunction.__init__(self)
            self.set_num_residuals(1)
            self.set_parameter_block_sizes([1, 1])
            self.root_weight, self.target = root_weight, target

        def Evaluate(self, parameters, residuals, jacobians):  # noqa: N802 - the name that Ceres calls
            residuals[0] = self.root_weight * (parameters[1][0] - parameters[0][0] - self.target)
            if jacobians is not None:
                for end, sign in ((0, -1.0), (1, 1.0)):
                    if jacobians[end] is not None:
                        jacobians[end][0] = sign * self.root_weight
            return True

    right_weight, down_weight, right_target, down_target = system.arrays
    values = [np.zeros(1) for _ in range(right_weight.size)]
    problem = pyceres.Problem()
    for weight, target, step in ((right_weight, right_target, 1), (down_weight, down_target, right_weight.shape[1])):
        for begin in np.flatnonzero(weight > 0):
            cost = Edge(float(np.sqrt(weight.flat[begin])), float(target.flat[begin]))
            problem.add_residual_block(cost, None, [values[begin], values[begin + step]])
    problem.set_parameter_block_constant(values[system.pixels[0]])
    options = pyceres.SolverOptions()
    options.linear_solver_type = pyceres.LinearSolverType.SPARSE_NORMAL_CHOLESKY
    options.num_threads = 1
    pyceres.solve(options, problem, pyceres.SolverSummary())
    return np.concatenate([values[pixel] for pixel in system.pixels])
