"""Resize: of images by the graph's operators where they mean the same, else axis by axis."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from smidgen.graph import Tensor
from smidgen.graph.operators import (
    FullyConnected,
    Gather,
    Operator,
    ResizeBilinear,
    ResizeNearestNeighbor,
)
from smidgen.graph.reference.resize import nearest_indices
from smidgen.importers.onnx.call import Call, importer
from smidgen.importers.onnx.constants import MAX_ELEMENTS
from smidgen.importers.onnx.interpolation import (
    COORDINATES,
    MODES,
    NEAREST,
    Interpolation,
    matrix,
    nearest_places,
)

_LARGEST = 1 << 12  # positions of an axis that a matrix of weights is made for
_OPTIONS = {(False, False): "asymmetric", (False, True): "half_pixel", (True, False): "align_corners"}


@dataclass(frozen=True)
class Axis:
    """One axis that is resized; scale: output positions per input position."""

    size: int
    output: int
    scale: float


@importer("Resize", makes=(ResizeNearestNeighbor, ResizeBilinear, Gather, FullyConnected))
def resize(call: Call) -> Tensor:
    call.expect_inputs(1, 4)
    x, how = call.floats(0), _interpolation(call)
    axes = {axis: one for axis, one in _axes(call).items() if one.output != one.size or one.scale != 1}
    if how.mode != "nearest" and any(max(one.size, one.output) > _LARGEST for one in axes.values()):
        call.fail(f"resizes more than {_LARGEST:,} positions of an axis by weights, which is not supported")
    shape = tuple(axes[axis].output if axis in axes else size for axis, size in enumerate(x.shape))
    rank = len(x.shape)
    if rank in (3, 4) and all(axis >= 2 for axis in axes):
        rows = axes.get(2) if rank == 4 else None
        columns = axes.get(rank - 1)
        operator = _operator(how, [one for one in (rows, columns) if one is not None])
        if operator is not None:
            image, spatial = call.image()
            sizes = (shape[2] if rank == 4 else 1, shape[-1])
            return call.from_image(call.emit(operator, [image], (x.shape[0], *sizes, x.shape[1])), spatial)
    for axis, one in axes.items():
        x = _along(call, x, axis, one, how)
    return x


def _operator(how: Interpolation, axes: list[Axis]) -> Operator | None:
    """The operator of the graph that does the same along all axes."""
    for options, coordinates in _OPTIONS.items():
        if how.mode == "nearest":
            nearest = ResizeNearestNeighbor(*options)
            if all(
                np.array_equal(
                    nearest_indices(one.size, one.output, nearest),
                    nearest_places(how, one.size, one.output, one.scale),
                )
                for one in axes
            ):
                return nearest
        elif how.mode == "linear" and all(_same(how, coordinates, one) for one in axes):
            return ResizeBilinear(*options)
    return None


def _same(how: Interpolation, coordinates: str, axis: Axis) -> bool:
    plain = matrix(Interpolation("linear", coordinates), axis.size, axis.output, axis.output / axis.size)
    return np.allclose(plain, matrix(how, axis.size, axis.output, axis.scale), atol=1e-5)


def _along(call: Call, x: Tensor, axis: int, one: Axis, how: Interpolation) -> Tensor:
    """One axis by copying rows, or as a product with the matrix of weights."""
    if how.mode == "nearest":
        places = call.new_constant(nearest_places(how, one.size, one.output, one.scale).astype(np.int32))
        return call.emit(Gather(axis), [x, places], (*x.shape[:axis], one.output, *x.shape[axis + 1 :]))
    there = (*(other for other in range(len(x.shape)) if other != axis), axis)
    rows = call.transpose(x, there)
    weights = call.new_constant(matrix(how, one.size, one.output, one.scale))
    y = call.emit(FullyConnected(), [rows, weights, None], (*rows.shape[:-1], one.output))
    return call.transpose(y, tuple(int(place) for place in np.argsort(there)))


def _interpolation(call: Call) -> Interpolation:
    how = Interpolation(
        call.attribute("mode", "nearest"),
        call.attribute("coordinate_transformation_mode", "half_pixel"),
        call.attribute("nearest_mode", "round_prefer_floor"),
        call.attribute("cubic_coeff_a", -0.75),
        call.attribute("exclude_outside", 0) != 0,
        call.attribute("antialias", 0) != 0,
    )
    if how.mode not in MODES:
        call.fail(f"its mode is {how.mode!r}")
    if how.coordinates not in COORDINATES:
        call.fail(f"coordinate_transformation_mode {how.coordinates!r} is not supported")
    if how.nearest not in NEAREST:
        call.fail(f"its attribute 'nearest_mode' is {how.nearest!r}")
    return how


def _axes(call: Call) -> Mapping[int, Axis]:
    """How each axis that the operator names changes: by scales, or to sizes."""
    shape = call.shape()
    rank = len(shape)
    named = [call.axis(axis, rank) for axis in call.attribute("axes", list(range(rank)))]
    scales = call.optional_constant(2, "scales")
    if scales is not None and scales.size:
        if scales.dtype != np.float32 or scales.shape != (len(named),):
            call.fail(f"its scales have type {scales.dtype} and shape {list(scales.shape)}")
        if not (np.isfinite(scales).all() and (scales > 0).all()):
            call.fail("a scale is not a positive number")
        axes = {
            axis: Axis(shape[axis], math.floor(shape[axis] * float(scale)), float(scale))
            for axis, scale in zip(named, scales, strict=True)
        }
    else:
        axes = _to_sizes(call, shape, named)
    if any(not 1 <= one.output <= MAX_ELEMENTS for one in axes.values()):
        call.fail(f"resizes {list(shape)} to nothing or too much")
    return axes


def _to_sizes(call: Call, shape: tuple[int, ...], named: list[int]) -> Mapping[int, Axis]:
    sizes = call.integers(3, "sizes")
    if len(sizes) != len(named) or any(size < 1 for size in sizes):
        call.fail(f"its sizes are {sizes}; {len(named)} positive numbers are needed")
    policy = call.attribute("keep_aspect_ratio_policy", "stretch")
    ratios = [size / shape[axis] for axis, size in zip(named, sizes, strict=True)]
    if policy == "stretch":
        return {
            axis: Axis(shape[axis], size, ratio)
            for axis, size, ratio in zip(named, sizes, ratios, strict=True)
        }
    if policy not in ("not_larger", "not_smaller"):
        call.fail(f"its attribute 'keep_aspect_ratio_policy' is {policy!r}")
    ratio = min(ratios) if policy == "not_larger" else max(ratios)
    return {axis: Axis(shape[axis], math.floor(ratio * shape[axis] + 0.5), ratio) for axis in named}
