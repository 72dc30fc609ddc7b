"""One frame of a recipe, rendered by the renderer as a child process."""

from pathlib import Path

import yaml

from pipeline.estimates import Costs, costs_of_shards
from pipeline.frame_set import Address
from pipeline.stage_command import run_stage_command
from pipeline.tasks.parameters import render_command
from render.config import Recipe
from render.dataset_format import PRODUCTS


def render_single_frame(
    recipe: Recipe,
    address: Address,
    folder: Path,
    *,
    device: str,
    assets_source: str | None,
    blend: Path | None = None,
    stage: str,
) -> Path:
    """Render all products of one frame; returns the folder of its shards, `folder/frame`.

    `folder` exists, and takes the recipe, the frame and the log as well. Raises: PipelineError when that fails.
    """
    recipe_path, out = folder / "recipe.yaml", folder / "frame"
    recipe_path.write_text(yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False), encoding="utf-8")
    command = [*render_command(), "frame", "--recipe", str(recipe_path), "--split", address[0]]
    command += ["--index", str(address[1]), "--out", str(out), "--device", device]
    if assets_source:
        command += ["--assets", assets_source]
    if blend:
        command += ["--blend", str(blend)]
    run_stage_command(command, stage=stage, log=folder / "render.log")
    return out


def single_shards(out: Path) -> dict[str, Path]:
    """By product the shard that `render_single_frame` left below its folder."""
    return {product: folder for product in PRODUCTS for folder in (out / "shards" / product).glob("[!.]*")}


def measured_costs(recipe: Recipe, address: Address, folder: Path, *, device: str, assets_source: str | None) -> Costs:
    """What one frame costs on this machine: render it below an existing folder, and read how long each stage took."""
    out = render_single_frame(
        recipe, address, folder, device=device, assets_source=assets_source, stage="measure one frame"
    )
    costs = costs_of_shards({product: [shard] for product, shard in single_shards(out).items()})
    costs.source = "one frame rendered just now"
    return costs
