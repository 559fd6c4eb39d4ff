"""First layers in bands of rows: equal to the reference, smaller, computing twice just what is predicted."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from compile_graphs import assert_host_equals_reference, constant, graph, random_inputs, tensor

from smidgen.compile import lower_and_plan
from smidgen.compile.assemble import assemble
from smidgen.compile.build import build
from smidgen.compile.kernels import kernels_for
from smidgen.compile.lower import lower
from smidgen.compile.lower.patches import cut, cuts
from smidgen.compile.plan import plan
from smidgen.compile.search import fastest, smallest
from smidgen.compile.select import Selector
from smidgen.errors import BuildError
from smidgen.graph import Graph, Node, Tensor
from smidgen.graph.operators import (
    Add,
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    MaxPool2D,
    Operator,
    Padding,
    Relu,
    Reshape,
)
from smidgen.graph.reference import run
from smidgen.importers import load_model
from smidgen.targets import Target, load_target

SEED = 11
# Of the plan with the smallest arena on a Cortex-M4, input, output and scratch within.
ARENA_LIMITS = {"kws": 10_000, "vww": 40_000}
PORTABLE = kernels_for(["portable"])


def images(seed: int, height: int = 13) -> Graph:
    """Random convolutions, pools and sums on images, and a dense layer at the end of them."""
    generator = random.Random(seed)
    shape = (1, height, generator.choice((4, 8)), generator.choice((1, 2, 4)))
    tensors = [tensor("x", shape, 0.5, -3)]
    nodes: list[Node] = []
    generate = np.random.default_rng(seed)

    def add(operator: Operator, inputs: list[str], shape: tuple[int, ...]) -> Tensor:
        result = tensor(f"t{len(nodes)}", shape, 0.5, -3)
        nodes.append(Node(f"n{len(nodes)}", operator, tuple(inputs), (result.name,)))
        tensors.append(result)
        return result

    def weights(shape: tuple[int, ...], zero: int = 0) -> str:
        name = f"w{len(tensors)}"
        tensors.append(constant(name, generate.integers(-90, 91, shape).astype(np.int8), 0.02))
        return name

    last = tensors[0]
    for _ in range(generator.randint(3, 5)):
        _, rows, columns, channels = last.shape
        kernel, stride = generator.choice((1, 2, 3)), generator.choice((1, 1, 2))
        before, after = generator.randint(0, kernel - 1), generator.randint(0, kernel - 1)
        padding = Padding(before, after, before, after)
        sizes = [(size + before + after - kernel) // stride + 1 for size in (rows, columns)]
        match generator.randrange(6):
            case 0 if min(sizes) > 0:
                outputs = generator.choice((1, 4, 5))
                operands = [last.name, weights((outputs, kernel, kernel, channels))]
                last = add(Conv2D((stride, stride), padding=padding), operands, (1, *sizes, outputs))
            case 1 if min(sizes) > 0:
                operands = [last.name, weights((1, kernel, kernel, channels))]
                last = add(
                    DepthwiseConv2D((stride, stride), padding=padding), operands, (1, *sizes, channels)
                )
            case 2 if min(sizes) > 0:
                kind = generator.choice((AveragePool2D, MaxPool2D))
                operator = kind((kernel, kernel), (stride, stride), padding)
                last = add(operator, [last.name], (1, *sizes, channels))
            case 3:
                last = add(Relu(), [last.name], last.shape)
            case _:
                operands = [last.name, weights((channels, 3, 1, channels))]
                around = Padding(1, 1, 0, 0)
                branch = add(Conv2D(padding=around), operands, last.shape)
                last = add(Add(), [last.name, branch.name], last.shape)
    flat = add(Reshape(), [last.name], (1, int(np.prod(last.shape))))
    return graph(tensors, nodes, ["x"], [flat.name], name=f"images_{seed}")


@pytest.mark.parametrize("seed", range(40))
def test_every_cut_computes_the_same(seed: int) -> None:
    model, _ = lower(images(seed))
    found = cuts(model)
    assert found
    (sample,) = random_inputs(model, seed, count=1)
    expected = run(model, sample).outputs[0]
    for count in found:
        rows = model.tensor(model.nodes[count - 1].outputs[0]).shape[1]
        for bands in {2, 3, rows} - {1}:
            if bands <= rows:
                actual = run(cut(model, count, bands), sample).outputs[0]
                np.testing.assert_array_equal(actual, expected, f"the first {count} in {bands} bands")


@pytest.mark.parametrize("seed", range(0, 40, 8))
def test_bands_on_the_host_equal_the_reference(seed: int, tmp_path: Path) -> None:
    """The banded graph itself goes through the compiler, for as many layers as can be cut."""
    model, _ = lower(images(seed))
    count = cuts(model)[-1]
    rows = model.tensor(model.nodes[count - 1].outputs[0]).shape[1]
    banded = cut(model, count, min(rows, 2 + seed % 3))
    assert_host_equals_reference(banded, tmp_path, random_inputs(model, seed))


def test_bands_take_what_they_read_and_write_where_it_is() -> None:
    """Nothing is copied: every call of the banded schedule is a band of a layer."""
    model, _ = lower(wide())
    schedule = plan(assemble(cut(model, 2, 4), Selector(PORTABLE)))
    assert [call.id for call in schedule.calls] == [f"n{n}[{b}/4]" for b in range(1, 5) for n in (0, 1)]
    assert schedule.buffers["t1[4/4]"].within == "t1"


def wide() -> Graph:
    """Two convolutions, 3 x 3 with stride 1, on 16 x 16 pixels; the tensor between them is the largest."""
    tensors = [tensor("x", (1, 16, 16, 1)), tensor("t0", (1, 16, 16, 16)), tensor("t1", (1, 16, 16, 1))]
    generate = np.random.default_rng(SEED)
    for name, shape in (("w0", (16, 3, 3, 1)), ("w1", (1, 3, 3, 16))):
        tensors.append(constant(name, generate.integers(-90, 91, shape).astype(np.int8), 0.02))
    around = Padding(1, 1, 1, 1)
    nodes = [Node(f"n{i}", Conv2D(padding=around), (("x", "t0")[i], f"w{i}"), (f"t{i}",)) for i in range(2)]
    return graph(tensors, nodes, ["x"], ["t1"], name="wide")


def test_recomputed_macs_are_the_rows_between_bands() -> None:
    """Each of the three seams lets two rows of 16 x 16 outputs of 9 products be computed twice."""
    model, _ = lower(wide())
    banded = assemble(cut(model, 2, 4), Selector(PORTABLE))
    whole = assemble(model, Selector(PORTABLE))
    extra = sum(call.macs for call in banded.calls) - sum(call.macs for call in whole.calls)
    assert extra == 3 * 2 * 16 * 16 * 9


def test_the_smallest_plan_is_smaller_and_within_a_limit_computes_least_twice() -> None:
    model, _ = lower(wide())
    fast, small = fastest(model, PORTABLE, "speed"), smallest(model, PORTABLE, "speed")
    assert small.schedule.arena_bytes < fast.schedule.arena_bytes / 2
    assert small.recomputed_macs == sum(call.macs for call in small.schedule.calls) - sum(
        call.macs for call in fast.schedule.calls
    )
    assert 0 < small.recomputed_share < 1
    limit = (small.schedule.arena_bytes + fast.schedule.arena_bytes) // 2
    middle = smallest(model, PORTABLE, "speed", limit)
    assert middle.schedule.arena_bytes <= limit
    assert 0 < middle.recomputed_macs < small.recomputed_macs
    enough = smallest(model, PORTABLE, "speed", fast.schedule.arena_bytes)
    assert (enough.layers, enough.recomputed_macs) == (0, 0)


def tight(folder: Path, ram: int) -> Target:
    """The simulated core with so much RAM."""
    text = load_target("midge-rv32imc").path.read_text().replace("length = 0x4_0000", f"length = {ram}")
    path = folder / f"tight_{ram}.toml"
    path.write_text(text.replace('name = "midge-rv32imc"', f'name = "tight_{ram}"'))
    return load_target(path)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("riscv64-unknown-elf-gcc") is None, reason="needs gcc-riscv64-unknown-elf")
def test_bands_come_in_where_the_ram_is_short(tmp_path: Path) -> None:
    model = wide()
    roomy = build(model, load_target("midge-rv32imc"), tmp_path / "roomy")
    assert roomy.plan is not None and roomy.plan.layers == 0
    short = roomy.figures.ram_bytes - 1000
    bundle = build(model, tight(tmp_path, short), tmp_path / "tight")
    assert bundle.plan is not None and bundle.plan.layers > 0
    assert bundle.figures.ram_bytes <= short
    assert bundle.manifest["arena"]["recomputed_macs"] == bundle.plan.recomputed_macs > 0
    with pytest.raises(BuildError, match="too big for sram"):
        build(model, tight(tmp_path, 2048), tmp_path / "never")


@pytest.mark.slow
@pytest.mark.parametrize("model", ["kws", "vww", "ic", "sww"])
def test_smallest_plans_of_real_models(model: str, shared_data: Path, tmp_path: Path) -> None:
    """Planned with the kernels of a Cortex-M4; what runs on the host is the same plan, kernels emulated."""
    loaded = load_model(shared_data / "mlperf_tiny" / f"{model}_int8.tflite")
    target = replace(load_target("host"), kernels=("dsp", "portable"))
    planned, _ = lower_and_plan(loaded, target, arena="small")
    macs = sum(call.macs for call in planned.schedule.calls)
    whole = sum(call.macs for call in lower_and_plan(loaded, target)[0].schedule.calls)
    assert planned.recomputed_macs == macs - whole
    assert planned.schedule.arena_bytes <= ARENA_LIMITS.get(model, planned.schedule.arena_live_bytes)
    samples = random_inputs(loaded, SEED)
    assert_host_equals_reference(loaded, tmp_path / "out", samples, target=target, arena="small")
