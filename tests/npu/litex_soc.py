"""Writes a SoC of LiteX with the neural engine and some memory, and a master for a program: soc.v.

python litex_soc.py BUS FOLDER     BUS: axi or wishbone, of the SoC
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "hw" / "npu"))

from litex.build.generic_platform import Pins
from litex.build.sim import SimPlatform
from litex.gen import LiteXModule
from litex.soc.integration.soc import SoCRegion
from litex.soc.integration.soc_core import SoCCore
from litex.soc.interconnect import wishbone
from litex_npu import NeuralEngine
from migen import ClockDomain

ENGINE_AT = 0x3000_0000


class Clock(LiteXModule):
    def __init__(self, platform):
        self.cd_sys = ClockDomain()
        self.comb += self.cd_sys.clk.eq(platform.request("clk"))
        self.comb += self.cd_sys.rst.eq(platform.request("rst"))


class Soc(SoCCore):
    def __init__(self, platform, bus):
        self.crg = Clock(platform)
        super().__init__(
            platform, int(50e6), cpu_type=None, bus_standard=bus, integrated_sram_size=1 << 16,
            with_uart=False, with_timer=False, ident="",
        )  # fmt: skip
        self.npu = NeuralEngine(platform)
        self.bus.add_slave(
            "npu", self.npu.control, SoCRegion(origin=ENGINE_AT, size=NeuralEngine.SIZE, cached=False)
        )
        self.bus.add_master("npu", self.npu.memory)
        program = wishbone.Interface(data_width=32, address_width=32, addressing="word")
        platform.add_extension(program.get_ios("program"))
        self.comb += program.connect_to_pads(platform.request("program"), mode="slave")
        self.bus.add_master("program", program)


def main():
    bus, folder = sys.argv[1:]
    platform = SimPlatform("SIM", [("clk", 0, Pins(1)), ("rst", 0, Pins(1))])
    soc = Soc(platform, bus)
    platform.finalize(soc)
    platform.get_verilog(soc, name="soc").write(str(Path(folder) / "soc.v"))
    print(soc.mem_map["sram"])


main()
