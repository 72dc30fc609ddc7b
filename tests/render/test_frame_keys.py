"""Keys: the hash of one canonical JSON text, however it is put together."""

import pytest

from render.config import load_recipe
from render.dataset_format import canonical_sha256
from render.frame_keys import (
    KeyMaker,
    asset_ids,
    frame_key,
    key_inputs,
    key_of_inputs,
    product_assets,
    product_epochs,
    product_settings,
    software_versions,
)
from render.parameters import factor_values
from render.sampling.frame import draw_frame, draw_frames
from render.shard_plan import wanted_products


@pytest.mark.parametrize("name", ["khan2021", "showcase", "pini2018"])
def test_a_key_is_the_hash_of_everything_in_one_text(name: str):
    """Texts of factors that are written once for many frames make the same keys as one text for each; in order, out of
    order, and for single frames."""
    recipe = load_recipe(name, overrides={"sensor.kind": "time_of_flight"})
    assets = {asset: str(number) * 64 for number, asset in enumerate(asset_ids(recipe))}
    maker = KeyMaker(recipe, assets)
    for parameters in [*draw_frames(recipe, "train", range(12)), *draw_frames(recipe, "train", (300, 2, 301, 3))]:
        for product in wanted_products(recipe):
            inputs = {
                "product": product,
                "drawn": factor_values(parameters, product),
                "settings": product_settings(recipe, product),
                "assets": product_assets(parameters, product, assets),
                "epochs": product_epochs(product),
                "software": software_versions(),
            }
            assert key_inputs(parameters, product, recipe, assets) == inputs
            expected = canonical_sha256(inputs)[:32]
            assert key_of_inputs(inputs) == expected
            assert maker.key(parameters, product) == expected
            assert frame_key(parameters, product, recipe, assets) == expected


def test_a_frame_drawn_alone_is_the_one_of_the_row():
    """Values that are made for many indices at once are those of a single frame, across the bounds of stretches."""
    recipe = load_recipe("showcase")
    row = list(draw_frames(recipe, "test", range(250, 262)))
    assert [draw_frame(recipe, "test", index) for index in range(250, 262)] == row
