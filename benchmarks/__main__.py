"""Prints the bars, the peers and our own figures as tables. Ours are measured in this run.

baseline: the plain core and the portable kernels; xmidge: the models at 8, 4 and 2 bits on the core with
Xmidge; npu: the same with the neural engine beside it, layer by layer, and from external memory; shapes:
single layers of many shapes on the core with Xmidge; cortex-m: the models on Arm microcontrollers in QEMU;
cortex-m-shapes: the single layers there; boards: the models on every board that QEMU stands in for.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks import baseline, boards, cortex_m, cortex_m_shapes, npu, shapes, xmidge
from benchmarks.rows import SHARED
from benchmarks.table import MODELS, Figures
from smidgen.errors import SmidgenError

TABLES = {
    "baseline": baseline.print_all,
    "xmidge": xmidge.print_all,
    "npu": npu.print_all,
    "shapes": lambda files, progress: shapes.print_all(progress),
    "cortex-m": cortex_m.print_all,
    "cortex-m-shapes": lambda files, progress: cortex_m_shapes.print_all(progress),
    "boards": boards.print_all,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", nargs="?", choices=("all", *TABLES), default="all")
    parser.add_argument("--models", type=Path, default=SHARED / "mlperf_tiny", metavar="DIR",
                        help="folder with kws_int8.tflite and the others")  # fmt: skip
    parser.add_argument("--only", choices=MODELS, nargs="+", default=MODELS, help="measure these models")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write our figures as JSON")
    options = parser.parse_args()
    files = {name: options.models / f"{name}_int8.tflite" for name in options.only}
    missing = [str(path) for path in files.values() if not path.is_file()]
    if missing:
        print(f"error: no such model: {', '.join(missing)}; give their folder with --models", file=sys.stderr)
        return 2
    ours: dict[str, Figures] = {}
    try:
        for name, print_all in TABLES.items():
            if options.table in ("all", name):
                print(f"\n{name}")
                ours[name] = print_all(files, _progress)
    except SmidgenError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    if options.json:
        options.json.write_text(json.dumps(ours, indent=2) + "\n", encoding="utf-8")
    return 0


def _progress(text: str) -> None:
    print(f"measuring {text} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
