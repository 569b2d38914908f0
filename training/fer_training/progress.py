"""Show how far a run is and how long it will take: a bar on a terminal, one line an epoch elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from fer_training.train import Progress as RunProgress


@contextmanager
def show_progress(console: Console) -> Iterator[Callable[["RunProgress"], None]]:
    """Give a function to call with every step of a run."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("starting", total=None)
        started = time.monotonic()
        begun_at: list[int] = []

        def on_progress(progress: "RunProgress") -> None:
            if progress.finished is None:
                done = progress.epoch * progress.steps + progress.step
                begun_at.append(done) if not begun_at else None
                bar.update(
                    task,
                    total=progress.epochs * progress.steps,
                    completed=done,
                    description=f"epoch {progress.epoch + 1}/{progress.epochs} loss {progress.loss:.3f}",
                )
                return
            steps_done = progress.epoch * progress.steps
            per_step = (time.monotonic() - started) / max(steps_done - begun_at[0] + 1, 1)
            left_s = per_step * (progress.epochs * progress.steps - steps_done)
            console.print(epoch_line(progress, left_s), highlight=False, soft_wrap=True)

        yield on_progress


def epoch_line(progress: "RunProgress", left_s: float) -> str:
    """One finished epoch in words; `left_s` is the time that the rest will take."""
    finished = progress.finished
    assert finished is not None
    minutes, seconds = divmod(round(left_s), 60)
    return (
        f"epoch {finished.epoch}/{progress.epochs}  loss {finished.training_loss:.4f}  "
        f"PublicTest loss {finished.validation_loss:.4f}  accuracy {100 * finished.validation_accuracy:.2f} %  "
        f"{finished.seconds:.0f} s  {minutes}:{seconds:02d} left"
    )
