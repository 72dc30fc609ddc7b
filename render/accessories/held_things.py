"""Things that people hold before their face: smartphone, tablet, book, paper, mug, bottle, or the hand alone.

Held frame, metres: x to the person's left, y up, z away from the face; the origin is the middle of the thing.
"""

import numpy as np
from jaxtyping import Float

from render.accessories.hand import (
    FLAT_PALM_M,
    Grip,
    bent_fingers_m,
    flat_grip,
    hand_pieces,
    round_grip,
    round_grip_axis_m,
)
from render.accessories.pieces import Piece, box, grid_quads, moved, sweep, turned

BODY, ACCENT, SCREEN, PAGES, PRINT = "body", "accent", "screen", "pages", "print"
# The palm of a right hand that faces the face, its fingers up: its thumb points to the person's right.
_PALM_TO_FACE = np.array([[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0]])
_MIRROR = np.array([-1.0, 1.0, 1.0])
# Where the lower edge of a flat thing crosses the hand that carries it, from the wrist.
_EDGE_ON_HAND_M = 0.062


def held_thing(kind: str, *, seed: int, size: float) -> tuple[Piece, ...]:
    """The thing with the hand or hands that hold it, held frame; `seed` draws proportions, side and grip.

    Raises: ValueError on an unknown kind.
    """
    builders = {
        "smartphone": _smartphone,
        "tablet": _tablet,
        "book": _book,
        "paper": _paper,
        "mug": _mug,
        "bottle": _bottle,
        "hand": _open_hand,
    }
    if kind not in builders:
        raise ValueError(f"unknown kind of occluder {kind!r}; known are none, {', '.join(sorted(builders))}")
    stream = np.random.default_rng(seed)
    left_handed = stream.random() < 0.5
    pieces = builders[kind](stream, size)
    return tuple(_mirrored(piece) for piece in pieces) if left_handed else pieces


def _mirrored(piece: Piece) -> Piece:
    return Piece(piece.vertices_m * _MIRROR, piece.quads[:, ::-1], piece.material)


def _shifted(piece: Piece, x: float, y: float, z: float) -> Piece:
    return moved(piece, np.eye(3), np.array([x, y, z]))


def _about_z(angle: float) -> Float[np.ndarray, "3 3"]:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def _carrying_hand(
    stream: np.random.Generator, *, lower_edge_m: float, x_m: float, thickness_m: float, lean_deg: tuple[float, float]
) -> tuple[Piece, ...]:
    """A right hand that comes from below and carries a flat thing by its lower edge."""
    lean = -np.radians(stream.uniform(*lean_deg))
    turn = _about_z(lean) @ _PALM_TO_FACE
    # The forearm hangs more steeply than the hand leans.
    down = np.array([-0.10, -1.0, stream.uniform(0.0, 0.12)])
    grip = flat_grip(
        thickness_m=thickness_m, curl=stream.uniform(0.3, 1.2), forearm=turn.T @ (down / np.linalg.norm(down))
    )
    wrist = np.array([x_m, lower_edge_m, 0.0]) - turn @ np.array([0.0, _EDGE_ON_HAND_M, 0.0])
    wrist[2] = thickness_m / 2 + FLAT_PALM_M
    return tuple(moved(piece, turn, wrist) for piece in hand_pieces(grip))


def _smartphone(stream: np.random.Generator, size: float) -> tuple[Piece, ...]:
    breadth, height, depth = size * stream.uniform(0.069, 0.077), size * stream.uniform(0.144, 0.163), 0.0082
    bump = breadth * 0.30
    pieces = _slab_with_screen(breadth, height, depth, radius=0.011)
    island = box((bump, bump * stream.uniform(1.0, 1.6), 0.0020), radius_m=0.007, bevel_m=0.0007, material=ACCENT)
    place = np.array([0.5 * breadth - 0.75 * bump, 0.5 * height - bump, depth / 2 + 0.0008])
    lenses = [_shifted(_eye(0.0058), place[0], place[1] + dy * bump * 0.27, place[2] + 0.0012) for dy in (1, -1)]
    hand = _carrying_hand(stream, lower_edge_m=-0.5 * height + 0.016, x_m=0.0, thickness_m=depth, lean_deg=(0.0, 16.0))
    return (*pieces, _shifted(island, *place), *lenses, *hand)


def _eye(radius_m: float) -> Piece:
    """A camera's lens: a short cylinder along z."""
    profile = np.array([[0.3, -0.001], [1.0, -0.001], [1.0, 0.0006], [0.85, 0.0008], [0.2, 0.0006]]) * [radius_m, 1.0]
    return moved(
        turned(profile, corners=16, material=SCREEN), np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]]), np.zeros(3)
    )


