"""From a target and a bundle to its device, or one clear error."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from smidgen.compile.bundle import Bundle
from smidgen.device import open_device
from smidgen.device.serial_device import SerialDevice
from smidgen.errors import UsageError
from smidgen.targets import Runner, Serial, load_target

BUNDLE = Bundle(Path("bundle"), {"version": "1", "files": {}})


def test_a_bundle_without_a_firmware_image_is_refused() -> None:
    with pytest.raises(UsageError, match="holds no firmware image"):
        open_device(load_target("midge-rv32imc"), BUNDLE)


def test_a_board_needs_a_port() -> None:
    target = replace(load_target("midge-rv32imc"), runner=Runner("serial"), serial=Serial())
    with pytest.raises(UsageError, match="no serial port is known"):
        open_device(target, BUNDLE)
    assert isinstance(open_device(target, BUNDLE, port="/dev/ttyACM0"), SerialDevice)
