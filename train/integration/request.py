"""What is asked of integration, checked before anything is computed: shapes, numbers and the method."""

import torch
from torch import Tensor

from train.errors import InputError

# `auto` is `robust_gradient` where a gradient magnitude is given, else `robust`.
METHODS = (
    "auto",
    "robust",
    "robust_gradient",
    "wls",
    "least_squares",
    "frankot_chellappa",
    "dct_poisson",
    "bilateral",
)
NEED_GRADIENT = ("robust_gradient", "wls")


def check_request(
    normals_cam: Tensor,
    mask: Tensor,
    *,
    gradient_magnitude: Tensor | None,
    intrinsics_px: Tensor | None,
    method: str,
    lam: float,
) -> str:
    """The method that will run, with `auto` resolved, for a batch of pictures.

    Raises: InputError when shapes or types do not fit, a number inside the mask is not finite, a gradient magnitude or
    `lam` is negative, intrinsics are no pinhole's, the method is unknown, or it needs a gradient magnitude.
    """
    if method not in METHODS:
        raise InputError(f"no integration method {method!r}; expected one of {', '.join(METHODS)}")
    if method == "auto":
        method = "robust" if gradient_magnitude is None else "robust_gradient"
    if method in NEED_GRADIENT and gradient_magnitude is None:
        raise InputError(f"{method} needs gradient_magnitude, and got none; give it, or use least_squares or robust")
    if not 0 <= lam < float("inf"):
        raise InputError(f"lam must be a finite number of at least 0, not {lam}")
    if mask.ndim != 3 or mask.dtype != torch.bool:
        raise InputError(f"the mask must be bool, batch x height x width, not {_described(mask)}")
    _check_array("normals_cam", normals_cam, (*mask.shape, 3), mask)
    if gradient_magnitude is not None:
        _check_array("gradient_magnitude", gradient_magnitude, tuple(mask.shape), mask)
        if (gradient_magnitude[mask] < 0).any():
            raise InputError("gradient_magnitude is negative inside the mask; decode it before use (it is a slope)")
    if intrinsics_px is not None:
        _check_intrinsics(intrinsics_px, pictures=len(mask))
    return method


def _check_array(name: str, array: Tensor, shape: tuple[int, ...], mask: Tensor) -> None:
    if tuple(array.shape) != shape or not array.is_floating_point():
        raise InputError(f"{name} must be floating point of shape {shape} to fit the mask, not {_described(array)}")
    broken = ~torch.isfinite(array)
    bad = int((mask & (broken.any(dim=-1) if broken.ndim > mask.ndim else broken)).sum())
    if bad:
        raise InputError(
            f"{name} is not finite at {bad} of {int(mask.sum())} pixels of the mask. Take them out of the mask, or, "
            "for unknown normals that are to be filled from around, write (0, 0, 0)"
        )


def _check_intrinsics(intrinsics_px: Tensor, *, pictures: int) -> None:
    if tuple(intrinsics_px.shape) != (pictures, 3, 3):
        raise InputError(
            f"intrinsics_px must be {(pictures, 3, 3)}, a matrix a picture, not {_described(intrinsics_px)}"
        )
    last_row = intrinsics_px.new_tensor([0.0, 0.0, 1.0])
    focal_px = intrinsics_px[:, [0, 1], [0, 1]]
    if not (torch.isfinite(intrinsics_px).all() and (focal_px > 0).all() and (intrinsics_px[:, 2] == last_row).all()):
        raise InputError(
            "intrinsics_px must be finite, with positive focal lengths in pixels and (0, 0, 1) as last row, not "
            f"{intrinsics_px.tolist()}"
        )


def _described(array: Tensor) -> str:
    return f"{str(array.dtype).removeprefix('torch.')} {tuple(array.shape)}"