def _slab_with_screen(breadth: float, height: float, depth: float, *, radius: float) -> tuple[Piece, ...]:
    body = box((breadth, height, depth), radius_m=radius, bevel_m=0.0022, material=BODY)
    screen = box((breadth - 0.006, height - 0.006, 0.0008), radius_m=radius - 0.002, bevel_m=0.0003, material=SCREEN)
    return body, _shifted(screen, 0.0, 0.0, -depth / 2 - 0.0002)


def _tablet(stream: np.random.Generator, size: float) -> tuple[Piece, ...]:
    breadth, height, depth = size * stream.uniform(0.155, 0.178), size * stream.uniform(0.22, 0.25), 0.0070
    pieces = _slab_with_screen(breadth, height, depth, radius=0.012)
    eye = _shifted(_eye(0.0065), 0.5 * breadth - 0.018, 0.5 * height - 0.018, depth / 2 + 0.0008)
    return (*pieces, eye, *_one_or_two_hands(stream, breadth, height, depth))


def _one_or_two_hands(stream: np.random.Generator, breadth: float, height: float, depth: float) -> tuple[Piece, ...]:
    two = stream.random() < 0.5
    beside = breadth * (0.34 if two else stream.uniform(0.0, 0.25))
    right = _carrying_hand(stream, lower_edge_m=-0.5 * height, x_m=-beside, thickness_m=depth, lean_deg=(5.0, 30.0))
    return (*right, *map(_mirrored, right)) if two else right


def _book(stream: np.random.Generator, size: float) -> tuple[Piece, ...]:
    """Open, its covers away from the face."""
    breadth, height = size * stream.uniform(0.115, 0.15), size * stream.uniform(0.18, 0.23)
    thick, opening = stream.uniform(0.006, 0.013), np.radians(stream.uniform(12.0, 24.0))
    cover = box((breadth, height, 0.0024), radius_m=0.003, bevel_m=0.0008, material=BODY)
    pages = box((breadth - 0.005, height - 0.008, thick), radius_m=0.002, bevel_m=0.0008, material=PAGES)
    title = box((0.62 * breadth, 0.16 * height, 0.0006), radius_m=0.002, bevel_m=0.0002, material=ACCENT)
    author = box((0.42 * breadth, 0.035 * height, 0.0006), radius_m=0.001, bevel_m=0.0002, material=ACCENT)
    half = [
        cover,
        _shifted(pages, -0.001, 0.0, -0.5 * thick - 0.0012),
        _shifted(title, 0.0, 0.22 * height, 0.0013),
        _shifted(author, 0.0, -0.30 * height, 0.0013),
    ]
    c, s = np.cos(opening), np.sin(opening)
    swing = np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
    # Boards swing towards the face about the spine.
    right = [moved(_shifted(piece, breadth / 2 + 0.004, 0.0, 0.0), swing, np.zeros(3)) for piece in half]
    spine = _shifted(box((0.014, height, 0.0026), radius_m=0.001, bevel_m=0.0008, material=BODY), 0.0, 0.0, 0.0002)
    hand = _carrying_hand(stream, lower_edge_m=-0.5 * height, x_m=0.0, thickness_m=0.003, lean_deg=(-5.0, 12.0))
    left = [_mirrored(piece) for piece in right[:2]]  # the back cover has no title
    return (*right, *left, spine, *hand)


def _paper(stream: np.random.Generator, size: float) -> tuple[Piece, ...]:
    breadth, height = size * 0.148, size * 0.210
    if stream.random() < 0.5:
        breadth, height = 0.82 * size * 0.210, 0.82 * size * 0.297
    bow, curl = stream.uniform(0.008, 0.022), stream.uniform(-0.02, 0.035)
    u, v = np.meshgrid(np.linspace(-1.0, 1.0, 17), np.linspace(-1.0, 1.0, 21))
    over = np.clip(v + 0.2, 0.0, None)
    z = bow * (u**2 - 0.35) * (1 - 0.3 * v) - curl * over**2
    points = np.stack([0.5 * breadth * u, 0.5 * height * v - 0.3 * np.abs(curl) * over**2, z], axis=-1).reshape(-1, 3)
    points[:, 2] -= float(np.interp(-1.0, v[:, 8], z[:, 8]))
    hand = _carrying_hand(stream, lower_edge_m=-0.5 * height, x_m=0.0, thickness_m=0.0012, lean_deg=(0.0, 15.0))
    return (Piece(points, grid_quads(21, 17), PRINT), *hand)


