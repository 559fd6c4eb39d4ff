"""Where evaluations run: in this process, in several of this machine, or wherever Ray has workers.

An evaluation is a pure function of a setup and a job, so every engine gives the same results; only their
order in time differs.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

from smidgen.errors import BuildError, Problem, UsageError

ENGINES = ("local", "ray")

# (setup, job) -> result, as JSON would hold it
Evaluate = Callable[[Any, Any], Any]
# Gives (job, result) in the order in which they are done.
Engine = Callable[[Sequence[Any]], Iterator[tuple[Any, Any]]]

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@contextmanager
def open_engine(name: str, workers: int, evaluate: Evaluate, setup: Any) -> Iterator[Engine]:
    """An engine for jobs of one setup, which travels to each worker once. evaluate: a module's function.

    Raises UsageError for an unknown engine, or one whose library is not installed.
    """
    if name not in ENGINES:
        raise UsageError(Problem("--engine", f"'{name}' is not known", f"use {' or '.join(ENGINES)}"))
    if workers < 1:
        raise UsageError(Problem("--workers", f"is {workers}", "give 1 or more"))
    if name == "ray":
        with _ray(workers, evaluate, setup) as engine:
            yield engine
    elif workers == 1:
        yield lambda jobs: ((job, evaluate(setup, job)) for job in jobs)
    else:
        with _processes(workers, evaluate, setup) as engine:
            yield engine


@contextmanager
def _processes(workers: int, evaluate: Evaluate, setup: Any) -> Iterator[Engine]:
    # Processes share the cores, so the linear algebra inside each must not use all of them.
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, _keep, (evaluate, setup))
    try:

        def run(jobs: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
            futures = {pool.submit(_evaluate_kept, job): job for job in jobs}
            for future in as_completed(futures):
                try:
                    result = future.result()
                except BrokenProcessPool as error:
                    fix = "run it again with fewer --workers: what was finished is kept"
                    what = "a process of the search was ended from outside (out of memory?)"
                    raise BuildError(Problem("--workers", what, fix)) from error
                yield futures[future], result

        yield run
    finally:
        pool.shutdown(cancel_futures=True)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


_kept: tuple[Evaluate, Any] | None = None


def _keep(evaluate: Evaluate, setup: Any) -> None:
    """In a worker process: remember what all its jobs need."""
    global _kept
    _kept = (evaluate, setup)


def _evaluate_kept(job: Any) -> Any:
    assert _kept is not None
    evaluate, setup = _kept
    return evaluate(setup, job)


@contextmanager
def _ray(workers: int, evaluate: Evaluate, setup: Any) -> Iterator[Engine]:
    """A Ray cluster that is running (RAY_ADDRESS), or workers on this machine for the time being."""
    try:
        import ray
    except ImportError:
        fix = "install it with: pip install 'smidgen[ray]'"
        raise UsageError(Problem("--engine ray", "Ray is not installed", fix)) from None
    started = not ray.is_initialized()
    if started:
        count = None if os.environ.get("RAY_ADDRESS") else workers
        try:
            ray.init(num_cpus=count, include_dashboard=False, log_to_driver=False, configure_logging=False)
        except Exception as error:  # Ray raises plain ones when a part of it does not start in time
            fix = "start it by hand (ray start --head) and set RAY_ADDRESS=auto"
            raise UsageError(Problem("--engine ray", f"Ray does not start: {error}", fix)) from error
    try:
        remote = ray.remote(num_cpus=1, max_retries=-1)(evaluate)
        shared = ray.put(setup)

        def run(jobs: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
            waiting = {remote.remote(shared, job): job for job in jobs}
            while waiting:
                (done,), _ = ray.wait(list(waiting), num_returns=1)
                yield waiting.pop(done), ray.get(done)

        yield run
    finally:
        if started:
            ray.shutdown()
