"""A layer in strips of output rows and groups of output channels that fit into the engine's buffers.

While a strip is computed, the rows of the next one and the weights of the next group are loaded and the one
before is stored. Which strips, groups and order are best is found by predicting the cycles of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from smidgen.compile.kernels.npu import FIRST_INPUT, OUTPUT
from smidgen.compile.kernels.npu.layer import Layer, Span, folded, transposed, without_skipped_rows
from smidgen.compile.kernels.npu.lists import LONGEST, ListBuilder, Region
from smidgen.compile.kernels.npu.timing import CALL, list_cycles, work
from smidgen.compile.kernels.npu.weights import WeightRing, weight_loads
from smidgen.npu.descriptor import Descriptor, Engine, Load, Store, Transfer, round_up

STRIPS = (1, 3, 6, 12, 24, 48)  # about so many, tried
GROUPS = (1, 3, 8)  # the same of output channels
WORD = 4


@dataclass(frozen=True)
class Tiling:
    """layer: with what it was made of (see Layer.kept, Layer.transposed); cycles: predicted, of the list."""

    layer: Layer
    descriptors: tuple[Descriptor, ...]
    cycles: int

    @property
    def moved_words(self) -> int:
        """Words of all loads and stores."""
        return sum(-(-one.bytes // WORD) for one in self.descriptors if isinstance(one, Transfer))


@dataclass(frozen=True)
class _Choice:
    """strips: of output rows; groups: of blocks; by_group: whether all strips of a group come before the
    next group, so that its weights are loaded once, and all outputs stay in the buffer until the last."""

    strips: tuple[Span, ...]
    groups: tuple[Span, ...]
    by_group: bool
    output_bytes: int


class _Rows:
    """Rows of the image in a part of the activation buffer: one after the other until it is full, then from
    its start again, with those that the strip before has in common with the next."""

    def __init__(self, layer: Layer, size: int, builder: ListBuilder) -> None:
        self.layer, self.size, self.builder = layer, size, builder
        self.origin = self.loaded = 0  # bytes of the image: at the start of the buffer, after the last

    def need(self, rows: Span) -> int:
        """Load what of these rows is not there; the address of the first."""
        first, end = (row * self.layer.row_bytes for row in rows)
        fits = round_up(end, WORD) - self.origin <= self.size
        if not (self.origin <= first <= self.loaded and fits):
            self.origin = self.loaded = first // WORD * WORD
        while self.loaded < end:
            start, stop = self.loaded, round_up(end, WORD)
            if self.layer.period > 1:  # only so many rows follow each other in memory
                run = self.layer.kept * self.layer.row_bytes
                stop = min(stop, (start // run + 1) * run)
            address = start - self.origin
            load = Load(
                base=FIRST_INPUT,
                memory_offset=self._memory(start),
                buffer=0,
                buffer_address=address,
                bytes=stop - start,
            )
            self.builder.add(load, [], [Region(False, address, address + stop - start)])
            self.loaded = stop
        return first - self.origin

    def _memory(self, place: int) -> int:
        """Where a byte of the image lies in memory."""
        row, rest = divmod(place, self.layer.row_bytes)
        layer = self.layer
        return (row // layer.kept * layer.period + row % layer.kept) * layer.row_bytes + rest


class _Weights:
    """Groups of blocks in the weight buffer."""

    def __init__(self, layer: Layer, builder: ListBuilder) -> None:
        self.layer, self.builder = layer, builder
        self.ring = WeightRing(layer.engine.weight_bytes)

    def need(self, group: Span) -> Region:
        """Load the group if it is not there; where it is."""
        if group not in self.ring.places:
            each = self.layer.block_bytes
            region = self.ring.take(group, (group[1] - group[0]) * each)
            for load, part in weight_loads(group[0] * each, self.layer.weight_bytes, region):
                self.builder.add(load, [], [part])
        return self.ring.places[group]

    def merge(self, groups: Sequence[Span]) -> list[Span]:
        """All groups as one, where all are there and lie side by side."""
        regions = [self.ring.places.get(group) for group in groups]
        first = 0
        for region in regions:
            if region is None or region.first != first:
                return list(groups)
            first = region.end
        whole = (groups[0][0], groups[-1][1])
        self.ring.places[whole] = Region(True, 0, first)
        return [whole]


def _make(layer: Layer, choice: _Choice) -> list[Descriptor]:
    """The list of one way to do it."""
    builder = ListBuilder()
    input_bytes = (layer.engine.activation_bytes - choice.output_bytes) // WORD * WORD
    rows, weights = _Rows(layer, input_bytes, builder), _Weights(layer, builder)
    row_bytes, has_weights = layer.output_row_bytes, layer.block_bytes > 0
    place = 0  # of the next strip of outputs

    def compute(strip: Span, group: Span, output: Region) -> None:
        first, end = layer.input_rows(*strip)
        its_weights = weights.need(group) if has_weights else None
        address = rows.need((first, end))
        one = layer.part(strip, group, address, output.first)
        reads = [Region(False, address, address + (end - first) * layer.row_bytes)]
        if its_weights is not None:
            one = replace(one, weight_word=its_weights.first // layer.engine.word_bytes)
            reads.append(its_weights)
        builder.add(one, reads, [output])

    def store(strip: Span, output: Region) -> None:
        pixels = layer.output_height * layer.output_width
        count = layer.outputs if pixels == 1 else output.end - output.first
        one = Store(base=OUTPUT, memory_offset=strip[0] * row_bytes, buffer_address=output.first, bytes=count)
        builder.add(one, [output], [])

    if choice.by_group:
        for group in choice.groups:
            for strip in choice.strips:
                start = input_bytes + strip[0] * row_bytes
                output = Region(False, start, input_bytes + strip[1] * row_bytes)
                compute(strip, group, output)
                if group is choice.groups[-1]:
                    store(strip, output)
        return builder.descriptors
    groups = list(choice.groups)
    for strip in choice.strips:
        count = (strip[1] - strip[0]) * row_bytes
        place = 0 if place + count > choice.output_bytes else place
        output = Region(False, input_bytes + place, input_bytes + place + count)
        place += count
        for group in groups:
            compute(strip, group, output)
        store(strip, output)
        if has_weights:
            groups = weights.merge(groups)
    return builder.descriptors


def _strip_choices(layer: Layer, groups: tuple[Span, ...]) -> Iterator[_Choice]:
    """Ways to divide the rows, with these groups."""
    whole = layer.output_height * layer.output_row_bytes
    stays = layer.blocks * layer.block_bytes <= layer.engine.weight_bytes
    for strips in _strip_sets(layer.output_height):
        rows = max(end - first for first, end in (layer.input_rows(*strip) for strip in strips))
        input_bytes = min(layer.spanned(rows), round_up(layer.height * layer.row_bytes, WORD))
        longest = max(end - first for first, end in strips) * layer.output_row_bytes
        for size in sorted({min(2 * longest, whole), whole} if len(strips) > 2 else {longest, whole}):
            if input_bytes + size <= layer.engine.activation_bytes:
                yield _Choice(strips, groups, False, size)
                if size == whole and not stays:
                    yield _Choice(strips, groups, True, size)


def _group_choices(layer: Layer, choice: _Choice) -> Iterator[_Choice]:
    """Ways to divide the output channels, with these strips."""
    for groups in _group_sets(layer):
        yield replace(choice, groups=groups)
        if choice.output_bytes == layer.output_height * layer.output_row_bytes and len(groups) > 1:
            yield replace(choice, groups=groups, by_group=True)


def _strip_sets(rows: int) -> Iterator[tuple[Span, ...]]:
    for count in STRIPS:
        most = -(-rows // count)
        if count == 1 or most < rows // (count // 2):
            yield _spans(rows, most, max(most // 4, 1))
    yield ((0, rows),)
    if rows > STRIPS[-1]:
        yield _spans(rows, 1, 1)


def _group_sets(layer: Layer) -> list[tuple[Span, ...]]:
    """The first has groups that the weight buffer holds two of."""
    blocks = layer.blocks
    if layer.block_bytes == 0:
        return [((0, blocks),)]
    most = layer.engine.weight_bytes // layer.block_bytes
    usual = min(blocks, max(most // 2, 1))
    sizes = {-(-blocks // count) for count in GROUPS if -(-blocks // count) <= most}
    pairs = {(size, 1) for size in sizes} | {(min(blocks, most),) * 2}
    return [_spans(blocks, *pair) for pair in ((usual, 1), *sorted(pairs - {(usual, 1)}))]


def _spans(count: int, most: int, least: int) -> tuple[Span, ...]:
    """`count` things in parts of `most`; the first of `least`, the next ones twice as large as the one
    before, the last as small as the first: no unit waits for long at the start and the end."""
    sizes, tail, left, size = [], [], count, least
    while size < most and left > 2 * size:
        sizes.append(size)
        tail.append(size)
        left -= 2 * size
        size *= 2
    while left > 0:
        sizes.append(min(most, left))
        left -= sizes[-1]
    sizes += tail[::-1]
    ends = [sum(sizes[: index + 1]) for index in range(len(sizes))]
    return tuple((end - size, end) for end, size in zip(ends, sizes, strict=True))


@cache
def best_tiling(layer: Layer) -> Tiling | None:
    """The fastest way found, of a layer that the engine does not refuse; None when every list is too long."""
    best: tuple[int, _Choice, list[Descriptor]] | None = None
    groups = _group_sets(layer)[0]
    for choices in (_strip_choices(layer, groups), None):
        if choices is None:
            if best is None:
                return None
            choices = _group_choices(layer, best[1])
        for choice in choices:
            descriptors = _make(layer, choice)
            if len(descriptors) > LONGEST or (best and _least(descriptors, layer.engine) >= best[0]):
                continue
            cycles = list_cycles(descriptors, layer.engine)
            if best is None or cycles < best[0]:
                best = cycles, choice, descriptors
    assert best is not None
    return Tiling(layer, tuple(best[2]), best[0])


def _least(descriptors: Sequence[Descriptor], engine: Engine) -> int:
    """Cycles below which no list of these can be."""
    busy = [0, 0, 0]
    for one in descriptors:
        busy[isinstance(one, Store) + 2 * isinstance(one, Load)] += work(one, engine)
    return max(busy)


def forms(layer: Layer) -> list[Layer]:
    """Ways to see a layer, the same bytes."""
    seen = (layer, transposed(layer), folded(layer))
    return [without_skipped_rows(one) for one in seen if one is not None]


def refuse_tiling(layer: Layer) -> str | None:
    """Why the engine cannot do a layer in any of its forms, or None when it can."""
    reasons = [form.refuse() for form in forms(layer)]
    if None not in reasons:
        return reasons[0]
    return None if tilings(layer) else f"its list has more than {LONGEST} descriptors"


def tilings(layer: Layer) -> list[Tiling]:
    found = [best_tiling(form) for form in forms(layer) if form.refuse() is None]
    return [tiling for tiling in found if tiling is not None]


def fastest(layer: Layer) -> Tiling:
    """Of a layer that is not refused."""
    return min(tilings(layer), key=lambda tiling: tiling.cycles)


def call_cycles(list_cycles: int) -> int:
    """Of the call, with what the core does for it."""
    return CALL + list_cycles
