"""The page's sections on frames and on what was drawn: pictures as data URIs, charts as SVG."""

from typing import Any

import numpy as np
from markupsafe import Markup

from render.dataset_format import SPLITS, Label
from train.figures import LABEL_SRGB, ColourScale, colour_normals, gradient_scale
from train.report_charts import bars, colour_legend, histogram
from train.report_distributions import PRINCIPAL_FACTORS, Distribution, distributions, summary
from train.report_frames import (
    ShownFrame,
    choose_rows,
    frame_pictures,
    load_frames,
    most_telling,
    nearest_m,
    relief_scale,
)
from train.report_inputs import AssetFacts, ReportData
from train.report_pictures import colour_bar_uri, landmark_overlay, picture_uri

FRAMES_ON_SHEET = 12
SHEET_WIDTH_PX, HERO_WIDTH_PX = 320, 640
SHEET_COLUMNS = (
    ("Picture", "sRGB", "rgb"),
    ("Landmarks", "iBUG 68", "landmarks"),
    ("Labels", "visible", "labels"),
    ("Depth", "visible", "visible.depth"),
    ("Normals", "visible", "visible.normals"),
    ("Gradient", "visible", "visible.gradient"),
    ("Depth", "head", "head.depth"),
    ("Normals", "head", "head.normals"),
    ("Gradient", "head", "head.gradient"),
)


def dataset_view(data: ReportData) -> dict[str, Any]:
    """The sections on frames and on what was drawn. Raises: InputError or DatasetError that names a bad file."""
    frames = load_frames(data.dataset, choose_rows(data.dataset.rows, FRAMES_ON_SHEET))
    scale = relief_scale(frames)
    hero = most_telling(frames)
    spread = distributions(data.index)
    principal = [one for one in spread if one.name in PRINCIPAL_FACTORS]
    further = [one for one in spread if one.name not in PRINCIPAL_FACTORS and not one.constant]
    constant = [one for one in spread if one.name not in PRINCIPAL_FACTORS and one.constant]
    return {
        "splits": [split for split in SPLITS if data.dataset.manifest.frames.get(split, 0)],
        "sheet": [_sheet_row(shown, scale) for shown in frames],
        "sheet_columns": [(title, below) for title, below, _ in SHEET_COLUMNS],
        "hero": _hero(hero, scale),
        "legends": [legend_view(scale), legend_view(gradient_scale())],
        "normals_key_uri": picture_uri(_sphere_normals(), width_px=92),
        "labels": [(label.name.lower().replace("_", " "), _css(LABEL_SRGB[label])) for label in Label],
        "principal": [_spread(one) for one in principal],
        "further": [_spread(one) for one in further],
        "constant": [_spread(one) for one in constant],
        "assets": _assets(data, frames),
    }


def legend_view(scale: ColourScale) -> dict[str, Any]:
    """A colour scale as its title, unit and bar."""
    return {"title": scale.title, "unit": scale.unit, "chart": Markup(colour_legend(scale, colour_bar_uri(scale)))}


def _sheet_row(shown: ShownFrame, scale: ColourScale) -> dict[str, Any]:
    pictures = frame_pictures(shown.frame, scale)
    uris = {
        name: picture_uri(picture, width_px=SHEET_WIDTH_PX, exact=name == "labels")
        for name, picture in pictures.items()
    }
    address = f"{shown.row.split} {shown.row.frame_index}"
    overlay = _landmarks(shown)
    cells = []
    for title, below, name in SHEET_COLUMNS:
        is_landmarks = name == "landmarks"
        cells.append(
            {
                "uri": uris["rgb" if is_landmarks else name],
                "alt": f"{title} ({below}), {address}, {_facts(shown)}",
                "overlay": overlay if is_landmarks else "",
                "kind": "under-landmarks" if is_landmarks else "",
                "tag": f"{title}, {below}",
            }
        )
    return {"address": address, "facts": _facts(shown), "cells": cells}


def _hero(shown: ShownFrame, scale: ColourScale) -> dict[str, Any]:
    pictures = frame_pictures(shown.frame, scale)
    uris = {name: picture_uri(picture, width_px=HERO_WIDTH_PX) for name, picture in pictures.items()}
    nearest = Markup(f"{nearest_m(shown.frame.truth):.3f}")
    return {**uris, "facts": _facts(shown), "landmarks": _landmarks(shown), "nearest": nearest}


def _landmarks(shown: ShownFrame) -> Markup:
    geometry = shown.frame.geometry
    return Markup(
        landmark_overlay(
            geometry.landmarks_2d_px,
            geometry.landmarks_visibility,
            width_px=geometry.width_px,
            height_px=geometry.height_px,
        )
    )


def _facts(shown: ShownFrame) -> str:
    geometry, drawn = shown.frame.geometry, shown.record.drawn
    facts = [f"person {shown.row.identity_id[:6]}"]
    facts += [str(drawn["expression"]["name"])] if "name" in drawn.get("expression", {}) else []
    facts += [f"camera at {drawn['camera']['distance_mm']:.0f} mm"] if "distance_mm" in drawn.get("camera", {}) else []
    angles = f"yaw {geometry.yaw_deg:+.0f}°, pitch {geometry.pitch_deg:+.0f}°, roll {geometry.roll_deg:+.0f}°"
    seen = sum(state == "visible" for state in geometry.landmarks_visibility)
    return ", ".join(
        [
            *facts,
            angles.replace("-", "\N{MINUS SIGN}"),
            f"{seen} of 68 landmarks seen",
        ]
    )


def _sphere_normals() -> np.ndarray:
    y, x = np.mgrid[-1:1:92j, -1:1:92j]
    z = -np.sqrt(np.clip(1 - x**2 - y**2, 0, 1))
    normals = np.where((x**2 + y**2 < 0.98)[..., None], np.stack([x, y, z], axis=-1), 0.0)
    return colour_normals(normals)


def _css(colour: tuple[int, int, int]) -> str:
    return "rgb({}, {}, {})".format(*colour)


def _spread(one: Distribution) -> dict[str, Any]:
    if one.counts:
        counts = {name: float(count) for name, count in one.counts}
        svg = bars(counts, title=one.title, texts={name: str(count) for name, count in one.counts})
    else:
        svg = histogram(one.values, title=one.title, unit=one.unit)
    return {"title": one.title, "svg": Markup(svg), "facts": summary(one)}


def _assets(data: ReportData, frames: list[ShownFrame]) -> list[AssetFacts]:
    """The assets as given; without them, those that the records of the shown frames name."""
    if data.inputs.assets:
        return list(data.inputs.assets)
    named = {asset: sha for shown in frames for asset, sha in shown.record.assets.items()}
    return [
        AssetFacts(id=asset, licence="see assets_manifest.yaml", sha256=sha) for asset, sha in sorted(named.items())
    ]
