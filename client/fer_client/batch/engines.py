"""Who runs the workers of a batch: this process, or Ray, here or on a cluster."""

import importlib
import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

from fer_client.batch.manifest import Item
from fer_client.batch.worker import Outcome, Plan, Worker
from fer_client.errors import InputError, ServerError, UsageError
from fer_client.pipeline.interruption import Interruption

_MOST_RETRIES = 3
"""Of a video whose worker died: one that takes its worker along again and again is given up."""

_OBJECT_STORE_BYTES = 100 * 2**20
"""Of a Ray of our own; only names and summaries go through it."""

_STOP_S = 20.0


@dataclass(frozen=True)
class Cluster:
    """Which Ray, None for one of our own on this machine, how many workers, and how many processors each takes."""

    address: str | None
    workers: int | None
    cpus: float


def run_here(plan: Plan, items: Sequence[Item], _cluster: Cluster) -> Generator[Outcome]:
    """Analyse the videos one after the other in this process."""
    interruption = Interruption()
    interruption.install()
    with closing(Worker(plan, interruption)) as worker:
        for item in items:
            yield worker.analyse(item)


def run_on_ray(plan: Plan, items: Sequence[Item], cluster: Cluster) -> Generator[Outcome]:
    """Analyse the videos on Ray, and yield what came of each as it comes.

    Ray starts a worker that died again, on another machine where its own has gone, and gives it the video again.
    """
    ray = _connected(cluster.address)
    try:
        count = min(
            len(items), cluster.workers or max(1, int(ray.cluster_resources().get("CPU", 1) // cluster.cpus))
        )
        options = {"num_cpus": cluster.cpus, "max_restarts": -1, "max_task_retries": _MOST_RETRIES}
        workers = [ray.remote(Worker).options(**options).remote(plan) for _ in range(count)]
        yield from _shared_out(ray, workers, items)
        closings = [worker.close.remote() for worker in workers]
        ray.wait(closings, num_returns=len(closings), timeout=_STOP_S)
    finally:
        ray.shutdown()


def _shared_out(ray: Any, workers: Sequence[Any], items: Sequence[Item]) -> Iterator[Outcome]:
    """Give each worker a video as soon as it has none, so that a slow one holds nothing back."""
    waiting, idle = deque(items), deque(workers)
    busy: dict[Any, tuple[Any, Item]] = {}
    while waiting or busy:
        while waiting and idle:
            worker, item = idle.popleft(), waiting.popleft()
            busy[worker.analyse.remote(item)] = worker, item
        (ready, *_), _ = ray.wait(list(busy))
        worker, item = busy.pop(ready)
        idle.append(worker)
        yield _outcome(ray, ready, item)


def _outcome(ray: Any, ready: Any, item: Item) -> Outcome:
    try:
        outcome: Outcome = ray.get(ready)
    except ray.exceptions.RayActorError:
        return Outcome(
            item,
            error=InputError(
                f"{item.shown}: its worker died at each of {1 + _MOST_RETRIES} attempts. Analyse it alone with "
                "`fer-client`, and see whether memory is enough."
            ),
        )
    return outcome


def _connected(address: str | None) -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # else Ray reports to its makers
    os.environ.setdefault("RAY_raylet_start_wait_time_s", "300")  # on a busy machine a minute is not enough
    try:
        ray = importlib.import_module("ray")
    except ImportError as error:
        raise UsageError("The engine ray needs the package ray: pip install 'fer-triton[ray]'.") from error
    options: dict[str, Any] = {"logging_level": "error", "log_to_driver": False}
    if address is None and not os.environ.get("RAY_ADDRESS"):
        options |= {"include_dashboard": False, "object_store_memory": _OBJECT_STORE_BYTES}
    try:
        ray.init(address=address, **options)
    except Exception as error:  # Ray has no class of its own for a start that fails
        with suppress(Exception):
            ray.shutdown()
        raise ServerError(
            f"Ray cannot be reached or started ({str(error).partition(chr(10))[0]}). Check --address, and whether "
            "the cluster has this release of Ray and Python."
        ) from error
    return ray


ENGINES: dict[str, Callable[[Plan, Sequence[Item], Cluster], Generator[Outcome]]] = {
    "here": run_here,
    "ray": run_on_ray,
}
