"""What core and engine did when, as a picture and a table."""

from __future__ import annotations

from pipelined import Pipeline

from smidgen.report import page
from smidgen.report.tables import number

_WIDTH, _ROW, _LEFT = 1000, 22, 60
_SHOWN = 3  # scenes one after the other
_COLOURS = {"before the network": "#4c84c4", "network": "#d6604d", "after it": "#7fb069"}
Bar = tuple[int, int, str, int]  # from, to (cycles), what, which scene


def sections(pipeline: Pipeline) -> list[str]:
    """Of the report page."""
    serial, overlapped = _serial(pipeline), _pipelined(pipeline)
    length = max(to for bars in (*serial, *overlapped) for _, to, _, _ in bars)
    pictures = [
        f"<h3>{title}</h3>{_picture(rows, length)}"
        for title, rows in (("One after the other", serial), ("Pipelined", overlapped))
    ]
    legend = "".join(f'<i style="background:{colour}"></i>{name}' for name, colour in _COLOURS.items())
    preparation, network, answer = pipeline.parts
    rows = [
        ("core, before the network", number(round(preparation))),
        ("engine, the network", number(round(network))),
        ("core, after it", number(round(answer))),
        ("a scene, one after the other", number(round(pipeline.one_after_the_other))),
        ("a scene, pipelined", number(round(pipeline.overlapped))),
        ("pipelined is so many times as fast", f"{pipeline.gain:.2f}"),
    ]
    return [
        "<h2>Core and engine at the same time</h2>",
        f'<p class="legend">{legend}</p>',
        *pictures,
        page.table("A scene", ("", "cycles, mean"), rows),
    ]


def _serial(pipeline: Pipeline) -> tuple[list[Bar], list[Bar]]:
    """Bars of the core and of the engine; what was printed between scenes is left out."""
    core: list[Bar] = []
    engine: list[Bar] = []
    now = 0
    for scene in range(_SHOWN):
        times = pipeline.serial[scene % len(pipeline.serial)]
        at = [now + time - times[0] for time in times]
        core += [(at[0], at[1], "before the network", scene), (at[2], at[3], "after it", scene)]
        engine.append((at[1], at[2], "network", scene))
        now = at[3]
    return core, engine


def _pipelined(pipeline: Pipeline) -> tuple[list[Bar], list[Bar]]:
    frames = pipeline.pipelined
    preparation = round(pipeline.parts[0])
    first = frames[0][0] - preparation
    core = [(0, preparation, "before the network", 0)]
    engine: list[Bar] = []
    for index, (start, end, answered, prepared) in enumerate(frames):
        engine.append((start - first, end - first, "network", index))
        if index > 0:
            core.append((start - first, answered - first, "after it", index - 1))
        if index + 1 < len(frames):
            core.append((answered - first, prepared - first, "before the network", index + 1))
    return core, engine


def _picture(rows: tuple[list[Bar], list[Bar]], length: int) -> str:
    scale = (_WIDTH - _LEFT) / length
    parts = []
    for row, (name, bars) in enumerate(zip(("core", "engine"), rows, strict=True)):
        top = row * (_ROW + 4)
        parts.append(f'<text x="0" y="{top + 15}" class="name">{name}</text>')
        for start, end, what, scene in bars:
            left, width = _LEFT + start * scale, (end - start) * scale
            title = f"<title>scene {scene + 1}, {what}: {end - start:,} cycles</title>"
            parts.append(
                f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_ROW}" fill="{_COLOURS[what]}" '
                f'stroke="white">{title}</rect>'
            )
            if width > 12:
                parts.append(f'<text x="{left + width / 2:.1f}" y="{top + 15}">{scene + 1}</text>')
    return (
        f'<svg viewBox="0 0 {_WIDTH} {2 * _ROW + 4}" style="width:100%" font-size="12" text-anchor="middle" '
        f'fill="currentColor"><style>.name {{ text-anchor: start }}</style>{"".join(parts)}</svg>'
    )
