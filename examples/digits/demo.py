"""Handwritten digits on a simulated microcontroller: `make demo`.

Builds digits_int8.tflite for the target midge-rv32imc, boots the firmware in the simulator, sends real digits
over the serial line and shows each answer, then the profile, the memory and the accuracy.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from rich.columns import Columns
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from smidgen.errors import SmidgenError
from smidgen.report import models
from smidgen.report.progress import Stages, track
from smidgen.report.tables import print_pairs
from smidgen.run.inputs import Inputs, load_inputs, real_values
from smidgen.run.profiling import profile
from smidgen.run.running import accuracy, run_all
from smidgen.run.session import Session, open_session

HERE = Path(__file__).resolve().parent
MODEL = HERE / "digits_int8.tflite"
DATA = HERE / "digits_test.npz"
TARGET = "midge-rv32imc"
SHOWN = 8
SCORED = 100
SHADES = " ░▒▓█"


def main() -> int:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
    try:
        with Stages() as stages, open_session(MODEL, TARGET, progress=stages) as session:
            stages.done()
            _demonstrate(session, load_inputs(session.graph, DATA, SCORED), console)
    except SmidgenError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _demonstrate(session: Session, inputs: Inputs, console: Console) -> None:
    layers = len(session.schedule.calls)
    console.print(
        f"\n[bold]{MODEL.name}[/] runs as firmware on {session.target.description}: {layers} layers."
    )
    console.print(f"{SHOWN} handwritten digits go over the serial line, and the answers come back:\n")
    first = run_all(session.device, inputs.samples[:SHOWN])
    panels = [
        _panel(session, sample[0], run.outputs[0], int(label))
        for sample, run, label in zip(inputs.samples, first, inputs.labels, strict=False)
    ]
    console.print(Columns(panels, padding=(0, 1)))

    start = time.monotonic()
    rest = run_all(session.device, list(track(inputs.samples[SHOWN:], "more digits")))
    seconds = time.monotonic() - start
    outputs = [run.outputs[0] for run in (*first, *rest)]
    profiled = profile(session, Inputs(inputs.samples[:1], None, "one digit"))

    console.print("\n[bold]Where the time goes[/]")
    models.print_layers(profiled.result)
    result = models.with_accuracy(profiled.result, accuracy(outputs, inputs.labels))
    print_pairs(models.run_summary(result, f"{len(inputs)} digits, {len(rest) / seconds:.1f} each second"))
    print_pairs(models.sizes(result, session.target), title="\nMemory")
    print_pairs(models.high_water(profiled.memory))
    _suggest(console, result.cycles, session.target.core.clock_hz)


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
        ("a page with the layers, the arena over time and the memory map",
         f"profile -m {model} -t {TARGET} --report digits.html"),
        ("the same from slow flash", f"profile -m {model} -t {TARGET}-flash"),
        ("readable C for your own firmware", f"build -m {model} -t {TARGET} -o digits"),
    ):  # fmt: skip
        console.print(f"  [dim]# {what}[/]\n  {smidgen} {command}", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
