"""Which quantizations the int8 form of an operator allows, in TFLite's 8-bit specification and beyond it."""

from __future__ import annotations

from smidgen.graph.operators import (
    AveragePool2D,
    Cast,
    Concatenation,
    DepthToSpace,
    Gather,
    Logistic,
    Maximum,
    MaxPool2D,
    Minimum,
    Pack,
    Pad,
    ReduceMax,
    ReduceMin,
    Relu6,
    Reshape,
    ResizeBilinear,
    ResizeNearestNeighbor,
    Select,
    Softmax,
    SpaceToDepth,
    Split,
    StridedSlice,
    Tanh,
    Tile,
    Transpose,
    Unpack,
)

# They move or choose values and do not rescale: inputs and outputs share one quantization.
SAME_SCALE = (
    AveragePool2D, Concatenation, DepthToSpace, Gather, Maximum, MaxPool2D, Minimum, Pack, Pad, ReduceMax,
    ReduceMin, Relu6, Reshape, ResizeBilinear, ResizeNearestNeighbor, Select, SpaceToDepth, Split,
    StridedSlice, Tile, Transpose, Unpack,
)  # fmt: skip

# They write one (scale, zero point) whatever they read.
FIXED_OUTPUT = {
    Softmax: (1 / 256, -128), Logistic: (1 / 256, -128), Tanh: (1 / 128, 0), Cast: (1.0, 0),
}  # fmt: skip
