"""How two sets of frames differ: which settings, which frames, and by which factor."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.frame_set import MADE_OTHERWISE, Address, FrameSet
from render.config import Recipe
from render.dataset_format import PRODUCTS, SPLITS
from render.shard_plan import Product

# Coarse reasons first: what made all frames another thing comes before what was drawn for one.
ORDER = (MADE_OTHERWISE, "software", "epochs", "assets", "settings", "drawn", "product")
# So many frames are looked at for causes, evenly spread; records of a million would take minutes.
MOST_FRAMES_READ = 2000


@dataclass(frozen=True)
class Difference:
    """One value that two things do not share: its dotted name, and both values (None where there is no such value)."""

    name: str
    before: object
    after: object

    def __str__(self) -> str:
        return f"{self.name}: {shown(self.before)} -> {shown(self.after)}"


@dataclass(frozen=True)
class Causes:
    """Why frames differ: how many, how many of them were looked at, and those by the factors that changed."""

    frames: int
    read: int
    factors: Counter[tuple[str, ...]]


@dataclass
class SplitDifference:
    """Frames of one product of one split: alike in both sets, different at the same address, or in one set alone."""

    shared: int = 0
    only_before: int = 0
    only_after: int = 0
    changed: list[Address] = field(default_factory=list)


def differences(before: dict, after: dict) -> list[Difference]:
    """All values that differ between two trees of what a key hashes, those that concern most frames first."""
    ours, theirs = dict(_leaves(before, "")), dict(_leaves(after, ""))
    names = [name for name in dict.fromkeys([*ours, *theirs]) if ours.get(name) != theirs.get(name)]
    names.sort(key=lambda name: ORDER.index(name.partition(".")[0]))
    return [Difference(name, ours.get(name), theirs.get(name)) for name in names]


def setting_differences(before: Recipe, after: Recipe) -> list[Difference]:
    """The settings of two recipes that differ, by dotted name."""
    return _tree_differences(before.model_dump(mode="json"), after.model_dump(mode="json"), "")


def compare_frames(before: FrameSet, after: FrameSet) -> dict[Product, dict[str, SplitDifference]]:
    """By product and split (of either set) which frames the sets share."""
    compared: dict[Product, dict[str, SplitDifference]] = {}
    products: list[Product] = [one for one in PRODUCTS if one in before.keys or one in after.keys]
    for product in products:
        compared[product] = {}
        for split in SPLITS:
            ours, theirs = (each.keys.get(product, {}).get(split, ()) for each in (before, after))
            found = compared[product][split] = SplitDifference()
            for index in range(max(len(ours), len(theirs))):
                one = ours[index] if index < len(ours) else None
                other = theirs[index] if index < len(theirs) else None
                if one == other:
                    found.shared += one is not None
                elif one is None:
                    found.only_after += 1
                elif other is None:
                    found.only_before += 1
                else:
                    found.changed.append((split, index))
    return compared


def causes(before: FrameSet, after: FrameSet, product: Product, addresses: Sequence[Address]) -> Causes:
    """By which factors frames differ that both sets have at these addresses; of many, an even selection is read."""
    step = max(1, -(-len(addresses) // MOST_FRAMES_READ))
    chosen = addresses[::step]
    ours, theirs = before.inputs(product, chosen), after.inputs(product, chosen)
    both = [address for address in chosen if address in ours and address in theirs]
    counted = Counter(factors_of(differences(ours[address], theirs[address])) for address in both)
    return Causes(frames=len(addresses), read=len(both), factors=counted)


def factors_of(found: Collection[Difference]) -> tuple[str, ...]:
    """The factors that differences belong to, once each: lighting, setting rgb.samples, epoch geometry, bpy …"""
    return tuple(dict.fromkeys(_factor(one.name) for one in found))


def describe_causes(found: Causes) -> str:
    """Causes in words, the most frequent first."""
    if found.read == 0:
        return "by what is not known, for no record of them is left"
    parts = [f"{count} by {' and '.join(factors)}" for factors, count in found.factors.most_common()]
    whole = "" if found.read == found.frames else f" (of {found.read} of them that were looked at)"
    return ", ".join(parts) + whole


def shown(value: object) -> str:
    """A value as a recipe writes it; nothing there is `nothing`."""
    if value is None:
        return "nothing"
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(shown(item) for item in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {shown(item)}" for name, item in sorted(value.items())) + "}"
    return str(value)


def _factor(name: str) -> str:
    kind, _, rest = name.partition(".")
    if kind == "drawn":
        return rest.partition(".")[0]
    if kind == "software":
        return f"version of {rest}"
    return f"{ {'settings': 'setting', 'epochs': 'epoch of', 'assets': 'asset'}[kind] } {rest}" if rest else kind


def _leaves(value: object, name: str) -> Iterator[tuple[str, object]]:
    """Dotted names and values; a list of things counts its items, a mapping or list that is empty is nothing."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield from _leaves(item, f"{name}.{position}")
    else:
        yield name, value


def _tree_differences(before: object, after: object, name: str) -> list[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            difference
            for key in dict.fromkeys([*before, *after])
            for difference in _tree_differences(before.get(key), after.get(key), f"{name}.{key}" if name else str(key))
        ]
    return [] if before == after else [Difference(name, before, after)]
