"""A board that is not the target's, or a choice that is not clear, is refused before anything is written."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from flash_bundles import make_bundle, target_with
from serial.tools import list_ports

from smidgen.cli import main
from smidgen.compile.uf2 import uf2
from smidgen.device.flashers import programs
from smidgen.errors import DeviceError

USAGE, DEVICE = 2, 3
PROBE_A = {"unique_id": "A1", "info": "Arm DAPLink", "target": "cortex_m"}
PROBE_B = {"unique_id": "B2", "info": "Nordic nRF52840-DK", "target": "nrf52840"}
PROBE_C = {"unique_id": "C3", "info": "BBC micro:bit", "target": "nrf51"}
DFU = 'method = "dfu_util"\ndevice = "0483:df11"\nmemory = "04*016Kg,01*064Kg"\naddress = 0x0800_0000'
DFU_LINE = (
    'Found DFU: [0483:df11] ver=2200, devnum=12, cfg=1, intf=0, path="1-1", alt={alternate}, '
    'name="@Internal Flash  /0x08000000/{layout}", serial="{serial}"'
)


@pytest.fixture
def flash(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """`smidgen flash` of some bundle for a target: exit code and messages."""

    def run(target: str, *options: str, bundle_for: str | None = None) -> tuple[int, str]:
        folder = make_bundle(tmp_path / "bundle", bundle_for or target).folder
        code = main(["flash", "-b", str(folder), "-t", target, *options])
        return code, capsys.readouterr().err

    return run


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch):
    """Makes this machine have these serial ports: device, vendor, product, serial number."""

    def have(*found: tuple[str, int | None, int | None, str | None]) -> None:
        entries = [
            SimpleNamespace(device=device, vid=vid, pid=pid, serial_number=serial, description="n/a")
            for device, vid, pid, serial in found
        ]
        monkeypatch.setattr(list_ports, "comports", lambda: entries)

    return have


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a program on the search path, alone there: arguments it was called with go to a file."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    calls = tmp_path / "calls"

    def put(name: str, answers: dict[str, str]) -> Path:
        """answers: what it prints for the first key that is in its arguments."""
        path = folder / name
        path.write_text(
            f"#!{sys.executable}\nimport sys\ncalled = ' '.join(sys.argv[1:])\n"
            f"open({str(calls)!r}, 'a').write(called + '\\n')\nanswers = {answers!r}\n"
            "print(next(text for key, text in answers.items() if key in called))\n"
        )
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return calls

    return put


def refused(outcome: tuple[int, str], code: int, *words: str) -> None:
    assert outcome[0] == code, outcome[1]
    for word in words:
        assert word in outcome[1]


def test_a_bundle_for_another_target(flash) -> None:
    outcome = flash("netduinoplus2", bundle_for="stm32vldiscovery")
    refused(outcome, USAGE, "built for 'stm32vldiscovery'", "-t stm32vldiscovery")


def test_a_damaged_bundle(flash, tmp_path: Path) -> None:
    folder = make_bundle(tmp_path / "damaged", "netduinoplus2").folder
    (folder / "firmware.bin").write_bytes(b"imaGe")
    assert main(["flash", "-b", str(folder), "-t", "netduinoplus2"]) == USAGE


@pytest.mark.parametrize(
    ("key", "value"),
    [("target", None), ("files", ["firmware.bin"]), ("figures", {"cost": 3}), ("planned", {}), ("model", 7)],
)
def test_a_manifest_that_is_not_one(key: str, value: object, flash, tmp_path: Path, capsys) -> None:
    folder = make_bundle(tmp_path / "strange", "netduinoplus2").folder
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {key: value}))
    for verb in ("flash", "run", "profile"):
        assert main([verb, "-b", str(folder), "-t", "netduinoplus2"]) == USAGE
        assert "is not a bundle" in capsys.readouterr().err


def test_a_target_that_cannot_be_flashed(flash) -> None:
    refused(flash("midge-rv32imc-flash"), USAGE, "no way to flash it", "[flasher]")


def test_a_probe_where_ports_tell_boards_apart(flash) -> None:
    refused(flash("netduinoplus2", "--probe", "123"), USAGE, "--probe 123", "--port")


def test_no_port_says_what_was_seen(flash, ports) -> None:
    ports(("/dev/ttyS0", None, None, None), ("/dev/ttyUSB3", 0x1234, 0x5678, "x"))
    refused(flash("esp32-c3"), USAGE, "no port leads", "/dev/ttyS0", "/dev/ttyUSB3 (1234:5678)", "--port")


def test_two_ports_that_may_be_meant(flash, ports) -> None:
    ports(("/dev/ttyACM0", 0x303A, 0x1001, "a"), ("/dev/ttyUSB3", 0x10C4, 0xEA60, "b"))
    outcome = flash("esp32-c3")
    refused(outcome, USAGE, "several ports", "/dev/ttyACM0", "/dev/ttyUSB3", "choose one with --port")


def test_a_port_that_is_gone(flash, ports) -> None:
    pytest.importorskip("stm32loader")
    ports(("/dev/ttyUSB1", 0x1234, 0x5678, "x"))
    outcome = flash("netduinoplus2", "--port", "/dev/no-such-port")
    refused(outcome, DEVICE, "/dev/no-such-port", "cannot be opened", "/dev/ttyUSB1")


def test_two_debug_probes_of_one_kind(flash, ports) -> None:
    ports(("/dev/ttyACM0", 0x0483, 0x374B, "066A"), ("/dev/ttyACM1", 0x0483, 0x374B, "066B"))
    refused(flash("nucleo-f446re"), USAGE, "several probes", "066A", "066B", "--probe")


@pytest.mark.parametrize(
    ("target", "options", "name", "hint"),
    [
        ("nrf52840-dk", (), "pyocd", "pip install pyocd"),
        ("esp32-c3", ("--port", "/dev/null"), "esptool", "pip install esptool"),
        ("nucleo-f446re", (), "openocd", "apt install openocd"),
        ("mps2-an386", ("--port", "localhost:1"), "gdb-multiarch", "apt install gdb-multiarch"),
        ("teensy41", (), "teensy_loader_cli", "apt install teensy-loader-cli"),
        ("ulx3s-85f", (), "openFPGALoader", "apt install openfpgaloader"),
    ],
)
def test_a_missing_program_says_how_to_get_it(
    target: str, options: tuple[str, ...], name: str, hint: str, flash, ports, monkeypatch, tmp_path: Path
) -> None:
    ports()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    refused(flash(target, *options), DEVICE, f"{name}: this program is not installed", hint)


def test_pyocd_takes_the_only_probe_that_fits(flash, program) -> None:
    answers = {
        "json": "warning: noise\n" + json.dumps({"boards": [PROBE_B, PROBE_C]}),
        "read32": "10000100:  00052840    |..(@|",
        "load": "done",
    }
    calls = program("pyocd", answers)
    code, errors = flash("nrf52840-dk")
    assert code == 0, errors
    assert "load --no-wait --target nrf52840 --probe B2" in calls.read_text()


@pytest.mark.parametrize(
    ("boards", "word", "options", "code", "words"),
    [
        ([], "", (), USAGE, ("no probe leads", "seen: none")),
        ([PROBE_A, PROBE_B], "", (), USAGE, ("several probes", "A1", "B2")),
        ([PROBE_A], "", ("--probe", "Z9"), USAGE, ("--probe Z9", "A1 (Arm DAPLink)")),
        ([PROBE_C], "", ("--probe", "C3"), DEVICE, ("holds a 'nrf51', not a 'nrf52840'",)),
        ([PROBE_A], "10000100:  00052832    |...|", (), DEVICE, ("chip 0x52832", "chip 0x52840")),
        ([PROBE_A], "nothing", (), DEVICE, ("does not show its identity register",)),
    ],
)
def test_pyocd_refuses(
    boards: list, word: str, options: tuple[str, ...], code: int, words: tuple[str, ...], flash, program
) -> None:
    calls = program("pyocd", {"json": json.dumps({"boards": boards}), "read32": word, "load": "done"})
    refused(flash("nrf52840-dk", *options), code, *words)
    assert "load" not in calls.read_text()


def detected(identity: str) -> dict[str, str]:
    """What openFPGALoader prints of an FPGA, and when it writes."""
    chain = f"index 0:\n\tidcode {identity}\n\tmanufacturer lattice\n\tfamily ECP5\n\tmodel  LFE5U-85\n"
    return {"--detect": f"Jtag frequency : requested 6.00MHz\n{chain}\tirlength 8", "--write-flash": "done"}


@pytest.mark.parametrize("identity", ["0x41113043", "0x1113043"])  # releases differ in the version's bits
def test_openfpgaloader_writes_to_the_fpga_that_the_target_names(
    identity: str, flash, program, ports
) -> None:
    ports(("/dev/ttyUSB0", 0x0403, 0x6015, "D00123"))
    calls = program("openFPGALoader", detected(identity))
    code, errors = flash("ulx3s-85f", "--probe", "D00123")
    assert code == 0, errors
    assert "--board ulx3s --ftdi-serial D00123 --write-flash --verify" in calls.read_text()
    assert calls.read_text().strip().endswith("firmware.bit")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (detected("0x41111043"), ("chip 0x1111043", "chip 0x1113043", "nothing was written")),
        ({"--detect": "JTAG chain is empty"}, ("does not show an FPGA: JTAG chain is empty",)),
    ],
)
def test_openfpgaloader_refuses(answers: dict, words: tuple[str, ...], flash, program, ports) -> None:
    ports()
    calls = program("openFPGALoader", answers)
    refused(flash("ulx3s-85f"), DEVICE, *words)
    assert "--write-flash" not in calls.read_text()


def test_two_boards_with_one_kind_of_fpga(flash, ports) -> None:
    ports(("/dev/ttyUSB0", 0x0403, 0x6015, "D00123"), ("/dev/ttyUSB1", 0x0403, 0x6015, "D00124"))
    refused(flash("ulx3s-85f"), USAGE, "several probes", "D00123", "D00124", "--probe")


def test_a_bundle_with_only_the_program_of_an_fpga(tmp_path: Path, capsys) -> None:
    folder = make_bundle(tmp_path / "bundle", "ulx3s-85f").folder
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["files"]["firmware.bit"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    outcome = main(["flash", "-b", str(folder), "-t", "ulx3s-85f", "--dry-run"]), capsys.readouterr().err
    refused(outcome, USAGE, "holds no firmware.bit", "--no-bitstream")


@pytest.mark.parametrize("word", ["0xe0042000: 10006413", "Error: cannot read"])
def test_openocd_refuses_another_chip(word: str, flash, program, ports) -> None:
    ports()
    calls = program("openocd", {"mdw": word, "program": "done"})
    refused(flash("nucleo-f446re"), DEVICE, "nothing was written")
    assert "program" not in calls.read_text()


def test_openocd_writes_to_the_chip_that_the_target_names(flash, program, ports) -> None:
    ports()
    calls = program("openocd", {"mdw": "0xe0042000: 10006421 \n", "program": "done"})
    assert flash("nucleo-f446re")[0] == 0
    assert "firmware.elf} verify reset exit" in calls.read_text()


@pytest.mark.parametrize(
    ("lines", "code", "words"),
    [
        ([], USAGE, ("no probe leads",)),
        ([("A", "04*016Kg,01*064Kg"), ("B", "04*016Kg,01*064Kg")], USAGE, ("several probes", "A", "B")),
        ([("A", "128*0001Kg")], DEVICE, ("128*0001Kg", "nothing was written")),
    ],
)
def test_dfu_util_refuses(
    lines: list[tuple[str, str]], code: int, words: tuple[str, ...], flash, program, tmp_path: Path
) -> None:
    listed = "\n".join(
        DFU_LINE.format(serial=serial, layout=layout, alternate=alternate)
        for serial, layout in lines
        for alternate in (1, 0)
    )
    calls = program("dfu-util", {"--list": listed, "--download": "done"})
    refused(flash(str(target_with(tmp_path, "nucleo-h743zi", DFU))), code, *words)
    assert "download" not in calls.read_text()


def drive(folder: Path, board: str) -> str:
    folder.mkdir()
    (folder / "INFO_UF2.TXT").write_text(f"UF2 Bootloader v3.0\r\nModel: Some Board\r\nBoard-ID: {board}\r\n")
    return str(folder)


def test_a_drive_of_another_board(flash, tmp_path: Path) -> None:
    outcome = flash("pico", "--probe", drive(tmp_path / "drive", "SAMD21G18A-Zero-v0"))
    refused(outcome, DEVICE, "SAMD21G18A-Zero-v0", "RPI-RP2", "nothing was written")
    assert not (tmp_path / "drive" / "firmware.uf2").exists()


def test_a_folder_that_is_no_board(flash, tmp_path: Path) -> None:
    refused(flash("pico", "--probe", str(tmp_path)), USAGE, "no such probe")


def test_a_board_that_is_a_drive(tmp_path: Path) -> None:
    image = uf2(b"image", 0x1000_0000, 0xE48B_FF56)
    bundle = make_bundle(tmp_path / "bundle", "pico")
    (bundle.folder / "firmware.uf2").write_bytes(image)
    place = drive(tmp_path / "drive", "RPI-RP2")
    assert main(["flash", "-b", str(bundle.folder), "-t", "pico", "--probe", place]) == 0
    assert (tmp_path / "drive" / "firmware.uf2").read_bytes() == image


def test_a_drive_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = make_bundle(tmp_path / "bundle", "pico")
    (bundle.folder / "firmware.uf2").write_bytes(b"UF2")
    place = drive(tmp_path / "drive", "RPI-RP2")
    (tmp_path / "drive" / "firmware.uf2").mkdir()
    assert main(["flash", "-b", str(bundle.folder), "-t", "pico", "--probe", place]) == DEVICE
    assert "cannot be written" in capsys.readouterr().err


def test_a_bundle_without_the_file_that_the_method_copies(flash, tmp_path: Path) -> None:
    refused(flash("pico", "--probe", drive(tmp_path / "drive", "RPI-RP2")), USAGE, "holds no firmware.uf2")


@pytest.mark.parametrize("answer", ["", "no json", "{}", '{"boards": [3]}', '{"boards": 3}'])
def test_an_answer_that_is_not_understood(answer: str, flash, program) -> None:
    program("pyocd", {"json": answer})
    refused(flash("nrf52840-dk"), DEVICE, "pyocd answered something else than expected")


def test_a_program_that_fails_is_quoted(
    flash, ports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a probe is pulled out half-way."""
    ports()
    path = tmp_path / "openocd"
    path.write_text(f"#!{sys.executable}\nprint('0xe0042000: 10006421')\n" + FAILING)
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    outcome = flash("nucleo-f446re")
    refused(outcome, DEVICE, "openocd ended with code 7", "the probe is gone", "command: openocd --file")


FAILING = "import sys\nif 'program' in ' '.join(sys.argv):\n    print('the probe is gone')\n    sys.exit(7)\n"


def test_a_program_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "hangs"
    path.write_text(f"#!{sys.executable}\nimport time\nprint('waiting', flush=True)\ntime.sleep(600)\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceError, match=r"hangs did not end within 2 s\n    waiting"):
        programs.run(["hangs"], "waiting for it", seconds=2)


def test_a_missing_library_says_how_to_get_it(flash, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "stm32loader.bootloader", None)
    refused(flash("netduinoplus2", "--port", "/dev/null"), DEVICE, "stm32loader", "pip install stm32loader")
