"""Backdrops: which kinds count as simple and which as complex; khan2021 explains its ordering of networks by them."""

from typing import Literal

Backdrops = Literal["all", "simple", "complex"]
# Kinds as recipes name them (render/ranges/backdrops.py).
BACKDROP_KINDS = {"simple": ("plain", "gradient", "texture"), "complex": ("environment", "image", "room")}


def is_among(kind: str, backdrops: Backdrops) -> bool:
    """Whether a kind of backdrop belongs to `backdrops`; an unknown kind belongs to `all` alone."""
    return backdrops == "all" or kind in BACKDROP_KINDS[backdrops]
