"""What accessories are made of: envelopes, sweeps, implicit skin and hands keep their closed forms."""

import numpy as np
import pytest

from render.accessories.envelope import envelope, height_at, triangles_of
from render.accessories.glasses_styles import GLASSES, lens_outline
from render.accessories.hand import (
    FLAT_PALM_M,
    SKIN,
    flat_grip,
    hand_pieces,
    round_grip,
    round_grip_axis_m,
)
from render.accessories.held_things import held_thing
from render.accessories.implicit import RoundCone, skin_of
from render.accessories.pieces import Piece, box, sheet, sweep, turned
from render.ranges.accessories import GLASSES_STYLES, OCCLUDER_KINDS

DOWN = np.array([0.0, -1.0, 0.0])


def enclosed_m3(piece: Piece) -> float:
    """Signed volume by the divergence theorem; positive where faces are counter-clockwise from outside."""
    a, b, c, d = (piece.vertices_m[piece.quads[:, corner]] for corner in range(4))
    return float(sum((p * np.cross(q, r)).sum() for p, q, r in ((a, b, c), (a, c, d))) / 6)


def is_closed(piece: Piece) -> bool:
    """Whether each directed edge has exactly one opposite."""
    edges = np.concatenate([piece.quads[:, [k, (k + 1) % 4]] for k in range(4)])
    forward = {tuple(edge) for edge in edges.tolist()}
    return len(forward) == len(edges) and all((b, a) in forward for a, b in forward)


def test_an_envelope_is_the_height_of_the_plane_that_it_was_made_of():
    """Over z = 0.3 x - 0.2 y + 0.01, given as one quad, every cell within it reads that, to half a cell's slope."""
    corners = np.array([[0.0, 0.0], [0.08, 0.0], [0.08, 0.05], [0.0, 0.05]])
    height = 0.3 * corners[:, 0] - 0.2 * corners[:, 1] + 0.01
    triangles = triangles_of(np.array([4]), np.arange(4))
    made = envelope(np.column_stack([corners, height]), triangles, low_m=(-0.01, -0.01), high_m=(0.09, 0.06))
    places = np.random.default_rng(2).uniform([0.002, 0.002], [0.078, 0.048], size=(200, 2))
    np.testing.assert_allclose(height_at(made, places), 0.3 * places[:, 0] - 0.2 * places[:, 1] + 0.01, atol=0.0006)
    assert height_at(made, np.array([[-0.005, 0.02], [0.5, 0.0]])).max() == -np.inf


def test_the_skin_of_a_round_cone_is_its_capsule():
    """A capsule of 10 mm radius and 40 mm length: closed, on it within 0.15 mm, its volume within 3 %."""
    cone = RoundCone(np.zeros(3), np.array([0.01, 0.035, 0.0165]), 0.010, 0.010, 0.0)
    points, quads = skin_of([[cone]], cell_m=0.002, between_melt_m=0.0)
    length = float(np.linalg.norm(cone.end_m))
    share = np.clip(points @ cone.end_m / length**2, 0.0, 1.0)
    off = np.linalg.norm(points - share[:, None] * cone.end_m, axis=1)
    np.testing.assert_allclose(off, 0.010, atol=1.5e-4)
    piece = Piece(points, quads, "skin")
    assert is_closed(piece)
    wanted = np.pi * 0.010**2 * length + 4 / 3 * np.pi * 0.010**3
    assert abs(enclosed_m3(piece) / wanted - 1) < 0.03


def test_swept_turned_and_boxed_pieces_are_closed_and_face_outwards():
    """A bent tube, a ring, a solid of revolution and a slab have positive volume; the slab has nearly its box's."""
    path = np.column_stack([np.linspace(0, 0.1, 9), np.linspace(0, 0.02, 9) ** 2, np.zeros(9)])
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = np.column_stack([0.03 * np.cos(angle), 0.02 * np.sin(angle), np.zeros(24)])
    radial = np.column_stack([np.cos(angle), np.sin(angle), np.zeros(24)])
    pieces = [
        sweep(path, up=np.array([0.0, 0.0, 1.0]), half_height_m=0.002, half_width_m=0.004, material="m"),
        sweep(ring, up=radial, half_height_m=0.002, half_width_m=0.001, material="m", closed=True),
        turned(np.array([[0.001, 0.0], [0.02, 0.0], [0.02, 0.05], [0.001, 0.05]]), corners=24, material="m"),
        box((0.07, 0.15, 0.008), radius_m=0.01, bevel_m=0.002, material="m"),
    ]
    assert all(is_closed(piece) and enclosed_m3(piece) > 0 for piece in pieces)
    assert abs(enclosed_m3(pieces[3]) / (0.07 * 0.15 * 0.008) - 1) < 0.06


