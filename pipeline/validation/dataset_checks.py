"""What must hold for a dataset as a whole: seals, counts, order, splits without a common person, quarantine."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations

import pyarrow
import pyarrow.parquet
from pydantic import ValidationError

from pipeline.dataset_quarantine import Address, missing_addresses, why_missing
from pipeline.published_dataset import PublishedDataset
from pipeline.validation.findings import Finding, in_dataset
from render.certification.certificate import Certificate
from render.config import Recipe
from render.dataset_format import (
    DATASET_CERTIFICATE,
    DATASET_INDEX,
    DATASET_MANIFEST,
    SPLITS,
    canonical_json,
    file_sha256,
)
from render.frame_keys import plan_frame, product_epochs, software_versions


def made_by_this_version(dataset: PublishedDataset) -> bool:
    """Whether code and Blender are those that the dataset's certificate names."""
    try:
        certificate = Certificate.model_validate_json((dataset.folder / DATASET_CERTIFICATE).read_bytes())
    except (OSError, ValidationError):
        return False
    return (certificate.epochs, certificate.software) == (product_epochs("gt"), software_versions())


def check_seals(dataset: PublishedDataset) -> list[Finding]:
    """Hashes of index and certificate, the dataset's own name, and whether the certificate passed."""
    manifest, folder, findings = dataset.manifest, dataset.folder, []
    for name, promised in ((DATASET_INDEX, manifest.index_sha256), (DATASET_CERTIFICATE, manifest.certificate_sha256)):
        path = folder / name
        sha256 = file_sha256(path) if path.is_file() else "no such file"
        if sha256 != promised:
            expected = f"sha256 {promised[:16]}…, as {DATASET_MANIFEST} says"
            findings.append(in_dataset(path, folder, expected=expected, found=sha256[:16]))
    if manifest.dataset_id != folder.name:
        expected = f"dataset_id {folder.name}, as the folder is called"
        findings.append(in_dataset(folder / DATASET_MANIFEST, folder, expected=expected, found=manifest.dataset_id))
    if manifest.recipe.get("name") != manifest.name:
        expected = f"the name of its recipe, {manifest.recipe.get('name')!r}"
        findings.append(in_dataset(folder / DATASET_MANIFEST, folder, expected=expected, found=repr(manifest.name)))
    return findings + _check_certificate(dataset)


def _check_certificate(dataset: PublishedDataset) -> list[Finding]:
    path = dataset.folder / DATASET_CERTIFICATE
    try:
        certificate = Certificate.model_validate_json(path.read_bytes())
    except OSError:
        return []  # its hash is missed already
    except ValidationError as error:
        return [in_dataset(path, dataset.folder, expected="a certificate", found=str(error).replace("\n", " "))]
    family = dataset.manifest.recipe.get("heads", {}).get("family")
    if certificate.passed and not certificate.failed and family in certificate.families:
        return []
    found = f"{certificate.summary}; heads {', '.join(certificate.families)}"
    expected = f"a certificate of {family} heads that passed"
    return [in_dataset(path, dataset.folder, expected=expected, found=found)]


def check_columns(dataset: PublishedDataset) -> list[Finding]:
    """The index is a table with the columns by which frames are found."""
    path = dataset.folder / DATASET_INDEX
    wanted = {"split", "frame_index", "identity_id"}
    wanted |= {f"{product}_{part}" for product in dataset.products for part in ("key", "shard", "file")}
    try:
        lacking = wanted - set(pyarrow.parquet.read_schema(path).names)
    except (OSError, pyarrow.ArrowException) as error:
        return [in_dataset(path, dataset.folder, expected="a parquet table", found=str(error))]
    if not lacking:
        return []
    return [in_dataset(path, dataset.folder, expected=f"columns {', '.join(sorted(lacking))}", found="none of them")]


