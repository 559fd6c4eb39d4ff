"""What the engine recorded of its lists: how it is read from a device, and what it adds up to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from smidgen.compile import lower_and_plan
from smidgen.compile.kernels.npu import NPU
from smidgen.compile.schedule import Schedule
from smidgen.device import DescriptorRecord, ListRecord, protocol
from smidgen.device.protocol import RunMode
from smidgen.device.serial_device import SerialDevice
from smidgen.importers import load_model
from smidgen.report.engine import TITLE
from smidgen.report.html import write_page
from smidgen.run.engine import engine_use
from smidgen.run.inputs import random_inputs
from smidgen.run.profiling import Profiled, profile
from smidgen.run.result import Layer
from smidgen.run.session import Session, open_session
from smidgen.targets import load_target

TARGET = "fpga-sim-sdram"  # whose simulator other tests need as well


@pytest.fixture(scope="module")
def session(repository: Path) -> Iterator[Session]:
    with open_session(repository / "examples" / "digits" / "digits_int8.tflite", TARGET) as opened:
        yield opened


@pytest.fixture(scope="module")
def profiled(session: Session) -> Profiled:
    return profile(session, random_inputs(session.graph, 2))


def engine_layers(profiled: Profiled) -> list[Layer]:
    layers = [layer for layer in profiled.result.layers if layer.engine is not None]
    assert layers
    return layers


def test_where_the_cycles_went_adds_up(profiled: Profiled) -> None:
    for layer in engine_layers(profiled):
        use = layer.engine
        assert use is not None and layer.cycles is not None
        assert 0 < use.cycles < layer.cycles
        for one in (use, *use.parts):
            assert one.rest_cycles is not None and 0 <= one.rest_cycles < one.cycles
            assert one.array_cycles is not None and 0 < one.array_cycles <= one.cycles
            if one.full_array_cycles:
                assert one.full_array_cycles <= one.array_cycles
                assert 0 < one.array_use <= one.array_cycles / one.cycles
        for name in ("array_cycles", "waiting_cycles", "requantizer_cycles", "port_cycles", "bus_cycles"):
            if use.parts:
                assert sum(getattr(part, name) for part in use.parts) == pytest.approx(getattr(use, name))
        assert sum(part.cycles for part in use.parts) <= use.cycles
        if use.parts:
            assert sum(part.descriptors for part in use.parts) == use.descriptors
            assert sum(part.bytes_read for part in use.parts) == use.bytes_read


def test_reports_have_the_engine_where_there_is_one(
    session: Session, profiled: Profiled, tmp_path: Path
) -> None:
    layers = json.loads(json.dumps(profiled.result.to_json()))["layers"]
    for layer, call in zip(layers, session.schedule.calls, strict=True):
        assert (layer["engine"] is not None) == (call.kernel_set == NPU)
        if layer["engine"]:
            assert {"cycles", "array_use", "rest_cycles", "bytes_read"} <= layer["engine"].keys()
            assert [part["name"] for part in layer["engine"]["parts"]] == [part.node for part in call.parts]
    write_page(tmp_path / "with.html", "Profile", profiled.result, session.schedule, session.target)
    assert TITLE in (tmp_path / "with.html").read_text()
    without = replace(
        profiled.result, layers=tuple(replace(layer, engine=None) for layer in profiled.result.layers)
    )
    write_page(tmp_path / "without.html", "Profile", without, session.schedule, session.target)
    assert TITLE not in (tmp_path / "without.html").read_text()


def test_a_device_gives_the_rows_that_are_not_skipped(session: Session) -> None:
    """As one with little RAM is asked: the same list, from some row on."""
    (sample,) = random_inputs(session.graph, 1).samples
    device = session.device
    assert isinstance(device, SerialDevice)
    rows = []
    for skip in (0, 5):
        device.reset()
        reply = device._send_and_run(sample, RunMode.ENGINE, skip=skip)
        assert reply.rows == reply.all - skip
        rows.append([value for row in device._rows(reply) for value in row.engine])
    assert len(rows[0]) - len(rows[1]) == 5 * protocol.ENGINE_ROW_VALUES
    # Of the rows of descriptors, bytes do not depend on when the memory was refreshed.
    assert rows[0][5 * protocol.ENGINE_ROW_VALUES :][5::6] == rows[1][5::6]


class LittleRam(SerialDevice):
    """A device that stores so many rows of each run."""

    def __init__(self, rows: list[tuple[int, ...]], capacity: int) -> None:
        super().__init__("nowhere")
        self.rows, self.capacity, self.runs = rows, capacity, 0

    def reset(self) -> None:
        self.runs += 1

    def _send_and_run(self, inputs, mode, **more):
        self.given = self.rows[more["skip"] :][: self.capacity]
        return SimpleNamespace(rows=len(self.given), all=len(self.rows))

    def _rows(self, reply):
        return [SimpleNamespace(engine=row) for row in self.given]


@pytest.mark.parametrize("capacity", [1, 4, 7, 100])
def test_records_are_read_in_as_many_runs_as_ram_makes_necessary(capacity: int) -> None:
    rng = np.random.default_rng(1)
    lists, rows = [], []
    for layer, kept in enumerate((3, 0, 5)):
        counts = (layer, kept + layer, *map(int, rng.integers(1 << 32, size=3)))
        records = [tuple(map(int, rng.integers(1 << 16, size=6))) for _ in range(kept)]
        lists.append(ListRecord(*counts, tuple(DescriptorRecord(*one) for one in records)))
        rows += [(*counts, kept), *records]
    device = LittleRam(rows, capacity)
    assert device._lists([]) == tuple(lists)
    assert device.runs == -(-len(rows) // capacity)


@pytest.fixture(scope="module")
def schedule(repository: Path) -> Schedule:
    model = load_model(repository / "examples" / "digits" / "digits_int8.tflite")
    return lower_and_plan(model, load_target(TARGET))[0].schedule


def test_of_a_list_longer_than_the_records_only_totals_are_known(schedule: Schedule) -> None:
    call = schedule.calls[0]
    record = ListRecord(0, 300, 9000, 20_000, 4000, (DescriptorRecord(9, 8, 1, 0, 0, 0),) * 256)
    use = engine_use(schedule, call, [record, replace(record, cycles=9010)])
    assert (use.descriptors, use.cycles, use.bytes_read, use.bytes_written) == (300, 9005, 20_000, 4000)
    assert use.array_use == call.cost.multipliers / 9005
    assert use.array_cycles is use.waiting_cycles is use.bus_cycles is use.rest_cycles is None
    assert use.parts == ()
