"""The rules of AXI for the engine's ports, of which cocotbext-axi's models see only a part.

The models see that a burst stays within 4 KiB, that its words fit the bus, and that WLAST is where the
address says. They do not see what changes while it waits, or what docs/npu.md promises beyond AXI.
"""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

OUTSTANDING = 4  # bursts of each direction, as docs/npu.md says
WORDS, INCREMENTING = 2, 1  # AxSIZE, AxBURST
STROBES = (0b1111, 0b0111, 0b0011, 0b0001, 0b0000)  # none: of a store that was stopped


class Broken(AssertionError):
    """A rule was broken."""


def demand(holds: bool, rule: str) -> None:
    if not holds:
        raise Broken(rule)


class Address(NamedTuple):
    """What an address channel shows."""

    address: int
    length: int  # words - 1
    size: int
    burst: int


class Word(NamedTuple):
    """What the channel of written words shows."""

    data: Any
    strobes: int
    last: bool


class Channel:
    """What is shown with VALID stays, and VALID with it, until READY."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: Any = None

    def clock(self, shown: Any, taken: bool) -> None:
        """An edge of the clock. shown: None without VALID; taken: with READY."""
        changed = self._waiting is not None and shown != self._waiting
        demand(not changed, f"{self._name} shows {shown} before {self._waiting} is taken")
        self._waiting = None if taken else shown


class MemoryPort:
    """AXI4 from the engine to memory."""

    def __init__(self) -> None:
        self._address_read, self._address_write = Channel("AR"), Channel("AW")
        self._word = Channel("W")
        self._reads = 0  # bursts without all of their words
        self._unanswered = 0
        self._lengths: deque[int] = deque()  # of bursts whose last word was not taken
        self._words = 0  # taken, after the last WLAST
        self._early: deque[int] = deque()  # words of bursts whose address was not taken
        self.addressed = self.filled = 0  # written bursts: their addresses, their last words
        self.most_reads = self.most_writes = 0  # that were outstanding

    def read(self, address: Address | None, taken: bool, last_word: bool) -> None:
        """An edge of the clock at AR and R. last_word: one with RLAST is taken."""
        self._address_read.clock(address, taken)
        if address and taken:
            self._demand_burst(address)
            self._reads += 1
        demand(self._reads <= OUTSTANDING, f"{self._reads} reads are outstanding")
        self.most_reads = max(self.most_reads, self._reads)
        self._reads -= last_word

    def write(
        self, address: Address | None, address_taken: bool, word: Word | None, taken: bool, answered: bool
    ) -> None:
        """An edge of the clock at AW, W and B. answered: a response is taken."""
        self._address_write.clock(address, address_taken)
        if address and address_taken:
            self._demand_burst(address)
            self._lengths.append(address.length + 1)
            self._unanswered += 1
            self.addressed += 1
        self._word.clock(word, taken)
        if word and taken:
            demand(word.strobes in STROBES, f"strobes {word.strobes:04b}")
            self._words += 1
            if word.last:
                self._early.append(self._words)
                self._words = 0
                self.filled += 1
        while self._lengths and self._early:
            length, words = self._lengths.popleft(), self._early.popleft()
            demand(length == words, f"WLAST with word {words} of a burst of {length}")
        demand(self._unanswered <= OUTSTANDING, f"{self._unanswered} writes are outstanding")
        self.most_writes = max(self.most_writes, self._unanswered)
        self._unanswered -= answered

    def demand_idle(self) -> None:
        """What holds whenever the engine is not busy."""
        outstanding = self._reads or self._unanswered or self._lengths or self._early or self._words
        demand(not outstanding, "bursts are outstanding, and the engine is not busy")

    @staticmethod
    def _demand_burst(burst: Address) -> None:
        demand(burst.size == WORDS and burst.burst == INCREMENTING, f"{burst} is not of words, or not INCR")
        demand(burst.address % 4 == 0, f"{burst} is not aligned")
        demand(burst.length < 16, f"{burst} has more than 16 words")
        last = burst.address + 4 * burst.length
        demand(burst.address // 4096 == last // 4096, f"{burst} crosses 4 KiB")


class ControlPort:
    """AXI4-Lite from a processor to the engine."""

    def __init__(self) -> None:
        self._response, self._value = Channel("B"), Channel("R")
        self._addresses = self._words = self._reads = 0  # without an answer

    def write(self, address_taken: bool, word_taken: bool, response: Any, answered: bool) -> None:
        """An edge of the clock at AW, W and B. answered: the response that is shown is taken."""
        demand(response is None or (self._addresses > 0 and self._words > 0), "B before AW and W")
        self._response.clock(response, answered)
        self._addresses += address_taken - answered
        self._words += word_taken - answered
        demand(max(self._addresses, self._words) <= 1, "more than one write is outstanding")

    def read(self, address_taken: bool, value: Any, answered: bool) -> None:
        """An edge of the clock at AR and R. answered: the value that is shown is taken."""
        demand(value is None or self._reads > 0, "R before AR")
        self._value.clock(value, answered)
        self._reads += address_taken - answered
        demand(self._reads <= 1, "more than one read is outstanding")
