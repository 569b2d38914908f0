"""A batch from its list to its results: what is done already, what is left, and what came of it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from fer_client.batch.engines import ENGINES, Cluster
from fer_client.batch.manifest import Item
from fer_client.batch.storage import Storage, version_of
from fer_client.batch.worker import Outcome, Plan
from fer_client.errors import ContractError, FerError, InputError, UsageError
from fer_client.media.network import shown_url
from fer_client.outputs.reuse import are_same_models


@dataclass
class Account:
    """The videos that were done before, that this run did, and that failed with the errors; by their keys."""

    earlier: dict[str, dict[str, Any]] = field(default_factory=dict)
    done: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: dict[str, FerError] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """The highest exit code of the errors, 0 without any."""
        return max((error.exit_code for error in self.failures.values()), default=0)


def run_batch(
    plan: Plan,
    items: Sequence[Item],
    engine: str,
    cluster: Cluster,
    report: Callable[[int, int], None],
    *,
    overwrite: bool = False,
) -> Account:
    """Analyse what is not done yet. `report` is told how many of how many are done or have failed.

    An error of one video does not stop the others. Raises UsageError where results stand there with other settings,
    ServerError and ContractError where there is no fitting server; what is done by then stays.
    """
    storage = Storage(plan.out)
    summaries = {} if overwrite else storage.summaries(item.key for item in items)
    account = Account(earlier=_done_before(plan, items, summaries))
    left = [item for item in items if item.key not in account.earlier]
    models = next((summary["models"] for summary in account.earlier.values()), None)
    report(len(account.earlier), len(items))
    if not left:
        return account
    with closing(ENGINES[engine](plan, left, cluster)) as outcomes:
        for outcome in outcomes:
            if outcome.summary is not None:
                models = models or outcome.summary["models"]
                _check_models(outcome.item, outcome.summary, models, storage)
            _enter(outcome, account, storage)
            report(len(account.earlier) + len(account.done) + len(account.failures), len(items))
    return account


def _done_before(
    plan: Plan, items: Sequence[Item], summaries: Mapping[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    done = {}
    for item in items:
        summary = summaries.get(item.key)
        if summary is None:
            continue
        now = plan.settings.as_record(summary["input"]["kind"])
        if summary["settings"] != now:
            differing = sorted(name for name, value in now.items() if summary["settings"].get(name) != value)
            raise UsageError(
                f"{shown_url(plan.out)} holds the result of {item.shown} with other settings ({', '.join(differing)}). "
                "Choose another --out, or replace all with --overwrite."
            )
        if _is_unchanged(item, summary):
            done[item.key] = summary
    return done


def _is_unchanged(item: Item, summary: Mapping[str, Any]) -> bool:
    """Whether the video is what it was; of one that is no longer there the result stays."""
    try:
        return bool(version_of(item.place) == summary["batch"]["version"])
    except InputError:
        return True


def _check_models(
    item: Item, summary: Mapping[str, Any], models: Mapping[str, Any], storage: Storage
) -> None:
    if not are_same_models(models, summary["models"]):
        storage.remove(item.key)
        raise ContractError(
            f"{item.shown}: the server, detector or release is another than that of the results in "
            f"{shown_url(storage.out)}, which would mix two. Use the same for all, or choose another --out."
        )


def _enter(outcome: Outcome, account: Account, storage: Storage) -> None:
    if outcome.summary is not None:
        account.done[outcome.item.key] = outcome.summary
    elif isinstance(outcome.error, InputError):
        storage.remove(outcome.item.key)  # what a worker that died may have left
        account.failures[outcome.item.key] = outcome.error
    elif outcome.error is not None:
        raise outcome.error
