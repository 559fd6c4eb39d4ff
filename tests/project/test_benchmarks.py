"""The benchmarks' figures of others have a source, and the layers of the sweep are what they say."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from smidgen.graph import DType


@pytest.fixture(autouse=True)
def importable(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(repository))


def test_every_figure_of_others_has_a_source_and_its_conditions() -> None:
    from benchmarks.table import COLUMNS, load_peers

    peers = load_peers()
    for one in peers:
        assert one.keys() <= {"quantity", "whose", "source", "conditions", *COLUMNS}, one
        assert one["source"] and one["conditions"], one
    twice = [key for key, n in Counter((one["quantity"], one["whose"]) for one in peers).items() if n > 1]
    assert not twice


@pytest.mark.parametrize("dtype", [DType.I8, DType.I4, DType.I2])
def test_the_sweep_has_every_kind_and_at_least_four_channels(dtype: DType) -> None:
    from benchmarks.samples import all_samples

    samples = list(all_samples(dtype))
    assert len({sample.text for sample in samples}) == len(samples) > 90
    assert {sample.node.operator.type_name for sample in samples} == {
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "FULLY_CONNECTED",
    }
    for sample in samples:
        _, weights, _, y = sample.tensors
        assert y.shape[-1] >= 4
        assert weights.dtype is dtype


def test_layers_of_the_sweep_use_their_range_and_run_on_the_host(tmp_path: Path) -> None:
    """Outputs that all saturate would hide wrong sums."""
    from benchmarks.measure import run_checked
    from benchmarks.samples import all_samples, one_graph

    from smidgen.graph.reference import Reference
    from smidgen.run.inputs import random_inputs

    graph = one_graph(list(all_samples(DType.I8))[::9], "some")
    assert run_checked(graph, "host", 1).bit_exact
    (sample,) = random_inputs(graph, 1).samples
    for name, output in zip(graph.outputs, Reference(graph).run(sample).outputs, strict=True):
        saturated = ((output == -128) | (output == 127)).mean()
        assert saturated < 0.25, name
        assert int(output.max()) - int(output.min()) > 20, name


def test_bars_of_an_fpga_are_met_or_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys) -> None:
    from benchmarks import fpga

    from smidgen.fpga.flow import Routed

    available = {"TRELLIS_COMB": 1000, "MULT18X18D": 100, "DP16KD": 208}
    speeds = {1: 39.0, 2: 55.0, 3: 41.0}
    used = {"TRELLIS_COMB": 750, "MULT18X18D": 76, "DP16KD": 208}
    routed = {seed: Routed(used, available, {"c": (speed, 50.0)}) for seed, speed in speeds.items()}
    monkeypatch.setattr(fpga, "synthesize", lambda target, say: tmp_path)
    monkeypatch.setattr(fpga, "route", lambda target, seed, say: (tmp_path, routed[seed]))
    monkeypatch.setattr("sys.argv", ["fpga", "ulx3s-85f"])
    monkeypatch.setenv("COLUMNS", "160")
    assert fpga.main() == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    last = {row[0]: row[-1] for row in rows}
    assert (last["TRELLIS_COMB"], last["MULT18X18D"], last["DP16KD"], last["c,"]) == ("yes", "no", "-", "yes")
    assert "41.0" in next(row for row in rows if row[0] == "c,")
