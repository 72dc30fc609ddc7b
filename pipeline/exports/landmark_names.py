"""Names of the 68 landmarks (iBUG 300-W order) and the lines that join them, for formats that want words."""

_PARTS = (
    ("jaw", 17, False),
    ("right_brow", 5, False),
    ("left_brow", 5, False),
    ("nose_bridge", 4, False),
    ("nose_base", 5, False),
    ("right_eye", 6, True),
    ("left_eye", 6, True),
    ("outer_lip", 12, True),
    ("inner_lip", 8, True),
)
LANDMARK_NAMES = tuple(f"{part}_{number}" for part, count, _ in _PARTS for number in range(count))


def _lines() -> tuple[tuple[int, int], ...]:
    """Neighbours within each part, counted from 1 as COCO does; eyes and lips are closed."""
    lines, first = [], 1
    for _, count, closed in _PARTS:
        lines += [(first + number, first + number + 1) for number in range(count - 1)]
        lines += [(first + count - 1, first)] if closed else []
        first += count
    return tuple(lines)


SKELETON = _lines()
