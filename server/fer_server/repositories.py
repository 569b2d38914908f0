"""Fit a model repository to this machine: which processors its ONNX models run on, and in how many instances.

A configuration without a `kind` means each GPU on a machine that has some. NVIDIA's backend then computes there, while
this server's, which computes on processors, would start its processes once for each GPU.
"""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

CONFIG = "config.pbtxt"
MOST_INSTANCES = 4
"""As many as a client has requests under way; each is a process with a copy of the network."""

_TOKEN = re.compile(
    r"""\#[^\n]* | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | [][{}<>:;,] | [^][{}<>:;,\s"'\#]+""", re.VERBOSE
)
_Field = tuple[tuple[str, ...], re.Match[str]]


def instances() -> int:
    """Count the instances that the processors keep busy, each with one thread."""
    return min(MOST_INSTANCES, len(os.sched_getaffinity(0)))


def fit(repositories: Sequence[str], scratch: Path, count: int) -> dict[str, str]:
    """Give for each repository, in order, the path to serve: itself, or a folder in `scratch` of links and new configs.

    Addresses of remote storage stay as they are.
    """
    return {
        text: text if "://" in text else str(_fit(Path(text).absolute(), scratch / str(index), count))
        for index, text in enumerate(repositories)
    }


def _fit(repository: Path, target: Path, count: int) -> Path:
    """Link what stays and write what changes; without a change the repository itself serves."""
    configs = {folder: _fitted(folder / CONFIG, count) for folder in repository.iterdir() if folder.is_dir()}
    if not any(configs.values()):
        return repository
    target.mkdir(parents=True)
    for folder, config in configs.items():
        if config is None:
            (target / folder.name).symlink_to(folder)
            continue
        (target / folder.name).mkdir()
        for entry in folder.iterdir():
            if entry.name != CONFIG:
                (target / folder.name / entry.name).symlink_to(entry)
        (target / folder.name / CONFIG).write_bytes(config)
    return target


def _fitted(path: Path, count: int) -> bytes | None:
    """Read a configuration and give its new text, None where nothing changes or only Triton can say what is wrong."""
    try:
        text = path.read_bytes().decode("latin-1")  # any bytes, and back as they were
        changed = fit_config(text, count)
    except (OSError, IndexError):
        return None
    return changed.encode("latin-1") if changed != text else None


def fit_config(text: str, count: int) -> str:
    """Put the instances of an ONNX model on processors, `count` of them where the text asks for several.

    `text` is a ModelConfig in protobuf's text format. One that names a `kind` or `gpus`, or another backend, stays.
    Raises IndexError where brackets do not match.
    """
    fields = list(_fields(text))
    given = {path: token[0] for path, token in fields}
    is_chosen = ("instance_group", "kind") in given or ("instance_group", "gpus") in given
    if given.get(("backend",), "").strip("\"'") != "onnxruntime" or is_chosen:
        return text
    edits = [edit for path, token in fields if (edit := _edit(path, token, count))]
    for start, end, new in reversed(edits):
        text = text[:start] + new + text[end:]
    return text if edits else f"{text}\ninstance_group {{ kind: KIND_CPU }}\n"


def _edit(path: tuple[str, ...], token: re.Match[str], count: int) -> tuple[int, int, str] | None:
    """Give start, end and new text of what changes at one field."""
    if path == ("instance_group",) and token[0] in "{<":
        return token.end(), token.end(), " kind: KIND_CPU"
    if path == ("instance_group", "count") and token[0].isdecimal() and int(token[0]) > 1:
        return token.start(), token.end(), str(count)
    return None


def _fields(text: str) -> Iterator[_Field]:
    """Walk protobuf's text format: each value, message and list, at its opening, with the names that lead to it."""
    path: list[str] = []
    opened: list[str] = []
    name, is_value = "", False
    for token in _TOKEN.finditer(text):
        word = token[0]
        if word.startswith("#"):
            continue
        if word in "[{<":
            yield (*path, name), token
            opened.append(word)
            path += [name] if word != "[" else []
        elif word in "]}>":
            name = path.pop() if opened.pop() != "[" else name
        elif is_value or opened[-1:] == ["["]:
            yield (*path, name), token
        elif word not in ":,;":
            name = word
        is_value = word == ":"
