"""On a line that does harm every answer is right or a clear error, and no run happens twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import toy
from link_line import HurtLines, Line

from smidgen.device.serial_device import Deadlines, SerialDevice
from smidgen.errors import DeviceError
from smidgen.golden import checksum

PATIENT = Deadlines(boot=60, transfer=60, run=60, query=60)


def converse(agent: Path, exchanges: int, seed: int, every: int = 100) -> tuple[int, int]:
    """Runs and other requests until that many were answered; the frames hurt, and the clear errors."""
    generator = np.random.default_rng(seed)
    harms = HurtLines(seed, every), HurtLines(seed + 1, every)
    model = toy.ToyModel()
    errors = 0
    with (
        Line(agent, *harms) as line,
        SerialDevice(line.url, deadlines=PATIENT, retry_seconds=0.05) as device,
    ):
        while device.client.answered < exchanges:
            a = generator.integers(-128, 128, (1, model.size)).astype(np.int8)
            b = generator.integers(-128, 128, 8).astype(np.int8)
            try:
                answer(device, model, generator, a, b)
            except DeviceError:
                errors += 1
                device.reset()  # an error leaves open whether the model has run
                model.reset()
    return sum(harm.hurt for harm in harms), errors


def answer(
    device: SerialDevice, model: toy.ToyModel, generator: np.random.Generator, a: np.ndarray, b: np.ndarray
) -> None:
    """One conversation of a kind drawn by lot; every answer must be that of the model."""
    kind = generator.integers(8)
    if kind == 0:
        sums = [one.crc for one in device.layer_checksums([a, b])]
        assert sums == [checksum(tensor) for tensor in model.tensors(a, b)]
    elif kind == 1:
        result = device.selftest()
        model.reset()
        assert (result.passed, result.checked, result.layer) == (False, 7, "split")
    elif kind == 2:
        use = device.memory()
        assert (use.arena_bytes, use.arena_used_bytes, use.stack_bytes) == (4008, 4008, None)
    else:
        run = device.run([a, b])
        for actual, expected in zip(run.outputs, model.run(a, b), strict=True):
            np.testing.assert_array_equal(actual, expected)


def test_every_answer_is_right_on_a_line_that_hurts_frames(host_agent: Path) -> None:
    hurt, errors = converse(host_agent, exchanges=500, seed=7)
    assert hurt > 5, "the line did no harm"
    assert errors == 0


def test_every_answer_is_right_when_one_line_in_eight_is_hurt(host_agent: Path) -> None:
    hurt, errors = converse(host_agent, exchanges=150, seed=11, every=8)
    assert hurt > 50
    assert errors <= 1


@pytest.mark.slow
def test_ten_thousand_exchanges_on_a_line_that_hurts_frames(host_agent: Path) -> None:
    hurt, errors = converse(host_agent, exchanges=10_000, seed=3)
    assert hurt > 200
    assert errors == 0


def test_without_a_copy_of_the_input_no_answer_is_wrong_either(small_host_agent: Path) -> None:
    hurt, errors = converse(small_host_agent, exchanges=300, seed=5, every=30)
    assert hurt > 10
    assert errors == 0
