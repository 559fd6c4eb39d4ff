"""The messages on the wire (docs/protocol.md), and what an answer means.

Messages are those of PyPI `smp` (the Simple Management Protocol of MCUboot, Zephyr and Mynewt); the Smidgen
group adds inference. Field names are short because every byte of them crosses the line.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import cbor2
from smp import header as smp_header
from smp import message
from smp.error import MGMT_ERR
from smp.exceptions import SMPException

GROUP = 0x534D
PROTOCOL_VERSION = 1
ENGINE_ROW_VALUES = 6


class Command(enum.IntEnum):
    """Commands of the Smidgen group."""

    DESCRIBE = 0
    TENSOR = 1
    LAYER = 2
    INPUT = 3
    RUN = 4
    OUTPUT = 5
    ROWS = 6
    MEMORY = 7
    SELFTEST = 8
    RESET = 9
    BOARD = 10
    FAULT = 126
    DAMAGED = 127


class Status(enum.IntEnum):
    """Why the agent refused a command of the Smidgen group."""

    UNKNOWN = 1
    BAD_REQUEST = 2
    OUT_OF_RANGE = 3
    NO_INPUT = 4
    INPUT_INCOMPLETE = 5
    INPUT_DAMAGED = 6
    INPUT_CONSUMED = 7
    NO_OUTPUT = 8
    NO_MEMORY = 9
    ARENA_OVERRUN = 10
    STACK_OVERFLOW = 11
    NO_SUCH_COMMAND = 12


STATUS_TEXT = {
    Status.UNKNOWN: "the agent does not say why",
    Status.BAD_REQUEST: "the request lacks a field, or one has a wrong type",
    Status.OUT_OF_RANGE: "an index or offset lies outside the model's tables",
    Status.NO_INPUT: "the device has no input of this transaction (was it reset in between?)",
    Status.INPUT_INCOMPLETE: "the input has not arrived completely",
    Status.INPUT_DAMAGED: "the input's checksum is wrong; nothing was run",
    Status.INPUT_CONSUMED: "the last run has used the input up, and the device has no RAM for a copy",
    Status.NO_OUTPUT: "the device no longer holds the output of this run",
    Status.NO_MEMORY: "the device has no RAM left for the table",
    Status.ARENA_OVERRUN: "the model wrote behind its arena",
    Status.STACK_OVERFLOW: "the stack overflowed",
    Status.NO_SUCH_COMMAND: "the firmware does not know this command (is it an older one?)",
}


# RISC-V's mcause; on Arm 64 plus the number of the bit that is set in the core's CFSR, or one of our own for
# what that register cannot say.
_TRAPS = {
    0: "misaligned instruction address", 1: "instruction access fault", 2: "illegal instruction",
    3: "breakpoint", 4: "misaligned load", 5: "load access fault", 6: "misaligned store",
    7: "store access fault", 11: "environment call",
    64: "instruction access violation", 65: "data access violation", 67: "memory fault on exception return",
    68: "memory fault on exception entry", 72: "instruction bus error", 73: "data bus error",
    74: "imprecise data bus error", 75: "bus fault on exception return", 76: "bus fault on exception entry",
    80: "undefined instruction", 81: "invalid processor state", 82: "invalid exception return",
    83: "instruction of a coprocessor that is off or missing", 88: "unaligned access",
    89: "division by zero", 96: "hard fault", 97: "stack overflow", 98: "unreadable vector table",
    99: "secure fault", 100: "unexpected exception",
}  # fmt: skip

ILLEGAL_INSTRUCTION = 2
ENVIRONMENT_CALL = 11
UNDEFINED_INSTRUCTION = 80
FAULT_EXIT_CODE = 0x80  # a simulated board ends with this plus the cause of the trap


def trap_text(cause: int) -> str:
    """What a trap of this cause is."""
    return f"the firmware trapped: {_TRAPS.get(cause, 'trap')} (cause {cause})"


class Capability(enum.IntFlag):
    """What a device can do (Described.caps)."""

    CYCLES = 1
    INSTRUCTIONS = 2
    INPUT_COPY = 4
    ENGINE = 8


class RunMode(enum.IntEnum):
    PLAIN = 0
    PROFILE = 1
    CHECKSUMS = 2
    ENGINE = 3


class _Read(message.ReadRequest):
    _GROUP_ID = GROUP


class _Write(message.WriteRequest):
    _GROUP_ID = GROUP


class _ReadReply(message.ReadResponse):
    _GROUP_ID = GROUP


class _WriteReply(message.WriteResponse):
    _GROUP_ID = GROUP


class DescribeRequest(_Read):
    _COMMAND_ID = Command.DESCRIBE


class Described(_ReadReply):
    """rev: version of the model; chunk: the most payload bytes of one message; in_bytes, out_bytes: all
    inputs, all outputs."""

    _COMMAND_ID = Command.DESCRIBE
    proto: int
    model: str
    rev: str
    board: str
    clock: int
    caps: int
    chunk: int
    inputs: int
    outputs: int
    layers: int
    golden: int
    in_bytes: int
    out_bytes: int


class TensorRequest(_Read):
    """out: 0 for an input, 1 for an output; i: which."""

    _COMMAND_ID = Command.TENSOR
    out: int
    i: int


class TensorReply(_ReadReply):
    _COMMAND_ID = Command.TENSOR
    name: str
    bytes: int
    dtype: int
    scale: float
    zero: int
    dims: tuple[int, ...]


class LayerRequest(_Read):
    _COMMAND_ID = Command.LAYER
    i: int


class LayerReply(_ReadReply):
    _COMMAND_ID = Command.LAYER
    name: str
    type: str


class InputRequest(_Write):
    """A piece of all inputs, one after the other. t: transaction; off: offset of data's first byte."""

    _COMMAND_ID = Command.INPUT
    t: int
    off: int
    data: bytes


