"""What resizing does along one axis: a matrix from input to output positions.

Follows the definition of Resize in ONNX (operator set 19) but for the mode that crops.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Interpolation:
    """mode: nearest, linear or cubic; coordinates: ONNX's coordinate_transformation_mode; nearest: its
    nearest_mode; cubic: its cubic_coeff_a."""

    mode: str = "linear"
    coordinates: str = "half_pixel"
    nearest: str = "round_prefer_floor"
    cubic: float = -0.75
    exclude_outside: bool = False
    antialias: bool = False


_ROUNDINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "round_prefer_floor": lambda places: np.ceil(places - 0.5),
    "round_prefer_ceil": lambda places: np.floor(places + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}
COORDINATES = (
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
)
MODES = ("nearest", "linear", "cubic")
NEAREST = tuple(_ROUNDINGS)


def _positions(how: Interpolation, size: int, output: int, scale: float) -> np.ndarray:
    """Where each output position lies among the input's."""
    places = np.arange(output, dtype=np.float64)
    width = scale * size  # what `output` is rounded down from
    if how.coordinates == "align_corners":
        return places * (size - 1) / (width - 1) if width > 1 else places * 0
    if how.coordinates == "asymmetric":
        return places / scale
    if how.coordinates == "pytorch_half_pixel" and output == 1:
        return places * 0
    offset = size / 2 * (1 - output / width) if how.coordinates == "half_pixel_symmetric" else 0.0
    return offset + (places + 0.5) / scale - 0.5


def nearest_places(how: Interpolation, size: int, output: int, scale: float) -> np.ndarray:
    """Which input position each output position copies."""
    # In float32 as in the field: positions that are halves must not fall on either side by rounding errors.
    places = _ROUNDINGS[how.nearest](_positions(how, size, output, scale).astype(np.float32))
    return np.clip(places, 0, size - 1).astype(np.int64)


def matrix(how: Interpolation, size: int, output: int, scale: float) -> np.ndarray:
    """Of shape (output, size), float32: each output position as a weighted sum of input positions."""
    result = np.zeros((output, size), np.float64)
    if how.mode == "nearest":
        result[np.arange(output), nearest_places(how, size, output, scale)] = 1
        return result.astype(np.float32)
    shrink = min(scale, 1.0) if how.antialias else 1.0
    radius = (1 if how.mode == "linear" else 2) / shrink
    for row, place in enumerate(_positions(how, size, output, scale)):
        taps = np.arange(math.floor(place - radius) + 1, math.floor(place + radius) + 1)
        weights = _kernel(how, np.abs(taps - place) * shrink)
        if how.exclude_outside:
            weights = np.where((taps >= 0) & (taps < size), weights, 0)
        np.add.at(result[row], np.clip(taps, 0, size - 1), weights / weights.sum())
    return result.astype(np.float32)


def _kernel(how: Interpolation, distance: np.ndarray) -> np.ndarray:
    """Weight by distance (Keys: Cubic convolution interpolation for digital image processing, 1981)."""
    if how.mode == "linear":
        return np.clip(1 - distance, 0, 1)
    a, d = how.cubic, distance
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0))
