"""Finding the engine from a command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from .engine import EngineError, NeuralEngine
from .memory import MappedRegisters, PynqMemory, ReservedMemory, UioInterrupt


def command_line(about: str | None, arguments: Sequence[str] | None = None) -> NeuralEngine:
    """The engine that the options of a program name: by PYNQ or by addresses. Ends the program when one is
    missing, or when the engine does not answer."""
    parser = argparse.ArgumentParser(description=about)
    number = lambda text: int(text, 0)  # noqa: E731
    parser.add_argument("--bitstream", help="npu.bit, with npu.hwh beside it: PYNQ loads it and gives memory")
    parser.add_argument("--name", default="npu_0", help="the engine's name in the block design (npu_0)")
    parser.add_argument("--registers", type=number, help="without PYNQ: the control port's address")
    parser.add_argument(
        "--memory", type=number, help="without PYNQ: address of memory that is kept from Linux"
    )
    parser.add_argument("--memory-bytes", type=number, default=1 << 24, help="of it (16 MiB)")
    parser.add_argument("--interrupt", help="the interrupt's device, such as /dev/uio0; without it we poll")
    parser.add_argument("--deadline", type=float, default=5.0, help="seconds that a layer may take (5)")
    chosen = parser.parse_args(arguments)
    interrupt = UioInterrupt(chosen.interrupt) if chosen.interrupt else None
    if chosen.bitstream:
        from pynq import MMIO, Overlay

        found = Overlay(chosen.bitstream).ip_dict
        if chosen.name not in found:
            parser.error(f"the design has no '{chosen.name}', but {', '.join(found)}")
        registers, memory = MMIO(found[chosen.name]["phys_addr"], 4096), PynqMemory()
    elif chosen.registers is not None and chosen.memory is not None:
        registers = MappedRegisters(chosen.registers)
        memory = ReservedMemory(chosen.memory, chosen.memory_bytes)
    else:
        parser.error("give --bitstream, or --registers and --memory")
    try:
        return NeuralEngine(registers, memory, interrupt, chosen.deadline)
    except EngineError as error:
        parser.exit(1, f"{error}\n")
