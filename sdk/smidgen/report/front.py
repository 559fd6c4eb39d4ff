"""The picture of a search: accuracy against cost, the front and the chosen point."""

from __future__ import annotations

from html import escape

from smidgen.explore.search import Point
from smidgen.report.svg import legend
from smidgen.run.compressing import Searched

_WIDTH, _HEIGHT = 960, 380
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 24, 16, 46
_TICKS = 5


def picture(searched: Searched) -> str:
    """Every measured point: its first cost across, its accuracy (or answers as the float model's) upward."""
    unit = searched.costs.base.unit
    points = searched.found.points
    xs, ys = [_cost(point, unit) for point in points], [_quality(point) for point in points]
    x_low, x_high, y_low, y_high = *_span(xs), *_span(ys)

    def x(value: float) -> float:
        return _LEFT + (value - x_low) / (x_high - x_low) * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - (value - y_low) / (y_high - y_low) * (_HEIGHT - _TOP - _BOTTOM)

    parts = [f'<svg class="picture" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">']
    parts.append("<title>Accuracy upward, cost to the right</title>")
    for index in range(_TICKS):
        share = index / (_TICKS - 1)
        across, up = x_low + share * (x_high - x_low), y_low + share * (y_high - y_low)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(up):.1f}" y2="{y(up):.1f}"/>'
            f'<text class="axis" x="{_LEFT - 8}" y="{y(up) + 4:.1f}" text-anchor="end">{up:+.2f}</text>'
            f'<text class="axis" x="{x(across):.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">'
            f"{across:,.0f}</text>"
        )
    what = "right answers" if points[0].right is not None else "answers as the float model's"
    parts.append(
        f'<text class="region" x="{_WIDTH / 2}" y="{_HEIGHT - 8}" text-anchor="middle">'
        f"{escape(unit or 'bytes of weights')} across; {what} upward, in points against float</text>"
    )
    limit = searched.limits.get("accuracy")
    if limit is not None and y_low <= limit <= y_high:
        ends = f'x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(limit):.1f}" y2="{y(limit):.1f}"'
        parts.append(f'<line class="bound" {ends}/>')
    outline = _outline([(_cost(point, unit), _quality(point)) for point in searched.found.front])
    line = " ".join(f"{x(cost):.1f},{y(quality):.1f}" for cost, quality in outline)
    parts.append(f'<polyline class="front-line" points="{line}"/>')
    # The chosen point comes last, so that it lies on top.
    for point in sorted(points, key=lambda point: _rank(point, searched)):
        style = ("front-other", "front-best", "front-chosen")[_rank(point, searched)]
        place = f'cx="{x(_cost(point, unit)):.1f}" cy="{y(_quality(point)):.1f}"'
        size = 8 if point == searched.point else 5
        tip = f"{_text(point, unit)}; bits {' '.join(map(str, point.bits))}"
        parts.append(f'<circle class="{style}" {place} r="{size}"><title>{escape(tip)}</title></circle>')
    parts.append("</svg>")
    names = {"front-chosen": "chosen", "front-best": "on the front", "front-other": "beaten"}
    return "".join(parts) + legend(names)


def _outline(places: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """By rising cost, the places that are better than all cheaper ones; the front has more sides."""
    kept: list[tuple[float, float]] = []
    for cost, quality in sorted(places, key=lambda place: (place[0], -place[1])):
        if not kept or quality > kept[-1][1]:
            kept.append((cost, quality))
    return kept


def _rank(point: Point, searched: Searched) -> int:
    return 2 if point == searched.point else int(point in searched.found.front)


def _cost(point: Point, unit: str) -> float:
    return point.taken if unit else point.weight_bytes


def _quality(point: Point) -> float:
    return 100 * (point.same / point.samples - 1) if point.accuracy is None else point.accuracy


def _text(point: Point, unit: str) -> str:
    taken = f"{point.taken:,.0f} {unit}, " if unit else ""
    return f"{_quality(point):+.2f} points, {taken}{point.weight_bytes:,} bytes of weights"


def _span(values: list[float]) -> tuple[float, float]:
    """A range that holds the values, with a margin."""
    low, high = min(values), max(values)
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin
