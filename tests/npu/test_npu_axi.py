"""The neural engine's AXI ports against bus models that others wrote: cocotbext-axi, under Verilator."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from pathlib import Path

import pytest
from engine_bench import sources

HERE = Path(__file__).parent


@pytest.mark.slow
def test_lists_between_bus_models_with_pauses_on_every_channel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("cocotb", "cocotbext.axi"):
        pytest.importorskip(package, reason=f"{package} is not installed (pip install 'smidgen[verify]')")
    if shutil.which("verilator") is None:
        pytest.skip("verilator is not installed (`smidgen doctor` says how to get it)")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that runners are an experimental feature
        from cocotb.runner import get_results, get_runner

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), *sys.path]))
    runner = get_runner("verilator")
    runner.build(
        sources=[*sources(), HERE / "npu_with_ids.sv"],
        hdl_toplevel="npu_with_ids",
        build_dir=tmp_path,
        build_args=["-Wno-fatal", "-O3", "--x-assign", "fast", "--x-initial", "fast"],
    )
    results = runner.test(
        hdl_toplevel="npu_with_ids",
        test_module="npu_axi_cocotb",
        build_dir=tmp_path,
        test_dir=tmp_path,
        extra_env={"COCOTB_LOG_LEVEL": "WARNING"},  # not each access to the bus
    )
    ran, failed = get_results(results)
    assert ran == 4 and failed == 0
