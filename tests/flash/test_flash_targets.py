"""What a target file may say under [flasher], and what is said about the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from flash_bundles import target_with

from smidgen.errors import UsageError
from smidgen.targets import load_target

GOOD = {
    "smp": "",
    "stm32_rom": 'family = "F1"\nchip_id = { value = 0x420 }',
    "pyocd": 'target = "nrf52840"\nchip_id = { register = 16, mask = 0xff, value = 1 }',
    "openocd": 'config = ["a.cfg", "b.cfg"]',
    "esptool": 'chip = "esp32c3"\noffset = 0x1000',
    "dfu_util": 'device = "0483:df11"\nalternate = 1\naddress = 0x0800_0000',
    "uf2": 'board = "RPI-RP2"\nfamily = 1',
    "openfpgaloader": 'board = "ulx3s"\nchip_id = { value = 0x0111_3043 }',
    "gdb": 'remote = "localhost:3333"\nbefore = ["monitor reset halt"]',
    "program": 'command = "writer"\narguments = ["{bin}"]',
}
BAD = {
    "no method": ('family = "F1"', ("'flasher.method' is missing",)),
    "an unknown method": (
        'method = "pyocdd"\ntarget = "x"',
        ("'flasher.method' is 'pyocdd'", "pyocd, openocd"),
    ),
    "an option of another method": (
        'method = "pyocd"\ntarget = "x"\nfamily = "F1"',
        ("'flasher.family' is not known", "target"),
    ),
    "an option that is missing": ('method = "openocd"', ("'flasher.config' is missing", "a list of texts")),
    "a wrong type": ('method = "esptool"\nchip = 3', ("'flasher.chip' must be a text",)),
    "no register": (
        'method = "pyocd"\ntarget = "x"\nchip_id = { value = 1 }',
        ("'flasher.chip_id.register' is missing", "reads the chip's identity"),
    ),
    "an identity that cannot be": (
        'method = "gdb"\nchip_id = { register = 0, mask = 0xf, value = 0x10 }',
        ("'flasher.chip_id.value' can never be met",),
    ),
    "an identity that nobody asks": (
        'method = "uf2"\nboard = "b"\nfamily = 1\nchip_id = { value = 1 }',
        ("'flasher.chip_id' is not known",),
    ),
    "USB numbers that are none": (
        'method = "smp"\nusb = ["0483:374B"]',
        ("'flasher.usb' holds '0483:374B'",),
    ),
    "several things at once": (
        'method = "dfu_util"\nalternate = -1\nspeed = 3',
        ("'flasher.device' is missing", "'flasher.alternate' must be", "'flasher.speed' is not known"),
    ),
}


@pytest.mark.parametrize("method", GOOD)
def test_each_method_is_read(method: str, tmp_path: Path) -> None:
    path = target_with(tmp_path, "mps2-an386", f'method = "{method}"\nusb = ["0483:374b"]\n{GOOD[method]}')
    flasher = load_target(path).flasher
    assert (flasher.method, flasher.usb) == (method, ("0483:374b",))


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_named_all_at_once(case: str, tmp_path: Path) -> None:
    text, words = BAD[case]
    with pytest.raises(UsageError) as error:
        load_target(target_with(tmp_path, "mps2-an386", text))
    for word in words:
        assert word in str(error.value)
