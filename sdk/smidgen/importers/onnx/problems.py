"""The refusal of a part of the file."""

from __future__ import annotations


class Refused(Exception):
    """A tensor or operator cannot be imported: what is wrong and what to do."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix
