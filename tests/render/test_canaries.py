"""Pixels change only with an epoch: tiny frames with fixed seeds are compared with those in the repository."""

import json

import numpy as np
import pytest
from canaries import CANARIES, FOLDER, render_canary

from render.dataset_format import LAYERS, read_ground_truth, read_rgb
from render.frame_keys import EPOCHS

ADVICE = (
    "If the change is meant, bump the epoch of the code that made it in render/frame_keys.py, then run `make canaries` "
    "and commit what it writes; otherwise find what changed the pixels."
)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.ict] if family == "ict" else []) for name, (family, _) in CANARIES.items()],
)
def test_a_canary_frame_has_the_pixels_it_had(name, tmp_path, asset_cache, request):
    """Depth within 0.02 mm, normals within 0.1 degrees and labels equal on 99.8 % of pixels; the picture within one
    level on average (its noise has a fixed seed, but processors round differently)."""
    assert json.loads((FOLDER / "epochs.json").read_text()) == EPOCHS, f"epochs were bumped. {ADVICE}"
    source = request.getfixturevalue("assets_source") if CANARIES[name][0] == "ict" else None
    gt, rgb = render_canary(name, tmp_path, source=source, cache=asset_cache)
    now, kept = read_ground_truth(gt), read_ground_truth(FOLDER / f"{name}.exr")
    for layer in LAYERS:
        ours, theirs = getattr(now, layer), getattr(kept, layer)
        assert (np.abs(ours.depth_m - theirs.depth_m) < 2e-5).mean() > 0.998, f"depth of {layer} changed. {ADVICE}"
        turned = np.linalg.norm(ours.normals_cam - theirs.normals_cam, axis=-1)
        assert (np.degrees(turned) < 0.1).mean() > 0.998, f"normals of {layer} changed. {ADVICE}"
    assert (now.labels == kept.labels).mean() > 0.998, f"labels changed. {ADVICE}"
    difference = np.abs(read_rgb(rgb).astype(float) - read_rgb(FOLDER / f"{name}.png"))
    assert difference.mean() < 1.0, f"the picture changed by {difference.mean():.2f} levels on average. {ADVICE}"
