"""Keys: what a frame's pixels depend on, as one hash for each product."""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path

from render.bundled_assets import ENVIRONMENTS_ASSET
from render.config import Recipe
from render.dataset_format import canonical_json, canonical_sha256
from render.heads.families import FAMILIES
from render.parameters import FACTORS_OF_PRODUCT, FrameParameters, factor_values
from render.ranges.lighting import NO_ENVIRONMENT
from render.ranges.people import OWN_FAMILIES
from render.recipe_head import own_assets, recipe_head
from render.sampling.frame import draw_frame
from render.shard_plan import PlannedFrame, Product, wanted_products

# Bump an epoch by hand when the code it names changes what it makes. Canary frames fail until that is done.
EPOCHS: dict[str, int] = {"geometry": 4, "ground_truth": 2, "appearance": 2, "picture": 2, "sensor": 1}
EPOCHS_OF_PRODUCT: dict[str, tuple[str, ...]] = {
    "gt": ("geometry", "ground_truth"),
    "rgb": ("geometry", "appearance", "picture"),
    "sensor": ("geometry", "ground_truth", "sensor"),
}


def product_settings(recipe: Recipe, product: str) -> dict:
    """Settings, not drawn, that the product's pixels depend on."""
    settings: dict = {"subdivision_level": recipe.heads.subdivision_level}
    if product == "rgb":
        settings["rgb"] = recipe.rgb.model_dump(mode="json")
    if product == "sensor":
        settings["sensor"] = recipe.sensor.used()
    return settings


def product_assets(parameters: FrameParameters, product: str, assets: dict[str, str]) -> dict[str, str]:
    """Asset id to sha256 of the assets that this product of this frame uses."""
    used = [FAMILIES[parameters.identity.family].asset_id]
    if product == "rgb" and parameters.lighting.environment != NO_ENVIRONMENT:
        used.append(ENVIRONMENTS_ASSET)
    return {asset: assets[asset] for asset in used if asset is not None}


def product_epochs(product: str) -> dict[str, int]:
    """Epochs of the code that makes this product."""
    return {name: EPOCHS[name] for name in EPOCHS_OF_PRODUCT[product]}


@cache
def software_versions() -> dict[str, str]:
    """Versions that pixels depend on; read without importing bpy."""
    return {"bpy": version("bpy")}


@dataclass(frozen=True)
class KeyMaker:
    """Makes the keys of many frames of a recipe.

    A key is the sha256 of the canonical JSON text of `key_inputs`. The text of a factor is written once for all
    products, and once for all frames that share the factor, as those of one person do.
    """

    recipe: Recipe
    assets: dict[str, str]
    _texts: dict[str, tuple[object, str]] = field(default_factory=dict)
    _ends: dict[tuple[str, ...], tuple[str, str]] = field(default_factory=dict)

    def key(self, parameters: FrameParameters, product: Product) -> str:
        """The key of one product of one frame: 32 hexadecimal digits."""
        start, end = self._start_and_end(parameters, product)
        factors = ",".join(self._factor_text(parameters, name) for name in _SORTED_FACTORS[product])
        return hashlib.sha256(f"{start}{factors}{end}".encode()).hexdigest()[:32]

    def _factor_text(self, parameters: FrameParameters, name: str) -> str:
        values = getattr(parameters, name)
        known = self._texts.get(name)
        if known is not None and known[0] is values:
            return known[1]
        text = f'"{name}":{_FACTOR_ENCODER.encode(vars(values))}'
        self._texts[name] = (values, text)
        return text

    def _start_and_end(self, parameters: FrameParameters, product: Product) -> tuple[str, str]:
        """What stands before and after the factors: it depends on the assets of the frame alone."""
        used = (product, parameters.identity.family, parameters.lighting.environment)
        if used not in self._ends:
            rest = {**key_inputs(parameters, product, self.recipe, self.assets), "drawn": {}}
            start, end = canonical_json(rest).split('"drawn":{}', maxsplit=1)
            self._ends[used] = (f'{start}"drawn":{{', f"}}{end}")
        return self._ends[used]


# Lamps, the only dataclasses within a factor, are written like factors.
_FACTOR_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), allow_nan=False, check_circular=False, default=vars
)
_SORTED_FACTORS = {product: sorted(factors) for product, factors in FACTORS_OF_PRODUCT.items()}


def frame_key(parameters: FrameParameters, product: Product, recipe: Recipe, assets: dict[str, str]) -> str:
    """The key of one product of one frame: 32 hexadecimal digits.

    It hashes the drawn values of the factors that the product uses, its settings, its assets, the epochs of its code
    and the bpy version; never a name, a path, a host, a device, a commit or the number of frames.
    """
    return KeyMaker(recipe, assets).key(parameters, product)


def key_inputs(parameters: FrameParameters, product: Product, recipe: Recipe, assets: dict[str, str]) -> dict:
    """All that the key of one product of one frame hashes."""
    return {
        "product": product,
        "drawn": factor_values(parameters, product),
        "settings": product_settings(recipe, product),
        "assets": product_assets(parameters, product, assets),
        "epochs": product_epochs(product),
        "software": software_versions(),
    }


def key_of_inputs(inputs: dict) -> str:
    """The key that hashes exactly these inputs."""
    return canonical_sha256(inputs)[:32]


def identity_id(parameters: FrameParameters, assets: dict[str, str]) -> str:
    """Who is shown, whatever the split: 16 hexadecimal digits of family, asset and coefficients."""
    asset = FAMILIES[parameters.identity.family].asset_id
    return canonical_sha256(
        [parameters.identity.family, assets[asset] if asset else None, list(parameters.identity.coefficients)]
    )[:16]


def plan_frame(recipe: Recipe, split: str, index: int, assets: dict[str, str]) -> PlannedFrame:
    """The address of a frame with the keys of the products that its recipe wants."""
    parameters, keys = draw_frame(recipe, split, index), KeyMaker(recipe, assets)
    return PlannedFrame(
        split=split,  # pyright: ignore[reportArgumentType]
        index=index,
        keys={product: keys.key(parameters, product) for product in wanted_products(recipe)},
    )


def asset_ids(recipe: Recipe) -> list[str]:
    """Ids of the assets out of the list of assets that rendering a recipe needs; files of the user's own are not."""
    family = None if recipe.heads.family in OWN_FAMILIES else FAMILIES[recipe.heads.family].asset_id
    return [asset for asset in (ENVIRONMENTS_ASSET, family) if asset is not None]


def asset_hashes(recipe: Recipe, *, source: str | None) -> dict[str, str]:
    """Asset id to sha256 of everything that a recipe uses, the user's own files too; nothing is installed.

    Raises: HeadModelError when a file of the user's own is missing.
    """
    from render.asset_library import load_manifest

    manifest = load_manifest()
    return {asset: manifest[asset].sha256 for asset in asset_ids(recipe)} | own_assets(recipe, source=source)


def assets_of(recipe: Recipe, *, source: str | None, cache: Path) -> dict[str, str]:
    """Asset id to sha256 of every asset that a recipe uses, installed when need be; a model of one's own is compiled.

    Raises: AssetError when one cannot be had, HeadModelError when a model of the user's own is wrong or does not fit.
    """
    from render.asset_library import install_asset, load_manifest

    manifest = load_manifest()
    for asset_id in asset_ids(recipe):
        install_asset(manifest[asset_id], source=source, cache=cache)
    hashes = asset_hashes(recipe, source=source)
    if recipe.heads.family in OWN_FAMILIES:
        recipe_head(recipe, assets_source=source, cache=cache, planned=hashes)
    return hashes
