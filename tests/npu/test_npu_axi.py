"""The neural engine's ports between the AXI models of cocotbext-axi, in another simulator, Icarus Verilog.

Icarus does not read all SystemVerilog, so that Yosys makes plain Verilog of the engine. The cases are those
of axi_cases.py, each in a simulation of its own.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from axi_rules import Address, Broken, ControlPort, MemoryPort, Word
from engine_bench import HW

from smidgen.fpga import tools

HERE = Path(__file__).parent
CASES = re.findall(r"^@cocotb\.test.*\nasync def (\w+)", (HERE / "axi_cases.py").read_text(), re.MULTILINE)
PARAMETERS = {"LANES": 8, "ACTIVATION_BYTES": 4096, "WEIGHT_BYTES": 4096}
READ_ADDRESSES = "t:$mem_v2 %ci1:+$mem_v2[RD_ADDR] w:* %i"  # of memories, which the words follow at once


@pytest.fixture(scope="module")
def netlist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """npu.v: the engine in plain Verilog, with the ids at the memory port that the models insist on.

    Beside it lies unregistered.txt with the outputs that depend on inputs without a register between them.
    """
    for package in tools.PACKAGES:
        pytest.importorskip(package.replace("-", "_"), reason="pip install 'smidgen[fpga]'")
    folder = tmp_path_factory.mktemp("npu-axi")
    lists = [HW / "npu" / name for name in ("midge.f", "sources.f")]
    sources = [HW / line for name in lists for line in name.read_text().split()]
    for source in sources:
        shutil.copy(source, folder)
    parameters = " ".join(f"-G {name}={value}" for name, value in PARAMETERS.items())
    ids = [f"add -output m_axi_{name} 1; connect -set m_axi_{name} 1'0" for name in ("awid", "arid")]
    ids += [f"add -input m_axi_{name} 1" for name in ("bid", "rid")]
    steps = [
        f"read_slang -j 1 --top npu {parameters} {' '.join(source.name for source in sources)}",
        "proc; flatten; opt -full; memory_collect; bwmuxmap; opt_clean; splitnets -driver; cd npu",
        "select -write unregistered.txt i:* %coe* o:* %i",
        f"select -assert-any {READ_ADDRESSES}; select -assert-none i:* %coe* {READ_ADDRESSES} %i",
        *ids,
        "cd; write_verilog -noattr npu.v",
    ]
    tools.run("yosys", ["-q", "-p", "; ".join(steps)], folder, "making Verilog of the engine")
    return folder / "npu.v"


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_between_models(netlist: Path, case: str) -> None:
    for package in ("cocotb_tools", "cocotbext.axi"):
        pytest.importorskip(package, reason="pip install 'smidgen[verify]'")
    from cocotb_tools.runner import get_runner
    from find_libpython import find_libpython

    if shutil.which("iverilog") is None:
        pytest.skip("Icarus Verilog is not installed: apt-get install iverilog")
    if find_libpython() is None:
        pytest.skip("this Python has no shared library, which cocotb needs: apt-get install libpython3-dev")
    folder = netlist.parent
    log = folder / f"{case}.log"
    runner = get_runner("icarus")
    runner.build(
        sources=[netlist], hdl_toplevel="npu", build_dir=folder, timescale=("1ns", "1ns"),
        log_file=folder / "build.log",
    )  # fmt: skip
    try:
        runner.test(
            test_module="axi_cases", hdl_toplevel="npu", testcase=case, seed=1, build_dir=folder,
            results_xml=str(folder / f"{case}.xml"), log_file=log,
            extra_env={"COCOTB_REWRITE_ASSERTION_FILES": "axi_*.py"},
        )  # fmt: skip
    except SystemExit:
        text = log.read_text()
        shown = text[max(0, text.rfind(f".{case} failed")) :][-5000:]
        pytest.fail(f"in the simulator, of which {log} has all:\n{shown}")


@pytest.mark.slow
def test_registers_lie_between_inputs_and_outputs(netlist: Path) -> None:
    """As AXI demands."""
    assert (netlist.parent / "unregistered.txt").read_text().split() == []


# The rules find what breaks them

BURST = Address(address=0x1000, length=3, size=2, burst=1)
FULL, LAST = Word(data=1, strobes=15, last=False), Word(data=2, strobes=15, last=True)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"size": 1}, "not of words"),
        ({"burst": 0}, "not INCR"),
        ({"address": 0x1002}, "not aligned"),
        ({"length": 16}, "more than 16 words"),
        ({"address": 0x1FF4}, "crosses 4 KiB"),
    ],
)
def test_a_burst_must_be_as_documented(change: dict[str, int], rule: str) -> None:
    burst = BURST._replace(**change)
    with pytest.raises(Broken, match=rule):
        MemoryPort().read(burst, True, False)
    with pytest.raises(Broken, match=rule):
        MemoryPort().write(burst, True, None, False, False)


@pytest.mark.parametrize("burst", [None, BURST._replace(length=4), BURST._replace(address=0)])
def test_an_address_must_stay_until_it_is_taken(burst: Address | None) -> None:
    port = MemoryPort()
    port.read(BURST, False, False)
    port.write(BURST, False, None, False, False)
    with pytest.raises(Broken, match="AR shows"):
        port.read(burst, True, False)
    with pytest.raises(Broken, match="AW shows"):
        port.write(burst, True, None, False, False)


@pytest.mark.parametrize("word", [None, LAST, FULL._replace(data=2), FULL._replace(strobes=1)])
def test_a_word_must_stay_until_it_is_taken(word: Word | None) -> None:
    port = MemoryPort()
    port.write(None, False, FULL, False, False)
    with pytest.raises(Broken, match="W shows"):
        port.write(None, False, word, True, False)


@pytest.mark.parametrize("address_first", [True, False])
@pytest.mark.parametrize("words", [3, 5])
def test_the_last_word_must_be_where_the_address_says(words: int, address_first: bool) -> None:
    port = MemoryPort()
    with pytest.raises(Broken, match=f"WLAST with word {words} of a burst of 4"):
        port.write(BURST if address_first else None, address_first, None, False, False)
        for word in [FULL] * (words - 1) + [LAST]:
            port.write(None, False, word, True, False)
        port.write(BURST, True, None, False, False)


def test_strobes_may_leave_out_only_the_end_of_a_word() -> None:
    with pytest.raises(Broken, match="strobes 0110"):
        MemoryPort().write(None, False, FULL._replace(strobes=6), True, False)


def test_no_more_than_four_bursts_may_be_outstanding() -> None:
    port = MemoryPort()
    for answered in (False, False, False, True, False):
        port.read(BURST, True, answered)
        port.write(BURST, True, None, False, answered)
    with pytest.raises(Broken, match="5 reads"):
        port.read(BURST, True, False)
    with pytest.raises(Broken, match="5 writes"):
        port.write(BURST, True, None, False, False)


def test_nothing_may_be_outstanding_without_a_list() -> None:
    port = MemoryPort()
    port.read(BURST, True, False)
    with pytest.raises(Broken, match="not busy"):
        port.demand_idle()
    port.read(None, False, True)
    port.demand_idle()
    port.write(None, False, FULL, True, False)
    with pytest.raises(Broken, match="not busy"):
        port.demand_idle()


def test_the_control_port_must_answer_once_and_after_it_is_asked() -> None:
    with pytest.raises(Broken, match="B before"):
        ControlPort().write(True, True, (0,), True)
    with pytest.raises(Broken, match="R before"):
        ControlPort().read(True, (0, 0), True)
    port = ControlPort()
    port.write(True, False, None, False)
    with pytest.raises(Broken, match="B before"):
        port.write(False, False, (0,), False)
    port = ControlPort()
    port.read(True, None, False)
    port.read(False, (1, 0), False)
    with pytest.raises(Broken, match="R shows"):
        port.read(False, (2, 0), True)
    port = ControlPort()
    port.read(True, None, False)
    with pytest.raises(Broken, match="more than one read"):
        port.read(True, None, False)
    port.write(True, True, None, False)
    with pytest.raises(Broken, match="more than one write"):
        port.write(True, True, None, False)
