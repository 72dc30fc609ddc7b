"""Pictures of any size for networks that halve a fixed number of times: padded before, cropped after."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from train.errors import InputError


def pad_to_multiple(rgb: Float[Tensor, "b c h w"], multiple: int) -> Float[Tensor, "b c hp wp"]:
    """The picture with its border repeated up to the next multiple each way, the picture in the middle.

    Raises: InputError when height or width is below the multiple: more than half of it would be invented.
    """
    height, width = rgb.shape[-2:]
    if min(height, width) < multiple:
        raise InputError(f"a picture needs {multiple} pixels or more each way, but {width} x {height} came")
    missing_rows, missing_columns = -height % multiple, -width % multiple
    if missing_rows == 0 and missing_columns == 0:
        return rgb
    top, left = missing_rows // 2, missing_columns // 2
    return functional.pad(rgb, (left, missing_columns - left, top, missing_rows - top), mode="replicate")


def crop_padding(padded: Float[Tensor, "b c hp wp"], *, height: int, width: int) -> Float[Tensor, "b c h w"]:
    """The part of a padded picture that `pad_to_multiple` put a picture of height x width into."""
    top, left = (padded.shape[-2] - height) // 2, (padded.shape[-1] - width) // 2
    return padded[:, :, top : top + height, left : left + width]
