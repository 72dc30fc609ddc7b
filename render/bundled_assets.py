"""Assets that come inside an installed Python package: Blender's environment maps."""

import functools
import importlib.util
from pathlib import Path

from render.asset_archive import TreeError, hash_files
from render.asset_manifest import AssetError, BundledAsset, load_manifest

ENVIRONMENTS_ASSET = "blender_studiolights"


def bundled_folder(asset: BundledAsset) -> Path:
    """The folder inside the installed package, every file hashed. Raises: AssetError."""
    # find_spec looks the package up without importing it: bpy may be imported by the renderer alone.
    spec = importlib.util.find_spec(asset.package)
    remedy = f'Install it again: pip install --force-reinstall "{asset.package}=={asset.package_version}"'
    if spec is None or not spec.submodule_search_locations:
        raise AssetError(f"asset {asset.id} comes with the Python package {asset.package}, which is absent. {remedy}")
    package = Path(next(iter(spec.submodule_search_locations)))
    folders = sorted(package.glob(asset.folder))
    if len(folders) != 1:
        raise AssetError(
            f"asset {asset.id}: expected one folder {asset.folder} in {package}, found {folders}. {remedy}"
        )
    try:
        found = hash_files(folders[0], sorted(asset.file_sha256))
    except TreeError as error:
        raise AssetError(f"asset {asset.id} is incomplete: {error}. {remedy}") from error
    for path, sha256 in found.items():
        if sha256 != asset.file_sha256[path]:
            raise AssetError(
                f"asset {asset.id}: {folders[0] / path} has sha256 {sha256}, "
                f"expected {asset.file_sha256[path]}. {remedy}"
            )
    if asset.licence.file not in found:
        raise AssetError(f"asset {asset.id} does not list its licence file {asset.licence.file!r} among its files")
    return folders[0]


def environment_path(name: str) -> Path:
    """The environment map (.exr) of this name, from the verified asset blender_studiolights.

    Raises: AssetError when there is no such map, or Blender's files are not the ones expected.
    """
    asset = _environments()
    file_name = f"{name}.exr"
    if file_name not in asset.file_sha256:
        known = ", ".join(sorted(Path(path).stem for path in asset.file_sha256 if path.endswith(".exr")))
        raise AssetError(f"asset {asset.id} holds no environment map {name!r}; known are {known}")
    return _environments_folder() / file_name


@functools.cache
def _environments() -> BundledAsset:
    asset = load_manifest().get(ENVIRONMENTS_ASSET)
    if not isinstance(asset, BundledAsset):
        raise AssetError(f"the list of assets holds no bundled asset {ENVIRONMENTS_ASSET!r}; restore it")
    return asset


@functools.cache
def _environments_folder() -> Path:
    return bundled_folder(_environments())
