"""A simulated board that boots from SPI flash, updated over its serial line by one command each time."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from flash_bundles import make_bundle

from smidgen.cli import main
from smidgen.device.flashing import flash_bundle
from smidgen.device.virtual_board import VirtualBoard
from smidgen.errors import DeviceError
from smidgen.targets import load_target
from tflite_builder import ModelBuilder

TARGET = "fpga-sim-spi"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMIDGEN_STATE", str(tmp_path / "state"))


@pytest.fixture
def smidgen(capsys: pytest.CaptureFixture[str]):
    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        output = capsys.readouterr()
        return code, output.out, output.err

    return run


def small_model(path: Path, seed: int) -> Path:
    """16 inputs, fully connected to 4 outputs by random weights."""
    builder = ModelBuilder()
    x = builder.input((1, 16), scale=0.05)
    weights = np.random.default_rng(seed).integers(-127, 128, (4, 16)).astype(np.int8)
    w = builder.constant(weights, scale=0.01)
    b = builder.constant(np.zeros(4, np.int32), scale=0.0005)
    y = builder.tensor((1, 4), scale=0.1)
    builder.operator("FULLY_CONNECTED", [x, w, b], [y])
    builder.output(y)
    return builder.save(path)


def test_what_cannot_be_flashed_is_one_clear_error(tmp_path: Path, smidgen) -> None:
    def refused(code: int, *what: str) -> None:
        actual, _, errors = smidgen("flash", "-t", TARGET, *command)
        assert (actual, errors.count("error: ")) == (code, 1), errors
        assert all(text in errors for text in what), errors

    bundle = make_bundle(tmp_path / "bundle", TARGET).folder
    command: tuple[object, ...] = ("-b", make_bundle(tmp_path / "other", "midge-nor").folder)
    refused(2, "was built for 'midge-nor', not for 'fpga-sim-spi'")
    command = ("-b", bundle, "--probe", "17")
    refused(2, "choose the board with --port")
    command = ("-b", bundle, "--port", tmp_path / "ttyUSB0")
    refused(3, "cannot be opened", "serial ports of this machine")
    (bundle / "firmware.bin").write_bytes(b"other")
    command = ("-b", bundle)
    refused(2, "not as they were built: firmware.bin", "build the bundle again")


def flash_a_board_that_goes(folder: Path) -> None:
    """The power fails when half of the image is sent."""
    target = load_target(TARGET)
    with VirtualBoard(target).bootloader() as simulator:

        def half_way(done: int, total: int) -> None:
            if 2 * done > total:
                simulator.process.kill()

        flash_bundle(folder, target, port=simulator.port, track=half_way)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("verilator"), reason="needs verilator")
def test_a_board_that_runs_is_updated_and_survives_the_loss_of_its_line(tmp_path: Path, smidgen) -> None:
    pytest.importorskip("imgtool", reason="imgtool, which makes the images, is not installed")
    old, new = tmp_path / "old", tmp_path / "new"
    for seed, bundle in enumerate((old, new)):
        model = small_model(tmp_path / f"{bundle.name}.tflite", seed)
        code, _, errors = smidgen("build", "-m", model, "-t", TARGET, "-o", bundle)
        assert code == 0, errors

    def is_right(bundle: Path) -> None:
        code, output, errors = smidgen("validate", "-b", bundle, "-t", TARGET)
        assert (code, "bit-exact: 2 inputs" in output) == (0, True), output + errors

    code, _, errors = smidgen("run", "-b", old, "-t", TARGET)
    assert (code, "its flash is empty" in errors) == (3, True), errors
    code, output, errors = smidgen("flash", "-b", old, "-t", TARGET)
    assert (code, "in the boot loader" in output) == (0, True), output + errors
    is_right(old)
    with pytest.raises(DeviceError, match=r"^upload: the port .* closed"):
        flash_a_board_that_goes(new)
    is_right(old)
    code, output, errors = smidgen("flash", "-b", new, "-t", TARGET)
    assert (code, "running the image in slot 0" in output) == (0, True), output + errors
    is_right(new)
    # The old image is still there, in the other slot.
    code, _, errors = smidgen("run", "-b", old, "-t", TARGET)
    assert (code, "flash the firmware of this bundle" in errors) == (3, True), errors
