"""Kernel cases of operators that gather, repeat or rearrange elements, and of bilinear resizing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from case_parts import DTYPES, Rng, case, tensor, values
from kernel_harness import Case

from smidgen.graph import DType, Tensor
from smidgen.graph.operators import DepthToSpace, Gather, ResizeBilinear, SpaceToDepth, Tile


def rearrangements(rng: Rng, number: int) -> Iterator[Case]:
    dtype = DTYPES[number % len(DTYPES)]
    rank = int(rng.integers(1, 5))
    x = tensor("x", rng.integers(1, 6, rank), rng, dtype)

    def like(name: str, shape: Sequence[int]) -> Tensor:
        return tensor(name, shape, rng, dtype, quantization=x.quantization)

    multiples = tuple(int(many) for many in rng.integers(1, 4, rank))
    tiled = [size * many for size, many in zip(x.shape, multiples, strict=True)]
    yield case(f"tile {number}", rng, Tile(multiples), [x], [like("y", tiled)])

    axis = int(rng.integers(0, rank))
    indices = tensor(
        "indices", rng.integers(1, 5, int(rng.integers(0, 3))), rng, DType.I32, quantization=None
    )
    if number % 2:  # else over the whole range of int32, so mostly outside
        within = rng.integers(-x.shape[axis], x.shape[axis], indices.shape).astype(np.int32)
        indices = tensor("indices", indices.shape, rng, DType.I32, quantization=None, data=within)
    taken = like("y", (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))
    table = like("x", x.shape)
    if number % 4 == 2:
        table = tensor("x", x.shape, rng, dtype, quantization=x.quantization, data=values(rng, table))
    yield case(f"gather {number}", rng, Gather(axis), [table, indices], [taken])

    block, (batches, height, width, channels) = int(rng.integers(1, 4)), rng.integers(1, 4, 4)
    deep = like("deep", (batches, height, width, channels * block * block))
    wide = like("wide", (batches, height * block, width * block, channels))
    yield case(f"depth to space {number}", rng, DepthToSpace(block), [deep], [wide])
    yield case(f"space to depth {number}", rng, SpaceToDepth(block), [wide], [deep])


def bilinear(rng: Rng, number: int) -> Iterator[Case]:
    batches, height, width, channels = (int(size) for size in rng.integers(1, 6, 4))
    x = tensor("x", (batches, height, width, channels), rng)
    y = tensor("y", (batches, *rng.integers(1, 9, 2), channels), rng, quantization=x.quantization)
    operator = ResizeBilinear(align_corners=number % 3 == 1, half_pixel_centers=number % 3 == 2)
    yield case(f"bilinear {number}", rng, operator, [x], [y])
