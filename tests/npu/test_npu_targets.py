"""The engine of a target: what its file may say, and that programs for another engine are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from smidgen.compile.build import build
from smidgen.device import open_device
from smidgen.errors import DeviceError, UsageError
from smidgen.fpga.bitstream import parameters
from smidgen.importers import load_model
from smidgen.npu.descriptor import fault_text
from smidgen.run.inputs import random_inputs
from smidgen.run.session import open_session
from smidgen.run.validate import validate
from smidgen.targets import Engine, load_target

SMALL = Engine(lanes=8, activation_bytes=1 << 14, weight_bytes=1 << 14)
BAD = {
    "no engine": ("[engine]", "[other]", ("'engine' is missing, and 'kernels' names 'npu'", "lanes = 16")),
    "lanes that there are not": ("lanes = 16", "lanes = 12", ("'engine.lanes' is 12", "8, 16")),
    "no lanes": ("lanes = 16", "lanes = 0", ("'engine.lanes' is 0",)),
    "an odd size": (
        "\nactivation_bytes = 0x8000",
        "\nactivation_bytes = 0x6000",
        ("'engine.activation_bytes' is 24,576, which is no power of two from 4,096 to 65,536",),
    ),
    "more than there may be": (
        "\nweight_bytes = 0x8000",
        "\nweight_bytes = 0x2_0000",
        ("'engine.weight_bytes' is 131,072",),
    ),
    "a size that is left out": (
        "\nweight_bytes = 0x8000\n",
        "\n",
        ("'engine.weight_bytes' is missing",),
    ),
    "a system without an engine": (
        'configuration = "midge-npu"',
        'configuration = "midge"',
        ("'engine' is there, but 'midge' has no neural engine", "midge-npu"),
    ),
}


def changed(base: str, folder: Path, old: str, new: str) -> Path:
    """The file of a target with another text in it."""
    text = load_target(base).path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path = folder / "board.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def small_system(folder: Path) -> Path:
    """A target like fpga-sim with the engine SMALL."""
    text = load_target("fpga-sim").path.read_text(encoding="utf-8")
    for old, new in {
        'configuration = "fpga-sim"': 'configuration = "midge-npu-small"',
        "lanes = 16": "lanes = 8",
        "activation_bytes = 0x8000": "activation_bytes = 0x4000",
        "weight_bytes = 0x1_0000": "weight_bytes = 0x4000",
        "length = 0x10_0000": "length = 0x4_0000",
        "origin = 0x1000_0000\nlength = 0x10_0000": "origin = 0x1000_0000\nlength = 0x1_0000",
    }.items():
        assert text.count(old) >= 1
        text = text.replace(old, new, 1)
    path = folder / "small.toml"
    path.write_text(text, encoding="utf-8")
    assert load_target(path).engine == SMALL
    return path


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_named(case: str, tmp_path: Path) -> None:
    old, new, words = BAD[case]
    with pytest.raises(UsageError) as error:
        load_target(changed("ulx3s-85f", tmp_path, old, new))
    for word in words:
        assert word in str(error.value)


def test_the_simulated_system_must_have_the_engine(tmp_path: Path) -> None:
    path = changed("fpga-sim-sdram", tmp_path, "lanes = 16", "lanes = 8")
    with pytest.raises(UsageError) as error:
        load_target(path)
    assert "'engine' is not the engine that the simulated system 'fpga-sim-sdram' has" in str(error.value)
    assert "write lanes = 16, activation_bytes = 32768, weight_bytes = 32768" in str(error.value)


def test_the_bitstream_has_the_engine_of_the_target() -> None:
    made = parameters(replace(load_target("ulx3s-85f"), engine=SMALL))
    assert made["NPU_LANES"] == 8
    assert made["NPU_ACTIVATION_BYTES"] == made["NPU_WEIGHT_BYTES"] == 1 << 14


def test_what_a_board_has_is_told() -> None:
    text = fault_text(SMALL.capability)
    assert text.startswith(
        "the neural engine has 8 lanes, 16,384 and 16,384 bytes of buffers, but the program"
    )


@pytest.mark.slow
def test_a_program_for_another_engine_stops(repository: Path, tmp_path: Path) -> None:
    target = load_target("fpga-sim")
    graph = load_model(repository / "examples" / "digits" / "digits_int8.tflite")
    bundle = build(graph, replace(target, engine=SMALL), tmp_path)
    told = "the neural engine has 16 lanes, .* but the program was compiled for another one"
    with open_device(target, bundle) as device, pytest.raises(DeviceError, match=told):
        device.selftest()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits", "kws"])
def test_models_on_a_small_engine(name: str, repository: Path, tmp_path: Path, request) -> None:
    """8 lanes and half of the buffers; strips and groups of weights are others."""
    path = repository / "examples" / "digits" / "digits_int8.tflite"
    if name != "digits":
        path = request.getfixturevalue("shared_data") / "mlperf_tiny" / f"{name}_int8.tflite"
    graph = load_model(path)
    with open_session(graph, small_system(tmp_path)) as session:
        assert any(call.kernel_set == "npu" for call in session.schedule.calls)
        assert session.device.selftest().passed
        validation = validate(session, random_inputs(graph, 1))
    assert validation.passed, validation.first_difference
    assert validation.result.mismatched_bytes == 0
