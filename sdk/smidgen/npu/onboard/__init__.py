"""What runs on a processor beside the neural engine: a driver over its registers, and a compiled model.

`smidgen export --format zynq` copies this folder into the package, as `smidgen_npu`. So it needs nothing but
NumPy and the standard library of Python 3.8, and imports nothing of Smidgen.
"""

from .engine import EngineError, EngineTimeout, NeuralEngine
from .memory import MappedRegisters, PynqMemory, ReservedMemory, UioInterrupt
from .model import Model
from .opening import command_line

__all__ = [
    "EngineError",
    "EngineTimeout",
    "MappedRegisters",
    "Model",
    "NeuralEngine",
    "PynqMemory",
    "ReservedMemory",
    "UioInterrupt",
    "command_line",
]
