"""Attention on token numbers and an upsampled image: quantized, learned, run on the kernels of targets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from smidgen.compile.build import build
from smidgen.compress.quantize import gather, quantize, reconstruct
from smidgen.device import open_device
from smidgen.exporters.tflite import export_tflite
from smidgen.graph import DType, Graph, Node, Tensor
from smidgen.graph.operators import (
    Activation,
    BatchMatMul,
    Conv2D,
    DepthToSpace,
    FullyConnected,
    Gather,
    Operator,
    Padding,
    ResizeBilinear,
    Softmax,
    SpaceToDepth,
    Tile,
    Transpose,
    TransposeConv2D,
)
from smidgen.graph.reference import Reference
from smidgen.graph.reference.quantize import dequantize_array, quantize_array
from smidgen.importers import tflite
from smidgen.targets import load_target

TOKENS, WIDTH, WORDS = 6, 8, 20
CORES = ("midge", "mps2-an386")


class Builder:
    """A float graph, node by node."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []

    def tensor(self, name: str, *shape: int, dtype: DType = DType.F32) -> str:
        self.tensors[name] = Tensor(name, shape, dtype)
        return name

    def constant(self, name: str, *shape: int) -> str:
        spread = 1 / np.sqrt(np.prod(shape[1:]))
        data = self.random.normal(0, spread, shape).astype(np.float32)
        self.tensors[name] = Tensor(name, shape, DType.F32, None, data)
        return name

    def step(self, name: str, operator: Operator, inputs: tuple[str, ...], *shape: int) -> str:
        self.nodes.append(Node(name, operator, inputs, (self.tensor(f"{name}.y", *shape),)))
        return f"{name}.y"

    def layer(self, name: str, operator: Operator, x: str, weights: tuple[int, ...], *shape: int) -> str:
        constants = self.constant(f"{name}.w", *weights), self.constant(f"{name}.b", weights[0])
        return self.step(name, operator, (x, *constants), *shape)

    def graph(self, inputs: tuple[str, ...], *outputs: str) -> Graph:
        return Graph("products", self.tensors, tuple(self.nodes), inputs, outputs)


def attention() -> Graph:
    """One head over embedded tokens."""
    b = Builder(1)
    tokens = b.tensor("tokens", 1, TOKENS, dtype=DType.I32)
    x = b.step("embed", Gather(0), (b.constant("table", WORDS, WIDTH), tokens), 1, TOKENS, WIDTH)
    shape = (1, TOKENS, WIDTH)
    query, key, value = (b.layer(n, FullyConnected(), x, (WIDTH, WIDTH), *shape) for n in ("q", "k", "v"))
    scores = b.step("scores", BatchMatMul(transpose_b=True), (query, key), 1, TOKENS, TOKENS)
    weights = b.step("weights", Softmax(2.0), (scores,), 1, TOKENS, TOKENS)
    mixed = b.step("mixed", BatchMatMul(), (weights, value), *shape)
    turned = b.step("turned", Transpose((0, 2, 1)), (mixed,), 1, WIDTH, TOKENS)
    again = b.step("again", BatchMatMul(transpose_a=True), (turned, turned), 1, TOKENS, TOKENS)
    return b.graph((tokens,), b.layer("out", FullyConnected(), again, (3, TOKENS), 1, TOKENS, 3))


def upsampling() -> Graph:
    b = Builder(2)
    x = b.tensor("x", 1, 6, 5, 3)
    small = b.layer("small", Conv2D((2, 2), activation=Activation.RELU), x, (8, 2, 2, 3), 1, 3, 2, 8)
    operator = TransposeConv2D((2, 2), Padding(top=0, left=0), Activation.RELU)
    large = b.layer("large", operator, small, (4, 3, 3, 8), 1, 7, 5, 4)
    smooth = b.step("smooth", ResizeBilinear(half_pixel_centers=True), (large,), 1, 8, 12, 4)
    deep = b.step("deep", SpaceToDepth(2), (smooth,), 1, 4, 6, 16)
    wide = b.step("wide", DepthToSpace(4), (deep,), 1, 16, 24, 1)
    return b.graph((x,), b.step("tile", Tile((1, 1, 1, 2)), (wide,), 1, 16, 24, 2))


GRAPHS = {"attention": attention, "upsampling": upsampling}


def samples(graph: Graph, count: int, seed: int) -> list[list[np.ndarray]]:
    random = np.random.default_rng(seed)
    (x,) = (graph.tensor(name) for name in graph.inputs)
    if x.dtype is DType.I32:
        return [[random.integers(0, WORDS, x.shape).astype(np.int32)] for _ in range(count)]
    return [[random.normal(0, 1, x.shape).astype(np.float32)] for _ in range(count)]


def inputs_of(integer: Graph, sample: list[np.ndarray]) -> list[np.ndarray]:
    return [quantize_array(x, integer.tensor(name)) for x, name in zip(sample, integer.inputs, strict=True)]


def noise(graph: Graph, integer: Graph, count: int = 20) -> float:
    """Squared error of the outputs over their squares, on samples that nothing was chosen on."""
    error = power = 0.0
    (output,) = (integer.tensor(name) for name in integer.outputs)
    floats, integers = Reference(graph), Reference(integer)
    for sample in samples(graph, count, seed=9):
        (expected,) = floats.run(sample).outputs
        (got,) = integers.run(inputs_of(integer, sample)).outputs
        error += float(np.square(dequantize_array(got, output) - expected).sum())
        power += float(np.square(expected).sum())
    return error / power


@pytest.mark.parametrize("name", GRAPHS)
def test_learning_makes_up_for_narrow_weights(name: str) -> None:
    graph = GRAPHS[name]()
    known = samples(graph, 64, seed=3)
    statistics = gather(graph, known)
    assert noise(graph, quantize(graph, statistics)) < 0.01
    rounded = quantize(graph, statistics, 4)
    learned = reconstruct(graph, rounded, known)
    assert noise(graph, learned) < 0.8 * noise(graph, rounded)


@pytest.mark.parametrize("target", ["host", *(pytest.param(name, marks=pytest.mark.slow) for name in CORES)])
@pytest.mark.parametrize("bits", [8, *(pytest.param(bits, marks=pytest.mark.slow) for bits in (4, 2))])
@pytest.mark.parametrize("name", GRAPHS)
def test_targets_give_the_references_bytes(name: str, bits: int, target: str, tmp_path: Path) -> None:
    graph = GRAPHS[name]()
    integer = quantize(graph, gather(graph, samples(graph, 8, seed=3)), bits)
    again = tflite.load(export_tflite(integer), Path("again.tflite"))
    reference, board = Reference(integer), load_target(target)
    with open_device(board, build(again, board, tmp_path)) as device:
        assert device.selftest().passed
        for sample in samples(graph, 3, seed=5):
            given = inputs_of(integer, sample)
            for want, got in zip(reference.run(given).outputs, device.run(given).outputs, strict=True):
                np.testing.assert_array_equal(got, want)
