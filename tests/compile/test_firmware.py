"""Firmware for midge: figures agree with each other and the image, limits are checked, errors are clear."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from compile_graphs import constant, graph, tensor

from smidgen.compile import compile_model
from smidgen.compile.build import build
from smidgen.compile.bundle import Bundle
from smidgen.errors import BuildError, ModelError, UsageError
from smidgen.golden import checksum, golden_inputs
from smidgen.graph import DType, Graph, Node
from smidgen.graph.operators import FullyConnected, Relu, Tanh
from smidgen.graph.reference import run
from smidgen.importers import load_model
from smidgen.targets import Target, load_target

STACK_LIMIT = 1024
AGENT_LIMIT = 16 * 1024
CODE_LIMITS = {("kws", "speed"): 10 * 1024, ("kws", "size"): 5 * 1024, ("vww", "speed"): 16 * 1024}


def matmul(inputs: int, outputs: int) -> Graph:
    generator = np.random.default_rng(1)
    weights = generator.integers(-127, 128, (outputs, inputs)).astype(np.int8)
    tensors = [tensor("x", (1, inputs)), constant("w", weights, 0.01), tensor("y", (1, outputs), 20.0)]
    tensors.append(constant("b", np.arange(outputs, dtype=np.int32), 0.005))
    return graph(tensors, [Node("fc", FullyConnected(), ("x", "w", "b"), ("y",))], ["x"], ["y"], name="fc")


def constant_of(bundle: Bundle, name: str) -> int:
    """A constant of the bundle's header."""
    text = (bundle.folder / "model.h").read_text()
    found = re.search(rf"#define {bundle.prefix.upper()}_{name} (\d+)", text)
    assert found, f"{name} is not in model.h"
    return int(found[1])


@pytest.fixture(scope="module")
def midge() -> Target:
    return load_target("midge-rv32imc")


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("model", ["kws", "vww", "ic", "ad", "sww"])
def test_sizes_of_real_models(
    model: str, optimize: str, midge: Target, shared_data: Path, tmp_path: Path
) -> None:
    loaded = load_model(shared_data / "mlperf_tiny" / f"{model}_int8.tflite")
    bundle = build(loaded, midge, tmp_path, optimize, golden_seeds=())
    figures = bundle.figures
    assert figures.stack_bytes <= STACK_LIMIT
    assert figures.agent_code_bytes <= AGENT_LIMIT
    assert figures.code_bytes <= CODE_LIMITS.get((model, optimize), 1 << 20)
    assert figures.flash_bytes >= figures.weights_bytes + figures.code_bytes
    assert figures.ram_bytes >= bundle.manifest["arena"]["bytes"] + figures.stack_bytes
    assert constant_of(bundle, "CODE_BYTES") == figures.code_bytes
    assert constant_of(bundle, "STACK_BYTES") == figures.stack_bytes
    assert constant_of(bundle, "WEIGHTS_BYTES") == figures.weights_bytes
    assert constant_of(bundle, "ARENA_BYTES") == bundle.manifest["arena"]["bytes"]
    assert constant_of(bundle, "FLASH_BYTES") == figures.code_bytes + figures.weights_bytes
    assert bundle.elf is not None
    assert (tmp_path / "firmware.bin").stat().st_size == figures.flash_bytes


@pytest.mark.parametrize("model", ["kws", "vww", "ic", "ad", "sww"])
def test_weights_are_neither_widened_nor_copied(model: str, midge: Target, shared_data: Path) -> None:
    """At most 1.05 times the weights at their bits plus 9 bytes per output channel."""
    loaded = load_model(shared_data / "mlperf_tiny" / f"{model}_int8.tflite")
    allowed = 0
    for node in loaded.nodes:
        if len(node.inputs) == 3 and loaded.tensor(node.inputs[1]).dtype is DType.I8:
            allowed += loaded.tensor(node.inputs[1]).elements + 9 * loaded.tensor(node.inputs[2]).elements
    blobs = compile_model(loaded, midge).blobs.values()
    assert sum(blob.bytes for blob in blobs if blob.what != "table") <= 1.05 * allowed


def test_weights_are_in_the_image_once(midge: Target, tmp_path: Path) -> None:
    bundle = build(matmul(64, 64), midge, tmp_path)
    image = (tmp_path / "firmware.bin").read_bytes()
    schedule = compile_model(matmul(64, 64), midge)
    (weights,) = [blob.data.tobytes() for blob in schedule.blobs.values() if blob.what == "weights"]
    assert image.count(weights) == 1
    assert bundle.figures.weights_bytes >= len(weights)


def test_two_builds_are_the_same_to_the_byte(midge: Target, tmp_path: Path, monkeypatch) -> None:
    images = []
    for name in ("one", "two"):
        monkeypatch.setenv("SMIDGEN_CACHE", str(tmp_path / f"cache_{name}"))
        build(matmul(16, 8), midge, tmp_path / name)
        images.append((tmp_path / name / "firmware.elf").read_bytes())
    assert images[0] == images[1]


