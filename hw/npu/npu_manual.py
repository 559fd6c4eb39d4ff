"""The tables of docs/npu.md, from the tables that define registers and descriptors.

python hw/npu/npu_manual.py            writes them between their markers
python hw/npu/npu_manual.py --check    says whether they are up to date, by its exit code
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "npu.md"


def _read(name: str) -> dict:
    return tomllib.loads((HERE / name).read_text(encoding="utf-8"))


def _rows(head: str, rows: list[str]) -> str:
    titles = [title.strip() for title in head.split("|")]
    return "\n".join([f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}", *rows])


def registers() -> str:
    rows = [
        f"| 0x{offset:02x} | {name} | {access} | {meaning} |"
        for name, offset, access, meaning in _read("registers.toml")["registers"]
    ]
    return _rows("Offset | Register | Access | Meaning", rows)


def descriptors() -> str:
    """A table for each group of kinds."""
    table = _read("descriptor.toml")
    parts = []
    for layout in table["layout"]:
        if len(layout["kinds"]) == len(table["kinds"]):
            title = "All kinds"
        else:
            title = ", ".join(f"{kind} ({table['kinds'][kind]})" for kind in layout["kinds"])
        rows = []
        for name, word, low, bits, signed, meaning in layout["fields"]:
            place = f"{low + bits - 1}:{low}" if bits > 1 else f"{low}"
            sign = ", signed" if signed else ""
            rows.append(f"| {word} | {place}{sign} | {name} | {meaning} |")
        parts.append(f"**{title}**\n\n{_rows('Word | Bits | Field | Meaning', rows)}")
    return "\n\n".join(parts)


def errors() -> str:
    """In the order in which they count; what each means stands beside it in the table."""
    text = (HERE / "descriptor.toml").read_text(encoding="utf-8")
    section = text.partition("[errors]\n")[2].partition("\n\n")[0]
    rows = [
        f"| {code} | {name} | {meaning} |"
        for name, code, meaning in re.findall(r"^(\w+) = (\d+)\s*# (.+)$", section, re.MULTILINE)
    ]
    return _rows("Code | Name | Meaning", rows)


def page(text: str) -> str:
    """The page with its tables made anew."""
    for make in (registers, descriptors, errors):
        start, end = (
            f"<!-- {make.__name__}: made by hw/npu/npu_manual.py -->",
            f"<!-- end of {make.__name__} -->",
        )
        before, found, rest = text.partition(start)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise SystemExit(f"{PAGE} has no {start} or {end}")
        text = f"{before}{start}\n{make()}\n{end}{after}"
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    old = PAGE.read_text(encoding="utf-8")
    new = page(old)
    if check:
        if old != new:
            print(f"{PAGE} is not up to date: run {Path(__file__).name}")
        return old != new
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
