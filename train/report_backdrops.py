"""How scores depend on what is behind the head: khan2021 explains its ordering of networks by simple backgrounds."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from train.data.backdrops import BACKDROP_KINDS
from train.report_comparison import SeedGroup, distinguishing_settings, spread
from train.report_evaluations import FrameScore


def backdrop_scores(groups: Sequence[SeedGroup], kinds: Mapping[str, str]) -> list[dict[str, Any]]:
    """One line an experiment: mean scores of the frames before simple and before complex backdrops, over seeds.

    `kinds` maps keys of ground truth to the kind of backdrop. RMSE is of the full image, the relative error of the
    head where it is in the picture; both as predicted, means over frames. Left out are evaluations of other data, and
    those without frames of both kinds.
    """
    lines = []
    for group in groups:
        frames = [evaluation.frames_table for _, evaluation in group.members]
        sides = {
            name: [[frame for frame in one if kinds.get(frame.key) in wanted] for one in frames]
            for name, wanted in BACKDROP_KINDS.items()
        }
        if not all(side and _scored(side) for seeds in sides.values() for side in seeds):
            continue
        lines.append(
            {
                "experiment": group.experiment.key,
                "settings": distinguishing_settings(group, groups),
                "seeds": [evaluation.seed for _, evaluation in group.members],
                **{name: _side(seeds) for name, seeds in sides.items()},
            }
        )
    return lines


def _side(seeds: Sequence[Sequence[FrameScore]]) -> dict[str, Any]:
    return {
        "frames": len(seeds[0]),
        "rmse_m": spread([statistics.fmean(frame.rmse_m for frame in one) for one in seeds]),
        "head_abs_rel": spread([statistics.fmean(_scored(one)) for one in seeds]),
    }


def _scored(frames: Sequence[FrameScore]) -> list[float]:
    return [frame.head_mask["abs_rel"] for frame in frames if frame.head_mask is not None]