class InputReply(_WriteReply):
    """off: how many bytes the device has, from the first on; the sender goes on from there."""

    _COMMAND_ID = Command.INPUT
    off: int


class RunRequest(_Write):
    """t: the input's transaction; r: number of the run, so that one is not carried out twice; crc: CRC-32 of
    all inputs; skip: rows that are not wanted (mode ENGINE)."""

    _COMMAND_ID = Command.RUN
    t: int
    r: int
    mode: int
    crc: int
    skip: int | None = None


class RunReply(_WriteReply):
    """crc: CRC-32 of all outputs; rows: entries that ROWS can read; cost_*: taken off each layer; all: of
    mode ENGINE, rows that there were, skipped ones and those without RAM for them included."""

    _COMMAND_ID = Command.RUN
    cycles: int
    instr: int
    crc: int
    rows: int
    cost_c: int
    cost_i: int
    all: int = 0


class OutputRequest(_Read):
    _COMMAND_ID = Command.OUTPUT
    t: int
    r: int
    off: int
    len: int


class OutputReply(_ReadReply):
    _COMMAND_ID = Command.OUTPUT
    off: int
    data: bytes


class RowsRequest(_Read):
    _COMMAND_ID = Command.ROWS
    t: int
    r: int
    first: int


class RowsReply(_ReadReply):
    """After a profile: cycles and instr. After checksums: layer and crc. After ENGINE: six values a row."""

    _COMMAND_ID = Command.ROWS
    first: int
    cycles: tuple[int, ...] = ()
    layer: tuple[int, ...] = ()
    instr: tuple[int, ...] = ()
    crc: tuple[int, ...] = ()
    engine: tuple[int, ...] = ()


class MemoryRequest(_Read):
    _COMMAND_ID = Command.MEMORY


class MemoryReply(_ReadReply):
    _COMMAND_ID = Command.MEMORY
    flash: int
    ram: int
    stack: int
    stack_used: int
    stack_run: int
    arena: int
    arena_used: int


class SelfTestRequest(_Write):
    """i: which golden answer."""

    _COMMAND_ID = Command.SELFTEST
    i: int


class SelfTestReply(_WriteReply):
    _COMMAND_ID = Command.SELFTEST
    ok: bool
    checked: int
    layer: int
    expected: int
    actual: int


class ResetStateRequest(_Write):
    _COMMAND_ID = Command.RESET


class ResetStateReply(_WriteReply):
    _COMMAND_ID = Command.RESET


class BoardRequest(_Read):
    """Understood by boards with our boot loader, there and in the agent."""

    _COMMAND_ID = Command.BOARD


class BoardReply(_ReadReply):
    """board: the class of boards that this is one of, as images for it say."""

    _COMMAND_ID = Command.BOARD
    board: bytes


@dataclass(frozen=True)
class Refusal:
    """The device answered, and the answer is no. code is None for an error of SMP itself."""

    code: Status | None
    text: str


@dataclass(frozen=True)
class Fault:
    """The firmware trapped; it has stopped. address: RISC-V's mtval or Arm's fault address, and of an
    illegal instruction the instruction; layer: the one that ran, counted from 1; 0 when none did."""

    cause: int
    pc: int
    address: int
    layer: int


class Damaged:
    """The device received something broken and asks for it again."""


Incoming = message.Response | Refusal | Fault | Damaged


def parse(frame: bytes, request: message.Request, reply_type: type[message.Response]) -> Incoming | None:
    """What a frame means to somebody who waits for the answer to `request`; None: nothing, it answers
    something else or is malformed."""
    try:
        head = smp_header.Header.loads(frame[: smp_header.Header.SIZE])
        if head.length != len(frame) - smp_header.Header.SIZE:
            return None
        if head.group_id == GROUP and head.command_id == Command.DAMAGED:
            return Damaged()
        body = cbor2.loads(frame[smp_header.Header.SIZE :])
        if not isinstance(body, dict):
            return None
        if head.group_id == GROUP and head.command_id == Command.FAULT:
            return Fault(*(int(body[key]) for key in ("cause", "pc", "addr", "layer")))
        asked = request.header
        if (head.op, head.group_id, head.sequence, head.command_id) != (
            smp_header.OP(asked.op + 1), asked.group_id, asked.sequence, asked.command_id
        ):  # fmt: skip
            return None
        return _refusal(body) or reply_type.loads(frame)
    except (ValueError, TypeError, KeyError, AssertionError, cbor2.CBORDecodeError, SMPException):
        return None


def _refusal(body: dict[str, Any]) -> Refusal | None:
    if "err" in body:
        code = int(body["err"]["rc"])
        if body["err"]["group"] == GROUP and code in set(Status):
            return Refusal(Status(code), STATUS_TEXT[Status(code)])
        return Refusal(None, f"error {code} of SMP group {body['err']['group']}")
    if body.get("rc", 0) != 0:
        code = int(body["rc"])
        name = MGMT_ERR(code).name if code in set(MGMT_ERR) else str(code)
        return Refusal(None, f"SMP error {name}")
    return None
