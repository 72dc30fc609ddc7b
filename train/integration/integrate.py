"""Depth from normals: `integrate` for one picture in NumPy, `integrate_batch` for many in torch on any device."""

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from train.integration.bilateral import integrate_bilateral
from train.integration.components import centred
from train.integration.fourier import dct_poisson, frankot_chellappa
from train.integration.least_squares import integrate_least_squares
from train.integration.request import check_request
from train.integration.robust import integrate_robust, integrate_robust_gradient
from train.integration.slopes import SlopeField, focal_length_px, slope_field


def integrate(
    normals_cam: Float[np.ndarray, "h w 3"],
    mask: Bool[np.ndarray, "h w"],
    *,
    gradient_magnitude: Float[np.ndarray, "h w"] | None = None,
    method: str = "auto",
    lam: float = 0.1,
    intrinsics_px: Float[np.ndarray, "3 3"] | None = None,
) -> Float[np.ndarray, "h w"]:
    """Depth of one picture, float64, growing away from the camera; 0 outside the mask.

    Normals are in the camera frame (x right, y down, z forward) and face the camera (z <= 0). Normals that do not, or
    only at a grazing angle, or are (0, 0, 0), count as unknown, and their pixels are filled from around.
    Without intrinsics the projection is orthographic: depth is in pixels, with mean 0 over each connected component of
    the mask (neighbours share an edge). With intrinsics it is perspective: depth is up to scale, with geometric mean 1
    over each component. `gradient_magnitude` is that of docs/conventions.md, `lam` the published factor of `wls`.
    Raises: InputError on arrays that do not fit, numbers in the mask that are not finite, an unknown method, and a
    method without the gradient magnitude that it needs.
    """
    depth = integrate_batch(
        _batch_of_one(normals_cam),
        torch.from_numpy(np.array(mask))[None],
        gradient_magnitude=None if gradient_magnitude is None else _batch_of_one(gradient_magnitude),
        method=method,
        lam=lam,
        intrinsics_px=None if intrinsics_px is None else _batch_of_one(intrinsics_px),
    )
    return depth[0].numpy()


def integrate_batch(
    normals_cam: Float[Tensor, "b h w 3"],
    mask: Bool[Tensor, "b h w"],
    *,
    gradient_magnitude: Float[Tensor, "b h w"] | None = None,
    method: str = "auto",
    lam: float = 0.1,
    intrinsics_px: Float[Tensor, "b 3 3"] | None = None,
    back_end: str = "auto",
) -> Float[Tensor, "b h w"]:
    """Depth of every picture as from `integrate`, on the device and in the precision of the normals (single at least).

    `back_end` names the solver (train.integration.solve). Raises: as `integrate`.
    """
    method = check_request(
        normals_cam,
        mask,
        gradient_magnitude=gradient_magnitude,
        intrinsics_px=intrinsics_px,
        method=method,
        lam=lam,
    )
    normals_cam = normals_cam.to(torch.promote_types(normals_cam.dtype, torch.float32))
    depth = torch.zeros_like(normals_cam[..., 0])
    if not mask.any():
        return depth
    rows, columns = (torch.nonzero(mask.any(dim=0).any(dim=axis)).flatten() for axis in (1, 0))
    box = np.s_[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if intrinsics_px is not None:
        intrinsics_px = intrinsics_px.to(normals_cam).clone()
        intrinsics_px[:, 0, 2] -= columns[0]
        intrinsics_px[:, 1, 2] -= rows[0]
    inside = mask[box]
    field = slope_field(torch.where(inside[..., None], normals_cam[box], 0.0), inside, intrinsics_px)
    magnitude = torch.zeros_like(field.cosine)
    if gradient_magnitude is not None:
        magnitude = torch.where(inside, gradient_magnitude[box].to(magnitude), 0.0)
    t = centred(_integrated(field, magnitude, method, lam=lam, back_end=back_end), inside)
    shown = t if intrinsics_px is None else torch.exp(t / focal_length_px(intrinsics_px))
    depth[box] = torch.where(inside, shown, 0.0)
    return depth


def _integrated(
    field: SlopeField, magnitude: Float[Tensor, "b h w"], method: str, *, lam: float, back_end: str
) -> Float[Tensor, "b h w"]:
    """t by one method, up to a constant for each component."""
    match method:
        case "robust":
            return integrate_robust(field, back_end=back_end)
        case "robust_gradient":
            return integrate_robust_gradient(field, magnitude, back_end=back_end)
        case "wls":
            return integrate_least_squares(field, magnitude, lam=lam, back_end=back_end)
        case "least_squares":
            return integrate_least_squares(field, magnitude, lam=0.0, back_end=back_end)
        case "bilateral":
            return integrate_bilateral(field, back_end=back_end)
        case "dct_poisson":
            return dct_poisson(field.targets)
    return frankot_chellappa(field.slopes)


def _batch_of_one(array: Float[np.ndarray, "..."]) -> Float[Tensor, "..."]:
    return torch.from_numpy(np.array(array, dtype=np.float64))[None]
