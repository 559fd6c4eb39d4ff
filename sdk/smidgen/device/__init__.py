"""Live targets behind one interface: this machine, a simulated core, a board."""

from smidgen.device.base import (
    Description,
    DescriptorRecord,
    Device,
    LayerChecksum,
    LayerCount,
    LayerInfo,
    ListRecord,
    MemoryUse,
    Profile,
    Run,
    SelfTest,
    TensorInfo,
)
from smidgen.device.opening import open_device

__all__ = [
    "Description",
    "DescriptorRecord",
    "Device",
    "LayerChecksum",
    "LayerCount",
    "LayerInfo",
    "ListRecord",
    "MemoryUse",
    "Profile",
    "Run",
    "SelfTest",
    "TensorInfo",
    "open_device",
]
