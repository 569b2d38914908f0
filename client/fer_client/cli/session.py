"""All inputs of one command: check them, find a server, analyse one after the other."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Protocol

from fer_client.errors import (
    ContractError,
    FerError,
    InputError,
    Interrupted,
    ServerError,
    UsageError,
    fails_alone,
)
from fer_client.faces.detection import DetectorChoice
from fer_client.inference.embedded import Launched
from fer_client.media.discovery import Inputs, find_inputs
from fer_client.media.sources import Source
from fer_client.outputs.places import Place, find_place
from fer_client.outputs.provenance import provenance
from fer_client.outputs.result import write_result
from fer_client.outputs.result_folder import check_target, folder_names, input_places, prepare_folder
from fer_client.outputs.reuse import Earlier, judge
from fer_client.outputs.study import Part, write_tables
from fer_client.outputs.tables import check_format
from fer_client.pipeline.analysis import Progress
from fer_client.pipeline.context import Job, open_job
from fer_client.pipeline.interruption import Interruption
from fer_client.pipeline.sandbox.process import check_input, check_sandbox
from fer_client.settings import Settings

if TYPE_CHECKING:
    from fer_client.visuals.visual import Tick, Visual


class Observer(Protocol):
    """Takes what happens to the inputs, as it happens."""

    def notify(self, message: str) -> None:
        """Take a sentence for the user."""
        ...

    def progress(self, name: str) -> AbstractContextManager[Callable[[Progress], None]]:
        """Give a function that is called after every frame of the input, within the context."""
        ...

    def making(self, name: str) -> AbstractContextManager[Callable[[float], None]]:
        """Give a function that is told which share of a visual is done, within the context."""
        ...

    def finished(self, result: dict[str, Any], folder: Path) -> None:
        """Take the result of an input whose folder is whole."""
        ...

    def found(self, result: dict[str, Any], folder: Path, is_only: bool, added: Sequence[Path]) -> None:
        """Take the result of an input that an earlier run has done, and what this one `added` to it.

        `is_only`: the run has no other input.
        """
        ...

    def combined(self, tables: Sequence[Path], inputs: int) -> None:
        """Take the tables over so many inputs."""
        ...


@dataclass
class Outcome:
    """The summaries of the inputs that are done, with their `folders`, and the errors of those that are not.

    `ended_by` is the error that ended the whole command: no server, one that does not fit, or Ctrl-C.
    """

    results: list[dict[str, Any]] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    failures: dict[str, FerError] = field(default_factory=dict)
    ended_by: FerError | None = None

    @property
    def exit_code(self) -> int:
        """Return the highest exit code of the errors, 0 without any."""
        errors = [*self.failures.values(), *([self.ended_by] if self.ended_by else [])]
        return max((error.exit_code for error in errors), default=0)


def analyse_inputs(
    specs: Sequence[str],
    settings: Settings,
    detector: DetectorChoice,
    url: str | None,
    observer: Observer,
    launched: Launched | None = None,
) -> Outcome:
    """Analyse the inputs that the specs name, the good ones also after bad ones.

    A server that was `launched` before is used where `url` names none.
    Raises UsageError, before anything is done, where a setting cannot be followed.
    """
    check_format(settings.table_format)
    for visual in _visuals(settings):
        if visual.is_wanted(settings):
            visual.check(settings)
    check_sandbox(settings)
    inputs = find_inputs(specs, settings.sequence_fps, settings.out, settings.max_pixels)
    names = folder_names(inputs.sources)
    _tell_passed_over(inputs, settings, observer)
    failures = unreadable(inputs.sources, settings)
    places = input_places(inputs.sources)
    outcome = Outcome(failures=inputs.failures | failures)
    targets = [
        (source, settings.out / name)
        for source, name in zip(inputs.sources, names, strict=True)
        if source.shown not in failures
    ]
    for folder in sorted({target.parent for _, target in targets}):
        prepare_folder(folder)
    if targets:  # else there is no need for a server
        interruption = Interruption()
        interruption.install()
        try:
            with open_job(settings, detector, url, observer.notify, interruption, launched) as job:
                _analyse_each(targets, places, job, observer, outcome)
        except (ServerError, ContractError, Interrupted) as error:
            outcome.ended_by = error
    if _is_study(inputs) and outcome.results and not outcome.ended_by:
        _write_study(settings, outcome, observer)
    return outcome


def _tell_passed_over(inputs: Inputs, settings: Settings, observer: Observer) -> None:
    """Tell of folders and of an option that this run makes no use of."""
    if inputs.earlier:
        some = f"{inputs.earlier[0]} is" if len(inputs.earlier) == 1 else f"{len(inputs.earlier)} folders are"
        observer.notify(f"Note: {some} passed over, as results of earlier runs.")
    if settings.sequence_fps and inputs.sources and all(one.kind != "sequence" for one in inputs.sources):
        observer.notify(
            "Note: --sequence-fps has no effect, as no input is a folder or a pattern of pictures."
        )


def _visuals(settings: Settings) -> "tuple[Visual, ...]":
    """Return all that can be made of a result; most runs ask for none, and import none."""
    if not settings.asks_for_visuals:
        return ()
    from fer_client.visuals.catalogue import VISUALS

    return VISUALS


def _is_study(inputs: Inputs) -> bool:
    """Whether there are several inputs, or one that a folder was named for."""
    is_below = any(source.place != PurePosixPath(".") for source in inputs.sources)
    return is_below or len(inputs.sources) + len(inputs.failures) > 1


def _write_study(settings: Settings, outcome: Outcome, observer: Observer) -> None:
    results = dict(zip(outcome.folders, outcome.results, strict=True))  # copies of one file share a result
    parts = [
        Part(folder, folder.relative_to(settings.out).as_posix(), result)
        for folder, result in results.items()
    ]
    written, failures = write_tables(settings.out, parts, settings.table_format)
    outcome.failures |= failures
    if settings.report:
        from fer_client.visuals.index_page import INDEX, write_index

        try:
            written.append(write_index(settings.out, parts))
        except UsageError as error:
            outcome.failures[str(settings.out / INDEX)] = error
    if written:
        observer.combined(written, len(parts))


def unreadable(sources: Sequence[Source], settings: Settings) -> dict[str, FerError]:
    """Find the inputs that cannot even be opened, by their shown names."""
    failures: dict[str, FerError] = {}
    for source in sources:
        try:
            with fails_alone(source.shown):
                check_input(source, settings)
        except FerError as error:
            failures[source.shown] = error
    return failures


def _analyse_each(
    targets: Sequence[tuple[Source, Path]],
    places: frozenset[Path],
    job: Job,
    observer: Observer,
    outcome: Outcome,
) -> None:
    for source, target in targets:
        job.interruption.check()
        try:
            with fails_alone(source.shown):
                done = _analyse_unless_done(source, target, places, job, observer)
        except (InputError, UsageError) as error:
            outcome.failures[source.shown] = error
            continue
        outcome.results.append(done.result)
        outcome.folders.append(done.folder)
        for name, sentence in done.result["unreadable"].items():
            outcome.failures[f"{source.shown}/{name}"] = InputError(sentence)
        made: list[Path] = []
        try:
            made = _add_visuals(source, done.folder, job, observer, outcome)
        finally:
            _tell(done, observer, is_only=len(targets) == 1, made=made)


@dataclass(frozen=True)
class _Done:
    """A result that stands in `folder`, made by this command or, where `is_earlier`, by one before."""

    result: dict[str, Any]
    folder: Path
    is_earlier: bool


def _tell(done: _Done, observer: Observer, is_only: bool, made: Sequence[Path]) -> None:
    if done.is_earlier:
        observer.found(done.result, done.folder, is_only, made)
    else:
        observer.finished(done.result, done.folder)


def _add_visuals(source: Source, folder: Path, job: Job, observer: Observer, outcome: Outcome) -> list[Path]:
    """Make what was asked for and say what; the tables stand, whatever fails here."""
    visuals = _visuals(job.settings)
    if not visuals:
        return []
    from fer_client.visuals.visual import add_visuals

    @contextmanager
    def making(name: str) -> "Iterator[Tick]":
        with observer.making(f"{source.label}: {name}") as show:

            def tick(share: float) -> None:
                if job.interruption.has_come():
                    raise Interrupted(
                        f"Interrupted: the tables of {source.shown} stand, and {name} was not written. Give the same "
                        "command again to make it."
                    )
                show(share)

            yield tick

    try:
        with fails_alone(source.shown):
            return add_visuals(visuals, source, folder, job.settings, making, job.detector, observer.notify)
    except (InputError, UsageError) as error:
        outcome.failures[source.shown] = error
        return []


def _analyse_unless_done(
    source: Source, target: Path, places: frozenset[Path], job: Job, observer: Observer
) -> _Done:
    known = provenance(source, job)
    place = find_place(target, known["input"])
    earlier = Earlier() if job.settings.overwrite else judge(place, job.settings.table_format, known)
    if earlier.result is not None:
        return _Done(earlier.result, place.folder, is_earlier=True)
    if earlier.choice:
        raise _would_replace(source, place.folder, earlier.choice)
    check_target(place.folder, places)
    if earlier.reason:
        observer.notify(f"{source.shown}: analysed again, since {earlier.reason}.")
    if place.taken_by:
        observer.notify(_numbered(source, target, place))
    with observer.progress(source.label) as report:
        replaces = place.earlier is not None
        result, folder = write_result(source, place.folder if replaces else target, job, report, replaces)
    return _Done(result, folder, is_earlier=False)


def _would_replace(source: Source, folder: Path, choice: str) -> UsageError:
    return UsageError(
        f"{source.shown}: {folder} holds its result with another setting ({choice}), which stays. Replace it with "
        "--overwrite, or keep both with another --out."
    )


def _numbered(source: Source, target: Path, place: Place) -> str:
    holds = "an earlier one" if place.taken_by == source.origin else f"that of {place.taken_by}"
    return f"{source.shown}: its result goes to {place.folder}, since {target} holds {holds}."
