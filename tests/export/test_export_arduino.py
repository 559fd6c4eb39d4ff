"""Arduino libraries: found and built by arduino-builder, their sketches run on a Cortex-M in QEMU."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cortex_m import BOARD, CortexM, done, make_board, need, run
from export_models import MODELS, export, spoil

HARDWARE = Path(__file__).parent / "arduino" / "hardware"
AVR = Path("/usr/share/arduino/hardware")


def builder(sketch: Path, libraries: Path, hardware: Path, board: str, folder: Path, *options: str) -> list:
    """The command that builds a sketch."""
    need("arduino-builder", "arduino-ctags")
    folder.mkdir()
    (folder / "tools").mkdir()
    places = ["-hardware", "/usr/share/arduino-builder", "-hardware", hardware, "-tools", folder / "tools"]
    places += ["-libraries", libraries, "-build-path", folder]
    return ["arduino-builder", "-compile", *places, "-fqbn", board, *options, sketch]


def build(sketch: Path, libraries: Path, board: CortexM, folder: Path) -> Path:
    """The program of a sketch."""
    hardware = folder.parent / "hardware"
    shutil.copytree(HARDWARE, hardware / "smidgen" / "mbed", dirs_exist_ok=True)
    own = [f"build.flags={' '.join(board.flags)}", f"build.board_path={BOARD}"]
    own.append(f"build.library_path={board.folder}")
    preferences = [part for one in own for part in ("-prefs", one)]
    done(*builder(sketch, libraries, hardware, "smidgen:mbed:qemu", folder, "-warnings=all", *preferences))
    return folder / f"{sketch.name}.elf"


def outputs(model: str, target: str, folder: Path, is_spoilt: bool = False) -> dict[str, str]:
    """What each example of the exported library writes."""
    export(model, "arduino", folder / "libraries" / model, target)
    examples = folder / "libraries" / model / "examples"
    if is_spoilt:
        spoil(examples / "golden_test" / "golden.h")
    (folder / "board").mkdir()
    board = make_board(target, folder / "board")
    written = {}
    for example in sorted(examples.iterdir()):
        sketch = example / f"{example.name}.ino"
        result = board.run(build(sketch, folder / "libraries", board, folder / f"build_{example.name}"))
        written[example.name] = result.stdout + result.stderr
    return written


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_sketches_run(tmp_path: Path, model: str) -> None:
    """Compiled with -Os, as most cores do."""
    written = outputs(model, "mps2-an386", tmp_path)
    assert written["golden_test"] == "PASS: 0 output bytes are wrong\n"
    assert written["minimal"].startswith("the largest element of output 0 is number ")


@pytest.mark.slow
def test_a_wrong_byte_fails_the_golden_test(tmp_path: Path) -> None:
    written = outputs("streaming", "mps2-an386", tmp_path, is_spoilt=True)
    assert written["golden_test"] == "FAIL: 1 output bytes are wrong\n"


@pytest.mark.slow
def test_a_processor_whose_int_is_too_short_is_refused(tmp_path: Path) -> None:
    """The kernels would compute something else there."""
    need("avr-gcc")
    if not AVR.is_dir():
        pytest.skip("not installed: arduino-core-avr")
    export("streaming", "arduino", tmp_path / "libraries" / "adder")
    sketch = tmp_path / "libraries" / "adder" / "examples" / "minimal" / "minimal.ino"
    board = "arduino:avr:mega:cpu=atmega2560"
    result = run(*builder(sketch, tmp_path / "libraries", AVR, board, tmp_path / "build"))
    assert result.returncode != 0
    assert "adder needs a processor whose int has 32 bits" in result.stdout + result.stderr
