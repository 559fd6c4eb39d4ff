"""Prints the bars, the peers and our own figures as one table. Ours are measured in this run."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tomllib
from pathlib import Path

from benchmarks import measure
from smidgen.errors import SmidgenError
from smidgen.report.tables import print_table

REPOSITORY = Path(__file__).resolve().parents[1]
MODELS = ("kws", "vww", "ic", "ad", "sww")
COLUMNS = (*MODELS, "all")
TARGET = "midge-rv32imc"
FLASH_TARGET = "midge-rv32imc-flash"
OURS = "ours"

Row = dict[str, float | None]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    shared = os.environ.get("SMIDGEN_SHARED", REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--models", type=Path, default=Path(shared) / "mlperf_tiny", metavar="DIR",
                        help="folder with kws_int8.tflite and the others")  # fmt: skip
    parser.add_argument("--only", choices=MODELS, nargs="+", default=MODELS, help="measure these models")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write our figures as JSON")
    options = parser.parse_args()
    files = {name: options.models / f"{name}_int8.tflite" for name in options.only}
    missing = [str(path) for path in files.values() if not path.is_file()]
    if missing:
        print(f"error: no such model: {', '.join(missing)}; give their folder with --models", file=sys.stderr)
        return 2
    try:
        ours = measure_all(files)
    except SmidgenError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print_all(ours, tomllib.loads((Path(__file__).parent / "peers.toml").read_text(encoding="utf-8")))
    if options.json:
        options.json.write_text(json.dumps(ours, indent=2) + "\n", encoding="utf-8")
    return 0


def measure_all(files: dict[str, Path]) -> dict[str, Row]:
    """Our figures: quantity -> model (or "all") -> value."""
    ours: dict[str, Row] = {}

    def put(quantity: str, column: str, value: float | None) -> None:
        ours.setdefault(quantity, {})[column] = value

    cycles, cpu_seconds = 0, 0.0
    for name, path in files.items():
        _progress(f"{name}: {TARGET}, speed")
        speed = measure.build_and_run(path, TARGET, "speed")
        cycles += speed.simulation.cycles
        cpu_seconds += speed.simulation.cpu_seconds
        _progress(f"{name}: {TARGET}, size")
        size = measure.build_and_run(path, TARGET, "size")
        _progress(f"{name}: {FLASH_TARGET}, speed")
        flash = measure.build_and_run(path, FLASH_TARGET, "speed")
        put("instructions", name, speed.instructions)
        put("cycles", name, speed.cycles)
        put("cycles per instruction", name, _quotient(speed.cycles, speed.instructions))
        put("cycles, from slow flash", name, flash.cycles)
        put("cycles per instruction, from slow flash", name, _quotient(flash.cycles, flash.instructions))
        put("instructions, size over speed", name, _quotient(size.instructions, speed.instructions))
        put("code bytes, speed", name, speed.figures.code_bytes)
        put("code bytes, size", name, size.figures.code_bytes)
        put("weights bytes", name, speed.figures.weights_bytes)
        put("weights bytes, limit", name, measure.weights_limit(path))
        put("arena bytes", name, speed.arena_bytes)
        put("arena bytes, tensors", name, speed.arena_tensors_bytes)
        put("stack bytes", name, speed.figures.stack_bytes)
        agents = (ours.get("agent code bytes", {}).get("all"), speed.figures.agent_code_bytes)
        put("agent code bytes", "all", max((one for one in agents if one is not None), default=None))
    _progress("link")
    put("link, cycles per payload byte", "all", measure.link_cycles_per_byte(TARGET))
    put("simulator, million cycles per CPU second", "all", cycles / cpu_seconds / 1e6)
    synthesized = measure.synthesis(REPOSITORY, TARGET)
    put("Fmax, MHz", "all", synthesized and synthesized[0])
    put("TRELLIS_COMB", "all", synthesized and synthesized[1])
    fmax, ratios = synthesized and synthesized[0], ours["cycles per instruction"].values()
    ratio = max((one for one in ratios if one is not None), default=None)
    put("Fmax over the worst cycles per instruction, MHz", "all", _quotient(fmax, ratio))
    return ours


def print_all(ours: dict[str, Row], peers: dict) -> None:
    """One table: for each quantity our row, then the bars and the peers."""
    figures = peers["figure"]
    rows = []
    for quantity, row in ours.items():
        rows.append((quantity, OURS, *(_cell(row, column) for column in COLUMNS)))
        same = [one for one in figures if one["quantity"] == quantity]
        same.sort(key=lambda one: not one["whose"].startswith("bar"))
        rows += [("", one["whose"], *(_cell(one, column) for column in COLUMNS)) for one in same]
    print_table(["figure", "whose", *COLUMNS], rows)
    print("'missing': not measured in this run; Fmax and TRELLIS_COMB come from the last 'make -C hw synth'.")
    print("\nWhere the other figures come from:")
    others = [one for one in figures if not one["whose"].startswith("bar")]
    for one in others:
        print(f"  {one['quantity']}, {one['whose']}: {one['source']}; {one['conditions']}")


def _cell(row: dict, column: str) -> str:
    if column not in row:
        return ""
    value = row[column]
    if value is None:
        return "missing"
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"


def _quotient(above: float | None, below: float | None) -> float | None:
    return None if above is None or not below else above / below


def _progress(text: str) -> None:
    print(f"measuring {text} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
