"""The report page: the pictures beside the labels, and what they cost."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
import timeline
from PIL import Image
from pipelined import Pipeline
from scores import Scores

from smidgen.compile.divide import Share
from smidgen.compress.layers import CHANNEL_AXIS, WEIGHTS, weight_layers
from smidgen.compress.prune_channels import size
from smidgen.graph import Graph
from smidgen.report import page
from smidgen.report.files import write_text
from smidgen.report.tables import number, percent
from smidgen.run.result import Result

COLOURS = ((90, 90, 96), (255, 255, 255), (64, 160, 72), (214, 60, 50), (110, 160, 230), (170, 110, 60))
UNKNOWN = (0, 0, 0)
SHOWN = 8  # scenes
_STYLE = """<style>
.scenes img { image-rendering: pixelated; width: 100%; display: block }
.scenes { display: grid; gap: 6px; grid-template-columns: repeat(4, 1fr) }
.legend i { display: inline-block; width: 1em; height: 1em; margin: 0 .3em 0 1em; border: 1px solid #888;
  vertical-align: -.1em }
</style>"""


@dataclass(frozen=True)
class Measured:
    """On the target: how many scenes ran, whether all bytes were the reference's, cycles of the network (None
    where they are not counted), where its layers run, and what the pipeline took where there is an engine."""

    result: Result
    scenes: int
    same: bool
    cycles: int | None
    layers: Sequence[Share]
    pipeline: Pipeline | None


def write_page(
    path: Path,
    kind: str,
    names: Sequence[str],
    unseen,
    pictures: Mapping[str, np.ndarray],
    scores: Mapping[str, Scores],
    graphs: tuple[Graph, Graph],
    measured: Measured,
) -> None:
    """unseen: the scenes; pictures: of each network the answers; graphs: before and after pruning."""
    before, after = (size(graph) for graph in graphs)
    lost = 100 * (scores["int8"].mean - scores["float"].mean)
    cards = [
        ("mean IoU, float", percent(scores["float"].mean, 1)),
        ("mean IoU, pruned int8", f"{percent(scores['int8'].mean, 1)} ({lost:+.2f} points)"),
        ("parameters left", _left(after.parameters, before.parameters)),
        ("operations left", _left(after.operations, before.operations)),
        (f"cycles of the network on {measured.result.target}", number(measured.cycles)),
        ("arena", f"{number(measured.result.arena_bytes)} B"),
        (f"{measured.scenes} scenes equal to the reference", "yes" if measured.same else "NO"),
    ]
    if measured.pipeline is not None:
        cards.append(("as fast, pipelined", f"{measured.pipeline.gain:.2f} times"))
    rows = [
        (name, *(percent(score.by_class[index], 1) for score in scores.values()))
        for index, name in enumerate(names)
    ]
    rows.append(("mean", *(percent(score.mean, 1) for score in scores.values())))
    sections = [
        _STYLE,
        "<h1>Segmentation of hyperspectral scenes</h1>",
        f'<p class="subtitle">{len(unseen.cubes)} {escape(kind)} that nothing was trained on</p>',
        page.cards(cards),
        _scenes(names, unseen, pictures),
        page.table("Intersection over union", ("class", *scores), rows),
        *(timeline.sections(measured.pipeline) if measured.pipeline else ()),
        page.table("Channels", ("layer", "before", "after"), _channels(*graphs)),
        *_division(measured.layers),
    ]
    write_text(path, page.document("Segmentation of hyperspectral scenes", sections))


def false_colours(cubes: np.ndarray) -> np.ndarray:
    """Long wavelengths red, short ones blue; each scene has its own exposure."""
    bands = [cubes[..., part].mean(axis=-1) for part in (slice(19, 25), slice(8, 14), slice(0, 6))]
    colours = np.stack(bands, axis=-1)
    bright = np.quantile(colours, 0.99, axis=(1, 2), keepdims=True)
    return (255 * np.clip(colours / bright, 0, 1) ** 0.7).astype(np.uint8)


def _left(after: int, before: int) -> str:
    return f"{percent(after / before, 1)} ({number(after)} of {number(before)})"


def _scenes(names: Sequence[str], unseen, pictures: Mapping[str, np.ndarray]) -> str:
    palette = np.array([*COLOURS, UNKNOWN], np.uint8)
    columns = {
        "false colours": false_colours(unseen.cubes[:SHOWN]),
        "labels": palette[unseen.y[:SHOWN]],
        "float": palette[pictures["float"][:SHOWN]],
        "pruned, int8": palette[pictures["int8"][:SHOWN]],
    }
    heads = "".join(f"<b>{name}</b>" for name in columns)
    cells = "".join(
        f'<img alt="{name}" src="{_png(images[index])}">'
        for index in range(len(unseen.cubes[:SHOWN]))
        for name, images in columns.items()
    )
    legend = "".join(
        f'<i style="background:rgb{colour}"></i>{escape(name)}'
        for name, colour in zip((*names, "unlabelled"), (*COLOURS, UNKNOWN), strict=True)
    )
    return f'<h2>Pictures</h2><p class="legend">{legend}</p><div class="scenes">{heads}{cells}</div>'


def _png(pixels: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _division(layers: Sequence[Share]) -> list[str]:
    if not layers:
        return []
    columns = ("layer", "type", "runs on", "engine, predicted cycles", "core, predicted", "why")
    rows = [
        (
            layer.name, layer.type_name, "engine" if layer.on_engine else "core", number(layer.engine_cycles),
            number(layer.core_cycles), layer.why,
        )
        for layer in layers
    ]  # fmt: skip
    return [page.table("Engine and core", columns, rows)]


def _channels(before: Graph, after: Graph) -> list[tuple[str, str, str]]:
    """Of each layer with weights, how many channels it writes."""
    counts = [
        {
            node.id: graph.tensor(node.inputs[WEIGHTS]).shape[CHANNEL_AXIS[type(node.operator)]]
            for node in weight_layers(graph)
        }
        for graph in (before, after)
    ]
    return [(name, number(count), number(counts[1][name])) for name, count in counts[0].items()]
