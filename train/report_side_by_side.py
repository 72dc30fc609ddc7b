"""The same test frames as every experiment sees them, side by side, after figure 14 of khan2021."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from train.data.pack import Pack, PackRow
from train.data.split_rows import split_rows
from train.metrics.depth import ALIGNED_SUFFIX
from train.report_comparison import SeedGroup, distinguishing_settings, group_by_experiment
from train.report_dataset_view import legend_view
from train.report_evaluations import Evaluation
from train.report_pictures import picture_uri
from train.report_predictions import head_relief_scale, predictions_of, relief_pictures

FRAMES_SHOWN = 4
FEWEST_EXPERIMENTS = 2
PICTURE_WIDTH_PX = 320
SHOWN_SCORES = ("abs_rel", "abs_rel" + ALIGNED_SUFFIX)


@dataclass(frozen=True)
class SideBySide:
    """A figure: experiments that were scored on one split and layer of one pack, and the frames to show.

    `frames` maps a frame's place in the split (FrameScore.row) to its row of the pack, in the order to be shown.
    """

    groups: tuple[SeedGroup, ...]
    frames: dict[int, PackRow]


def side_by_side(evaluations: Sequence[tuple[Path, Evaluation]], pack: Pack | None) -> list[SideBySide]:
    """One figure for each split and layer of the pack on which several experiments were evaluated.

    Of the seeds of an experiment the first is shown. Splits by frame are left out.
    """
    if pack is None:
        return []
    by_target: dict[tuple[str, str], list[SeedGroup]] = {}
    for group in group_by_experiment(evaluations):
        one = group.first
        scored_on = (one.evaluated_on, one.width_px, one.height_px)
        if one.split_by == "identity" and scored_on == (
            pack.info.index_sha256,
            pack.info.width_px,
            pack.info.height_px,
        ):
            by_target.setdefault((one.split, one.layer), []).append(group)
    figures = []
    for (split, _), groups in by_target.items():
        frames = choose_frames(_rows_with_heads(pack, split, groups), FRAMES_SHOWN)
        if len(groups) >= FEWEST_EXPERIMENTS and frames:
            figures.append(SideBySide(tuple(groups), frames))
    return figures


def choose_frames(rows: dict[int, PackRow], count: int) -> dict[int, PackRow]:
    """At most `count` frames in order of yaw: the middle one of each of as many equal parts, of another person each.

    Where the middle one shows a person who is there already, the next frame by yaw of somebody else takes its place;
    a person comes twice only where there are too few.
    """
    by_yaw = sorted(rows.items(), key=lambda item: (item[1].yaw_deg, item[0]))
    places = min(count, len(by_yaw))
    chosen: list[int] = []
    for place in range(places):
        middle = (place + 0.5) / places * len(by_yaw) - 0.5
        people = {by_yaw[number][1].identity_id for number in chosen}
        free = [number for number in range(len(by_yaw)) if number not in chosen]
        chosen.append(
            min(free, key=lambda number: (by_yaw[number][1].identity_id in people, abs(number - middle), number))
        )
    return dict(by_yaw[number] for number in sorted(chosen))


def side_by_side_facts(figure: SideBySide) -> dict[str, Any]:
    """A figure as results.json holds it: frames, and for each its scores over the head in the order of `columns`."""
    columns = [group.first for group in figure.groups]
    scores = [{frame.row: frame.head_mask or {} for frame in one.frames_table} for one in columns]
    return {
        "split": columns[0].split,
        "layer": columns[0].layer,
        "columns": [
            {
                "experiment": group.first.experiment,
                "title": group.first.title,
                "seed": group.first.seed,
                "settings": distinguishing_settings(group, figure.groups),
            }
            for group in figure.groups
        ],
        "frames": [
            {
                "key": row.gt_key,
                "identity_id": row.identity_id,
                "yaw_deg": row.yaw_deg,
                "scores": [{name: of_frame[position][name] for name in SHOWN_SCORES} for of_frame in scores],
            }
            for position, row in figure.frames.items()
        ],
    }


def side_by_side_view(figure: SideBySide, facts: dict[str, Any], pack: Pack) -> dict[str, Any]:
    """Pictures of a figure, row by row: the picture, the true depth, and what each experiment predicts.

    Raises: InputError when predictions, table and pack do not belong together.
    """
    columns = [predictions_of(*group.members[0], pack, list(figure.frames)) for group in figure.groups]
    scale = head_relief_scale(columns[0])
    rows = []
    for number, frame in enumerate(facts["frames"]):
        address = f"frame {frame['key'][:8]}, person {frame['identity_id'][:6]}"
        first, predicted = relief_pictures(columns[0][number], scale), [column[number] for column in columns]
        rows.append(
            {
                "address": address,
                "facts": frame,
                "cells": [
                    {"uri": picture_uri(first[name], width_px=PICTURE_WIDTH_PX), "alt": f"{name}, {address}"}
                    for name in ("picture", "true depth")
                ],
                "predictions": [
                    {
                        "uri": picture_uri(relief_pictures(one, scale)["predicted depth"], width_px=PICTURE_WIDTH_PX),
                        "alt": f"predicted depth, {address}, {column['experiment']}, seed {column['seed']}",
                        "scores": scores,
                    }
                    for one, column, scores in zip(predicted, facts["columns"], frame["scores"], strict=True)
                ],
            }
        )
    return {"facts": facts, "rows": rows, "legend": legend_view(scale)}


def _rows_with_heads(pack: Pack, split: str, groups: Sequence[SeedGroup]) -> dict[int, PackRow]:
    """The rows of a split, by their place in it, whose head every one of the experiments was scored on."""
    scored = [
        {(frame.row, frame.key) for frame in group.first.frames_table if frame.head_mask is not None}
        for group in groups
    ]
    rows = [pack.rows[row] for row in split_rows(pack, split, split_by="identity")]
    return {
        position: row for position, row in enumerate(rows) if all((position, row.gt_key) in frames for frames in scored)
    }
