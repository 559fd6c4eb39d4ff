"""The driver for Linux, and a whole package, on the simulated engine.

The simulator is built of the files that the package has for Vivado; every register access goes through
AXI4-Lite, and the processor's cache is not coherent with memory.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from engine_bench import Bench, Stalls
from engine_board import Interrupt, Memory, Registers, build_package, compile_package, load_driver

from smidgen.golden import golden_inputs
from smidgen.graph import Graph
from smidgen.graph.reference import Reference
from smidgen.npu.descriptor import Engine, Load, Store, encode_list, table
from smidgen.npu.onboard import EngineError, EngineTimeout, NeuralEngine

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "export"))
from export_models import MODELS, export, spoil

ERRORS = table()["errors"]
ENGINE = Engine()
NOWHERE = 0x1000_0000  # no memory is there


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zynq") / "package"
    export("int8", "zynq", folder)
    return folder


@pytest.fixture(scope="module")
def program(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_package(package, ENGINE, tmp_path_factory.mktemp("npu-package"))


@pytest.fixture
def bench(program: Path) -> Iterator[Bench]:
    bench = Bench(program, ENGINE)
    yield bench
    bench.close()


def engine_on(bench: Bench, deadline: float = 60.0, patience: int = 200_000) -> NeuralEngine:
    """patience: cycles of a wait for the interrupt."""
    return NeuralEngine(Registers(bench), Memory(bench), Interrupt(bench, patience), deadline)


def copying(count: int = 64, **wrong: int) -> np.ndarray:
    """A list that loads bytes by base 0 and stores them by base 3."""
    load = Load(base=0, memory_offset=0, buffer_address=0, bytes=count, buffer=0)
    store = {"base": 3, "memory_offset": 0, "buffer_address": 0, "bytes": count, "after_loads": 1}
    return encode_list([load, Store(**{**store, **wrong})])


def run(engine: NeuralEngine, words: np.ndarray, **bases: int) -> bytes:
    """What a list that copies 64 bytes has written."""
    source = engine.place(np.arange(64, dtype=np.uint8))
    target = engine.memory.allocate(64)
    addresses = {"first": source.address, "last": target.address, **bases}
    engine.run(words, engine.place(words), [addresses["first"], 0, 0, addresses["last"]])
    target.invalidate()
    return target.array.tobytes()


def reference_outputs(graph: Graph, seed: int) -> tuple[list[np.ndarray], tuple[np.ndarray, ...]]:
    ports = [(graph.tensor(port).shape, graph.tensor(port).dtype) for port in graph.inputs]
    inputs = golden_inputs(ports, seed)
    return inputs, Reference(graph).run(inputs).outputs


@pytest.mark.parametrize(
    "name", ["int8", *(pytest.param(name, marks=pytest.mark.slow) for name in MODELS if name != "int8")]
)
def test_a_package_computes_what_the_reference_does(bench: Bench, tmp_path: Path, name: str) -> None:
    """Under the driver that it holds, compiled by its own Makefile."""
    prefix = export(name, "zynq", tmp_path / "package")
    driver = load_driver(tmp_path / "package")
    interrupt = Interrupt(bench)
    engine = driver.NeuralEngine(Registers(bench), Memory(bench), interrupt, 60.0)
    library = compile_package(tmp_path / "package", prefix)
    model = driver.Model(library, tmp_path / "package" / "board" / "model.json", engine)
    assert model.golden_test() == 0
    model.reset()
    for seed in (5, 6):
        graph = MODELS[name]()
        inputs, expected = reference_outputs(graph, seed)
        outputs = model.run(*inputs)
        if seed == 5:  # the next one has a state that the reference here has not
            for output, right in zip(outputs, expected, strict=True):
                np.testing.assert_array_equal(output, right)
    assert len(model.layers) == 1  # the layers of the engine share a list
    assert interrupt.waits >= 2 * len(model.layers)  # it is the interrupt that tells of each end
    assert all(layer.counters.cycles > 0 and layer.counters.bytes_written > 0 for layer in model.layers)
    records = engine.records(model.layers[-1].descriptors)
    assert sum(record.array for record in records.values()) > 0
    moved = sum(record.bytes for record in records.values())
    counters = model.layers[-1].counters
    assert abs(counters.bytes_read + counters.bytes_written - moved - 64 * len(records)) <= 3 * len(records)


@pytest.mark.slow
def test_a_wrong_byte_fails_the_golden_test(bench: Bench, tmp_path: Path) -> None:
    prefix = export("streaming", "zynq", tmp_path / "package")
    spoil(tmp_path / "package" / "examples" / "golden_test" / "golden.h")
    library = compile_package(tmp_path / "package", prefix)
    driver = load_driver(tmp_path / "package")
    engine = driver.NeuralEngine(Registers(bench), Memory(bench), Interrupt(bench), 60.0)
    model = driver.Model(library, tmp_path / "package" / "board" / "model.json", engine)
    assert model.golden_test() == 1


@pytest.mark.slow
def test_an_error_of_the_engine_names_the_layer(bench: Bench, package: Path) -> None:
    library = compile_package(package, "digits_int8")
    driver = load_driver(package)
    engine = driver.NeuralEngine(Registers(bench), Memory(bench), Interrupt(bench), 60.0)
    model = driver.Model(library, package / "board" / "model.json", engine)
    zeros = np.zeros(model.inputs[0].shape, np.int8)
    model.run(zeros)
    bench.fail(0, 1 << 20)  # all of memory
    with pytest.raises(driver.EngineError, match=r"layer 'conv2d_0 .*'.*answered with an error"):
        model.run(zeros)
    assert model.layers == []
    bench.fail(0, 0)
    model.run(zeros)
    assert len(model.layers) == 1


def test_lists_run_with_interrupts_and_without(bench: Bench) -> None:
    bench.stall(Stalls(3, 20, 20, 20, 20, 20, 5))
    assert run(engine_on(bench), copying()) == bytes(range(64))
    polling = NeuralEngine(Registers(bench), Memory(bench))
    assert run(polling, copying()) == bytes(range(64))
    assert bench.interrupt() == 0
    counters = polling.counters()
    assert (counters.bytes_read, counters.bytes_written) == (2 * 64 + 64, 64) and counters.cycles > 48
    first, second = polling.records(2).values()
    assert first.bytes == second.bytes == 64 and second.waited > 0


def test_a_bad_list_is_refused_with_its_reason(bench: Bench) -> None:
    engine = engine_on(bench)
    for field, value, rule in (
        ("buffer_address", 2, "misaligned"),
        ("after_loads", 2, "waits"),
        ("buffer_address", ENGINE.activation_bytes - 32, "outside"),
        ("bytes", 0, "size"),
    ):
        with pytest.raises(EngineError, match=r"descriptor 1 of 2 \(store\)") as refusal:
            run(engine, copying(**{field: value}))
        assert (refusal.value.code, refusal.value.index) == (ERRORS[rule], 1)
        assert bench.interrupt() == 0
    assert run(engine, copying()) == bytes(range(64))  # it goes on
    with pytest.raises(EngineError, match="1 to 1023 descriptors, this one 1024"):
        run(engine, np.repeat(copying(), 512, axis=0))


def test_an_error_of_the_bus_names_the_transfer_and_its_address(bench: Bench) -> None:
    engine = engine_on(bench)
    for which, kind, index in (("first", "load", 0), ("last", "store", 1)):
        with pytest.raises(EngineError, match=rf"descriptor {index} of 2 \({kind}\)") as failure:
            run(engine, copying(), **{which: NOWHERE})
        assert "64 bytes at 0x10000000" in str(failure.value)
        assert (failure.value.code, failure.value.index) == (ERRORS["bus"], index)
    assert run(engine, copying()) == bytes(range(64))


def test_a_list_that_does_not_end_is_aborted(bench: Bench) -> None:
    impatient = engine_on(bench, deadline=0.0)
    with pytest.raises(EngineTimeout, match="did not end within 0 s") as late:
        run(impatient, copying())
    assert "cannot stop" not in str(late.value)
    assert run(engine_on(bench), copying()) == bytes(range(64))

    bench.stall(Stalls(address_read=100))  # a memory that takes no address
    with pytest.raises(EngineTimeout, match=r"0 bytes were read.*reset the design"):
        run(engine_on(bench, 0.02, 1000), copying())
    with pytest.raises(EngineError, match="busy with a list that somebody else"):
        run(engine_on(bench), copying())
    bench.stall(Stalls())
    bench.wait()
    assert run(engine_on(bench), copying()) == bytes(range(64))
