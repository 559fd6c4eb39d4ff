"""What a board's system takes of its FPGA, and how fast it is: three seeds, placed and routed here.

python -m benchmarks.fpga [TARGET]: many minutes for each seed, as many at once as there are cores; what was
routed before comes from the cache.
"""

from __future__ import annotations

import os
import statistics
import sys
from concurrent.futures import ThreadPoolExecutor

from smidgen.errors import SmidgenError
from smidgen.fpga.bitstream import SEEDS, route, synthesize
from smidgen.report.tables import print_table
from smidgen.targets import load_target

# Issue 7: of logic cells and multipliers, in MHz and as a share of what the device has.
BAR_MHZ, AIM_MHZ, BAR_SHARE = 40.0, 60.0, 0.75
SHOWN = ("TRELLIS_COMB", "TRELLIS_FF", "MULT18X18D", "DP16KD")
BARRED = ("TRELLIS_COMB", "MULT18X18D")


def main() -> int:
    target = load_target(sys.argv[1] if len(sys.argv) > 1 else "ulx3s-85f")
    if target.fpga is None:
        sys.exit(f"{target.name} has no FPGA")
    synthesize(target, _say)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        routed = [one for _, one in pool.map(lambda seed: route(target, seed, _say), SEEDS)]
    rows = []
    for cell in SHOWN:
        used, available = (getattr(routed[0], kind).get(cell, 0) for kind in ("used", "available"))
        share = used / available if available else 0.0
        bar = f"at most {BAR_SHARE:.0%}" if cell in BARRED else "-"
        met = "-" if cell not in BARRED else "yes" if share <= BAR_SHARE else "no"
        rows.append((cell, f"{used:,} of {available:,}, {share:.1%}", bar, met))
    for name, (_, wanted) in routed[0].clocks.items():
        reached = [one.clocks[name][0] for one in routed]
        listed = " ".join(f"{one:.1f}" for one in reached)
        median = statistics.median(reached)
        bar = f"at least {BAR_MHZ:.0f}, aim {AIM_MHZ:.0f}; the target wants {wanted:.1f}"
        rows.append(
            (f"{name}, MHz", f"{median:.1f} (seeds: {listed})", bar, "yes" if median >= BAR_MHZ else "no")
        )
    print_table(["", "used, reached", "bar", "met"], rows, title=f"{target.name}, {target.fpga.device}")
    return 0


def _say(stage: str) -> None:
    print(stage, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SmidgenError as error:
        sys.exit(str(error))
