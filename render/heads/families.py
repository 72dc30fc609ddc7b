"""Head families by name: the one place that joins a recipe's `heads.family` to code and asset."""

from dataclasses import dataclass
from pathlib import Path

from render.heads.model import HeadModel
from render.ranges.people import OWN_FAMILIES, Heads


@dataclass(frozen=True)
class FamilyFacts:
    """What may be known about a family without loading it: its asset (None = built in) and its identity modes.

    The asset of a family of OWN_FAMILIES is a file of the user's own, and its number of modes the one that is drawn
    where the recipe names no other.
    """

    asset_id: str | None
    identity_modes: int


PROCEDURAL_MODES = 57
FAMILIES = {
    "procedural": FamilyFacts(asset_id=None, identity_modes=PROCEDURAL_MODES),
    "ict": FamilyFacts(asset_id="ict_facekit", identity_modes=100),
    "lyhm": FamilyFacts(asset_id="own_lyhm", identity_modes=60),
    "bfm2017": FamilyFacts(asset_id="own_bfm2017", identity_modes=80),
    "flame": FamilyFacts(asset_id="own_flame", identity_modes=100),
    "character": FamilyFacts(asset_id="own_character", identity_modes=0),
}


def identity_modes(heads: Heads) -> int:
    """How many identity coefficients are drawn for a person of these heads."""
    return FAMILIES[heads.family].identity_modes if heads.identity_modes is None else heads.identity_modes


def load_head_model(family: str, *, assets_source: str | None, cache: Path) -> HeadModel:
    """The head model of a family that needs no file of the user's own, its asset fetched and compiled when need be.

    For the heads of any recipe see render.recipe_head.

    Raises: AssetError when the asset cannot be had; ValueError on an unknown family, one that needs a file, or a model
    whose number of identity modes is not the one that draws rely on.
    """
    if family not in FAMILIES:
        raise ValueError(f"unknown head family {family!r}; known are {', '.join(sorted(FAMILIES))}")
    if family in OWN_FAMILIES:
        raise ValueError(f"head family {family!r} is read from a file of the user's own, which only a recipe names")
    asset_id = FAMILIES[family].asset_id
    if asset_id is None:
        from render.heads.procedural import load_procedural

        model = load_procedural()
    else:
        from render.asset_library import install_asset, load_manifest
        from render.heads.ict import load_ict

        model = load_ict(install_asset(load_manifest()[asset_id], source=assets_source, cache=cache), cache)
    modes = model.identity_basis_m.shape[0]
    if modes != FAMILIES[family].identity_modes:
        raise ValueError(
            f"head family {family!r} has {modes} identity modes, but {FAMILIES[family].identity_modes} are registered "
            "in render/heads/families.py; draws depend on that number, so change it there and bump the draws epoch"
        )
    return model


def head_model_is_compiled(family: str, *, assets_source: str | None, cache: Path) -> bool:
    """Whether `load_head_model` only has to read a file (or needs none); the family's asset must be installed."""
    asset_id = FAMILIES[family].asset_id
    if asset_id is None:
        return True
    from render.asset_library import install_asset, load_manifest
    from render.heads.ict import compiled_ict_path

    tree = install_asset(load_manifest()[asset_id], source=assets_source, cache=cache)
    return compiled_ict_path(tree, cache).exists()
