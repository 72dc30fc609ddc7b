"""assets_manifest.yaml: the one list of files that Headroom uses and did not make."""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from render.asset_archive import tree_sha256
from render.dataset_format import Record

DEFAULT_MANIFEST = Path(__file__).resolve().parents[1] / "assets_manifest.yaml"


class AssetError(Exception):
    """An asset cannot be used; the message names it, what was expected, what came, and the remedy."""


def _relative(path: str) -> str:
    parts = path.split("/")
    if path.startswith("/") or "\\" in path or ".." in parts or "" in parts:
        raise ValueError("a path inside the asset must be relative, with / between its parts and without ..")
    return path


Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
InnerPath = Annotated[str, AfterValidator(_relative)]


class Licence(Record):
    """SPDX identifier of the licence, and the file inside the asset that holds its text."""

    spdx: str = Field(min_length=1)
    file: InnerPath


class ArchiveFile(Record):
    """The zip archive as measured once. Its bytes may differ where it was compressed anew: only the tree counts."""

    file_name: InnerPath
    size_bytes: int = Field(gt=0)
    sha256: Sha256 | None = None


class ArchiveAsset(Record):
    """Files of one zip archive. `files` are patterns (* stays within a folder) below the archive's folder `root`."""

    id: str = Field(pattern="^[a-z0-9_]+$")
    kind: Literal["archive"]
    title: str
    licence: Licence
    source: str = Field(pattern="^https://")
    archive: ArchiveFile
    root: InnerPath
    files: tuple[InnerPath, ...] = Field(min_length=1)
    file_count: int = Field(gt=0)
    unpacked_bytes: int = Field(gt=0)
    tree_sha256: Sha256
    units: str
    axes: dict[Literal["x", "y", "z"], str]

    @property
    def sha256(self) -> str:
        """Identity of the content: the tree hash."""
        return self.tree_sha256


class BundledAsset(Record):
    """Files that come inside an installed Python package: nothing to download."""

    id: str = Field(pattern="^[a-z0-9_]+$")
    kind: Literal["bundled"]
    title: str
    licence: Licence
    source: str
    package: str
    package_version: str
    folder: InnerPath
    file_sha256: dict[InnerPath, Sha256] = Field(min_length=1)
    units: str
    axes: dict[Literal["x", "y", "z"], str]

    @property
    def sha256(self) -> str:
        """Identity of the content: the tree hash of the files listed."""
        return tree_sha256(self.file_sha256)


Asset = Annotated[ArchiveAsset | BundledAsset, Field(discriminator="kind")]
_ASSET: TypeAdapter[ArchiveAsset | BundledAsset] = TypeAdapter(Asset)


def load_manifest(path: Path = DEFAULT_MANIFEST) -> dict[str, ArchiveAsset | BundledAsset]:
    """All assets by id.

    Raises: AssetError naming the asset and the field when an entry is incomplete, has an unknown key or a wrong value.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise AssetError(f"the list of assets {path} cannot be read: {error}") from error
    if not isinstance(content, dict) or set(content) != {"assets"} or not isinstance(content["assets"], list):
        raise AssetError(f"{path} must hold one key `assets` with a list of assets")
    assets: dict[str, ArchiveAsset | BundledAsset] = {}
    for position, entry in enumerate(content["assets"], start=1):
        name = entry.get("id") if isinstance(entry, dict) else None
        try:
            asset = _ASSET.validate_python(entry)
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(str(part) for part in problem['loc'][1:]) or 'kind'}: {problem['msg']}"
                for problem in error.errors()
            )
            raise AssetError(f"{path}: asset {name or f'number {position}'!r} cannot be used: {problems}") from error
        if asset.id in assets:
            raise AssetError(f"{path}: asset {asset.id!r} is listed twice; give each an id of its own")
        assets[asset.id] = asset
    return assets
