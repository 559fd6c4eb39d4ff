"""The search finds what trying everything finds, and interruptions change nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up import MadeUp
from real_search import real_setup

from smidgen.errors import UsageError
from smidgen.explore.choosing import check_possible, meeting
from smidgen.explore.costs import WIDTHS, measure_costs
from smidgen.explore.evaluate import Score, evaluate
from smidgen.explore.search import Found, Point, pareto, point_of, search
from smidgen.explore.store import Store
from smidgen.targets import load_target

EVALUATIONS = 48


def found(
    made: MadeUp, store: Store, limits: dict[str, float], engine=None, count: int = EVALUATIONS
) -> Found:
    def here(jobs: Sequence) -> Iterator:
        return ((job, made.evaluate(None, job)) for job in jobs)

    return search(made.setup, made.costs, limits, engine or here, store, count)  # type: ignore[arg-type]


def area(front: Sequence[Point], corner: tuple[float, float]) -> float:
    """Of what the front beats below the corner: cycles across, the noise's logarithm upward."""
    points = sorted((point.taken, np.log(point.noise)) for point in front)
    total, least = 0.0, corner[1]
    for (taken, noise), following in zip(points, [*points[1:], (corner[0], 0.0)], strict=True):
        least = min(least, noise)
        total += (corner[1] - least) * (following[0] - taken)
    return total


@pytest.mark.parametrize("seed", range(3))
def test_front_is_within_2_percent_of_the_exhaustive_one(seed: int, tmp_path: Path) -> None:
    made = MadeUp(6, seed)
    best = made.exhaustive()
    limits = {"accuracy": -1.0}
    with Store(tmp_path / "state.sqlite") as store:
        ours = found(made, store, limits)
    corner = (max(point.taken for point in best), max(float(np.log(point.noise)) for point in best))
    assert area(ours.front, corner) >= 0.98 * area(best, corner)
    chosen = meeting(ours, limits, "cycles")[0]
    assert chosen.accuracy is not None and chosen.accuracy >= -1.0
    allowed = [point.taken for point in best if point.accuracy is not None and point.accuracy >= -1.0]
    assert chosen.taken <= 1.02 * min(allowed)


@pytest.mark.slow
def test_front_of_a_real_model_is_within_2_percent_of_the_exhaustive_one(tmp_path: Path) -> None:
    """Every choice of bits is quantized, reconstructed and compared; cycles are the simulator's."""
    setup = real_setup()
    costs = measure_costs(setup.base, load_target("midge"))

    def engine(jobs: Sequence) -> Iterator:
        return ((job, evaluate(setup, job)) for job in jobs)

    with Store(tmp_path / "state.sqlite") as store:
        ours = search(setup, costs, {}, engine, store, EVALUATIONS)  # type: ignore[arg-type]
    everything = [("whole", bits) for bits in itertools.product(WIDTHS, repeat=len(costs.layers))]
    best = pareto([point_of(bits, Score(**score), costs, setup) for (_, bits), score in engine(everything)])
    corner = (max(point.taken for point in best), max(float(np.log(point.noise)) for point in best))
    assert len(ours.points) < len(everything) / 4
    assert area(ours.front, corner) >= 0.98 * area(best, corner)


@pytest.mark.parametrize("share", [0.6, 0.75, 0.9])
def test_under_a_limit_on_cycles_the_choice_is_as_accurate_as_the_best(share: float, tmp_path: Path) -> None:
    made = MadeUp(5, 11)
    limits = {"taken": share * made.costs.base.taken}
    with Store(tmp_path / "state.sqlite") as store:
        chosen = meeting(found(made, store, limits), limits, "cycles")[0]
    allowed = [point for point in made.exhaustive() if point.taken <= limits["taken"]]
    assert chosen.taken <= limits["taken"]
    assert chosen.right is not None and chosen.right >= max(point.right or 0 for point in allowed) - 2


class Killed(Exception):
    pass


def test_search_that_is_killed_three_times_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    made, limits = MadeUp(7, 3), {"accuracy": -1.0}
    with Store(tmp_path / "undisturbed.sqlite") as store:
        undisturbed = found(made, store, limits)
    done: list = []
    for lives in (5, 20, 17):
        end = len(done) + lives

        def engine(jobs: Sequence, end: int = end) -> Iterator:
            for job in reversed(jobs):  # in another order, as other workers would finish them
                if len(done) == end:
                    raise Killed
                done.append(job)
                yield job, made.evaluate(None, job)

        with Store(tmp_path / "state.sqlite") as store, pytest.raises(Killed):
            found(made, store, limits, engine)

    def rest(jobs: Sequence) -> Iterator:
        for job in jobs:
            done.append(job)
            yield job, made.evaluate(None, job)

    with Store(tmp_path / "state.sqlite") as store:
        resumed = found(made, store, limits, rest)
    assert resumed.points == undisturbed.points and resumed.front == undisturbed.front
    assert len(done) == len(set(done)), "an evaluation that was finished has been run again"


def test_point_that_no_other_beats_is_on_the_front(tmp_path: Path) -> None:
    made = MadeUp(5, 2)
    with Store(tmp_path / "state.sqlite") as store:
        ours = found(made, store, {})
    assert ours.points[0].bits == (8,) * 5
    assert ours.points[0].noise == min(point.noise for point in ours.points)
    for point in ours.points:
        beaten = any(
            other.noise <= point.noise
            and other.taken <= point.taken
            and other.weight_bytes <= point.weight_bytes
            and other != point
            for other in ours.points
        )
        assert beaten or point in ours.front
    assert len({point.bits for point in ours.points}) == len(ours.points) <= EVALUATIONS


def test_budget_that_cannot_be_met_names_the_nearest(tmp_path: Path) -> None:
    made = MadeUp(5, 4)
    with pytest.raises(
        UsageError, match=r"100 bytes cannot be met: with the fewest bits it is [0-9,]+ bytes"
    ):
        check_possible(made.costs, {"weights": 100})
    limits = {"taken": 0.62 * made.costs.base.taken, "accuracy": 0.0}
    check_possible(made.costs, limits)
    with Store(tmp_path / "state.sqlite") as store:
        ours = found(made, store, limits)
    with pytest.raises(
        UsageError, match=r"the nearest that was found has cycles [0-9,]+, accuracy -[0-9.]+ points"
    ):
        meeting(ours, limits, "cycles")


def test_samples_that_cannot_tell_choices_apart_leave_the_choice_to_noise() -> None:
    """Of 1,000 samples with 100 answers that differ from the float model's, 10 are one standard error."""
    made = MadeUp(2, 1)
    lucky = replace(made.point((4, 2)), right=800, same=900, noise=0.04)
    near = replace(made.point((4, 4)), right=791, same=950, noise=0.02)
    worse = replace(made.point((2, 2)), right=780, same=980, noise=0.01)
    found = Found(made.names, {}, (lucky, worse, near), ())
    order = meeting(found, {"taken": made.costs.base.taken}, "cycles")
    assert [point.bits for point in order] == [(4, 4), (4, 2), (2, 2)]
