"""Which frames are published already, whatever dataset, shard size or recipe name they were rendered for."""

from pathlib import Path

from render.dataset_format import SHARD_MANIFEST, DatasetError, read_shard_manifest


def published_shards(store: Path, product: str) -> dict[str, str]:
    """Frame key to shard (relative to the store) of every published frame of a product; reads shard manifests only.

    A key that two shards hold (two stores were merged, say) belongs to the first by name.
    Raises: DatasetError when a folder among the shards is none.
    """
    shards: dict[str, str] = {}
    for folder in sorted((store / "shards" / product).glob("[!.]*")):
        if not (folder / SHARD_MANIFEST).is_file():
            raise DatasetError(
                f"{folder} has no {SHARD_MANIFEST}, so it is no shard (an incomplete copy?); delete it and run again"
            )
        for key in read_shard_manifest(folder).frame_keys:
            shards.setdefault(key, f"shards/{product}/{folder.name}")
    return shards
