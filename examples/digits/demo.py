"""Handwritten digits on simulated microcontrollers: `make demo`.

Builds digits_int8.tflite for the plain core (target midge-rv32imc) and for the one with neural-network
instructions (target midge), boots both firmwares in the simulator, sends real digits over the serial line and
shows each answer, then the cycles side by side, the memory and the accuracy.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.columns import Columns
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from smidgen.errors import SmidgenError
from smidgen.report import models
from smidgen.report.progress import Stages, track
from smidgen.report.tables import number, print_pairs, print_table
from smidgen.run.inputs import Inputs, load_inputs, real_values
from smidgen.run.profiling import Profiled, profile
from smidgen.run.running import accuracy, run_all
from smidgen.run.session import Session, open_session

HERE = Path(__file__).resolve().parent
MODEL = HERE / "digits_int8.tflite"
DATA = HERE / "digits_test.npz"
PLAIN, FAST = "midge-rv32imc", "midge"
SHOWN = 8
SCORED = 100
SHADES = " ░▒▓█"


@dataclass(frozen=True, eq=False)
class Ran:
    """What one core did: its answers, the profile of one digit, digits in a second of real time."""

    session: Session
    outputs: list[np.ndarray]
    profiled: Profiled
    rate: float


def main() -> int:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 130)
    try:
        plain, fast = (_run_on(target, console) for target in (PLAIN, FAST))
    except SmidgenError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    inputs = load_inputs(fast.session.graph, DATA, SCORED)
    if not all(np.array_equal(*pair) for pair in zip(plain.outputs, fast.outputs, strict=True)):
        print("error: the two cores give different answers", file=sys.stderr)
        return 1
    console.print(f"\n{SHOWN} handwritten digits went over the serial line, and these answers came back:\n")
    shown = zip(inputs.samples[:SHOWN], fast.outputs, inputs.labels, strict=False)
    panels = [_panel(fast.session, sample[0], output, int(label)) for sample, output, label in shown]
    console.print(Columns(panels, padding=(0, 1)))
    console.print("\n[bold]Where the time goes: cycles on both cores, the same bytes from both[/]")
    _print_cycles(plain.profiled, fast.profiled)
    result = models.with_accuracy(fast.profiled.result, accuracy(fast.outputs, inputs.labels))
    print_pairs(models.run_summary(result, f"{len(inputs)} digits, {fast.rate:.1f} each second on {FAST}"))
    print_pairs(models.sizes(result, fast.session.target), title=f"\nMemory on {FAST}")
    print_pairs(models.high_water(fast.profiled.memory))
    _suggest(console, result.cycles, fast.session.target.core.clock_hz)
    return 0


def _run_on(target: str, console: Console) -> Ran:
    with Stages() as stages, open_session(MODEL, target, progress=stages) as session:
        stages.done()
        console.print(f"[bold]{MODEL.name}[/] runs as firmware on {session.target.description}.")
        inputs = load_inputs(session.graph, DATA, SCORED)
        start = time.monotonic()
        runs = run_all(session.device, list(track(inputs.samples, "digits")))
        seconds = time.monotonic() - start
        profiled = profile(session, Inputs(inputs.samples[:1], None, "one digit"))
        return Ran(session, [run.outputs[0] for run in runs], profiled, len(runs) / seconds)


def _print_cycles(plain: Profiled, fast: Profiled) -> None:
    """Every layer of the same model on both cores."""

    def cells(macs: int, slow: float | None, quick: float | None) -> tuple[str, ...]:
        ratio = slow / quick if slow and quick else None
        rate = macs / quick if macs and quick else None
        return number(macs), number(slow), number(quick), f"{number(ratio, 1)}x", number(rate, 2)

    pairs = list(zip(plain.result.layers, fast.result.layers, strict=True))
    whole = cells(fast.result.macs, plain.result.cycles, fast.result.cycles)
    print_table(
        ["layer", "shapes", "MACs", PLAIN, FAST, "faster", f"MAC/cycle, {FAST}"],
        [(quick.name, quick.shape, *cells(quick.macs, slow.cycles, quick.cycles)) for slow, quick in pairs],
        footer=["a whole inference", "", *whole],
    )


def _panel(session: Session, image: np.ndarray, output: np.ndarray, label: int) -> Panel:
    """The picture above, what the core said below; red where it is wrong."""
    pixels = real_values(image, session.graph.tensor(session.graph.inputs[0]))[0, :, :, 0]
    levels = np.rint(np.clip(pixels, 0, 1) * (len(SHADES) - 1)).astype(int)
    picture = "\n".join("".join(SHADES[level] * 2 for level in row) for row in levels)
    scores = real_values(output, session.graph.tensor(session.graph.outputs[0])).reshape(-1)
    answer = int(np.argmax(scores))
    right = answer == label
    verdict = f"it is a {answer}  {100 * scores[answer]:.0f} %" if right else f"a {answer}? it is a {label}"
    style = "green" if right else "red"
    return Panel(Text(picture), subtitle=f"[{style}]{verdict}[/]", border_style="dim", width=22)


def _suggest(console: Console, cycles: float | None, clock_hz: int | None) -> None:
    if cycles and clock_hz:
        console.print(f"\nAt {clock_hz / 1e6:g} MHz one digit would take {1000 * cycles / clock_hz:.1f} ms.")
    smidgen = Path(sys.executable).parent / "smidgen"
    if smidgen.is_relative_to(Path.cwd()):
        smidgen = smidgen.relative_to(Path.cwd())
    model = MODEL.relative_to(Path.cwd()) if MODEL.is_relative_to(Path.cwd()) else MODEL
    data = DATA.relative_to(Path.cwd()) if DATA.is_relative_to(Path.cwd()) else DATA
    console.print("\n[bold]What to try next[/]")
    for what, command in (
        ("every layer compared with TensorFlow Lite Micro, byte for byte",
         f"validate -m {model} -t host --input {data} --against tflm --layers"),
        ("a page with the layers and their roofs, the arena over time and the memory map",
         f"profile -m {model} -t {FAST} --report digits.html"),
        ("the plain core with its code and weights in slow flash", f"profile -m {model} -t {PLAIN}-flash"),
        ("readable C for your own firmware", f"build -m {model} -t {FAST} -o digits"),
    ):  # fmt: skip
        console.print(f"  [dim]# {what}[/]\n  {smidgen} {command}", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
