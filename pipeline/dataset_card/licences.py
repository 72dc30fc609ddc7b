"""Licences of everything that a dataset's frames were made of, and their texts."""

from dataclasses import dataclass
from pathlib import Path

from render.asset_library import cache_folder, installed_folder
from render.asset_manifest import ArchiveAsset, AssetError, load_manifest
from render.bundled_assets import bundled_folder

OWN_FILE = "a file of the publisher's own"


@dataclass(frozen=True)
class AssetLicence:
    """An asset that was used. `spdx` is empty where only the publisher knows the licence; `text` where it is not at
    hand on this machine."""

    asset: str
    title: str
    sha256: str
    spdx: str
    source: str
    text: str


def asset_licences(assets: dict[str, str], *, own_pictures: bool) -> list[AssetLicence]:
    """The licence of every asset of a dataset's records, in order of their names."""
    known = load_manifest()
    found = []
    for asset_id, sha256 in sorted(assets.items()):
        asset = known.get(asset_id)
        if asset is None:
            found.append(AssetLicence(asset_id, OWN_FILE, sha256, "", "", ""))
            continue
        try:
            archive = isinstance(asset, ArchiveAsset)
            folder = installed_folder(asset, cache_folder(None)) if archive else bundled_folder(asset)
            text = (folder / Path(asset.licence.file)).read_text(encoding="utf-8", errors="replace")
        except (OSError, AssetError):
            text = ""
        found.append(AssetLicence(asset_id, asset.title, sha256, asset.licence.spdx, asset.source, text))
    if own_pictures:
        found.append(AssetLicence("backdrops.image_folder", "pictures of the publisher's own folder", "", "", "", ""))
    return found