@dataclass
class Census:
    """What the rows of an index add up to, filled while they stream by. `assets` are those of the recipe, and
    `same_version` tells whether this version of Headroom would give a frame the key that it had."""

    dataset: PublishedDataset
    recipe: Recipe
    assets: dict[str, str]
    same_version: bool
    frames: Counter[str] = field(default_factory=Counter)
    people: dict[str, set[str]] = field(default_factory=lambda: {split: set() for split in SPLITS})
    shards: dict[str, set[str]] = field(default_factory=dict)
    missing: list[Address] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    hashed: bool = True
    """Whether every key is known that the dataset's id is the hash of."""
    begun: bool = False

    def rows(self, rows: Iterable[dict]) -> Iterator[dict]:
        """The same rows, counted; compared with the frames that the recipe asks for, and with the dataset's id."""
        asked = missing_addresses(self.recipe, ())
        ids = hashlib.sha256()
        latest = (-1, -1)
        for row in rows:
            place = self._place(row)
            if place is None or place <= latest:
                self._report("the recipe's frames, in order", f"frame {row['split']}/{row['frame_index']} out of place")
            else:
                latest, here = place, (row["split"], row["frame_index"])
                for address in asked:
                    if address == here:
                        break
                    self._miss(address, ids)
                self._hash(ids, here, [row[f"{product}_key"] for product in self.dataset.products])
            self._count(row)
            yield row
        for address in asked:
            self._miss(address, ids)
        ids.update(b"]")
        if self.hashed and ids.hexdigest()[:24] != self.dataset.manifest.dataset_id:
            self._report(f"keys that hash to the dataset's id {self.dataset.manifest.dataset_id}", "other keys")

    def _place(self, row: dict) -> tuple[int, int] | None:
        """Where a row belongs; None where the recipe asks for no such frame."""
        split, index = row["split"], row["frame_index"]
        if split not in SPLITS or not 0 <= index < self.recipe.structure.frames.get(split, 0):
            return None
        return SPLITS.index(split), index

    def _hash(self, ids, address: Address, keys: Iterable[str]) -> None:
        ids.update((("," if self.begun else "[") + canonical_json([*address, *keys])).encode())
        self.begun = True

    def _miss(self, address: Address, ids) -> None:
        """Note a frame that is not there. Only this version of Headroom knows its keys, if it is the same."""
        self.missing.append(address)
        if len(self.missing) > sum(self.dataset.manifest.quarantined.values()) or not self.same_version:
            self.hashed = False
        else:
            self._hash(ids, address, plan_frame(self.recipe, *address, self.assets).keys.values())

    def _count(self, row: dict) -> None:
        self.frames[row["split"]] += 1
        self.people[row["split"]].add(row["identity_id"])
        for product in self.dataset.products:
            self.shards.setdefault(product, set()).add(row[f"{product}_shard"])

    def _report(self, expected: str, found: str) -> None:
        path = self.dataset.folder / DATASET_INDEX
        self.findings.append(in_dataset(path, self.dataset.folder, expected=expected, found=found))


def check_census(census: Census) -> list[Finding]:
    """What was counted against the manifest (frames, people, quarantine, shards), and nobody in two splits."""
    manifest, folder = census.dataset.manifest, census.dataset.folder
    counted: dict[str, tuple[dict, dict]] = {
        "frames": (manifest.frames, census.frames),
        "identities": (manifest.identities, {split: len(people) for split, people in census.people.items()}),
        "quarantined": (manifest.quarantined, Counter(split for split, _ in census.missing)),
    }
    findings = [
        in_dataset(
            folder / DATASET_MANIFEST,
            folder,
            expected=f"{counts.get(split, 0)} {what} of split {split}, as counted in the index",
            found=str(promised.get(split, 0)),
        )
        for what, (promised, counts) in counted.items()
        for split in SPLITS
        if promised.get(split, 0) != counts.get(split, 0)
    ]
    for product in census.dataset.products:
        listed, used = set(manifest.shards[product]), census.shards.get(product, set())
        for shard in sorted(listed ^ used):
            expected = f"{shard} both in the manifest and in the index"
            found = f"only in the {'manifest' if shard in listed else 'index'}"
            findings.append(in_dataset(folder / DATASET_MANIFEST, folder, expected=expected, found=found))
    return findings + check_leak(census)


def check_leak(census: Census) -> list[Finding]:
    """Nobody is in two splits."""
    path = census.dataset.folder / DATASET_INDEX
    return [
        in_dataset(
            path,
            census.dataset.folder,
            expected="people of one split alone",
            found=f"identity {identity} in {one} and in {other}",
        )
        for one, other in combinations(SPLITS, 2)
        for identity in sorted(census.people[one] & census.people[other])
    ]


def check_quarantine(census: Census) -> list[Finding]:
    """Every frame that is not there was quarantined, and some shard of the store says why."""
    why = why_missing(census.dataset, census.recipe, census.missing, census.assets)
    path = census.dataset.folder / DATASET_INDEX
    return [
        in_dataset(
            path,
            census.dataset.folder,
            expected=f"frame {split}/{index}, or a shard that says why it was quarantined",
            found="neither",
        )
        for (split, index), frame in why.items()
        if frame is None
    ]
