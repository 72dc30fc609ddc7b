"""A smooth scalar field through scattered values, with the same bits in every process.

Cubic radial basis functions and a linear trend, solved and summed with elementwise arithmetic alone: libraries of
linear algebra round differently from process to process, and the last bits would show in the vertices of a head.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float


def smooth_field(
    places: Float[np.ndarray, "n d"], values: Float[np.ndarray, " n"], *, smoothing: float
) -> Callable[[Float[np.ndarray, "q d"]], Float[np.ndarray, " q"]]:
    """The field that comes closest to the values; 0 smoothing goes through them, more of it bends less."""
    count, dimensions = places.shape
    size = count + dimensions + 1
    system, right = np.zeros((size, size)), np.zeros(size)
    system[:count, :count] = _distances(places, places) ** 3
    system[np.arange(count), np.arange(count)] += smoothing
    system[:count, count] = system[count, :count] = 1.0
    system[:count, count + 1 :] = places
    system[count + 1 :, :count] = places.T
    right[:count] = values
    weights = solved(system, right)

    def field(queries: Float[np.ndarray, "q d"]) -> Float[np.ndarray, " q"]:
        total = np.full(len(queries), weights[count])
        for axis in range(dimensions):
            total += weights[count + 1 + axis] * queries[:, axis]
        for place, weight in zip(places, weights, strict=False):
            total += weight * _distances(queries, place[None])[:, 0] ** 3
        return total

    return field


def solved(system: Float[np.ndarray, "n n"], right: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """x with system @ x = right, by elimination with row pivots, without a library of linear algebra."""
    rows = np.concatenate([system, right[:, None]], axis=1)
    size = len(rows)
    for step in range(size):
        pivot = step + int(np.argmax(np.abs(rows[step:, step])))
        if pivot != step:
            rows[[step, pivot]] = rows[[pivot, step]]
        rows[step, step:] /= rows[step, step]
        rows[step + 1 :, step:] -= rows[step + 1 :, step, None] * rows[step, step:]
    result = rows[:, size].copy()
    for step in range(size - 1, 0, -1):
        result[:step] -= rows[:step, step] * result[step]
    return result


def _distances(first: Float[np.ndarray, "a d"], second: Float[np.ndarray, "b d"]) -> Float[np.ndarray, "a b"]:
    total = np.zeros((len(first), len(second)))
    for axis in range(first.shape[1]):
        total += (first[:, axis, None] - second[None, :, axis]) ** 2
    return np.sqrt(total)
