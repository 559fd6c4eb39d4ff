"""One self-contained HTML page: figures, layer bars, the arena over time, the memory map."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from smidgen.compile.schedule import Schedule
from smidgen.report import engine, page, svg
from smidgen.report.files import write_text
from smidgen.report.memory import regions_of
from smidgen.report.models import LAYER_FIGURES, filled
from smidgen.report.tables import number, percent, short, signed_percent
from smidgen.run.metrics import COLUMNS
from smidgen.run.result import Layer, Result
from smidgen.targets import Target


def write_page(path: Path, title: str, result: Result, schedule: Schedule, target: Target) -> None:
    """Write the report page of `profile` or `validate`."""
    sections = [
        _heading(title, result, target),
        _cards(result),
        _outputs(result),
        _layers(result),
        engine.section(result),
        _arena(schedule),
        _memory(result, target),
        "".join(f'<p class="note">{escape(note)}</p>' for note in result.notes),
    ]
    write_text(path, page.document(f"{result.model} on {result.target}", sections))


def _heading(title: str, result: Result, target: Target) -> str:
    badge = ""
    if result.bit_exact is not None:
        kind, text = ("good", "bit-exact") if result.bit_exact else ("bad", "differs")
        badge = f'<span class="badge {kind}">{text}</span>'
    against = f", against {escape(result.oracle)}" if result.oracle else ""
    optimize = f", optimized for {escape(result.optimize)}" if result.optimize else ""
    return (
        f"<h1>{escape(title)}: {escape(Path(result.model).name)}{badge}</h1>"
        f'<p class="subtitle">{escape(target.name)}: {escape(target.description)}{optimize}{against}</p>'
    )


def _cards(result: Result) -> str:
    cards = [
        ("cycles for one inference", number(result.cycles)),
        ("instructions", number(result.instructions)),
        ("cycles per instruction", _quotient(result.cycles, result.instructions)),
        ("instructions per MAC", number(result.instructions_per_mac, 2) if result.cycles is None else "-"),
        ("MACs", number(result.macs)),
        ("MAC per cycle", _quotient(result.macs, result.cycles)),
        ("error of the predicted cycles", signed_percent(result.prediction_error)),
        ("accuracy", percent(result.accuracy)),
        ("inputs", number(result.inputs)),
        ("mismatched bytes", number(result.mismatched_bytes)),
        ("weights, bytes", number(result.weights_bytes)),
        ("model code, bytes", number(result.code_bytes)),
        ("arena, bytes", number(result.arena_bytes)),
        ("stack bound, bytes", number(result.stack_bytes)),
    ]
    return page.cards(cards)


def _outputs(result: Result) -> str:
    if not result.outputs:
        return ""
    head = "".join(f'<th class="number">{name}</th>' for name in ("mismatched", *COLUMNS))
    rows = []
    for output in result.outputs:
        cells = [number(output["mismatched_bytes"]), *(short(output[name]) for name in COLUMNS)]
        rows.append(f"<tr><td>{escape(output['name'])}</td>{''.join(map(_number_cell, cells))}</tr>")
    return _table("Outputs", f"<th>output</th>{head}", rows)


def _layers(result: Result) -> str:
    compared = any(layer.bit_exact is not None for layer in result.layers)
    measured = all(layer.taken is not None for layer in result.layers)
    costs = [float(layer.macs if layer.taken is None else layer.taken) for layer in result.layers]
    total, largest = sum(costs) or 1.0, max(costs, default=0.0) or 1.0
    unit = result.unit if measured else "MACs"
    figures = filled(LAYER_FIGURES, result.layers)
    head = f"<th>#</th><th>layer</th><th>type</th><th>share of {unit}</th><th></th>"
    head += "".join(f'<th class="number">{name}</th>' for name in figures)
    head += "<th>bits</th>" if compared else ""
    rows = []
    for layer, cost, *cells in zip(result.layers, costs, *figures.values(), strict=True):
        texts = _layer_cells(layer, cost / largest, cost / total) + "".join(map(_number_cell, cells))
        rows.append(f"<tr>{texts}{_bits_cell(layer) if compared else ''}</tr>")
    return _table("Layers", head, rows)


def _layer_cells(layer: Layer, length: float, share: float) -> str:
    name = escape(layer.name)
    return (
        f'<td>{layer.id}</td><td class="name" title="{name} {escape(layer.shape)}"><bdi>{name}</bdi></td>'
        f'<td>{escape(layer.type)}</td><td class="bar"><div style="width:{100 * length:.1f}%"></div></td>'
        f"{_number_cell(percent(share))}"
    )


def _bits_cell(layer: Layer) -> str:
    text = {True: "exact", False: "differs", None: "-"}[layer.bit_exact]
    style = {True: "good", False: "bad", None: ""}[layer.bit_exact]
    return f'<td class="{style}">{text}</td>'


def _arena(schedule: Schedule) -> str:
    entries = {f"role-{buffer.role.value}": buffer.role.value for buffer in schedule.buffers.values()}
    entries["part-bound"] = f"lower bound of the tensors, {schedule.arena_lower_bound_bytes:,} bytes"
    return (
        f"<h2>Arena over time: {schedule.arena_bytes:,} bytes</h2>"
        f"{svg.arena_over_time(schedule)}{svg.legend(entries)}"
        '<p class="note">Layers run from left to right; a rectangle is a tensor, at its place in the arena '
        "for as long as it is needed. Point at one for its name and size.</p>"
    )


def _memory(result: Result, target: Target) -> str:
    regions = regions_of(result, target)
    if not regions:
        return ""
    entries = {part.style: part.name for region in regions for part in region.parts}
    return f"<h2>Memory map</h2>{svg.memory_map(regions)}{svg.legend(_merged(regions, entries))}"


def _merged(regions: Sequence[svg.Region], styles: dict[str, str]) -> dict[str, str]:
    """One legend entry for each colour, naming every part that has it."""
    names: dict[str, list[str]] = {style: [] for style in styles}
    for region in regions:
        for part in region.parts:
            names[part.style].append(f"{part.name} {part.bytes:,} B")
    return {style: ", ".join(texts) for style, texts in names.items()}


def _table(title: str, head: str, rows: Sequence[str]) -> str:
    body = "".join(rows)
    return f"<h2>{title}</h2><div class='scroll'><table><tr>{head}</tr>{body}</table></div>"


def _number_cell(text: str) -> str:
    return f'<td class="number">{text}</td>'


def _quotient(above: float | None, below: float | None) -> str:
    return number(above / below, 2) if above is not None and below else "-"
