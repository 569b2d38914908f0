"""The two sides of a comparison: a result, or one face of it."""

import re
from dataclasses import dataclass
from pathlib import Path

from fer_client.comparison.finding import find_folder
from fer_client.errors import UsageError
from fer_client.outputs.stored_result import StoredFaces, StoredResult, load_result
from fer_client.printable import printable

_WITH_FACE = re.compile(r"(.+):(\d+)")


@dataclass(frozen=True)
class Side:
    """A result with the `faces` that count: those of one `face`, or all where that is None."""

    result: StoredResult
    face: int | None
    faces: StoredFaces

    @property
    def input_name(self) -> str:
        """Name of the file that was analysed."""
        return printable(str(self.result.summary["input"]["name"]))

    @property
    def name(self) -> str:
        """The same with the face."""
        return self.input_name if self.face is None else f"{self.input_name}, face {self.face}"

    @property
    def is_photographs(self) -> bool:
        """Whether faces count, and not time."""
        return bool(self.result.summary["input"]["kind"] == "photographs")


def read_side(spec: str, results: Path) -> Side:
    """Read what `spec` names: a result folder, or an input with one below `results`; then `:2` for its face 2.

    Raises UsageError where there is none, where it has no such face, and where it has no face at all.
    """
    folder, face = _find(spec, results)
    result = load_result(folder)
    if face is not None and face not in result.tracks:
        raise UsageError(
            f"Expected a face of {folder} behind the colon, but there is none of number {face}{_known(result)}"
        )
    faces = result.faces if face is None else result.faces.of_track(face)
    if not len(faces):
        raise UsageError(
            f"Expected a result with faces, but in {folder} none was found. Compare inputs that show a face."
        )
    return Side(result, face, faces)


def _known(result: StoredResult) -> str:
    if not result.tracks:
        return ": faces in photographs have no numbers. Name the folder alone."
    return f". Name one of {', '.join(str(track) for track in result.tracks[:20])}, or the folder alone for all faces."


def _find(spec: str, results: Path) -> tuple[Path, int | None]:
    """Find the folder; a colon and digits that are no part of its name are the face."""
    match = _WITH_FACE.fullmatch(spec)
    folder, face = find_folder(spec, results, by_stem=match is None), None
    if folder is None and match:
        folder, face = find_folder(match[1], results), int(match[2])
    if folder is not None:
        return folder, face
    raise UsageError(
        f"Expected a result folder of fer-client, or the name of an input that has one below {results}, but {spec} is "
        "neither. Analyse the input first, or say with --results where its folder is."
    )
