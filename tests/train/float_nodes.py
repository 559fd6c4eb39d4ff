"""Float graphs around one operator that the quantizer makes an integer one, and inputs for them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from smidgen.graph import DType, Graph, Node, Tensor
from smidgen.graph.operators import (
    BatchMatMul,
    DepthToSpace,
    Div,
    Elu,
    Exp,
    Gather,
    Gelu,
    HardSigmoid,
    HardSwish,
    InstanceNorm,
    LayerNorm,
    Mul,
    Operator,
    Padding,
    Prelu,
    ReduceMax,
    ReduceMin,
    ResizeBilinear,
    RmsNorm,
    Rsqrt,
    Silu,
    SpaceToDepth,
    SquaredDifference,
    Sum,
    Tile,
    TransposeConv2D,
)

X = (1, 4, 6, 8)


def _constant(*shape: int) -> np.ndarray:
    return np.random.default_rng(5).uniform(0.4, 1.5, shape).astype(np.float32)


# The operator, its inputs after x ("x" again, or a constant), and its output's shape.
NODES: dict[str, tuple[Operator, tuple, tuple[int, ...]]] = {
    "transposed": (TransposeConv2D((2, 2), Padding(1, 0, 1, 0)), (_constant(5, 3, 3, 8), _constant(5)),
                   (1, 8, 12, 5)),
    "short": (TransposeConv2D((2, 3)), (_constant(5, 1, 2, 8), _constant(5)), (1, 9, 18, 5)),
    "products": (BatchMatMul(transpose_b=True), ("x",), (1, 4, 6, 6)),
    "quotients": (Div(), (_constant(1, 1, 1, 8),), X),
    "squares": (SquaredDifference(), (_constant(1, 1, 1, 8),), X),
    "prelu": (Prelu(), (_constant(1, 1, 8),), X),
    "sum": (Sum((1,), True), (), (1, 1, 6, 8)),
    "largest": (ReduceMax((1, 2)), (), (1, 8)),
    "least": (ReduceMin((3,)), (), (1, 4, 6)),
    "layer_norm": (LayerNorm(1), (_constant(8), _constant(8)), X),
    "rms_norm": (RmsNorm(2), (_constant(6, 8),), X),
    "instance_norm": (InstanceNorm(), (_constant(8), _constant(8)), X),
    "bilinear": (ResizeBilinear(half_pixel_centers=True), (), (1, 7, 12, 8)),
    "depth": (DepthToSpace(2), (), (1, 8, 12, 2)),
    "space": (SpaceToDepth(2), (), (1, 2, 3, 32)),
    "tile": (Tile((1, 2, 1, 3)), (), (1, 8, 6, 24)),
    "gather": (Gather(2), (np.array([3, -1, 0], np.int32),), (1, 4, 3, 8)),
    **{
        type(operator).__name__.lower(): (operator, (), X)
        for operator in (Elu(0.7), Gelu(), Gelu(True), HardSigmoid(), HardSwish(), Silu(), Exp(), Rsqrt())
    },
}  # fmt: skip


def float_node(name: str) -> Graph:
    """x doubled, the operator, and its result doubled."""
    operator, others, shape = NODES[name]
    tensors = {"x": Tensor("x", X, DType.F32), "y": Tensor("y", shape, DType.F32)}
    inputs = ["twice"]
    nodes: list[Node] = []

    def put(name: str, data: np.ndarray) -> str:
        dtype = DType.I32 if data.dtype == np.int32 else DType.F32
        tensors[name] = Tensor(name, data.shape, dtype, None, data)
        return name

    def twice(x: str, y: str, shape: tuple[int, ...]) -> None:
        tensors[y] = Tensor(y, shape, DType.F32)
        factor = put(f"two {y}", np.full((1,) * len(shape), 2, np.float32))
        nodes.append(Node(f"double {y}", Mul(), (x, factor), (y,)))

    twice("x", "twice", X)
    for index, other in enumerate(others):
        inputs.append("twice" if isinstance(other, str) else put(f"c{index}", other))
    nodes.append(Node("node", operator, tuple(inputs), ("y",)))
    twice("y", "z", shape)
    return Graph(name, tensors, tuple(nodes), ("x",), ("z",))


def float_inputs(name: str, count: int, seed: int) -> list[list[np.ndarray]]:
    """Positive ones where the operator is defined there only."""
    rng = np.random.default_rng(seed)
    draw: Callable = rng.uniform if name == "rsqrt" else rng.normal
    return [[draw(0.2, 1, X).astype(np.float32)] for _ in range(count)]
