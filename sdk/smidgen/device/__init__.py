"""Live targets behind one interface: this machine, a simulated core, a board."""

from smidgen.device.base import (
    Description,
    Device,
    LayerChecksum,
    LayerCount,
    LayerInfo,
    MemoryUse,
    Profile,
    Run,
    SelfTest,
    TensorInfo,
)

__all__ = [
    "Description",
    "Device",
    "LayerChecksum",
    "LayerCount",
    "LayerInfo",
    "MemoryUse",
    "Profile",
    "Run",
    "SelfTest",
    "TensorInfo",
]
