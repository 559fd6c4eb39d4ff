"""What `smidgen compress` reports: on the terminal, as JSON, and as a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

from smidgen import __version__
from smidgen.compress.evidence import Evidence, Share
from smidgen.explore.search import Point
from smidgen.report import front, page
from smidgen.report.files import write_text
from smidgen.report.tables import number, percent, print_pairs, print_table, short
from smidgen.run.compressing import Compression, file_digest

_LAYERS = ("layer", "type", "bits", "weight bytes", "SQNR dB")


def print_result(result: Compression, model: Path, output: Path) -> None:
    print_table(_LAYERS, _layer_rows(result.evidence))
    if result.searched is not None:
        print_table(_front_columns(result), _front_rows(result), title="The front, on the data to choose on")
    print_pairs(_summary(result, model, output))
    if result.recipe.target is not None:
        print(f"build it with: smidgen build -m {output} -t {result.recipe.target} -o FOLDER")


def to_json(result: Compression, model: Path, output: Path) -> dict[str, Any]:
    evidence = result.evidence
    content: dict[str, Any] = {
        "smidgen": __version__,
        "model": str(model),
        "output": str(output),
        "recipe": result.recipe.to_json(),
        "digests": {**result.digests, "output": file_digest(output)},
        "calibrated": len(result.parts.calibration),
        "chosen_on": len(result.parts.chosen),
        "file_bytes": output.stat().st_size,
        "warnings": list(result.warnings),
        **evidence.to_json(),
        "sizes": None if result.sizes is None else [asdict(one) for one in result.sizes],
        "before": None if result.before is None else asdict(result.before),
        "after": None if result.after is None else asdict(result.after),
        "search": None,
    }
    if (searched := result.searched) is not None:
        points = [{**asdict(point), "accuracy": point.accuracy} for point in searched.found.points]
        content["search"] = {
            "unit": searched.costs.base.unit,
            "int8_fits": searched.costs.too_big is None,
            "limits": dict(searched.limits),
            "layers": list(searched.found.layers),
            "noise_alone": [[*layer, noise] for layer, noise in searched.found.alone.items()],
            "points": points,
            "front": [searched.found.points.index(point) for point in searched.found.front],
            "chosen": searched.found.points.index(searched.point),
        }
    return content


def write_page(path: Path, result: Compression, model: Path, output: Path) -> None:
    """One self-contained HTML page."""
    evidence = result.evidence
    sections = [
        f"<h1>Compression: {escape(model.name)}</h1>"
        f'<p class="subtitle">{escape(", ".join(result.recipe.steps))}: to {escape(output.name)}</p>',
        page.cards(_summary(result, model, output)[:8]),
        _front_section(result),
        page.table("Layers", _LAYERS, _layer_rows(evidence)),
        page.table("All figures", ("figure", "value"), _summary(result, model, output)),
        page.table("Recipe", ("key", "value"), [(k, str(v)) for k, v in result.recipe.to_json().items()]),
        page.table("SHA-256", ("of", "digest"), [*result.digests.items(), ("output", file_digest(output))]),
        "".join(f'<p class="note">{escape(warning)}</p>' for warning in result.warnings),
    ]
    write_text(path, page.document(f"Compression of {model.name}", sections))


def _summary(result: Compression, model: Path, output: Path) -> list[tuple[str, str]]:
    evidence, parts = result.evidence, result.parts
    weights, float_weights = evidence.weight_bytes, evidence.float_weight_bytes
    steps = result.recipe.steps
    uses = [use for step, use in (("search", "choose on"), ("fine_tune", "train on")) if step in steps]
    chosen = f", {number(len(parts.chosen))} to {' and '.join(uses)}" if parts.chosen and uses else ""
    samples = f"{number(len(parts.calibration))} to quantize{chosen}, {number(evidence.samples)} to report"
    file_bytes, float_bytes = output.stat().st_size, model.stat().st_size
    return [
        *_accuracy(evidence),
        ("same answer as float", _share(evidence.answers)),
        ("output SQNR", f"{short(evidence.sqnr)} dB"),
        ("weights and biases", f"{number(weights)} B of {number(float_weights)} B"),
        *_pruned(result),
        *_on_target(result),
        ("samples", samples),
        ("file", f"{number(file_bytes)} B of {number(float_bytes)} B, written to {output}"),
    ]


def _share(share: Share) -> str:
    low, high = share.interval
    return f"{percent(share.value, 2)} (95 %: {percent(low, 2)} to {percent(high, 2)})"


def _accuracy(evidence: Evidence) -> list[tuple[str, str]]:
    accuracy = evidence.accuracy
    if accuracy is None:
        return []
    low, high = accuracy.interval
    change = f"{100 * accuracy.difference:+.2f} points (95 %: {100 * low:+.2f} to {100 * high:+.2f})"
    test = f"p = {accuracy.mcnemar:.3g} ({accuracy.lost} right answers lost, {accuracy.gained} gained)"
    return [
        ("accuracy, float", _share(accuracy.before)),
        ("accuracy, quantized", _share(accuracy.after)),
        ("difference", change),
        ("McNemar's test", test),
    ]


def _pruned(result: Compression) -> list[tuple[str, str]]:
    """What pruning left of the float model."""
    if result.sizes is None:
        return []
    before, after = (asdict(one) for one in result.sizes)
    return [
        (
            f"{name} left",
            f"{number(after[name])} of {number(before[name])} ({percent(after[name] / before[name])})",
        )
        for name in before
    ]


def _on_target(result: Compression) -> list[tuple[str, str]]:
    """What was measured on the target, beside int8 where a search measured that, too."""
    after, before = result.after, result.before
    if after is None:
        return []

    def text(name: str, unit: str = "") -> str:
        value = getattr(after, name)
        if before is None:
            return f"{number(value)}{unit}"
        share = f" ({value / getattr(before, name):.2f}x)" if getattr(before, name) else ""
        return f"{number(value)}{unit} of {number(getattr(before, name))}{unit} at int8{reckoned}{share}"

    too_big = result.searched is not None and result.searched.costs.too_big is not None
    reckoned = ", which does not fit" if too_big else ""
    where = f" on {result.recipe.target}"
    return [
        (f"{after.unit}{where}", text("taken")),
        (f"stored weights{where}", text("weight_bytes", " B")),
        (f"flash{where}", text("flash_bytes", " B")),
        (f"RAM{where}", text("ram_bytes", " B")),
    ]


def _layer_rows(evidence: Evidence) -> list[tuple[str, ...]]:
    return [
        (layer.id, layer.type, str(layer.bits or "-"), number(layer.weight_bytes), number(layer.sqnr, 1))
        for layer in evidence.layers
    ]


def _front_columns(result: Compression) -> Sequence[str]:
    assert result.searched is not None
    unit = result.searched.costs.base.unit
    return ["", "points", "noise", *([unit, "flash", "RAM"] if unit else []), "weights", "layers at 8, 4, 2"]


def _front_rows(result: Compression) -> list[tuple[str, ...]]:
    searched = result.searched
    assert searched is not None
    points: list[Point] = list(searched.found.front)
    if searched.point not in points:
        points.append(searched.point)
    rows = []
    for point in points:
        accuracy = "-" if point.accuracy is None else f"{point.accuracy:+.2f}"
        costs = (number(point.taken), number(point.flash_bytes), number(point.ram_bytes))
        widths = ", ".join(str(point.bits.count(bits)) for bits in (8, 4, 2))
        chosen = "chosen" if point == searched.point else ""
        target = costs if searched.costs.base.unit else ()
        rows.append((chosen, accuracy, short(point.noise), *target, number(point.weight_bytes), widths))
    return rows


def _front_section(result: Compression) -> str:
    if result.searched is None:
        return ""
    searched = result.searched
    note = (
        f"{len(searched.found.points)} choices were measured on {searched.point.samples} samples; the front "
        "holds those that no other beats in everything. Point at one for its figures."
    )
    return (
        "<h2>The front</h2>"
        + front.picture(searched)
        + f'<p class="note">{note}</p>'
        + page.table("Choices", _front_columns(result), _front_rows(result))
    )
