"""Boards: a hardware map says which there are, a shelf lends them out, one at a time to each."""

from smidgen.device.boards.hardware_map import Entry, read_hardware_map
from smidgen.device.boards.opening import open_board, prepare_board
from smidgen.device.boards.platforms import is_virtual, target_of
from smidgen.device.boards.shelf import Shelf, is_free

__all__ = [
    "Entry",
    "Shelf",
    "is_free",
    "is_virtual",
    "open_board",
    "prepare_board",
    "read_hardware_map",
    "target_of",
]
