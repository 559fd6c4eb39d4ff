"""A model that does not fit its target with 8-bit weights is searched for bits with which it does."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from real_search import real_setup

from smidgen.cli import main
from smidgen.compile.firmware import TooBig
from smidgen.compress import requantize_weights
from smidgen.compress.layers import weight_layers
from smidgen.errors import BuildError, Problem
from smidgen.explore import costs as costs_module
from smidgen.explore import latency
from smidgen.explore.costs import WIDTHS, measure_costs
from smidgen.explore.latency import LayerCost, ModelCost, measure_layers
from smidgen.exporters.tflite import save_tflite
from smidgen.graph import DType, Graph, Node, Tensor
from smidgen.graph.operators import Activation, FullyConnected
from smidgen.graph.packing import storage_bytes
from smidgen.graph.reference import run
from smidgen.targets import load_target

AGENT, RAM = 10_000, 3_000


def layer_bytes(graph: Graph) -> list[int]:
    """Of the weights of each layer."""
    tensors = [graph.tensor(str(node.inputs[1])) for node in weight_layers(graph)]
    return [storage_bytes(tensor.dtype, tensor.elements) for tensor in tensors]


def weight_bytes(graph: Graph) -> int:
    return sum(layer_bytes(graph))


class Machine:
    """Stands in for building and running on a target whose flash holds so many bytes of weights; layers
    that are measured have a flash of their own, so that one thing is tested at a time."""

    def __init__(self) -> None:
        self.room = self.room_for_layers = 10**9
        self.built: list[int] = []

    def model(self, graph: Graph, target: object, optimize: str) -> ModelCost:
        size = fitting(graph, self.room)
        self.built.append(size)
        # The code of the kernels makes no difference here, so what is reckoned is exact.
        arena = measured_arena(graph)
        return ModelCost("cycles", 7 + 3 * size, size, AGENT + size, RAM + arena, arena)

    def layers(self, graph: Graph, target: object, optimize: str) -> list[LayerCost]:
        fitting(graph, self.room_for_layers)
        return [LayerCost(3.0 * size, size) for size in layer_bytes(graph)]


def fitting(graph: Graph, room: int) -> int:
    size = weight_bytes(graph)
    if size > room:
        raise TooBig([Problem("flash", "is too small")], {"flash": size - room})
    return size


def measured_arena(graph: Graph) -> int:
    return latency.lower_and_plan(graph, load_target("midge"), "speed")[0].schedule.arena_bytes


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Machine]:
    made = Machine()
    monkeypatch.setenv("SMIDGEN_CACHE", str(tmp_path))
    monkeypatch.setattr(costs_module, "measure_model", made.model)
    monkeypatch.setattr(latency, "_measure", made.layers)
    monkeypatch.setattr(latency, "_tools", lambda target, optimize: ["none"])
    yield made


SETUP = real_setup()
WHOLE = {bits: weight_bytes(requantize_weights(SETUP.base, bits)) for bits in WIDTHS}


@pytest.mark.parametrize("bits", WIDTHS)
def test_what_int8_would_take_is_known_although_it_does_not_fit(bits: int, machine: Machine) -> None:
    machine.room = WHOLE[bits]
    costs = measure_costs(SETUP.base, load_target("midge"))
    assert (costs.too_big is None) == (bits == 8)
    assert machine.built == [WHOLE[bits]]
    arena, whole = measured_arena(SETUP.base), WHOLE[8]
    assert costs.base == ModelCost("cycles", 7 + 3 * whole, whole, AGENT + whole, RAM + arena, arena)


def test_layer_that_fits_alone_at_no_width_or_model_at_none_is_named(machine: Machine) -> None:
    machine.room_for_layers = 0
    with pytest.raises(BuildError, match=r"layer '\w+': does not fit target 'midge' alone, even with 2-bit"):
        measure_costs(SETUP.base, load_target("midge"))
    machine.room_for_layers, machine.room = WHOLE[8], WHOLE[2] - 1
    with pytest.raises(BuildError, match="with 2-bit weights everywhere the image is still 1 bytes too big"):
        measure_costs(SETUP.base, load_target("midge"))


def test_layer_that_does_not_fit_alone_at_8_bits_takes_there_what_it_takes_at_4(machine: Machine) -> None:
    largest = max(weight_layers(SETUP.base), key=lambda node: SETUP.base.tensor(node.inputs[1]).elements)
    size = SETUP.base.tensor(largest.inputs[1]).elements
    machine.room_for_layers = size - 1
    latencies = measure_layers(SETUP.base, load_target("midge"))
    assert latencies[largest.id, 8].taken == latencies[largest.id, 4].taken == 3 * size / 2
    assert latencies[largest.id, 8].weight_bytes >= size
    others = [node for node in weight_layers(SETUP.base) if node.id != largest.id]
    for node in others:
        elements = SETUP.base.tensor(node.inputs[1]).elements
        assert [latencies[node.id, bits].taken for bits in WIDTHS] == [
            3 * storage_bytes(dtype, elements) for dtype in (DType.I8, DType.I4, DType.I2)
        ]


def dense_model(sizes: Sequence[int]) -> Graph:
    """Fully connected layers between so many values."""
    rng = np.random.default_rng(0)
    tensors = {"x": Tensor("x", (1, sizes[0]), DType.F32, None, None)}
    nodes = []
    x = "x"
    for index, (inputs, outputs) in enumerate(pairwise(sizes)):
        constants = {
            f"w{index}": rng.normal(0, inputs**-0.5, (outputs, inputs)),
            f"b{index}": rng.normal(0, 0.1, outputs),
        }
        for name, data in constants.items():
            tensors[name] = Tensor(name, data.shape, DType.F32, None, data.astype(np.float32))
        y = f"y{index}"
        tensors[y] = Tensor(y, (1, outputs), DType.F32, None, None)
        activation = Activation.NONE if outputs == sizes[-1] else Activation.RELU
        nodes.append(Node(f"dense{index}", FullyConnected(activation=activation), (x, *constants), (y,)))
        x = y
    return Graph("dense", tensors, tuple(nodes), ("x",), (x,))


@pytest.mark.slow
@pytest.mark.skipif(
    not (shutil.which("qemu-system-arm") and shutil.which("arm-none-eabi-gcc")),
    reason="needs qemu-system-arm and arm-none-eabi-gcc",
)
def test_command_finds_bits_that_fit_and_names_the_nearest_where_none_do(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    graph = dense_model((96, 64, 5))
    save_tflite(graph, tmp_path / "float.tflite")
    samples = np.random.default_rng(1).normal(0, 1, (160, 96)).astype(np.float32)
    labels = [int(run(graph, [sample[None]]).outputs[0].argmax()) for sample in samples]
    np.savez("data.npz", x=samples, y=labels)
    text = (repository / "targets" / "mps2-an386.toml").read_text()
    room = flash_of("mps2-an386", 8) - 2000
    (tmp_path / "tight.toml").write_text(
        re.sub(r"(\[memory.flash\][^\[]*length = )\w+", rf"\g<1>{room}", text)
    )
    capsys.readouterr()

    assert compress("--budget", "accuracy=-100", "-t", "./tight.toml", "--json", "out.json") == 0
    written = capsys.readouterr()
    assert "at 8 bits the image is 2,000 bytes too big for flash" in written.err
    assert "at int8, which does not fit" in written.out
    content = json.loads((tmp_path / "out.json").read_text())
    assert content["after"]["flash_bytes"] <= room < content["before"]["flash_bytes"]
    assert content["search"]["int8_fits"] is False and "at 8 bits" in content["warnings"][-1]

    assert compress("--budget", "accuracy=0", "weights=2400", "-t", "./tight.toml") == 2
    assert re.search(
        r"the nearest that was found has accuracy -[\d.]+ points, weights [\d,]+ bytes", errors(capsys)
    )


def flash_of(target: str, bits: int) -> int:
    assert compress("--bits", str(bits), "-t", target, "--json", "whole.json") == 0
    return int(json.loads(Path("whole.json").read_text())["after"]["flash_bytes"])


def compress(*arguments: str) -> int:
    options = ["-m", "float.tflite", "--data", "data.npz", "-o", "out.tflite"]
    return main(["compress", *options, *arguments])


def errors(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err