def test_golden_answers_are_the_references(midge: Target, tmp_path: Path) -> None:
    model = matmul(16, 8)
    bundle = build(model, midge, tmp_path, golden_seeds=(7,))
    inputs = golden_inputs([((1, 16), DType.I8)], 7)
    expected = run(model, inputs).outputs[0]
    assert bundle.manifest["golden"] == [{"seed": 7, "checksums": [checksum(expected)]}]
    arrays = np.load(tmp_path / "golden.npz")
    np.testing.assert_array_equal(arrays["input_0"], [inputs[0]])
    np.testing.assert_array_equal(arrays["output_0"], [expected])


def smaller(folder: Path, flash: int = 0x10_0000, ram: int = 0x4_0000) -> Target:
    text = load_target("midge-rv32imc").path.read_text()
    path = folder / "small.toml"
    text = text.replace("length = 0x10_0000", f"length = {flash}").replace(
        "length = 0x4_0000", f"length = {ram}"
    )
    path.write_text(text)
    return load_target(path)


def test_what_is_too_big_and_by_how_much(tmp_path: Path) -> None:
    """One byte less than the image needs is refused, with that one byte named; exactly enough is not."""
    model = matmul(256, 64)
    figures = build(model, load_target("midge-rv32imc"), tmp_path / "fits").figures
    build(model, smaller(tmp_path, flash=figures.flash_bytes), tmp_path / "just")
    with pytest.raises(BuildError, match=r"small, flash|midge-rv32imc, flash") as error:
        build(model, smaller(tmp_path, flash=figures.flash_bytes - 40), tmp_path / "flash")
    assert "40 bytes too big for flash" in str(error.value)
    assert f"weights {figures.weights_bytes:,}" in str(error.value)
    with pytest.raises(BuildError, match="bytes too big for sram") as error:
        build(model, smaller(tmp_path, ram=1024), tmp_path / "ram")
    assert f"{figures.ram_bytes - 1024:,} bytes too big" in str(error.value)


def test_both_memories_too_small_are_both_named(tmp_path: Path) -> None:
    with pytest.raises(BuildError) as error:
        build(matmul(256, 64), smaller(tmp_path, flash=4096, ram=512), tmp_path / "out")
    assert len(error.value.problems) == 2


def test_failed_build_leaves_no_image_of_an_earlier_one(tmp_path: Path) -> None:
    build(matmul(16, 8), load_target("midge-rv32imc"), tmp_path / "out")
    with pytest.raises(BuildError):
        build(matmul(256, 64), smaller(tmp_path, flash=4096), tmp_path / "out")
    assert not (tmp_path / "out" / "firmware.elf").exists()
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_stack_reserve_that_is_too_small(
    midge: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smidgen.compile.firmware.agent_stack_bytes", lambda: 16)
    with pytest.raises(BuildError, match=r"can need [\d,]+ bytes of stack and reserves"):
        build(matmul(16, 8), midge, tmp_path)


def test_missing_compiler_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match="sudo apt install gcc-riscv64-unknown-elf"):
        build(matmul(16, 8), load_target("midge-rv32imc"), tmp_path / "out")


def two_activations(dtype: DType) -> Graph:
    tensors = [tensor(n, (1, 4), None, dtype=dtype) for n in ("x", "a", "y")]
    nodes = [Node("first", Relu(), ("x",), ("a",)), Node("second", Tanh(), ("a",), ("y",))]
    return graph(tensors, nodes, ["x"], ["y"])


def test_every_node_without_a_kernel_is_named(midge: Target) -> None:
    with pytest.raises(ModelError) as error:
        compile_model(two_activations(DType.I32), midge)
    assert [problem.where.split("'")[1] for problem in error.value.problems] == ["first", "second"]
    assert all("i32" in problem.what for problem in error.value.problems)


def test_a_float_model_is_one_problem_that_names_its_nodes(midge: Target) -> None:
    with pytest.raises(ModelError) as error:
        compile_model(two_activations(DType.F32), midge)
    (problem,) = error.value.problems
    assert "2 of its 2 operators" in problem.what and "'first', 'second'" in problem.what


def test_unknown_goal_of_optimization(midge: Target) -> None:
    with pytest.raises(UsageError, match="use speed or size"):
        compile_model(matmul(4, 4), midge, "beauty")


def test_unknown_kernel_set(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    text = load_target("midge-rv32imc").path.read_text()
    path.write_text(text.replace('kernels = ["portable"]', 'kernels = ["dsp9", "portable"]'))
    with pytest.raises(UsageError, match="there is no kernel set 'dsp9'"):
        compile_model(matmul(4, 4), load_target(path))


def test_folder_that_cannot_be_written(midge: Target, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="choose another folder"):
        build(matmul(4, 4), midge, tmp_path / "file" / "out")
