"""Wrong use ends in one clear message that says what is wrong and what to do, and in the right exit code."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import refused, smidgen

from smidgen.cli import main
from tflite_builder import ModelBuilder

MODEL, USAGE = 1, 2


def test_a_truncated_file(digits: Path, tmp_path: Path) -> None:
    path = tmp_path / "truncated.tflite"
    path.write_bytes(digits.read_bytes()[:9000])
    refused(smidgen("analyze", "-m", path, "-t", "host"), MODEL, "truncated.tflite", "damaged or truncated")


def test_a_jpeg_named_tflite(tmp_path: Path) -> None:
    path = tmp_path / "photo.tflite"
    path.write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(100))
    refused(smidgen("build", "-m", path, "-t", "host", "-o", tmp_path / "out"), MODEL, "photo.tflite", "JPEG")


def test_a_float_model(tmp_path: Path) -> None:
    builder = ModelBuilder()
    x, y = (builder.input((1, 4), "float32"), builder.tensor((1, 4), "float32"))
    builder.operator("TANH", [x], [y])
    builder.output(y)
    path = builder.save(tmp_path / "float.tflite")
    refused(
        smidgen("run", "-m", path, "-t", "host"),
        MODEL,
        "compute in float",
        "tanh_0",
        "representative_dataset",
    )


def test_a_dynamic_shape(tmp_path: Path) -> None:
    builder = ModelBuilder()
    x = builder.input((1, 4), scale=0.1, shape_signature=(1, -1))
    y = builder.tensor((1, 4), scale=0.1)
    builder.operator("RELU", [x], [y])
    builder.output(y)
    path = builder.save(tmp_path / "dynamic.tflite")
    refused(smidgen("analyze", "-m", path, "-t", "host"), MODEL, "dynamic")


def unary_model(path: Path, *names: str) -> Path:
    """A chain of operators of one input each."""
    builder = ModelBuilder()
    x = builder.input((1, 4), scale=0.1)
    for name in names:
        y = builder.tensor((1, 4), scale=0.1)
        builder.operator(name, [x], [y])
        x = y
    builder.output(x)
    return builder.save(path)


def test_an_unknown_operator(tmp_path: Path) -> None:
    path = unary_model(tmp_path / "unknown.tflite", "RFFT2D")
    refused(smidgen("analyze", "-m", path, "-t", "host"), MODEL, "RFFT2D", "not supported")


def test_three_unsupported_operators_are_all_listed(tmp_path: Path) -> None:
    path = unary_model(tmp_path / "three.tflite", "CUMSUM", "RELU", "BITCAST", "ZEROS_LIKE")
    refused(smidgen("validate", "-m", path, "-t", "host"), MODEL, "CUMSUM", "BITCAST", "ZEROS_LIKE")


def test_a_model_that_is_too_big_says_what_and_by_how_many_bytes(
    digits: Path, repository: Path, tmp_path: Path
) -> None:
    text = (repository / "targets" / "midge-rv32imc.toml").read_text()
    small = re.sub(
        r"length = 0x10_0000", "length = 16384", re.sub(r"length = 0x4_0000", "length = 2048", text)
    )
    target = tmp_path / "small.toml"
    target.write_text(small)
    outcome = smidgen("analyze", "-m", digits, "-t", target)
    refused(outcome, MODEL, "weights", "arena")
    sizes = re.findall(r"([\d,]+) bytes too big for (\w+)", outcome.errors)
    assert {memory for _, memory in sizes} == {"flash", "sram"}
    assert all(int(size.replace(",", "")) > 0 for size, _ in sizes)
    # What is known is shown all the same.
    assert "CONV_2D" in outcome.output
    assert "Arena" in outcome.output


INPUTS = {
    "shape": (np.zeros((3, 8, 9, 1), np.int8), ("(3, 8, 9, 1)", "(N, 8, 8, 1)")),
    "type": (np.zeros((3, 8, 8, 1), np.uint8), ("uint8", "int8")),
    "not a number": (np.full((3, 8, 8, 1), np.nan, np.float32), ("nan", "finite")),
    "infinite": (np.full((3, 8, 8, 1), np.inf, np.float32), ("inf", "finite")),
    "none": (np.zeros((0, 8, 8, 1), np.int8), ("no samples",)),
    "scalar": (np.int8(1), ("()", "(N, 8, 8, 1)")),
}


@pytest.mark.parametrize("case", INPUTS)
def test_a_wrong_input(digits: Path, tmp_path: Path, case: str) -> None:
    array, words = INPUTS[case]
    path = tmp_path / "wrong.npz"
    np.savez(path, x=array)
    refused(smidgen("run", "-m", digits, "-t", "host", "--input", path), USAGE, "wrong.npz", *words)


def test_an_input_file_without_x_says_what_it_holds(digits: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "images.npz", images=np.zeros((1, 8, 8, 1), np.int8))
    outcome = smidgen("run", "-m", digits, "-t", "host", "--input", tmp_path / "images.npz")
    refused(outcome, USAGE, "'x'", "images")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 damaged"])
def test_an_input_file_that_is_none(digits: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "inputs.npz"
    path.write_bytes(content)
    refused(smidgen("run", "-m", digits, "-t", "host", "--input", path), USAGE, "inputs.npz", "numpy.savez")


def test_labels_that_do_not_match(digits: Path, tmp_path: Path) -> None:
    path = tmp_path / "labels.npz"
    np.savez(path, x=np.zeros((3, 8, 8, 1), np.int8), y=np.zeros(2, np.int64))
    refused(smidgen("validate", "-m", digits, "-t", "host", "--input", path), USAGE, "'y'", "(3,)")


def test_a_target_that_does_not_exist_names_the_nearest(digits: Path) -> None:
    outcome = smidgen("analyze", "-m", digits, "-t", "midge-rv32im")
    refused(outcome, USAGE, "midge-rv32im", "did you mean midge-rv32imc")


def test_a_missing_model_file(tmp_path: Path) -> None:
    refused(smidgen("analyze", "-m", tmp_path / "none.tflite", "-t", "host"), USAGE, "no such file")


@pytest.mark.parametrize(
    ("target", "package"), [("host", "gcc"), ("midge-rv32imc", "gcc-riscv64-unknown-elf")]
)
def test_a_missing_compiler_says_how_to_get_it(
    digits: Path, tmp_path: Path, target: str, package: str
) -> None:
    outcome = smidgen(
        "build", "-m", digits, "-t", target, "-o", tmp_path / "out", environment={"PATH": str(tmp_path)}
    )
    refused(outcome, MODEL, "not installed", f"apt install {package}")


def test_a_missing_simulator_compiler_says_how_to_get_it(digits: Path, tmp_path: Path) -> None:
    """The RISC-V compiler is there, Verilator is not, and no simulator is cached."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for folder in os.environ["PATH"].split(os.pathsep):
        for tool in sorted(Path(folder).glob("riscv64-unknown-elf-*")):
            link = tools / tool.name
            if not link.exists():
                link.symlink_to(tool)
    if not (tools / "riscv64-unknown-elf-gcc").exists():
        pytest.skip("needs riscv64-unknown-elf-gcc")
    environment = {"PATH": str(tools), "SMIDGEN_CACHE": str(tmp_path / "cache")}
    outcome = smidgen("run", "-m", digits, "-t", "midge-rv32imc", environment=environment)
    refused(outcome, MODEL, "verilator")