def _grasping_hand(stream: np.random.Generator, *, radius_m: float, y_m: float) -> tuple[Piece, ...]:
    """A right hand around an upright cylinder through the origin, from the person's right and from outside."""
    around = np.radians(stream.uniform(38.0, 62.0))
    fingers = np.array([np.sin(around), 0.0, np.cos(around)])
    palm = np.array([np.cos(around), 0.0, -np.sin(around)])
    turn = np.stack([np.array([0.0, 1.0, 0.0]), fingers, palm], axis=1)
    forearm = np.array([-0.62, -0.66, -0.30])
    grip = round_grip(radius_m=radius_m, forearm=turn.T @ (forearm / np.linalg.norm(forearm)))
    place = np.array([0.0, y_m, 0.0]) - turn @ round_grip_axis_m(radius_m)
    return tuple(moved(piece, turn, place) for piece in hand_pieces(grip))


def _mug(stream: np.random.Generator, size: float) -> tuple[Piece, ...]:
    radius, height = size * stream.uniform(0.038, 0.043), size * stream.uniform(0.085, 0.105)
    profile = np.array(
        [[0.2, -0.5], [0.86, -0.5], [0.97, -0.48], [1.0, -0.42], [1.0, 0.0], [1.0, 0.46], [0.99, 0.5], [0.93, 0.5],
         [0.91, 0.46], [0.91, 0.0], [0.90, -0.40], [0.2, -0.42]]
    ) * [radius, height]  # fmt: skip
    turn = np.linspace(-1.35, 1.35, 13)
    handle = np.stack(
        [radius * 0.95 + 0.045 * (np.cos(turn) ** 0.7 - 0.345), 0.30 * height * np.sin(turn), np.zeros(13)], axis=1
    )
    loop = sweep(handle, up=np.array([0.0, 0.0, 1.0]), half_height_m=0.0055, half_width_m=0.0042, material=BODY)
    return (
        turned(profile, corners=40, material=BODY),
        moved(loop, np.array([[0.8, 0, 0.6], [0, 1.0, 0], [-0.6, 0, 0.8]]), np.zeros(3)),
        *_grasping_hand(stream, radius_m=radius, y_m=-0.04 * height),
    )


def _bottle(stream: np.random.Generator, size: float) -> tuple[Piece, ...]:
    radius, height = size * stream.uniform(0.031, 0.036), size * stream.uniform(0.20, 0.235)
    neck = 0.40
    profile = np.array(
        [[0.2, -0.5], [0.85, -0.5], [0.98, -0.485], [1.0, -0.45], [1.0, -0.2], [1.0, 0.14], [0.97, 0.20], [0.80, 0.28],
         [0.52, 0.34], [neck, 0.37], [neck, 0.43], [0.38, 0.435], [0.2, 0.436]]
    ) * [radius, height]  # fmt: skip
    cap = np.array([[0.15, 0.428], [0.45, 0.43], [0.47, 0.44], [0.47, 0.49], [0.43, 0.50], [0.15, 0.50]])
    label = np.array([[1.0, -0.40], [1.008, -0.40], [1.010, -0.39], [1.010, -0.06], [1.008, -0.05], [1.0, -0.05]])
    return (
        turned(profile, corners=40, material=BODY),
        turned(cap * [radius, height], corners=32, material=ACCENT),
        turned(label * [radius, height], corners=40, material=PRINT),
        *_grasping_hand(stream, radius_m=radius * 1.01, y_m=-0.10 * height),
    )


def _open_hand(stream: np.random.Generator, size: float) -> tuple[Piece, ...]:
    """A hand alone, its palm to the face or, as if to ward off, away from it."""
    away = stream.random() < 0.4
    flexion = np.array([[8.0, 10.0, 6.0], [10.0, 12.0, 7.0], [12.0, 14.0, 8.0], [14.0, 16.0, 9.0]])
    fingers = bent_fingers_m(
        flexion * stream.uniform(0.4, 2.0), np.array([9.0, 2.0, -5.0, -14.0]) * stream.uniform(0.2, 1.3)
    )
    thumb = np.array([[0.022, 0.022, 0.004], [0.046, 0.046, 0.011], [0.059, 0.072, 0.016], [0.066, 0.096, 0.019]])
    turn = _about_z(-np.radians(stream.uniform(5.0, 55.0))) @ (np.eye(3) if away else _PALM_TO_FACE)
    down = np.array([-0.35, -1.0, 0.10])
    grip = Grip(fingers, thumb, turn.T @ (down / np.linalg.norm(down)))
    place = -size * (turn @ np.array([0.0, 0.085, 0.0]))
    pieces = [moved(piece, size * turn, place) for piece in hand_pieces(grip)]
    return tuple(pieces)
