"""The pixel loss of bouafif2020: how far predicted maps are from the true ones, as a mean over pixels and maps."""

from jaxtyping import Float
from torch import Tensor

from train.normals_spec import NormalsLossSpec


def pixel_loss(
    predicted: Float[Tensor, "b c h w"], target: Float[Tensor, "b c h w"], *, spec: NormalsLossSpec
) -> tuple[Float[Tensor, ""], dict[str, Float[Tensor, ""]]]:
    """The weighted loss, and the term before weighting, under the name `pixel`.

    Source: bouafif2020, equation 3 (L2) and section 5 (L1).
    """
    difference = predicted - target
    term = difference.abs().mean() if spec.pixel == "l1" else difference.square().mean()
    return spec.pixel_weight * term, {"pixel": term.detach()}
