"""A device at the end of a serial line."""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from smp import message

from smidgen.device import protocol
from smidgen.device.base import (
    Description,
    DescriptorRecord,
    Device,
    LayerChecksum,
    LayerCount,
    LayerInfo,
    ListRecord,
    MemoryUse,
    Profile,
    Run,
    SelfTest,
    TensorInfo,
    input_bytes,
    output_arrays,
)
from smidgen.device.client import Client, Refused, Reply, Stage
from smidgen.device.protocol import Capability, RunMode, Status
from smidgen.device.transcript import Transcript
from smidgen.device.transports import Port
from smidgen.device.xmidge import mnemonic
from smidgen.errors import DeviceError, Problem
from smidgen.graph import DType
from smidgen.npu.descriptor import fault_text

_DTYPES = tuple(DType)
_INPUT_ATTEMPTS = 3


@dataclass(frozen=True)
class Deadlines:
    """Seconds that each stage may go on without getting further: an answer, the next piece of a transfer. A
    simulator's are its own (`Simulator.seconds`)."""

    boot: float = 20.0
    transfer: float = 20.0
    run: float = 900.0
    query: float = 20.0


class WrongFirmware(DeviceError):
    """The device answers, and serves something else than what is expected."""


class SerialDevice(Device):
    """The agent behind a port.

    port: a device path or a pyserial URL; expected: the version of the model that must be there, checked
    when the firmware answers first (None: any); retry_seconds: see Client. `transcript` has what went over
    the line, also after the device was closed.
    """

    def __init__(
        self,
        port: str,
        *,
        baud: int = 115200,
        expected: str | None = None,
        deadlines: Deadlines | None = None,
        retry_seconds: float = 0.5,
    ) -> None:
        self._port_url = port
        self._baud = baud
        self._expected = expected
        self._deadlines = deadlines or Deadlines()
        self._retry_seconds = retry_seconds
        self.transcript = Transcript()
        self._port: Port | None = None
        self._client: Client | None = None
        self._clock: Callable[[], float] = time.monotonic
        self._served: protocol.Described | None = None
        self._description: Description | None = None
        self._transaction = random.getrandbits(32)
        self._run_number = 0
        self._kept: bytes | None = None  # what the device has of the last transaction, where it can keep that

    # Coming and going

    def load(self) -> None:
        if self._client is not None:
            return
        self._port = Port(self._port_url, self._baud, self.transcript)
        self._port.drain()
        self._client = Client(self._port, self._retry_seconds, self._obituary, self._explain)
        stage = self._stage("boot", self._deadlines.boot)
        served = self._ask(stage, protocol.DescribeRequest, protocol.Described)
        if served.proto != protocol.PROTOCOL_VERSION:
            raise stage.error(
                f"the firmware speaks version {served.proto} of the protocol, this program "
                f"{protocol.PROTOCOL_VERSION}",
                "build and flash the firmware again",
            )
        if self._expected is not None and served.rev != self._expected:
            what = (
                f"the device serves '{served.model}' version {served.rev}, expected version {self._expected}"
            )
            raise WrongFirmware(Problem(stage.name, what, "flash the firmware of this bundle"))
        self._served = served

    def close(self) -> None:
        if self._port is not None:
            self._port.close()
        self._port = self._client = self._served = self._description = None
        self._kept = None

    @property
    def client(self) -> Client:
        """The conversation, for its counts of answers and retries."""
        if self._client is None:
            raise _not_loaded()
        return self._client

    @property
    def port(self) -> Port:
        """The open line, for text beside the protocol."""
        if self._port is None:
            raise _not_loaded()
        return self._port

    def _obituary(self) -> str:
        """What became of the device, when the port broke; "" when there is nothing to tell."""
        return ""

    def _explain(self, fault: protocol.Fault) -> str:
        """What a trap was, and in which layer. Asks nothing: the firmware has stopped."""
        layers = self._description.layers if self._description else ()
        what = f"address {fault.address:#010x}"
        if fault.cause == protocol.ILLEGAL_INSTRUCTION:
            what = f"instruction {fault.address:#010x} ({mnemonic(fault.address)})"
        elif fault.cause == protocol.ENVIRONMENT_CALL and fault.address:
            what = fault_text(fault.address)
        elif fault.cause == protocol.UNDEFINED_INSTRUCTION:
            what = f"instruction {fault.address:#010x}"
        text = f"{protocol.trap_text(fault.cause)}, {what}, at pc {fault.pc:#010x}"
        if 0 < fault.layer <= len(layers):
            layer = layers[fault.layer - 1]
            return f"{text}, in layer {fault.layer - 1} ('{layer.name}', {layer.type})"
        return text

    # What is there

    def describe(self) -> Description:
        if self._description is None:
            served = self._known()
            stage = self._query("describe")
            self._description = Description(
                board=served.board,
                model=served.model,
                version=served.rev,
                clock_hz=served.clock or None,
                inputs=tuple(self._tensor(stage, 0, i) for i in range(served.inputs)),
                outputs=tuple(self._tensor(stage, 1, i) for i in range(served.outputs)),
                layers=tuple(self._layer(stage, i) for i in range(served.layers)),
                golden_count=served.golden,
            )
        return self._description

    def _tensor(self, stage: Stage, out: int, index: int) -> TensorInfo:
        reply = self._ask(stage, protocol.TensorRequest, protocol.TensorReply, out=out, i=index)
        stage.advance()
        if reply.dtype >= len(_DTYPES):
            raise stage.error(f"tensor '{reply.name}' has the unknown element type {reply.dtype}")
        return TensorInfo(reply.name, reply.dims, _DTYPES[reply.dtype], reply.scale or None, reply.zero)

    def _layer(self, stage: Stage, index: int) -> LayerInfo:
        reply = self._ask(stage, protocol.LayerRequest, protocol.LayerReply, i=index)
        stage.advance()
        return LayerInfo(reply.name, reply.type)

    def memory(self) -> MemoryUse:
        reply = self._ask(self._query("memory"), protocol.MemoryRequest, protocol.MemoryReply)
        has_stack = reply.stack > 0
        return MemoryUse(
            flash_bytes=reply.flash or None,
            ram_bytes=reply.ram or None,
            stack_bytes=reply.stack or None,
            stack_used_bytes=reply.stack_used if has_stack else None,
            stack_run_bytes=reply.stack_run if has_stack else None,
            arena_bytes=reply.arena,
            arena_used_bytes=reply.arena_used,
        )

    # Inference

    def run(self, inputs: Sequence[np.ndarray]) -> Run:
        reply = self._send_and_run(inputs, RunMode.PLAIN)
        return self._result(reply)

    def reset(self) -> None:
        self._ask(self._query("reset"), protocol.ResetStateRequest, protocol.ResetStateReply)

    def profile(self, inputs: Sequence[np.ndarray]) -> Profile:
        self.reset()
        run = self.run(inputs)
        self.reset()
        reply = self._send_and_run(inputs, RunMode.PROFILE)
        if zlib.crc32(b"".join(_raw(output) for output in run.outputs)) != reply.crc:
            raise DeviceError(Problem("profile", "the profiled run gave other outputs than the plain one"))
        rows = self._rows(reply)
        counts = [count for row in rows for count in zip(row.cycles, row.instr, strict=True)]
        layers = zip(self.describe().layers, counts, strict=True)
        return Profile(
            run=run,
            layers=tuple(LayerCount(info.name, info.type, *self._counts(*pair)) for info, pair in layers),
            **dict(zip(("profiled_cycles", "profiled_instructions"), self._reply_counts(reply), strict=True)),
            **dict(zip(("cost_cycles", "cost_instructions"),
                       self._counts(reply.cost_c, reply.cost_i), strict=True)),
            lists=self._lists(inputs) if Capability.ENGINE in Capability(self._known().caps) else (),
        )  # fmt: skip

    def _lists(self, inputs: Sequence[np.ndarray]) -> tuple[ListRecord, ...]:
        """Runs the inputs once more, or as often as the device's RAM makes necessary; empty where it has none
        for this."""
        values: list[int] = []
        while True:
            self.reset()
            skip = len(values) // protocol.ENGINE_ROW_VALUES
            try:
                reply = self._send_and_run(inputs, RunMode.ENGINE, skip=skip)
            except Refused as error:
                if error.status is Status.NO_MEMORY:
                    return ()
                raise
            for row in self._rows(reply):
                values += row.engine
            if skip + reply.rows == reply.all:
                return _list_records(values)
            if not 0 < reply.rows < reply.all - skip:
                raise self._query("read rows").error("the device sent other records than were asked for")

    def layer_checksums(self, inputs: Sequence[np.ndarray]) -> tuple[LayerChecksum, ...]:
        rows = self._rows(self._send_and_run(inputs, RunMode.CHECKSUMS))
        return tuple(LayerChecksum(*pair) for row in rows for pair in zip(row.layer, row.crc, strict=True))

    def selftest(self) -> SelfTest:
        checked = 0
        for index in range(self._known().golden):
            stage = self._stage("selftest", self._deadlines.run)
            reply = self._ask(stage, protocol.SelfTestRequest, protocol.SelfTestReply, i=index)
            checked += reply.checked
            if not reply.ok:
                layers = self.describe().layers
                name = layers[reply.layer].name if reply.layer < len(layers) else "a layer that did not run"
                return SelfTest(False, checked, name, reply.expected, reply.actual)
        return SelfTest(True, checked)

    # How

    def _known(self) -> protocol.Described:
        if self._served is None:
            raise _not_loaded()
        return self._served

    def _stage(self, name: str, seconds: float) -> Stage:
        return Stage(name, seconds, self._clock)

    def _query(self, name: str) -> Stage:
        return self._stage(name, self._deadlines.query)

    def _transfer(self, name: str) -> Stage:
        return self._stage(name, self._deadlines.transfer)

    def _ask(
        self, stage: Stage, request: type[message.Request], reply: type[Reply], **fields: object
    ) -> Reply:
        return self.client.ask(stage, request, reply, **fields)

    def _send_and_run(self, inputs: Sequence[np.ndarray], mode: RunMode, **more: int) -> protocol.RunReply:
        """Sends the inputs, unless the device has them, and runs the model; sends them again if they did not
        arrive as they were sent."""
        data = b"".join(input_bytes(self.describe().inputs, inputs))
        crc = zlib.crc32(data)
        keeps = Capability.INPUT_COPY in Capability(self._known().caps)
        for attempt in range(_INPUT_ATTEMPTS):
            again = keeps and data == self._kept
            self._kept = None
            if not again:
                self._send(data)
            self._run_number += 1
            try:
                reply = self._ask(
                    self._stage("run", self._deadlines.run), protocol.RunRequest, protocol.RunReply,
                    t=self._transaction, r=self._run_number, mode=int(mode), crc=crc, **more,
                )  # fmt: skip
            except Refused as error:
                lost = error.status is Status.INPUT_DAMAGED or (again and error.status is Status.NO_INPUT)
                if not lost or attempt + 1 == _INPUT_ATTEMPTS:
                    raise
            else:
                self._kept = data
                return reply
        raise AssertionError("the loop above returns or raises")

    def _send(self, data: bytes) -> None:
        """All inputs as one new transaction."""
        self._transaction = (self._transaction + 1) & 0xFFFFFFFF
        stage = self._transfer("send input")
        chunk = self._known().chunk
        offset = -1  # even an empty input opens its transaction
        while offset < len(data):
            start = max(offset, 0)
            piece = data[start : start + chunk]
            reply = self._ask(
                stage, protocol.InputRequest, protocol.InputReply, t=self._transaction, off=start, data=piece
            )
            if reply.off > len(data):
                raise stage.error(f"the device has {reply.off} bytes of an input of {len(data)}")
            offset = reply.off
            stage.reach(offset)

    def _result(self, reply: protocol.RunReply) -> Run:
        size = self._known().out_bytes
        for _ in range(_INPUT_ATTEMPTS):
            stage = self._transfer("read output")
            data = self._read_output(stage, size)
            if zlib.crc32(data) == reply.crc:
                return Run(output_arrays(self.describe().outputs, data), *self._reply_counts(reply))
        raise stage.error("the output does not have the checksum that the device gave for it")

    def _read_output(self, stage: Stage, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            count = min(self._known().chunk, size - len(data))
            piece = self._ask(
                stage, protocol.OutputRequest, protocol.OutputReply,
                t=self._transaction, r=self._run_number, off=len(data), len=count,
            )  # fmt: skip
            if piece.off != len(data) or len(piece.data) != count:
                raise stage.error("the device sent another part of the output than was asked for")
            data += piece.data
            stage.advance()
        return bytes(data)

    def _rows(self, reply: protocol.RunReply) -> list[protocol.RowsReply]:
        stage = self._transfer("read rows")
        rows: list[protocol.RowsReply] = []
        first = 0
        while first < reply.rows:
            row = self._ask(
                stage, protocol.RowsRequest, protocol.RowsReply,
                t=self._transaction, r=self._run_number, first=first,
            )  # fmt: skip
            count = max(len(row.cycles), len(row.layer), len(row.engine) // protocol.ENGINE_ROW_VALUES)
            if row.first != first or count == 0 or first + count > reply.rows:
                raise stage.error("the device sent other rows than were asked for")
            rows.append(row)
            stage.advance()
            first += count
        return rows

    def _reply_counts(self, reply: protocol.RunReply) -> tuple[int | None, int | None]:
        return self._counts(reply.cycles, reply.instr)

    def _counts(self, cycles: int, instructions: int) -> tuple[int | None, int | None]:
        caps = Capability(self._known().caps)
        return (
            cycles if Capability.CYCLES in caps else None,
            instructions if Capability.INSTRUCTIONS in caps else None,
        )


def _list_records(values: Sequence[int]) -> tuple[ListRecord, ...]:
    """For each list there is a row of its own, and one for each descriptor whose record there is."""
    size = protocol.ENGINE_ROW_VALUES
    rows = [values[place : place + size] for place in range(0, len(values), size)]
    lists = []
    while rows:
        (*counts, kept), *rows = rows
        lists.append(ListRecord(*counts, tuple(DescriptorRecord(*row) for row in rows[:kept])))
        rows = rows[kept:]
    return tuple(lists)


def _not_loaded() -> DeviceError:
    return DeviceError(Problem("device", "is not loaded", "call load(), or use a with statement"))


def _raw(array: np.ndarray) -> bytes:
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
