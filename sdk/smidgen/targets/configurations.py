"""The hardware configurations that there are: systems with Midge, to be simulated or made for an FPGA."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from typing import Any

from smidgen.paths import data_folder


@cache
def configurations() -> Mapping[str, Mapping[str, Any]]:
    """Each by its name in hw/configurations.toml: its description and Verilog parameters."""
    return tomllib.loads((data_folder("hw") / "configurations.toml").read_text(encoding="utf-8"))
