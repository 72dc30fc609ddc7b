"""How a person names a frame: product/split/index, split/index, or the beginning of a key."""

import re
from dataclasses import dataclass

from pipeline.errors import PipelineError
from pipeline.frame_set import Address, FrameSet
from render.dataset_format import PRODUCTS, SPLITS
from render.shard_plan import Product

_ADDRESS = re.compile(rf"(?:({'|'.join(PRODUCTS)})/)?({'|'.join(SPLITS)})/(\d{{1,9}})")
_KEY = re.compile(r"[0-9a-f]{6,32}")


@dataclass(frozen=True)
class FrameName:
    """A frame as it was named: by address (of one product, or of all), or by the beginning of a key."""

    product: Product | None
    address: Address | None
    key: str


def parse_frame_name(text: str) -> FrameName:
    """Read a frame's name. Raises: PipelineError that shows what a name looks like."""
    if match := _ADDRESS.fullmatch(text):
        product, split, index = match.groups()
        return FrameName(product=product, address=(split, int(index)), key="")  # pyright: ignore[reportArgumentType]
    if _KEY.fullmatch(text):
        return FrameName(product=None, address=None, key=text)
    raise PipelineError(
        f"a frame is named split/index (test/3), product/split/index (rgb/test/3) or by six or more digits of its key, "
        f"but {text!r} came; splits are {', '.join(SPLITS)}, products {', '.join(PRODUCTS)}"
    )


def find_frame(name: FrameName, frames: FrameSet) -> tuple[list[Product], Address] | None:
    """The products that are meant of a frame, and its address; None where the set has no such frame.

    Raises: PipelineError when several frames have keys that begin so.
    """
    if name.address is not None:
        products: list[Product] = [one for one in frames.keys if name.product in (None, one)]
        products = [one for one in products if frames.key(one, name.address) is not None]
        return (products, name.address) if products else None
    found: list[tuple[Product, Address]] = [
        (product, (split, index))
        for product, splits in frames.keys.items()
        for split, keys in splits.items()
        for index, key in enumerate(keys)
        if key is not None and key.startswith(name.key)
    ]
    if len({frames.key(product, address) for product, address in found}) > 1:
        named = ", ".join(f"{product}/{address[0]}/{address[1]}" for product, address in found[:4])
        raise PipelineError(f"{name.key} is the beginning of several keys ({named} …); give more digits")
    return ([found[0][0]], found[0][1]) if found else None
