"""The search for bits: which layer gets how many, as the whole front of accuracy against cost.

What layers cost adds up, and so, roughly, does the noise that each makes alone, so the front of these sums is
a knapsack's (`knapsack.py`). What its choices really do to accuracy is measured, in rounds: after each, the
layers' noises are fitted to what was measured, and the next choices come from the new front. Rounds have a
fixed size and every evaluation is kept, so the result depends neither on how many work nor on interruptions.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from smidgen.compress.batches import Track, untracked
from smidgen.explore.costs import WIDTHS, Costs
from smidgen.explore.engine import Engine
from smidgen.explore.evaluate import Bits, Score, Setup
from smidgen.explore.knapsack import Choices, additive_front
from smidgen.explore.store import Store

ROUND = 6
# Whole evaluations unless said otherwise.
EVALUATIONS = 24
# How far fitted noises are held near those measured alone.
_PRIOR = 0.1
_LEAST = 0.05
# Around the noise from which on accuracy seems lost, to find where it is.
_AROUND = (1.0, 0.8, 1.25)


@dataclass(frozen=True)
class Point:
    """One choice of bits, measured. samples: how many; same, right: answers that are the float model's, or
    right (None without labels); taken: cycles or instructions (0 without a target); all bytes of the image,
    but weight_bytes."""

    bits: Bits
    samples: int
    noise: float
    same: int
    right: int | None
    float_right: int | None
    taken: float
    weight_bytes: int
    flash_bytes: int
    ram_bytes: int

    @property
    def accuracy(self) -> float | None:
        """Points above the float model, negative below; None without labels."""
        if self.right is None or self.float_right is None:
            return None
        return 100 * (self.right - self.float_right) / self.samples

    @property
    def figures(self) -> dict[str, float | None]:
        """What budgets limit, by name."""
        return {
            "accuracy": self.accuracy,
            "taken": self.taken,
            "weights": self.weight_bytes,
            "flash": self.flash_bytes,
            "ram": self.ram_bytes,
        }


@dataclass(frozen=True, eq=False)
class Found:
    """alone: noise that each layer adds at 4 and 2 bits; points: all that were measured, the int8 model
    first; front: those that none of the others beats, by rising cost."""

    layers: tuple[str, ...]
    alone: dict[tuple[str, int], float]
    points: tuple[Point, ...]
    front: tuple[Point, ...]


def search(
    setup: Setup,
    costs: Costs,
    limits: dict[str, float],
    engine: Engine,
    store: Store,
    evaluations: int = EVALUATIONS,
    track: Track = untracked,
) -> Found:
    """Find the front, and look closer where the limits are.

    limits: of `Point.figures`, by name; store: of this setup (`evaluate.digest`); evaluations: models that
    are quantized, reconstructed and compared as a whole.
    """
    run = _Runner(engine, store, track)
    layers, options = costs.layers, costs.options()
    all_8 = (8,) * len(layers)
    alone, base = _alone(run, layers)
    noises = np.array([[alone[layer, bits] for bits in WIDTHS] for layer in layers])
    choices = _front(noises, options)
    scores: dict[Bits, Score] = {}
    wanted = [all_8, *_next(choices, [all_8], [], base, min(ROUND, evaluations) - 1)]
    while wanted:
        scores |= run.whole(wanted, len(scores), evaluations)
        choices = _front(_fitted(noises, scores, scores[all_8].noise), options)
        near = _near_limits(choices, scores, costs, setup, limits)
        wanted = _next(choices, list(scores), near, base, min(ROUND, evaluations - len(scores)))
    points = tuple(point_of(bits, one, costs, setup) for bits, one in scores.items())
    return Found(layers, alone, points, pareto(points))


def _front(noises: np.ndarray, options: Sequence[np.ndarray]) -> Choices:
    """The additive front; noises (layers, widths)."""
    return additive_front(
        [np.hstack([noise[:, None], cost]) for noise, cost in zip(noises, options, strict=True)]
    )


def pareto(points: Sequence[Point]) -> tuple[Point, ...]:
    """The points that no other is at least as good as in everything, by rising cost."""

    def costs(point: Point) -> tuple[float, ...]:
        right = point.same if point.right is None else point.right
        return (point.noise, -right, point.taken, point.weight_bytes)

    def beats(one: Point, other: Point) -> bool:
        return costs(one) != costs(other) and all(
            a <= b for a, b in zip(costs(one), costs(other), strict=True)
        )

    kept = [point for point in points if not any(beats(other, point) for other in points)]
    return tuple(sorted(kept, key=lambda point: (point.taken, point.weight_bytes, point.noise)))


class _Runner:
    """Evaluates what the store does not hold yet, and stores it at once."""

    def __init__(self, engine: Engine, store: Store, track: Track) -> None:
        self.engine, self.store, self.track = engine, store, track

    def alone(self, jobs: Sequence[Bits]) -> dict[Bits, Score]:
        return self._scores("alone", jobs, "trying layers one by one")

    def whole(self, jobs: Sequence[Bits], done: int, total: int) -> dict[Bits, Score]:
        return self._scores("whole", jobs, f"measuring choices {done + 1} to {done + len(jobs)} of {total}")

    def _scores(self, kind: str, jobs: Sequence[Bits], text: str) -> dict[Bits, Score]:
        missing = [(kind, bits) for bits in jobs if self.store.get(_key(kind, bits)) is None]
        results = self.engine(missing)
        for _ in self.track(range(len(missing)), text) if missing else ():
            (_, bits), result = next(results)
            self.store.put(_key(kind, bits), result)
        return {bits: Score(**self.store.get(_key(kind, bits))) for bits in jobs}


def _key(kind: str, bits: Bits) -> str:
    return f"{kind} {' '.join(map(str, bits))}"


def _alone(run: _Runner, layers: Sequence[str]) -> tuple[dict[tuple[str, int], float], float]:
    """What each layer adds to the noise of the int8 model, the others at 8 bits; and that noise."""
    all_8 = (8,) * len(layers)
    jobs = {(layer, bits): _with(all_8, i, bits) for i, layer in enumerate(layers) for bits in WIDTHS[1:]}
    scores = run.alone([all_8, *jobs.values()])
    alone: dict[tuple[str, int], float] = {}
    for i, layer in enumerate(layers):
        before = 0.0
        for bits in WIDTHS:
            # Fewer bits cannot help; where they seem to, the difference is chance.
            before = max(before, scores[_with(all_8, i, bits)].noise - scores[all_8].noise)
            alone[layer, bits] = before
    return alone, scores[all_8].noise


def _with(bits: Bits, index: int, number: int) -> Bits:
    return (*bits[:index], number, *bits[index + 1 :])


def _fitted(noises: np.ndarray, scores: dict[Bits, Score], base: float) -> np.ndarray:
    """The layers' noises (layers, widths), scaled so that their sums come near what was measured.

    Least squares on relative errors, with the noises measured alone as the prior.
    """
    columns = noises[:, 1:].reshape(-1)
    used = columns > 0
    rows, targets = [], []
    for bits, one in scores.items():
        chosen = np.array([[number == width for width in WIDTHS[1:]] for number in bits]).reshape(-1)
        if one.noise > base and (chosen & used).any():
            rows.append((columns * chosen / (one.noise - base))[used])
            targets.append(1.0)
    if not rows:
        return noises
    prior = np.sqrt(_PRIOR)
    matrix = np.vstack([np.array(rows), prior * np.eye(int(used.sum()))])
    wanted = np.concatenate([targets, np.full(int(used.sum()), prior)])
    factors = np.ones(len(columns))
    factors[used] = np.maximum(np.linalg.lstsq(matrix, wanted, rcond=None)[0], _LEAST)
    fitted = noises.copy()
    fitted[:, 1:] *= factors.reshape(-1, len(WIDTHS) - 1)
    return np.maximum.accumulate(fitted, axis=1)


def _next(
    choices: Choices, known: Sequence[Bits], near: Sequence[Bits], base: float, room: int
) -> list[Bits]:
    """Choices of the front to measure: half of them from `near`, the rest far from all that is known."""
    fresh = _bits(choices)
    wanted = list(dict.fromkeys(bits for bits in near if bits not in known))[: room // 2]
    places = _places(choices.totals, base)
    distance = np.full(len(fresh), np.inf)
    index = {bits: i for i, bits in enumerate(fresh)}
    for i in (index[bits] for bits in (*known, *wanted) if bits in index):
        distance = np.minimum(distance, np.linalg.norm(places - places[i], axis=1))
    while len(wanted) < room and distance.max() > 0:
        farthest = int(distance.argmax())
        wanted.append(fresh[farthest])
        distance = np.minimum(distance, np.linalg.norm(places - places[farthest], axis=1))
    return wanted


def _bits(choices: Choices) -> list[Bits]:
    return [tuple(WIDTHS[i] for i in row) for row in choices.options]


def _places(totals: np.ndarray, base: float) -> np.ndarray:
    """Where choices lie, so that distances mean something: noise by its logarithm, all between 0 and 1."""
    columns = np.column_stack([np.log(totals[:, 0] + max(base, 1e-12)), totals[:, 1:]])
    low, span = columns.min(axis=0), np.ptp(columns, axis=0)
    return (columns - low) / np.where(span > 0, span, 1.0)


def _near_limits(
    choices: Choices, scores: dict[Bits, Score], costs: Costs, setup: Setup, limits: dict[str, float]
) -> list[Bits]:
    """The most promising choices under the limits, those measured already among them."""
    if not limits:
        return []
    fresh = _bits(choices)
    estimates = [costs.of(bits) for bits in fresh]
    bounds = [limits.get(name, np.inf) for name in ("taken", "weights", "flash")]
    fits = np.array([
        one.taken <= bounds[0] and one.weight_bytes <= bounds[1] and one.flash_bytes <= bounds[2]
        for one in estimates
    ])  # fmt: skip
    noise = choices.totals[:, 0]
    if "accuracy" not in limits or setup.labels is None:
        quiet = np.argsort(np.where(fits, noise, np.inf), kind="stable")
        return [fresh[i] for i in quiet if fits[i]]
    edge = _edge(scores, setup, limits["accuracy"]) - scores[(8,) * len(costs.layers)].noise
    first = choices.totals[:, 1]
    wanted = []
    for factor in _AROUND:
        near = fits & (noise <= edge * factor)
        if near.any():
            wanted.append(fresh[int(np.where(near, first, np.inf).argmin())])
    return wanted


def _edge(scores: dict[Bits, Score], setup: Setup, accuracy: float) -> float:
    """The noise that best separates what keeps the accuracy from what does not, so far."""
    assert setup.float_right is not None
    least = setup.float_right + accuracy / 100 * len(setup.samples)
    known = sorted((one.noise, one.right is not None and one.right >= least) for one in scores.values())
    edges = [known[0][0] / 2]
    edges += [float(np.sqrt(a[0] * b[0])) for a, b in itertools.pairwise(known)]
    edges.append(known[-1][0] * 2)

    def wrong(edge: float) -> int:
        return sum((noise <= edge) != kept for noise, kept in known)

    return min(edges, key=lambda edge: (wrong(edge), -edge))


def point_of(bits: Bits, one: Score, costs: Costs, setup: Setup) -> Point:
    """A choice, its measured score and what it costs."""
    cost: Any = costs.of(bits)
    return Point(
        bits=bits,
        samples=len(setup.samples),
        noise=one.noise,
        same=one.same,
        right=one.right,
        float_right=setup.float_right,
        taken=cost.taken,
        weight_bytes=cost.weight_bytes,
        flash_bytes=cost.flash_bytes,
        ram_bytes=costs.ram_bytes(bits),
    )
