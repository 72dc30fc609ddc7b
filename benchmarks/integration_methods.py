"""Error and time of every method of integration, on made-up surfaces and on rendered heads.

Errors are mean absolute depth errors after a median offset (orthographic: pixels) or a median scale (perspective:
millimetres). Times are processor seconds of one thread for `integrate`, preparation included.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from scipy.ndimage import gaussian_filter

from benchmarks.integration_surfaces import Scene, folded_sheets, parted_sheets, scene, smooth_sheets
from train.data.pack import Pack, open_pack, rows_of_split
from train.errors import InputError
from train.integration.integrate import integrate_batch

# Method and solver by the name of a row. BiNI's published solver is SciPy's conjugate gradients with the diagonal.
BILATERAL = "bilateral, as published"
ROWS = {
    "least_squares": ("least_squares", "auto"),
    "wls": ("wls", "auto"),
    "frankot_chellappa": ("frankot_chellappa", "auto"),
    "dct_poisson": ("dct_poisson", "auto"),
    BILATERAL: ("bilateral", "conjugate_gradients"),
    "bilateral, our solver": ("bilateral", "auto"),
    "robust": ("robust", "auto"),
    "robust_gradient": ("robust_gradient", "auto"),
}
SURFACES = {"smooth": smooth_sheets(), "folds": folded_sheets(), "parts": parted_sheets()}
# Noise of the normals: its angle at each pixel, and how far it hangs together.
NOISE_DEG, NOISE_WIDTH_PX = 5.0, 1.0
FAST_PX = 64


@dataclass(frozen=True)
class Case:
    """A picture, the normals that a method gets, and the names under which its result is averaged."""

    surface: str
    projection: str
    normals: str
    truth: Scene
    given_cam: Float[np.ndarray, "h w 3"]
    magnitude: Float[np.ndarray, "h w"]


@dataclass(frozen=True)
class Result:
    """One method on one case. `error` is in pixels (orthographic) or millimetres (perspective)."""

    surface: str
    projection: str
    normals: str
    method: str
    error: float
    seconds: float


def surface_cases(*, side_px: int, seeds: int) -> Iterator[Case]:
    """Every surface in both projections, with true normals and with noise."""
    for name, sheets in SURFACES.items():
        for projection in ("orthographic", "perspective"):
            # One side is shorter, so that a mistaken axis shows.
            truth = scene(
                sheets, height_px=side_px, width_px=side_px - side_px // 16, perspective=projection == "perspective"
            )
            yield from _with_noise(truth, name, projection, seeds=seeds)


def head_cases(pack_folder: Path, *, heads: int, seeds: int, predictions: Path | None) -> Iterator[Case]:
    """Heads of the test split (layer `head`), evenly spaced, with true, noisy and predicted normals.

    `predictions` holds an array `<row>.npy` for each row of the pack that is to be used, H x W x 3 (normals) or
    H x W x 4 (normals and gradient magnitude, decoded). Raises: InputError where one is missing or does not fit.
    """
    pack = open_pack(pack_folder)
    rows = rows_of_split(pack, "test")
    for row in rows[np.linspace(0, len(rows) - 1, min(heads, len(rows))).astype(int)]:
        truth = _head(pack, int(row))
        yield from _with_noise(truth, "heads", "perspective", seeds=seeds)
        # What the wrong model costs: the same normals without intrinsics. Depth in pixels, at the scale of its median.
        assert truth.intrinsics_px is not None
        scale = truth.intrinsics_px[0, 0] / np.median(truth.depth[truth.mask])
        flat = Scene(truth.depth * scale, truth.normals_cam, truth.gradient_magnitude, truth.mask, None)
        yield from _with_noise(flat, "heads", "orthographic", seeds=0)
        if predictions is not None:
            yield _predicted(truth, predictions / f"{row}.npy")


def run_cases(cases: Iterator[Case]) -> Iterator[Result]:
    """Every method on every case. The whole is warmed up once, on a small surface."""
    warm = next(surface_cases(side_px=FAST_PX, seeds=0))
    for method, back_end in ROWS.values():
        _run(warm, method, back_end)
    for case in cases:
        for name, (method, back_end) in ROWS.items():
            depth, seconds = _run(case, method, back_end)
            yield Result(case.surface, case.projection, case.normals, name, depth_error(depth, case.truth), seconds)


def depth_error(depth: Float[np.ndarray, "h w"], truth: Scene) -> float:
    """Mean absolute error after the median offset, or the median scale in perspective."""
    found, true = depth[truth.mask], truth.depth[truth.mask]
    if truth.intrinsics_px is None:
        return float(np.abs(found - true - np.median(found - true)).mean())
    return float(np.abs(found * np.median(true / found) - true).mean())


def batched_throughput(*, side_px: int, pictures: int) -> dict[str, float]:
    """Pictures a second of `integrate_batch` by method and solver, on the device of torch's default."""
    truth = scene(folded_sheets(), height_px=side_px, width_px=side_px, perspective=False)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    normals = torch.from_numpy(truth.normals_cam).float().expand(pictures, -1, -1, -1).to(device)
    mask = torch.from_numpy(truth.mask).expand(pictures, -1, -1).to(device)
    magnitude = torch.from_numpy(truth.gradient_magnitude).float().expand(pictures, -1, -1).to(device)
    rates = {}
    for method in ("wls", "robust", "robust_gradient"):
        for back_end in ("compiled", "torch"):
            started_s = time.perf_counter() if device == "cuda" else time.process_time()
            integrate_batch(normals, mask, gradient_magnitude=magnitude, method=method, back_end=back_end).cpu()
            ended_s = time.perf_counter() if device == "cuda" else time.process_time()
            rates[f"{method}, {back_end}, {device}"] = pictures / (ended_s - started_s)
    return rates


