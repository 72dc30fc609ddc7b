"""Head families by name: the one place that joins a recipe's `heads.family` to code and asset."""

from dataclasses import dataclass
from pathlib import Path

from render.heads.model import HeadModel


@dataclass(frozen=True)
class FamilyFacts:
    """What may be known about a family without loading it: its asset (None = no download) and its identity modes."""

    asset_id: str | None
    identity_modes: int


PROCEDURAL_MODES = 24
FAMILIES = {
    "procedural": FamilyFacts(asset_id=None, identity_modes=PROCEDURAL_MODES),
    "ict": FamilyFacts(asset_id="ict_facekit", identity_modes=100),
}


def load_head_model(family: str, *, assets_source: str | None, cache: Path) -> HeadModel:
    """The head model of a family, its asset fetched and compiled when need be.

    Raises: AssetError when the asset cannot be had; ValueError on an unknown family, or a model whose number of
    identity modes is not the one that draws rely on.
    """
    if family not in FAMILIES:
        raise ValueError(f"unknown head family {family!r}; known are {', '.join(sorted(FAMILIES))}")
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
