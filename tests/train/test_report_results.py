"""Numbers of the report that are no score: what rendering a frame cost."""

from train.report_inputs import RenderRun
from train.report_results import render_seconds


def test_a_frame_costs_what_its_stages_cost_in_the_runs_that_had_them():
    """6 frames rendered whole, 2 relit, 8 measured: each stage counts the frames it was run for and no more."""
    whole = RenderRun(frames=6, seconds={"cycles_gt": 3.0, "cycles_rgb": 30.0})
    relit = RenderRun(frames=2, seconds={"cycles_rgb": 6.0})
    measured = RenderRun(frames=8, seconds={"measure": 2.0})
    by_stage = {"cycles_gt": 0.5, "cycles_rgb": 4.5, "measure": 0.25}
    assert render_seconds((whole, relit, measured)) == {"by_stage": by_stage, "all": 5.25}
    assert render_seconds(()) == {}
