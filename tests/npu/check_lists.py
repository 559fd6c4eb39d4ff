"""Runs lists on the engine's bench and compares what they do with the model."""

from __future__ import annotations

import numpy as np
from engine_bench import (
    BYTES_READ,
    BYTES_WRITTEN,
    CONTROL,
    CYCLES,
    DONE,
    FAILED,
    STATUS,
    Bench,
    Stalls,
)
from npu_lists import LIST_AT, ListMaker, broken

from smidgen.npu.descriptor import Descriptor, Load, Store, check_list, encode_list, round_up
from smidgen.npu.model import Model


def moved_bytes(descriptors: list[Descriptor]) -> list[int]:
    """That loads and stores move over the bus, in whole words."""
    return [sum(round_up(d.bytes, 4) for d in descriptors if isinstance(d, kind)) for kind in (Load, Store)]


class Checker:
    """Random lists, one after the other, on a bench and its model."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.model = Model(np.zeros(LIST_AT, np.uint8), bench.engine)
        self.known = False  # what the buffers hold

    def run(self, seed: int, count: int, break_one: bool = False, stalls: Stalls | None = None) -> int:
        """A list of at least so many descriptors; how many there were."""
        try:
            return self._run(seed, count, break_one, stalls)
        except AssertionError as error:
            error.add_note(f"in the list of seed {seed}")
            raise

    def _run(self, seed: int, count: int, break_one: bool, stalls: Stalls | None) -> int:
        random = np.random.default_rng(seed)
        maker = ListMaker(self.bench.engine, random, self.model.memory)
        if not self.known and not break_one:
            maker.load_all()
        descriptors = maker.fill(count)
        words = encode_list(descriptors)
        assert check_list(words, self.bench.engine) is None
        self.bench.stall(stalls or Stalls.random(random))
        self.bench.write(0, self.model.memory[: maker.free])
        at = LIST_AT + 4 * int(random.integers(2048))
        if break_one:
            self._run_broken(maker, words, descriptors, random, at)
        else:
            self._run_legal(maker, words, descriptors, at)
        return len(words)

    def _run_legal(self, maker: ListMaker, words: np.ndarray, descriptors: list[Descriptor], at: int) -> None:
        bench = self.bench
        bench.start(words, at, maker.bases)
        cycles = bench.wait()
        assert (bench.get(STATUS), bench.error()) == (DONE, (0, 0))
        self.model.run(descriptors, maker.bases)
        self.known = True
        self._compare(bench.read(0, maker.free), self.model.memory[: maker.free], descriptors)
        moved = moved_bytes(descriptors)
        assert bench.get(BYTES_READ) == moved[0] + words.nbytes
        assert bench.get(BYTES_WRITTEN) == moved[1]
        assert bench.get(CYCLES) >= cycles

    def _run_broken(
        self,
        maker: ListMaker,
        words: np.ndarray,
        descriptors: list[Descriptor],
        random: np.random.Generator,
        at: int,
    ) -> None:
        bench = self.bench
        words, index, code = broken(words, descriptors, bench.engine, random)
        bench.start(words, at, maker.bases)
        bench.wait()
        assert bench.get(STATUS) == FAILED
        assert bench.error() == (code, index), words[index]
        # Stores that come before may have been done, or some of their words.
        expected, got = self.model.memory[: maker.free].copy(), bench.read(0, maker.free)
        if self.known:
            self.model.run(descriptors[:index], maker.bases)
            expected = np.where(got == expected, expected, self.model.memory[: maker.free])
        else:
            for placed in maker.placed[:index]:
                for _, first, end in placed.writes if placed.unit == 2 else []:
                    expected[first:end] = got[first:end]
        self._compare(got, expected, descriptors)
        self.model.memory[: maker.free] = got
        self.known = False

    def _compare(self, got: np.ndarray, expected: np.ndarray, descriptors: list[Descriptor]) -> None:
        places = np.flatnonzero(got != expected)
        if len(places):
            shown = ", ".join(f"{place:#x}: {got[place]} not {expected[place]}" for place in places[:8])
            listed = "\n".join(f"{index}: {descriptor}" for index, descriptor in enumerate(descriptors))
            raise AssertionError(f"{len(places)} bytes differ: {shown}\n{listed}")


def abort_and_check(checker: Checker, seed: int) -> None:
    """Abort a list somewhere; the next one finds the engine as if nothing had been."""
    random = np.random.default_rng(seed)
    bench = checker.bench
    maker = ListMaker(bench.engine, random, checker.model.memory)
    maker.load_all()
    words = encode_list(maker.fill(20))
    bench.stall(Stalls.random(random))
    bench.write(0, checker.model.memory[: maker.free])
    bench.start(words, LIST_AT, maker.bases)
    bench.tick(int(random.integers(6000)))
    bench.set(CONTROL, 2)
    bench.wait()
    assert bench.get(STATUS) in (0, DONE)
    checker.model.memory[: maker.free] = bench.read(0, maker.free)
    checker.known = False
    checker.run(seed + 1, 3)
