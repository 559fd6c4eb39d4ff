"""Small graphs made by hand, and building them for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from smidgen.compile.build import build
from smidgen.compile.bundle import Bundle
from smidgen.device.host import HostDevice
from smidgen.graph import DType, Graph, Node, Quantization, State, Tensor
from smidgen.graph.reference import Reference
from smidgen.targets import Target, load_target


def tensor(
    name: str, shape: Sequence[int], scale: float | None = 0.5, zero_point: int = 0, dtype: DType = DType.I8
) -> Tensor:
    quantization = None if scale is None else Quantization.per_tensor(scale, zero_point)
    return Tensor(name, tuple(shape), dtype, quantization)


def constant(name: str, data: np.ndarray, scale: float | None = 0.5, zero_point: int = 0) -> Tensor:
    dtype = {"int8": DType.I8, "int32": DType.I32, "float32": DType.F32}[data.dtype.name]
    quantization = None if scale is None else Quantization.per_tensor(scale, zero_point)
    return Tensor(name, data.shape, dtype, quantization, data)


def graph(
    tensors: Sequence[Tensor],
    nodes: Sequence[Node],
    inputs: Sequence[str],
    outputs: Sequence[str],
    states: Sequence[State] = (),
    name: str = "small",
) -> Graph:
    table: Mapping[str, Tensor] = {t.name: t for t in tensors}
    return Graph(name, table, tuple(nodes), tuple(inputs), tuple(outputs), tuple(states))


def random_inputs(model: Graph, seed: int, count: int = 3) -> list[list[np.ndarray]]:
    generator = np.random.default_rng(seed)

    def sample(one: Tensor) -> np.ndarray:
        if one.dtype is DType.F32:
            return generator.standard_normal(one.shape).astype(np.float32)
        return generator.integers(-128, 128, one.shape).astype(one.dtype.numpy)

    return [[sample(model.tensor(name)) for name in model.inputs] for _ in range(count)]


def build_for_host(
    model: Graph,
    folder: Path,
    optimize: str = "speed",
    target: Target | None = None,
    arena: str = "fast",
) -> Bundle:
    return build(model, target or load_target("host"), folder, optimize, arena=arena)


def assert_host_equals_reference(
    model: Graph,
    folder: Path,
    samples: Sequence[Sequence[np.ndarray]],
    optimize: str = "speed",
    target: Target | None = None,
    arena: str = "fast",
) -> None:
    """Run samples one after the other, state going on, on both; every output and tensor must be equal.

    target: this machine, or this machine with other kernels.
    """
    reference = Reference(model)
    states = None
    with HostDevice(build_for_host(model, folder, optimize, target, arena)) as device:
        assert device.selftest().passed
        for sample in samples:
            expected = reference.run(sample, states, keep="all")
            states = expected.states
            actual = device.run(sample).outputs
            for name, want, got in zip(model.outputs, expected.outputs, actual, strict=True):
                np.testing.assert_array_equal(got, want, err_msg=f"output {name}")
