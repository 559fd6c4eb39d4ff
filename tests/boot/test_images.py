"""What the boot loader takes for an image, and what comes over a line that loses, flips, doubles bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nor
import pytest
from smp import image_management, os_management

from smidgen.device.client import Client, Refused, Stage
from smidgen.device.transports import Port

sys.path.append(str(Path(__file__).parents[1] / "link"))
from link_line import HurtLines, Line

pytest.importorskip("imgtool", reason="imgtool, which makes the images, is not installed")


@pytest.fixture(scope="module")
def bootloader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nor.build_bootloader(tmp_path_factory.mktemp("bootloader"))


def test_no_damaged_image_is_whole(tmp_path: Path) -> None:
    program, image = nor.build(tmp_path, "damage.c"), nor.make_image(tmp_path, "image", 0, 700)
    result = subprocess.run([program, image], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    length = image.stat().st_size
    assert result.stdout.split() == ["bits", str(8 * length), "lengths", str(length)]


def send(client: Client, image: bytes, piece: int = 200) -> image_management.ImageUploadWriteResponse:
    """The last answer to an upload."""
    stage, offset = Stage("upload", 120), 0
    while True:
        reply = client.ask(
            stage, image_management.ImageUploadWriteRequest, image_management.ImageUploadWriteResponse,
            off=offset, data=image[offset : offset + piece], **({"len": len(image)} if offset == 0 else {}),
        )  # fmt: skip
        assert reply.off is not None
        offset = reply.off
        if offset == len(image):
            return reply


def states(client: Client) -> list[image_management.ImageState]:
    stage = Stage("states", 60)
    return client.ask(
        stage, image_management.ImageStatesReadRequest, image_management.ImageStatesReadResponse
    ).images


def reset(client: Client, line: Line) -> None:
    client.ask(Stage("reset", 60), os_management.ResetWriteRequest, os_management.ResetWriteResponse)
    line.process.wait(60)


@pytest.mark.parametrize("seed", range(3))
def test_a_line_that_hurts_bytes_carries_the_image_as_it_was(
    bootloader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setenv("FLASH", str(tmp_path / "flash"))
    image = nor.make_image(tmp_path, "image", seed % 2, 2500).read_bytes()
    harms = HurtLines(seed, 12), HurtLines(seed + 100, 12)
    with Line(bootloader, *harms) as line:
        port = Port(line.url, 115200)
        client = Client(port, retry_seconds=0.2)
        assert send(client, image, 100).match
        reset(client, line)
        port.close()
    assert harms[0].hurt and harms[1].hurt and client.asked_again
    slot = nor.SLOTS[seed % 2]
    assert (tmp_path / "flash").read_bytes()[slot.origin : slot.origin + len(image)] == image
    # An empty board had nothing to come back to: it starts what it got, once.
    ended = [subprocess.run([bootloader], stdin=subprocess.DEVNULL, check=False).returncode for _ in range(2)]
    assert ended == [40 + seed % 2, 0]


def test_images_that_must_not_start_are_refused(
    bootloader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASH", str(tmp_path / "flash"))
    good = nor.make_image(tmp_path, "image", 0, 900).read_bytes()
    flipped = bytes([*good[:500], good[500] ^ 4, *good[501:]])
    elsewhere = good[:4] + (0x2000).to_bytes(4, "little") + good[8:]
    foreign = good.replace(bytes.fromhex(nor.CLASS.replace("-", "")), bytes(16))
    with Line(bootloader) as line:
        port = Port(line.url, 115200)
        client = Client(port)
        for bad in (flipped, good[:-40] + bytes(40), good[:700] + b"\xff" * 296, foreign):
            assert send(client, bad).match is False
        for bad in (b"\x7fELF" + good[4:], elsewhere, good[:20], good + bytes(0x1000)):
            with pytest.raises(Refused):
                send(client, bad)
        assert not any(image.bootable for image in states(client))
        reset(client, line)
        port.close()
    assert subprocess.run([bootloader], stdin=subprocess.DEVNULL, check=False).returncode == 0


def test_the_image_that_the_board_depends_on_is_not_written(
    bootloader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (nor.make_image(tmp_path, f"image{slot}", slot, 900).read_bytes() for slot in (0, 1))
    flash = bytearray(b"\xff" * 0x4000)
    slot = nor.SLOTS[0]
    flash[slot.origin : slot.origin + len(first)] = first
    flash[slot.end - 24 : slot.end] = (
        b"\x01" + b"\xff" * 7 + bytes.fromhex("77c295f360d2ef7f3552500f2cb67980")
    )
    (tmp_path / "flash").write_bytes(flash)
    monkeypatch.setenv("FLASH", str(tmp_path / "flash"))
    monkeypatch.setenv("STAY", "1")
    with Line(bootloader) as line:
        port = Port(line.url, 115200)
        client = Client(port)
        assert [(one.slot, one.confirmed) for one in states(client)] == [(0, True)]
        with pytest.raises(Refused, match="error 9 of SMP group 1"):
            send(client, first)
        assert send(client, second).match
        kept, sent = states(client)
        assert (kept.confirmed, sent.confirmed, sent.pending) == (True, False, False)
        with pytest.raises(Refused, match="error 32 of SMP group 1"):
            client.ask(
                Stage("confirm", 60), image_management.ImageStatesWriteRequest,
                image_management.ImageStatesWriteResponse, hash=bytes(sent.hash or b""), confirm=True,
            )  # fmt: skip
        reset(client, line)
        port.close()
    monkeypatch.delenv("STAY")
    assert subprocess.run([bootloader], stdin=subprocess.DEVNULL, check=False).returncode == 40
    assert (tmp_path / "flash").stat().st_size == 0x4000
