"""The neural engine as a whole: registers, bus, order, errors, records, and random lists against the model.

The memory behind it stalls at random on every channel, and the harness checks every cycle by AXI's rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from check_lists import Checker, abort_and_check
from engine_bench import (
    ABORT,
    BASES,
    BUSY,
    BYTES_READ,
    BYTES_WRITTEN,
    CAPABILITY,
    CONTROL,
    COUNT,
    CYCLES,
    DONE,
    ERROR,
    FAILED,
    ID,
    INTERRUPT_ENABLE,
    LIST,
    MEMORY,
    OKAY,
    SLVERR,
    START,
    STATUS,
    Bench,
    Stalls,
    build,
)
from npu_lists import LIST_AT

from smidgen.npu.descriptor import Add, Engine, Load, Store, encode_list, table

ENGINE = Engine(lanes=16, activation_bytes=4096, weight_bytes=4096)
ERRORS = table()["errors"]
NO_STALLS = Stalls()
BUSY_BUS = Stalls(7, 50, 50, 50, 50, 50, 5)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ENGINE, tmp_path_factory.mktemp("npu-front"))


@pytest.fixture
def bench(program: Path) -> Iterator[Bench]:
    bench = Bench(program, ENGINE)
    yield bench
    bench.close()


def load(at: int, count: int, buffer: int = 0, address: int = 0, **waits: int) -> Load:
    return Load(base=0, memory_offset=at, buffer_address=address, bytes=count, buffer=buffer, **waits)


def store(at: int, count: int, address: int = 0, **waits: int) -> Store:
    return Store(base=0, memory_offset=at, buffer_address=address, bytes=count, **waits)


def slow_add(count: int = 1024, **waits: int) -> Add:
    """Of buffer bytes 0 and 1024 on to 2048 on; takes 3 cycles a word."""
    return Add(
        a_address=0, b_address=1024, output_address=2048, bytes=count,
        multiplier_a=1 << 30, multiplier_b=1 << 30, multiplier_output=1 << 30,
        shift_a=0, shift_b=0, shift_output=-18,
        input_zero_point=0, b_zero_point=0, output_zero_point=0, **waits,
    )  # fmt: skip


def test_registers_hold_what_is_written(bench: Bench) -> None:
    assert bench.get(ID).to_bytes(4, "little") == b"NPU1"
    assert bench.get(CAPABILITY) == 1 << 24 | 12 << 16 | 12 << 8 | 16
    for stalls in (NO_STALLS, BUSY_BUS):
        bench.stall(stalls)
        values = {offset: (0x01234567 * (offset + 1)) & 0xFFFFFFFF for offset in (LIST, COUNT, *BASES)}
        for offset, value in values.items():
            assert bench.set(offset, value) == OKAY
        assert {offset: bench.get(offset) for offset in values} == values


def test_a_write_of_single_bytes_changes_nothing_and_is_an_error(bench: Bench) -> None:
    bench.set(LIST, 0x1234)
    assert bench.set(LIST, 0xFFFFFFFF, strobes=3) == SLVERR
    assert bench.get(LIST) == 0x1234
    assert bench.set(CONTROL, START, strobes=1) == SLVERR
    assert bench.get(STATUS) == 0


def test_unknown_registers_read_zero(bench: Bench) -> None:
    assert bench.set(0xFFC, 0xFFFFFFFF) == OKAY
    assert bench.get(0xFFC) == 0 and bench.get(0x3C) == 0


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 63, 64, 65, 66, 67, 1023])
def test_stores_write_exactly_their_bytes(bench: Bench, count: int) -> None:
    content = np.random.default_rng(count).integers(0, 256, 1100, np.uint8)
    for first in (0, 4, 12, 60):  # in a line of the buffer
        for target in (0x4000, 0x4FFC, 0x4FC4):
            bench.write(0x1000, content)
            bench.write(target - 8, bytes([0xA5]) * 1100)
            words = encode_list(
                [load(0x1000, 1100, address=first), store(target, count, address=first, after_loads=1)]
            )
            bench.start(words, LIST_AT)
            bench.wait()
            assert bench.get(STATUS) == DONE
            expected = np.full(1100, 0xA5, np.uint8)
            expected[8 : 8 + count] = content[:count]
            np.testing.assert_array_equal(bench.read(target - 8, 1100), expected)


@pytest.mark.parametrize("latency", [1, 12, 30])
def test_a_word_per_cycle_in_both_directions(bench: Bench, latency: int) -> None:
    """Four bursts are outstanding, so a memory that takes 30 cycles to answer costs them once."""
    bench.stall(Stalls(latency=latency))
    words = encode_list([load(0x1000, 4096), store(0x4000, 4096, after_loads=1)])
    bench.start(words, LIST_AT)
    bench.wait()
    for index, spare in ((0, latency + 16), (1, latency // 2 + 24)):
        record = bench.record(index)
        assert record.bytes == 4096
        assert 1024 <= record.cycles <= 1024 + spare, record


def test_loads_and_stores_share_no_cycles_of_the_bus(bench: Bench) -> None:
    """Reading and writing are independent: both at once take as long as one."""
    words = encode_list([load(0x1000, 2048), load(0x2000, 2048, address=2048, after_loads=1),
                         store(0x4000, 2048, after_loads=1)])  # fmt: skip
    bench.start(words, LIST_AT)
    bench.wait()
    assert bench.get(CYCLES) < 2 * 512 + 512 // 4 + 150
    assert bench.get(BYTES_READ) == 4096 + words.nbytes and bench.get(BYTES_WRITTEN) == 2048


def test_a_descriptor_waits_for_those_it_names(bench: Bench) -> None:
    """A store after an addition after two loads, and a load that may come first but is second in its unit."""
    content = np.random.default_rng(1).integers(0, 100, 2048, np.uint8)
    bench.write(0x1000, content)
    bench.stall(BUSY_BUS)
    words = encode_list([
        load(0x1000, 1024), load(0x1400, 1024, address=1024), slow_add(after_loads=2),
        load(0x1000, 4, buffer=1), store(0x4000, 1024, address=2048, after_computes=1),
        load(0x4000, 1024, address=3072, after_stores=1), store(0x5000, 1024, address=3072, after_loads=4),
    ])  # fmt: skip
    bench.start(words, LIST_AT)
    bench.wait()
    assert bench.get(STATUS) == DONE
    result = bench.read(0x4000, 1024)
    np.testing.assert_array_equal(bench.read(0x5000, 1024), result)
    assert len(set(result.tolist())) > 20
    addition, last = bench.record(2), bench.record(6)
    assert addition.cycles >= 3 * 256 > addition.array > 0
    assert addition.waited >= bench.record(1).cycles
    assert last.waited >= bench.record(5).cycles and last.bytes == 1024
    assert addition.bytes == 0


def test_interrupt_follows_enable_and_status(bench: Bench) -> None:
    words = encode_list([load(0, 4)])
    for enable in (0, 1):
        bench.set(INTERRUPT_ENABLE, enable)
        bench.start(words, LIST_AT)
        bench.wait()
        assert bench.interrupt() == enable
    bench.set(STATUS, FAILED)
    assert bench.interrupt() == 1 and bench.get(STATUS) == DONE
    bench.set(STATUS, DONE)
    assert bench.interrupt() == 0 and bench.get(STATUS) == 0
    words[0, 0] = 0
    bench.start(words, LIST_AT)
    bench.wait()
    assert bench.interrupt() == 1 and bench.get(STATUS) == FAILED
    bench.set(STATUS, FAILED)
    assert bench.interrupt() == 0 and (bench.get(STATUS), bench.get(ERROR)) == (0, 0)


def test_a_list_must_be_aligned_and_of_1_to_1023(bench: Bench) -> None:
    for address, count, code in (
        (MEMORY + 2, 1, "misaligned"), (MEMORY + 1, 0, "misaligned"),
        (MEMORY, 0, "size"), (MEMORY, 1024, "size"),
    ):  # fmt: skip
        bench.set(LIST, address)
        bench.set(COUNT, count)
        bench.set(CONTROL, START)
        assert bench.get(STATUS) == FAILED
        assert bench.error() == (ERRORS[code], 0)
    assert bench.get(BYTES_READ) == 0


def test_the_longest_list(bench: Bench) -> None:
    """1023 descriptors, of which the last 256 have records, and counts that need all their bits."""
    waits = [{"after_loads": n // 2 + 1} if n % 2 else {"after_stores": n // 2} for n in range(1023)]
    words = encode_list(
        [store(0x4000 + 4 * n, 4, **w) if n % 2 else load(4 * n, 4, **w) for n, w in enumerate(waits)]
    )
    content = np.arange(1023, dtype="<u4")
    bench.write(0, content)
    bench.start(words, LIST_AT)
    bench.wait()
    assert bench.get(STATUS) == DONE
    stored = bench.read(0x4000, 4 * 1023).view("<u4")[1::2]
    np.testing.assert_array_equal(stored, content[0:1022:2])
    assert {bench.record(index).bytes for index in (767, 1000, 1022)} == {4}


def test_start_while_busy_is_an_error_and_changes_nothing_else(bench: Bench) -> None:
    bench.set(INTERRUPT_ENABLE, 1)
    bench.write(0x1000, np.arange(1024, dtype="<u4"))
    bench.start(encode_list([load(0x1000, 4096), store(0x4000, 4096, after_loads=1)]), LIST_AT)
    bench.set(CONTROL, START)
    assert bench.get(STATUS) == BUSY | FAILED and bench.interrupt() == 1
    assert bench.error() == (ERRORS["busy"], 0)
    bench.wait()
    assert bench.get(STATUS) == DONE | FAILED
    np.testing.assert_array_equal(bench.read(0x4000, 4096), bench.read(0x1000, 4096))


@pytest.mark.parametrize("stalls", [NO_STALLS, BUSY_BUS], ids=["no-stalls", "stalls"])
@pytest.mark.parametrize("what", ["list", "load", "store"])
def test_bus_errors_stop_the_list_with_the_index(bench: Bench, what: str, stalls: Stalls) -> None:
    bench.stall(stalls)
    words = encode_list(
        [load(0x1000, 600), store(0x4000, 600, after_loads=1), load(0x2000, 4, address=1024, after_stores=1)]
        + [store(0x5000 + 4 * n, 4, address=1024, after_loads=2) for n in range(10)]
    )
    first, index = {"list": (LIST_AT + 64 * 12 + 8, 12), "load": (0x1100, 0), "store": (0x4100, 1)}[what]
    bench.write(0x5000, b"untouched!")
    bench.fail(first, first + 4)
    bench.start(words, LIST_AT)
    bench.wait()
    assert bench.get(STATUS) == FAILED
    assert bench.error() == (ERRORS["bus"], index)
    if what != "list":
        assert bench.read(0x5000, 10).tobytes() == b"untouched!"
    bench.fail(0, 0)
    bench.start(words, LIST_AT)
    bench.wait()
    assert bench.get(STATUS) == DONE
    np.testing.assert_array_equal(bench.read(0x4000, 600), bench.read(0x1000, 600))


def test_addresses_without_memory_stop_the_list(bench: Bench) -> None:
    words = encode_list(
        [replace(load(0, 64), memory_offset=0x6FFF_FFF0)]
    )  # beyond MEMORY to the end of addresses
    bench.start(words, LIST_AT)
    bench.wait()
    assert bench.error() == (ERRORS["bus"], 0)


def test_a_base_that_is_not_aligned_is_refused_where_it_is_used(bench: Bench) -> None:
    words = encode_list([load(0, 4), replace(load(0, 4), base=2)])
    bench.start(words, LIST_AT, bases=(0, 0, 2, 0))
    bench.wait()
    assert bench.error() == (ERRORS["misaligned"], 1)


def test_abort_leaves_a_clean_bus_and_an_engine_that_works(program: Path) -> None:
    bench = Bench(program, ENGINE)
    checker = Checker(bench)
    for seed in range(12):
        abort_and_check(checker, seed)
    bench.set(CONTROL, ABORT)  # of nothing
    assert bench.get(STATUS) == DONE
    bench.close()


@pytest.mark.parametrize("seed", range(4))
def test_random_lists_do_what_the_model_does(program: Path, seed: int) -> None:
    bench = Bench(program, ENGINE)
    checker = Checker(bench)
    for n in range(12):
        checker.run(1000 * seed + n, 12)
    bench.close()


@pytest.mark.parametrize("seed", range(2))
def test_illegal_descriptors_are_refused_and_nothing_of_them_is_done(program: Path, seed: int) -> None:
    bench = Bench(program, ENGINE)
    checker = Checker(bench)
    for n in range(80):
        checker.run(1000 * seed + n, 2, break_one=n % 10 != 0)
    bench.close()