def _run(case: Case, method: str, back_end: str) -> tuple[np.ndarray, float]:
    """Depth, and processor seconds."""
    intrinsics_px = case.truth.intrinsics_px
    started_s = time.process_time()
    depth = integrate_batch(
        torch.from_numpy(case.given_cam)[None],
        torch.from_numpy(case.truth.mask)[None],
        gradient_magnitude=torch.from_numpy(case.magnitude)[None],
        method=method,
        intrinsics_px=None if intrinsics_px is None else torch.from_numpy(intrinsics_px)[None],
        back_end=back_end,
    )
    return depth[0].numpy(), time.process_time() - started_s


def _with_noise(truth: Scene, surface: str, projection: str, *, seeds: int) -> Iterator[Case]:
    yield Case(surface, projection, "true", truth, truth.normals_cam, truth.gradient_magnitude)
    for seed in range(seeds):
        noisy = noisy_normals(truth.normals_cam, np.random.default_rng(seed))
        yield Case(surface, projection, "noisy", truth, noisy, truth.gradient_magnitude)


def noisy_normals(normals_cam: Float[np.ndarray, "h w 3"], stream: np.random.Generator) -> Float[np.ndarray, "h w 3"]:
    """Unit normals turned by blurred noise, by about 5 degrees on average."""
    noise = gaussian_filter(stream.normal(size=normals_cam.shape), (NOISE_WIDTH_PX, NOISE_WIDTH_PX, 0))
    # Two of three components turn a normal; their length has a mean of sqrt(pi / 2) standard deviations.
    noise *= np.tan(np.radians(NOISE_DEG)) / np.sqrt(np.pi / 2) / noise.std()
    turned = normals_cam + noise
    return turned / np.linalg.norm(turned, axis=-1, keepdims=True)


def _head(pack: Pack, row: int) -> Scene:
    layer = pack.layers["head"]
    mask = np.array(layer.depth_m[row] > 0)
    return Scene(
        layer.depth_m[row].astype(np.float64) * 1000,
        layer.normals_cam[row].astype(np.float64),
        layer.gradient_magnitude[row].astype(np.float64),
        mask,
        pack.intrinsics_px[row].astype(np.float64),
    )


def _predicted(truth: Scene, path: Path) -> Case:
    try:
        given = np.load(path).astype(np.float64)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no predicted normals in {path}: {error}. Write one H x W x 3 array a row of the pack"
        ) from error
    if given.shape[:2] != truth.mask.shape or given.shape[2:] not in {(3,), (4,)}:
        raise InputError(f"{path} holds {given.shape}, but the pack asks for {(*truth.mask.shape, 3)} or 4 channels")
    magnitude = given[..., 3] if given.shape[2] == 4 else truth.gradient_magnitude
    return Case("heads", "perspective", "predicted", truth, given[..., :3], np.maximum(magnitude, 0))
