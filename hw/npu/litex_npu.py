"""The neural engine as a core for LiteX: `self.npu = NeuralEngine(platform, lanes=16)`.

soc.bus.add_slave("npu", soc.npu.control, SoCRegion(origin=..., size=NeuralEngine.SIZE, cached=False))
soc.bus.add_master("npu", soc.npu.memory)
soc.irq.add("npu")        # where there is a processor
"""

from pathlib import Path

from litex.gen import LiteXModule
from litex.soc.interconnect import axi
from litex.soc.interconnect.csr_eventmanager import EventManager, EventSourceLevel
from migen import ClockSignal, Instance, ResetSignal

HW = Path(__file__).resolve().parents[1]
# What each side of a channel drives, but valid and ready.
CONTROL = {
    "aw": ("addr", "prot"),
    "w": ("data", "strb"),
    "b": ("resp",),
    "ar": ("addr", "prot"),
    "r": ("data", "resp"),
}
MEMORY = {
    "aw": ("addr", "len", "size", "burst", "cache", "prot"),
    "w": ("data", "strb", "last"),
    "b": ("resp",),
    "ar": ("addr", "len", "size", "burst", "cache", "prot"),
    "r": ("data", "resp", "last"),
}
ANSWERS = ("b", "r")  # go from slave to master


class NeuralEngine(LiteXModule):
    """control: AXI4-Lite slave; memory: AXI4 master; ev.done: the interrupt. docs/npu.md says more."""

    SIZE = 4096  # of the control port

    def __init__(self, platform, lanes=16, activation_bytes=1 << 15, weight_bytes=1 << 15):
        self.control = axi.AXILiteInterface(data_width=32, address_width=32)
        self.memory = axi.AXIInterface(data_width=32, address_width=32, id_width=1)
        self.ev = EventManager()
        self.ev.done = EventSourceLevel()
        self.ev.finalize()

        ports = {
            **connect("s_axi", self.control, CONTROL, is_master=False),
            **connect("m_axi", self.memory, MEMORY, is_master=True),
        }
        ports["i_s_axi_awaddr"] = self.control.aw.addr[:12]
        ports["i_s_axi_araddr"] = self.control.ar.addr[:12]
        self.specials += Instance(
            "npu",
            p_LANES=lanes,
            p_ACTIVATION_BYTES=activation_bytes,
            p_WEIGHT_BYTES=weight_bytes,
            i_clock=ClockSignal("sys"),
            i_reset=ResetSignal("sys"),
            o_irq=self.ev.done.trigger,
            **ports,
        )
        for name in ("midge.f", "sources.f"):
            for path in (HW / "npu" / name).read_text().split():
                platform.add_source(str(HW / path))


def connect(prefix, bus, channels, is_master):
    """Ports of the engine, as Migen's Instance names them, for the signals of an interface of LiteX."""
    ports = {}
    for name, fields in channels.items():
        channel = getattr(bus, name)
        drives = is_master != (name in ANSWERS)
        for field in (*fields, "valid"):
            signal = getattr(channel, field)
            ports[f"{'o' if drives else 'i'}_{prefix}_{name}{field}"] = signal
        ports[f"{'i' if drives else 'o'}_{prefix}_{name}ready"] = channel.ready
    return ports
