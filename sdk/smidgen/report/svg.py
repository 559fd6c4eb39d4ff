"""Pictures as inline SVG: the arena over time and the memory map. The style sheet has the colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from smidgen.compile.schedule import Buffer, Schedule

_WIDTH = 960
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 12, 34
_ARENA_HEIGHT = 320


@dataclass(frozen=True)
class Part:
    """A share of a memory region: what it is, its bytes, and the style class that colours it."""

    name: str
    bytes: int
    style: str


@dataclass(frozen=True)
class Region:
    """A memory of the target and what lies in it, in order; the rest is free."""

    name: str
    length: int
    parts: Sequence[Part]

    @property
    def used(self) -> int:
        return sum(part.bytes for part in self.parts)


def arena_over_time(schedule: Schedule) -> str:
    """Every buffer as a rectangle: from its first to its last call across, from its offset up."""
    calls = max(len(schedule.calls), 1)
    top = max(schedule.arena_bytes, 1)
    column = (_WIDTH - _LEFT - _RIGHT) / calls
    scale = (_ARENA_HEIGHT - _TOP - _BOTTOM) / top
    floor = _ARENA_HEIGHT - _BOTTOM

    def x(call: float) -> float:
        return _LEFT + call * column

    def y(offset: float) -> float:
        return floor - offset * scale

    parts = [f'<svg class="picture" viewBox="0 0 {_WIDTH} {_ARENA_HEIGHT}" role="img">']
    parts.append("<title>Arena over time: bytes upward, layers to the right</title>")
    for tick in _ticks(top):
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
        )
        parts.append(
            f'<text class="axis" x="{_LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{_size(tick)}</text>'
        )
    for buffer in (buffer for buffer in schedule.buffers.values() if buffer.within is None):
        parts.append(_buffer(buffer, schedule, x(buffer.first), x(buffer.last + 1), y, column))
    bound = y(schedule.arena_lower_bound_bytes)
    parts.append(
        f'<line class="bound" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{bound:.1f}" y2="{bound:.1f}"/>'
    )
    step = -(-calls // 24)
    for call in range(0, calls, step):
        parts.append(
            f'<text class="axis" x="{x(call + 0.5):.1f}" y="{floor + 18}" text-anchor="middle">{call}</text>'
        )
    parts.append("</svg>")
    return "".join(parts)


def _buffer(buffer: Buffer, schedule: Schedule, left: float, right: float, y, column: float) -> str:
    bottom, top = y(buffer.offset or 0), y((buffer.offset or 0) + buffer.bytes)
    width, height = right - left, bottom - top
    label = ""
    if height > 14 and width > 60:
        middle = (top + bottom) / 2 + 4
        label = f'<text class="label" x="{left + width / 2:.1f}" y="{middle:.1f}">{buffer.bytes:,} B</text>'
    first, last = (_call_name(schedule, index) for index in (buffer.first, buffer.last))
    tip = (
        f"{buffer.name}: {buffer.bytes:,} bytes at {buffer.offset:,}, {buffer.role.value}, {first} to {last}"
    )
    size = f'width="{max(width - 1, 1):.1f}" height="{max(height - 1, 1):.1f}"'
    place = f'x="{left + 0.5:.1f}" y="{top + 0.5:.1f}"'
    style = f"role-{buffer.role.value}"
    return f'<g><title>{escape(tip)}</title><rect class="{style}" {place} {size} rx="2"/>{label}</g>'


def _call_name(schedule: Schedule, index: int) -> str:
    return f"layer {index} ({schedule.calls[index].type_name})" if index < len(schedule.calls) else str(index)


def memory_map(regions: Sequence[Region]) -> str:
    """One bar per region, its parts to scale; what is too thin for its label is named in the legend."""
    row, bar = 74, 34
    height = row * len(regions)
    parts = [f'<svg class="picture" viewBox="0 0 {_WIDTH} {height}" role="img"><title>Memory map</title>']
    for index, region in enumerate(regions):
        y = index * row + 26
        used = 100 * region.used / region.length
        parts.append(
            f'<text class="region" x="0" y="{y - 8}">{escape(region.name)}: {region.used:,} of '
            f"{region.length:,} bytes ({used:.1f} %)</text>"
        )
        parts.append(f'<rect class="free" x="0" y="{y}" width="{_WIDTH}" height="{bar}" rx="4"/>')
        x = 0.0
        for part in region.parts:
            width = _WIDTH * part.bytes / region.length
            tip = escape(f"{part.name}: {part.bytes:,} bytes")
            parts.append(
                f'<g><title>{tip}</title><rect class="{part.style}" x="{x:.1f}" y="{y}" '
                f'width="{max(width, 0.5):.1f}" height="{bar}"/>'
            )
            if width > 7 * len(part.name) + 8:
                parts.append(
                    f'<text class="label" x="{x + width / 2:.1f}" y="{y + 21}">{escape(part.name)}</text>'
                )
            parts.append("</g>")
            x += width
    parts.append("</svg>")
    return "".join(parts)


def legend(entries: Mapping[str, str]) -> str:
    """Coloured squares: style class -> text."""
    items = (f'<span><i class="{style}"></i>{escape(text)}</span>' for style, text in entries.items())
    return f'<p class="legend">{"".join(items)}</p>'


def _ticks(top: int) -> list[int]:
    """Four to eight round numbers from 0 to `top`: powers of two, so that they read as KiB."""
    step = 1
    while top / step > 8:
        step *= 2
    return list(range(0, top + 1, step))


def _size(count: int) -> str:
    return f"{count / 1024:g} KiB" if count >= 1024 else f"{count} B"
