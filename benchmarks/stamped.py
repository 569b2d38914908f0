"""Run `fer-client` and note when its first row stood, and what came before.

    python -P benchmarks/stamped.py STAMPS.json VIDEO [OPTION...]

Started as a program by `benchmarks.start`. Functions of the client are wrapped as soon as their modules are imported,
so that nothing is imported sooner than the command itself would.
"""

import time

_BEGAN_S, _BEGAN_PROCESSOR_S = time.monotonic(), time.process_time()

import atexit  # noqa: E402
import functools  # noqa: E402
import importlib.abc  # noqa: E402
import importlib.machinery  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable, Sequence  # noqa: E402
from pathlib import Path  # noqa: E402
from types import ModuleType  # noqa: E402
from typing import Any  # noqa: E402

ENDS = {
    "fer_client.pipeline.memory": {"check_memory": "options read"},
    "fer_client.faces.detection": {"choose_detector": "detector found"},
    "fer_client.cli.session": {"find_inputs": "inputs found", "unreadable": "inputs opened once"},
    "fer_client.inference.embedded": {"_announced_url": "server started"},
    "fer_client.inference.client": {"InferenceClient.read_contract": "contract read"},
    "fer_client.pipeline.context": {"ask": "probe answered"},
    "fer_client.outputs.result": {"provenance": "provenance known"},
    "fer_client.outputs.tables": {"CsvTable.write": "first row"},
}
"""By module the functions whose first end is a stage of the start."""

_CLOCK = "fer_client.pipeline.timing"
"""Its clock tells the end of each stage of the pipeline by itself."""

STARTED, FIRST_ROW = "Python started", "first row"


class Stamps:
    """When stages ended for the first time.

    `wall_s` is of `time.monotonic`, which all processes share, `processor_s` this process's own, its threads together.
    """

    def __init__(self) -> None:
        self.stages = {STARTED: {"wall_s": _BEGAN_S, "processor_s": _BEGAN_PROCESSOR_S}}

    def note(self, stage: str) -> None:
        """Note a stage's end, unless it has ended before."""
        if stage not in self.stages:
            self.stages[stage] = {"wall_s": time.monotonic(), "processor_s": time.process_time()}

    def wrap(self, module: ModuleType) -> None:
        """Wrap the functions of a module that was just imported."""
        if module.__name__ == _CLOCK:
            self._wrap_clock(module.StageClock)
        for place, stage in ENDS.get(module.__name__, {}).items():
            *owners, name = place.split(".")
            owner = functools.reduce(getattr, owners, module)
            setattr(owner, name, self._noting(getattr(owner, name), stage))

    def _noting(self, function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def noting(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            finally:
                self.note(stage)

        return noting

    def _wrap_clock(self, clock: Any) -> None:
        add = clock.add

        def noting(own: Any, stage: str, seconds: float, count: int) -> None:
            add(own, stage, seconds, count)
            self.note(f"first {stage}")

        clock.add = noting


class _Finder(importlib.abc.MetaPathFinder):
    """Finds as Python does, and wraps what it has found."""

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find a module of those that are wrapped."""
        if name not in ENDS and name != _CLOCK:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                load(module)
                self._stamps.wrap(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def main() -> None:
    """Run the command; the stamps are written when it ends."""
    stamps = Stamps()
    file = Path(sys.argv.pop(1))
    atexit.register(lambda: file.write_text(json.dumps(stamps.stages), encoding="utf-8"))
    sys.meta_path.insert(0, _Finder(stamps))
    from fer_client.__main__ import main as run

    run()


if __name__ == "__main__":
    main()
