"""Curves as arrays of points: resampling, cutting, growing along a flow over the skin."""

import numpy as np
from jaxtyping import Float

from render.hair.surface import Roots, Shell, height_over

DOWN, FORWARDS, ASIDE = np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0])
# Hair bends within this distance.
_BEND_M = 0.012
# How close the lowest hair lies to the skin.
_LOWEST_M = 0.0006
# How far bridged hair keeps from what it bridges.
_CLEAR_M = 0.002


def smooth_step(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between; falls when low > high."""
    share = np.clip((value - low) / (high - low), 0.0, 1.0)
    return share * share * (3 - 2 * share)


def tangential(vectors: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Unit vectors along the surface, in the direction of these."""
    flat = vectors - (vectors * normals).sum(axis=1, keepdims=True) * normals
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)


def resampled(curves: Float[np.ndarray, "g k 3"], points: int) -> Float[np.ndarray, "g p 3"]:
    """The same curves with `points` points each, at equal distances along them."""
    gaps = np.linalg.norm(np.diff(curves, axis=1), axis=2)
    along = np.concatenate([np.zeros((len(curves), 1)), np.cumsum(gaps, axis=1)], axis=1)
    along /= np.maximum(along[:, -1:], 1e-9)
    wanted = np.linspace(0.0, 1.0, points)
    result = np.empty((len(curves), points, 3))
    for number, (curve, place) in enumerate(zip(curves, along, strict=True)):
        for axis in range(3):
            result[number, :, axis] = np.interp(wanted, place, curve[:, axis])
    return result


def cut_below(curves: Float[np.ndarray, "g k 3"], heights_m: Float[np.ndarray, " g"]) -> Float[np.ndarray, "g k 3"]:
    """Curves that end where they first fall below their height; the rest of their points gather at that end."""
    result = curves.copy()
    for curve, height in zip(result, heights_m, strict=True):
        below = np.flatnonzero(curve[:, 1] < height)
        if len(below) and below[0] > 0:
            end = below[0]
            start, stop = curve[end - 1].copy(), curve[end].copy()
            share = (start[1] - height) / max(start[1] - stop[1], 1e-9)
            curve[end:] = start + np.clip(share, 0.05, 1.0) * (stop - start)
    return result


def grow(
    shell: Shell,
    roots: Roots,
    flow: Float[np.ndarray, "g 3"],
    lengths_m: Float[np.ndarray, " g"],
    *,
    lift: Float[np.ndarray, " g"],
    weight: float,
    layers_m: Float[np.ndarray, " g"],
    rise_m: float,
    steps: int,
    free: bool,
    forwards: Float[np.ndarray, " g"],
) -> Float[np.ndarray, "g k 3"]:
    """Curves from the roots, lengthened step by step: on along the flow, down by their weight.

    They leave the skin upright by `lift` (0..1), rise over `rise_m` to the height of their layer and lie there, but for
    `free` hair, which stands away from the head and is only kept out of it. On the shoulders hair slides to the breast
    where `forwards` is 1, to the back where it is -1, and towards the neck.
    """
    points = roots.points_m.copy()
    upright = lift[:, None]
    heading = upright * roots.normals + (1 - upright) * flow
    heading /= np.linalg.norm(heading, axis=1, keepdims=True)
    stride = (lengths_m / steps)[:, None]
    curves, comb = [points], flow
    heights, normals = height_over(shell, points)
    for number in range(1, steps + 1):
        along_m = number / steps * lengths_m
        clearance = _LOWEST_M + layers_m * (1 - np.exp(-along_m / rise_m))
        pull = weight * smooth_step(along_m, 0.0, 0.10)[:, None]
        # Heavy hair forgets how it was combed, and hangs clear of what lies below.
        hanging = min(1.0, 2 * weight) * smooth_step(along_m, 0.06, 0.18)[:, None]
        if free:
            wanted = (1 - pull) * roots.normals + pull * DOWN
        else:
            comb = tangential(comb, normals)
            hug = np.clip((clearance - heights) / 0.008, -1.0, 1.0)[:, None]
            hug = np.where(hug < 0, hug * (1 - hanging), hug)
            wanted = (1 - pull) * (1 - hanging) * comb + pull * DOWN + 0.8 * (1 - 0.5 * hanging) * hug * normals
            on_shoulder = (normals[:, 1:2] > 0.25) * hanging * smooth_step(heights, 0.05, 0.02)[:, None]
            aside = smooth_step(np.abs(points[:, 0]), 0.05, 0.10) * np.sign(points[:, 0])
            slide = 0.9 * forwards[:, None] * FORWARDS - 0.7 * aside[:, None] * ASIDE
            wanted = wanted + on_shoulder * pull * slide
        wanted /= np.maximum(np.linalg.norm(wanted, axis=1, keepdims=True), 1e-9)
        heading = heading + (1 - np.exp(-stride / _BEND_M)) * (wanted - heading)
        heading /= np.linalg.norm(heading, axis=1, keepdims=True)
        points = points + stride * heading
        heights, normals = height_over(shell, points)
        inside = np.maximum(np.minimum(clearance, _LOWEST_M + 0.3 * along_m) - heights, 0.0)[:, None]
        points = points + np.minimum(inside, 2 * stride) * normals
        inward = np.minimum((heading * normals).sum(axis=1, keepdims=True), 0.0) * (inside > 0)
        heading = heading - inward * normals
        heading /= np.maximum(np.linalg.norm(heading, axis=1, keepdims=True), 1e-9)
        curves.append(points)
    return np.stack(curves, axis=1)


def draped(shell: Shell, curves: Float[np.ndarray, "g k 3"], *, times: int) -> Float[np.ndarray, "g k 3"]:
    """Curves smoothed along themselves, roots and tips in place and outside of the shell: hair bridges over ears
    instead of following every step of them. The more times, the wider the bridges."""
    result = curves.copy()
    for number in range(times):
        result[:, 2:-1] = 0.5 * result[:, 2:-1] + 0.25 * (result[:, 1:-2] + result[:, 3:])
        if number % 4 == 3:
            flat = result[:, 2:].reshape(-1, 3)
            heights, normals = height_over(shell, flat)
            flat = flat + np.maximum(_CLEAR_M - heights, 0.0)[:, None] * normals
            result[:, 2:] = flat.reshape(len(result), -1, 3)
    return result
