"""A surface for tests that no motion maps to itself: a tilted bowl with a nose and three bumps, millimetres."""

import numpy as np


def height_mm(x_mm: np.ndarray, y_mm: np.ndarray) -> np.ndarray:
    """Height over the plane z = 0; smooth, and different in every direction."""
    bumps = ((25, 4, -5, 300), (-8, 30, 30, 200), (9, -25, 35, 350), (5, 8, -45, 100))
    result = 60 - 35 * (x_mm / 60) ** 2 - 30 * (y_mm / 80) ** 2
    for size_mm, x0_mm, y0_mm, width_mm2 in bumps:
        result = result + size_mm * np.exp(-((x_mm - x0_mm) ** 2 + (y_mm - y0_mm) ** 2) / width_mm2)
    return result


def grid_triangles(columns: int, rows: int) -> np.ndarray:
    """Two triangles a cell of a grid whose columns run along x and rows along y, counter-clockwise from +z."""
    number = np.arange(columns * rows).reshape(rows, columns)
    a, b, c, d = (part.ravel() for part in (number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]))
    return np.concatenate([np.stack([a, b, d], axis=1), np.stack([a, d, c], axis=1)])


def bumpy_mesh(columns: int = 45, rows: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Vertices in millimetres, 120 wide and 160 high, and triangles that face +z."""
    x_mm, y_mm = np.meshgrid(np.linspace(-60, 60, columns), np.linspace(-80, 80, rows))
    vertices_mm = np.stack([x_mm.ravel(), y_mm.ravel(), height_mm(x_mm, y_mm).ravel()], axis=1)
    return vertices_mm, grid_triangles(columns, rows)
