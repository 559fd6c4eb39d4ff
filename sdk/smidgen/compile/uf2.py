"""UF2: an image as boards take it that show themselves as a drive (github.com/microsoft/uf2)."""

from __future__ import annotations

import struct

_HEADER = struct.Struct("<8I")
_START = (0x0A32_4655, 0x9E5D_5157)
_END = struct.pack("<I", 0x0AB1_6F30)
_HAS_FAMILY = 0x2000
_PAYLOAD, _SPACE = 256, 476  # bytes of an image in a block, and room for them
_ERASED = b"\xff"


def uf2(image: bytes, address: int, family: int) -> bytes:
    """Blocks of 512 bytes that write `image` from `address` on; family: the number of the chip's family."""
    count = -(-len(image) // _PAYLOAD)
    blocks = []
    for index in range(count):
        at = index * _PAYLOAD
        payload = image[at : at + _PAYLOAD].ljust(_PAYLOAD, _ERASED).ljust(_SPACE, b"\0")
        blocks.append(
            _HEADER.pack(*_START, _HAS_FAMILY, address + at, _PAYLOAD, index, count, family) + payload + _END
        )
    return b"".join(blocks)
