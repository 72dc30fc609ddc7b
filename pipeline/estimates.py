"""What rendering will cost: hours and gigabytes, from what rendering the same kind of frames has cost before."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.frame_set import dataset_manifest, published_datasets, published_recipe
from pipeline.machine import usable_cores
from pipeline.planning import DatasetPlan
from render.config import Recipe
from render.dataset_format import SHARD_RECORDS, SHARD_RUN
from render.sampling.place import frame_place
from render.shard_plan import PlannedShard, Product, wanted_products

# What a stage of a shard's run.json is spent on; all other stages are spent on each frame, whatever its products.
STAGES_OF_PRODUCT: dict[str, Product] = {
    "cycles_gt": "gt", "ground_truth": "gt", "cycles_rgb": "rgb", "picture": "rgb", "measure": "sensor",
}  # fmt: skip
PER_SHARD, PER_PERSON = ("start",), ("person",)
# So many shards of each product are read for an estimate, and so many frames looked up, evenly spread over all.
MOST_SHARDS_READ = 40
MOST_FRAMES_LOOKED_UP = 2000
# Where nothing is on record: bytes a pixel as frames of khan2021, quick and showcase took them (gt 3.5, 5.8 and 13,
# the more hair the more; jpg 0.28, png 1.0; 16-bit depth with a sensor's noise 0.2), and what a frame has beside its
# pixels, most of it its record (gt 11 kB, rgb 4 kB).
BYTES_PER_PIXEL = {"gt": 7.0, "jpg": 0.28, "png": 1.0, "sensor": 0.25}
BYTES_OF_A_RECORD = 8000


@dataclass
class Costs:
    """Seconds on this machine and bytes, added up over shards on record; `source` says which these are.

    Seconds by what they are spent on, with the number of times (frames, people, shards) that they were.
    """

    source: str
    seconds: dict[str, float] = field(default_factory=dict)
    times: Counter[str] = field(default_factory=Counter)
    stored_bytes: Counter[str] = field(default_factory=Counter)
    stored_frames: Counter[str] = field(default_factory=Counter)

    def each(self, what: str) -> float:
        """Mean seconds of one `frame`, `person`, `start`, or of one product."""
        return self.seconds.get(what, 0.0) / self.times[what] if self.times[what] else 0.0


@dataclass(frozen=True)
class Estimate:
    """Seconds (None where nothing is on record) and bytes of what is to be rendered, and where the numbers are from."""

    seconds: float | None
    stored_bytes: float
    time_source: str
    space_source: str


def costs_on_record(plan: DatasetPlan, published: Mapping[str, Mapping[str, str]], store: Path) -> Costs | None:
    """What frames like those of a plan have cost in this store: the plan's own, and those of datasets whose frames are
    made in the same way; None where there are none.

    `published` names by product and key the shard that holds a frame.
    """
    shards: dict[str, set[str]] = {product: set() for product in wanted_products(plan.recipe)}
    step = max(1, -(-len(plan.frames) // MOST_FRAMES_LOOKED_UP))
    for row in range(0, len(plan.frames), step):
        for product, key in plan.frames[row].keys.items():
            if key in published[product]:
                shards[product].add(published[product][key])
    for folder in published_datasets(store):
        try:
            manifest = dataset_manifest(folder)
            alike = _way_of_making(published_recipe(manifest)) == _way_of_making(plan.recipe)
        except PipelineError:
            continue  # a dataset of another version
        for product, paths in manifest.shards.items() if alike else ():
            shards.setdefault(product, set()).update(paths)
    costs = costs_of_shards({product: [store / path for path in sorted(paths)] for product, paths in shards.items()})
    return costs if costs.times["frame"] + costs.times["sensor"] else None


def costs_of_shards(shards: Mapping[str, Collection[Path]]) -> Costs:
    """The costs of shards by product. Products that were rendered together tell the same; it is counted once."""
    costs, seen, frames = Costs(source=""), set(), 0
    for product, folders in shards.items():
        for folder in _even_selection(folders):
            try:
                content = (folder / SHARD_RUN).read_bytes()
                run = json.loads(content)
                lines = (folder / SHARD_RECORDS).read_bytes().splitlines()
                people = len({json.loads(line)["identity_id"] for line in lines})
                counted, seconds = int(run["frames"]), dict(run["seconds"])
            except (OSError, ValueError, KeyError, TypeError):
                continue  # facts of a run are in no hash: nothing is wrong where they are missing
            costs.stored_bytes[product] += sum(path.stat().st_size for path in folder.iterdir())
            costs.stored_frames[product] += counted
            if content in seen or counted == 0:
                continue
            seen.add(content)
            frames += counted
            _add_run(costs, seconds, counted, people, share=_share_of_machine(run))
    costs.source = f"{frames} frames of this kind in the store"
    return costs


def estimate(plan: DatasetPlan, shards: Collection[PlannedShard], costs: Costs | None) -> Estimate:
    """What rendering the shards of a plan will take, by costs on record."""
    counts: Counter[Product] = Counter()
    for shard in shards:
        counts.update(dict.fromkeys(shard.products, len(shard.frames)))
    space = sum(count * bytes_of_a_frame(plan.recipe, product, costs) for product, count in counts.items())
    measured = [product for product in counts if costs and costs.stored_frames[product]]
    guess = "bytes a pixel as other recipes needed them" if len(measured) < len(counts) else ""
    space_source = " and ".join([*([costs.source] if costs and measured else []), *([guess] if guess else [])])
    if costs is None or len(measured) < len(counts):
        return Estimate(None, space, "", space_source)
    return Estimate(_seconds(plan, shards, costs), space, costs.source, space_source)


def bytes_of_a_frame(recipe: Recipe, product: Product, costs: Costs | None) -> float:
    """Bytes that a frame of a product takes in the store, as on record, else by its number of pixels."""
    if costs is not None and costs.stored_frames[product]:
        return costs.stored_bytes[product] / costs.stored_frames[product]
    kind = recipe.rgb.file_format if product == "rgb" else product
    return BYTES_PER_PIXEL[kind] * recipe.cameras.width_px * recipe.cameras.height_px + BYTES_OF_A_RECORD


def _seconds(plan: DatasetPlan, shards: Collection[PlannedShard], costs: Costs) -> float:
    total = 0.0
    for shard in shards:
        total += len(shard.frames) * sum(costs.each(product) for product in shard.products)
        if shard.products != ("sensor",):
            people = {(frame.split, frame_place(plan.recipe.structure, frame.index).person) for frame in shard.frames}
            total += costs.each("start") + len(people) * costs.each("person") + len(shard.frames) * costs.each("frame")
    return total


def _add_run(costs: Costs, seconds: Mapping[str, float], frames: int, people: int, *, share: float) -> None:
    products = {STAGES_OF_PRODUCT[stage] for stage in seconds if stage in STAGES_OF_PRODUCT}
    for stage, spent in seconds.items():
        what = STAGES_OF_PRODUCT.get(stage, "frame")
        what = "start" if stage in PER_SHARD else "person" if stage in PER_PERSON else what
        costs.seconds[what] = costs.seconds.get(what, 0.0) + spent * share
    costs.times.update(dict.fromkeys(products, frames))
    if products != {"sensor"}:
        costs.times.update({"frame": frames, "person": people, "start": 1})


def _share_of_machine(run: dict) -> float:
    """How much of this machine a renderer had: several side by side have a part of the cores each."""
    return 1.0 if run.get("device") == "gpu" else min(1.0, float(run.get("threads", 1e9)) / usable_cores())


def _way_of_making(recipe: Recipe) -> tuple:
    """What the cost of a frame depends on most: its size, its head, its samples."""
    heads, cameras = recipe.heads, recipe.cameras
    return heads.family, heads.subdivision_level, cameras.width_px, cameras.height_px, recipe.rgb


def _even_selection(folders: Collection[Path]) -> Iterable[Path]:
    step = max(1, -(-len(folders) // MOST_SHARDS_READ))
    return list(folders)[::step]
