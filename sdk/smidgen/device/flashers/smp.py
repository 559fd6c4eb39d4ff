"""Our own boot loader and agent over the serial line: SMP image upload (docs/bootloader.md).

The board has two slots for images. The one that it does not depend on gets the new image, which the board
then starts on trial; whatever goes wrong, it comes back with the image that it had.
"""

from __future__ import annotations

from smp import image_management, os_management

from smidgen.compile.bundle import Bundle
from smidgen.compile.memory_map import board_class
from smidgen.compile.slots import IMAGES
from smidgen.device import protocol
from smidgen.device.client import Client, Refused, Stage
from smidgen.device.flashers import Flasher, Found, Track, untracked
from smidgen.device.flashers.choosing import choose_port
from smidgen.device.transports import Port

# How long a board may say nothing that brings us further. It looks at every byte of its images before it
# answers, and a new one may be on trial for a minute; a simulator takes a thousand times as long.
_PROBE_SECONDS, _SECONDS, _SIMULATED_SECONDS = 20.0, 120.0, 1200.0
_OVERHEAD_BYTES = 64  # of a message, beside the piece of the image


class SmpFlasher(Flasher):
    _port: Port | None = None

    def command(self, bundle: Bundle) -> None:
        return None

    def _stage(self, name: str, seconds: float = _SECONDS) -> Stage:
        simulated = self.target.runner.kind != "serial"
        return Stage(name, _SIMULATED_SECONDS if simulated else seconds, self.clock)

    def probe(self) -> Found:
        self.port = choose_port(self.port, self.settings.usb)
        self._port = Port(self.port, self.target.serial.baud if self.target.serial else 115200)
        self._port.drain()
        self._client = Client(self._port)
        stage = self._stage(f"asking the board on {self.port}", _PROBE_SECONDS)
        try:
            board = self._client.ask(stage, protocol.BoardRequest, protocol.BoardReply).board
        except Refused:
            board = b""  # an agent without our boot loader
        if board != board_class(self.target).bytes:
            fix = "nothing was written; choose another port, or the target of this board"
            raise stage.error(f"it is no board of the target '{self.target.name}'", fix)
        parameters = self._client.ask(
            stage, os_management.MCUMgrParametersReadRequest, os_management.MCUMgrParametersReadResponse
        )
        self._piece_bytes = parameters.buf_size - _OVERHEAD_BYTES
        runs = next((image.slot for image in self._states(stage) if image.active), None)
        state = "in the boot loader" if runs is None else f"running the image in slot {runs}"
        return Found(self.port, f"{self.target.name}, {state}")

    def flash(self, bundle: Bundle, track: Track = untracked) -> None:
        states = self._states(self._stage("reading the slots", _PROBE_SECONDS))
        # What runs is left alone, or, in the boot loader, what the board would come back to.
        kept = next((one.slot for one in states if one.active), None)
        if kept is None:
            kept = next((one.slot for one in states if one.confirmed), 1)
        slot = 1 - kept
        image = (bundle.folder / IMAGES[slot]).read_bytes()
        self._upload(image, track)
        self._try(slot)
        self.close()

    def _upload(self, image: bytes, track: Track) -> None:
        stage = self._stage("upload")
        offset, match = 0, None
        while offset < len(image):
            first = {"len": len(image)} if offset == 0 else {}
            reply = self._client.ask(
                stage, image_management.ImageUploadWriteRequest, image_management.ImageUploadWriteResponse,
                off=offset, data=image[offset : offset + self._piece_bytes], **first,
            )  # fmt: skip
            if reply.off is None or not 0 < reply.off <= len(image):
                raise stage.error(f"the board is at byte {reply.off} of an image of {len(image):,}")
            offset, match = reply.off, reply.match
            stage.reach(offset)
            track(offset, len(image))
        if not match:
            raise stage.error("the image did not arrive as it was sent", "flash it again")

    def _try(self, slot: int) -> None:
        """Has the board start the image in a slot, and waits until that image has proved itself."""
        stage = self._stage("trial of the new image")
        sent = next((one for one in self._states(stage) if one.slot == slot), None)
        stage.advance()
        if sent is None or sent.hash is None:
            raise stage.error(f"the board knows of no image in slot {slot}")
        self._client.ask(
            stage, image_management.ImageStatesWriteRequest, image_management.ImageStatesWriteResponse,
            hash=bytes(sent.hash), confirm=False,
        )  # fmt: skip
        stage.advance()
        self._client.ask(stage, os_management.ResetWriteRequest, os_management.ResetWriteResponse)
        stage.advance()
        now = self._states(stage)
        if not any(one.slot == slot and one.active and one.confirmed for one in now):
            runs = next((one.slot for one in now if one.active), None)
            what = "the new image did not prove itself: it failed its self-test, trapped or hung"
            back = (
                "the boot loader waits" if runs is None else f"the board runs the image in slot {runs} again"
            )
            raise stage.error(f"{what}; {back}", "flash another one")

    def _states(self, stage: Stage) -> list[image_management.ImageState]:
        return self._client.ask(
            stage, image_management.ImageStatesReadRequest, image_management.ImageStatesReadResponse
        ).images

    def close(self) -> None:
        if self._port is not None:
            self._port.close()
            self._port = None


FLASHER = SmpFlasher
