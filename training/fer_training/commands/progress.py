"""Show how far a run is and how long it will take: a bar on a terminal, one line an epoch elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from fer_training.fitting.epoch import Progress as RunProgress
    from fer_training.fitting.history import Epoch


@contextmanager
def show_progress(console: Console) -> Iterator[Callable[["RunProgress"], None]]:
    """Give a function to call with every step of a run."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("starting", total=None)
        pace = Pace()

        def on_progress(progress: "RunProgress") -> None:
            done = progress.epoch * progress.steps + progress.step
            total = progress.epochs * progress.steps
            left_s = pace.left_s(done, total, time.monotonic())
            if progress.finished is not None:
                console.print(
                    epoch_line(progress.finished, progress.epochs, left_s), highlight=False, soft_wrap=True
                )
                return
            description = f"epoch {progress.epoch + 1}/{progress.epochs} loss {progress.loss:.3f}"
            bar.update(task, total=total, completed=done, description=description)

        yield on_progress


class Pace:
    """How long the rest takes, from the steps that this process took.

    It starts counting anew for a resumed run, and after the epochs of a generator, which are counted by themselves.
    """

    def __init__(self) -> None:
        self._first: tuple[int, float] | None = None
        self._total = 0

    def left_s(self, done: int, total: int, now_s: float) -> float:
        """Seconds for the remaining steps at the mean pace so far; 0 on the first call."""
        if self._first is None or total != self._total:
            self._first, self._total = (done, now_s), total
        first_done, first_s = self._first
        return (now_s - first_s) / max(done - first_done, 1) * (total - done)


def epoch_line(finished: "Epoch", epochs: int, left_s: float) -> str:
    """One finished epoch in words; `left_s` is the time that the rest will take."""
    minutes, seconds = divmod(round(left_s), 60)
    majority = finished.validation_majority_accuracy
    voters = "" if majority is None else f"by most voters {100 * majority:.2f} %  "
    return (
        f"epoch {finished.epoch}/{epochs}  loss {finished.training_loss:.4f}  "
        f"PublicTest loss {finished.validation_loss:.4f}  accuracy {100 * finished.validation_accuracy:.2f} %  "
        f"{voters}{finished.seconds:.0f} s  {minutes}:{seconds:02d} left"
    )