@pytest.mark.parametrize("style", sorted(GLASSES))
def test_lens_outlines_are_star_shaped_boxes_of_the_height_asked_for(style):
    """Breadth 2, the height asked for, angles that only grow; a sheet fills the outline to its edge."""
    outline = lens_outline(GLASSES[style], height=0.7)
    np.testing.assert_allclose(np.ptp(outline, axis=0), [2.0, 1.4], atol=0.02)
    assert (np.diff(np.unwrap(np.arctan2(outline[:, 1], outline[:, 0]))) > 0).all()
    filled = sheet(0.02 * outline, cells=12, material="lens")
    area = 0.5 * np.abs(np.cross(outline, np.roll(outline, -1, axis=0)).sum()) * 0.02**2
    a, b, c, d = (filled.vertices_m[filled.quads[:, corner], :2] for corner in range(4))
    assert abs(0.5 * np.cross(c - a, d - b).sum() / area - 1) < 0.03
    assert set(GLASSES) == set(GLASSES_STYLES) - {"none"}


def test_a_hand_closes_around_a_cylinder_without_sinking_into_it():
    """No vertex of skin lies more than 3 mm inside a bottle of 33 mm radius, and each finger touches it (6 mm)."""
    grip = round_grip(radius_m=0.033, forearm=DOWN)
    skin = hand_pieces(grip)[0]
    axis = round_grip_axis_m(0.033)[1:]
    beside = np.abs(skin.vertices_m[:, 0]) < 0.045
    off = np.linalg.norm(skin.vertices_m[beside][:, 1:] - axis, axis=1)
    assert off.min() > 0.033 - 0.003
    tips = np.linalg.norm(grip.fingers_m[:, 3, 1:] - axis, axis=1) - 0.033
    assert ((tips > 0.004) & (tips < 0.013)).all()


def test_a_carrying_hand_keeps_below_what_lies_on_it_and_its_thumb_above():
    """Fingers stay under the back of a slab on the palm (1 mm), the thumb's end over its front; the skin is closed."""
    grip = flat_grip(thickness_m=0.008, curl=1.0, forearm=DOWN)
    skin = hand_pieces(grip)[0]
    assert skin.material == SKIN and is_closed(skin) and 2e-4 < enclosed_m3(skin) < 1e-3
    assert grip.thumb_m[3, 2] > FLAT_PALM_M + 0.008 + 0.006
    knuckles = grip.fingers_m[:, 0, 2].max() + 0.012
    assert knuckles < FLAT_PALM_M + 0.003


@pytest.mark.parametrize("kind", sorted(set(OCCLUDER_KINDS) - {"none"}))
def test_held_things_repeat_with_their_seed_and_differ_with_another(kind):
    """The same seed gives the same vertices; over five seeds either hand holds it (tablets: both), and sizes differ."""
    first, again = (held_thing(kind, seed=5, size=1.0) for _ in range(2))
    assert all(np.array_equal(a.vertices_m, b.vertices_m) for a, b in zip(first, again, strict=True))
    sides, sizes = set(), set()
    for seed in range(5):
        pieces = held_thing(kind, seed=seed, size=1.0)
        sleeve = np.concatenate([piece.vertices_m for piece in pieces if piece.material == "sleeve"])
        sides.add(bool(sleeve[:, 0].mean() > 0))
        sizes.add(round(float(np.ptp(pieces[0].vertices_m, axis=0).sum()), 6))
    assert len(sizes) > 3 and (sides == {True, False} or kind == "tablet")


def test_unknown_things_are_named():
    """The error lists what is known."""
    with pytest.raises(ValueError, match=r"'sword'.*bottle"):
        held_thing("sword", seed=0, size=1.0)
