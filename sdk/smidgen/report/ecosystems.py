"""The formats of `smidgen export` as a table, with what has been proven of each."""

from __future__ import annotations

from smidgen.libraries import FORMATS
from smidgen.report.support import Matrix


def ecosystem_matrix() -> Matrix:
    """One row per format; columns: its specification, what builds it, whether that was tried, and how."""
    rows = (
        (
            name,
            kind.specification,
            kind.tool,
            "proven" if kind.proven else "unproven",
            kind.proof,
        )
        for name, kind in FORMATS.items()
    )
    return Matrix(("format", "specification", "builds with", "status", "how we know"), tuple(rows))