USES = {
    "a command": (["vaildate"], ("vaildate", "did you mean validate")),
    "an option": (["profile", "-m", "m", "-t", "host", "--jsn", "x"], ("--jsn", "did you mean --json")),
    "an option before others are there": (["profile", "--tagret", "host"], ("did you mean --target",)),
    "a choice": (["validate", "-m", "m", "-t", "host", "--against", "tfml"], ("tfml", "did you mean tflm")),
    "a count": (["validate", "-m", "m", "-t", "host", "--limit", "0"], ("--limit", "1 or more")),
    "a word too many": (["targets", "now"], ("now",)),
    "nothing": ([], ("COMMAND",)),
    "no model": (["analyze", "-t", "host"], ("-m/--model",)),
    "a place to write": (["targets", "--json", "/no/such/folder/x.json"], ("/no/such/folder",)),
}


@pytest.mark.parametrize("case", USES)
def test_wrong_arguments(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, words = USES[case]
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == USAGE
    errors = capsys.readouterr().err
    for word in (*words, "--help"):
        assert word in errors


def test_an_interrupt_ends_without_a_traceback(digits: Path) -> None:
    # A shell starts its background jobs with this signal ignored, and whatever they start inherits that.
    listen = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"{listen}; import sys; from smidgen.cli import main; sys.exit(main())"
    arguments = ["validate", "-m", str(digits), "-t", "host", "--limit", "1000000"]
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        # The first line of progress: from here on the command is at work.
        first = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert first.endswith("...\n")
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "interrupted" in errors
