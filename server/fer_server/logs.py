"""Find out from Triton's log why it did not start, and say it in one sentence."""

import re
import resource
import signal
from collections.abc import Iterator

from fer_server.errors import ModelsError, ServerError, UsageError

_LOAD = re.compile(
    r"failed to load '(?P<model>[^']+)' version \d+: [\w ]+?: (?P<reason>.*?)\"?$", re.MULTILINE
)
_POLL = re.compile(r"Poll failed for model directory '(?P<model>[^']+)': (?P<reason>.*?)\"?$", re.MULTILINE)
_PROTOBUF = re.compile(r"Error parsing text-format inference\.ModelConfig: (?P<reason>.*)$", re.MULTILINE)
_ENSEMBLE = re.compile(r"in ensemble (?P<model>[^ ,]+), (?P<reason>.*?)\"?$", re.MULTILINE)
_UNRECOGNISED = re.compile(r"unrecognized option '(?P<option>[^']+)'")
_SERVICE = re.compile(r"failed to start (?P<service>\w+) service: (?P<reason>.*?) ?\"?$", re.MULTILINE)
_CREATING = re.compile(r"error: creating server: (?P<reason>.*)$", re.MULTILINE)
_NO_SHARED_MEMORY = re.compile(r"shared memory (?:key|pool).*No space left on device")
_NO_MEMORY = re.compile(
    r"bad_alloc|Cannot allocate memory|failed to map segment|Resource temporarily unavailable"
)
_PREFIXES = re.compile(r"^(?:TritonModelException|Invalid argument|Internal|Not found|Unavailable)(?:: | - )")

_ADDRESSES_MB, _LEAST_ADDRESSES_MB = 3000, 1900
"""With 1,953 MB of addresses tritonserver serves a model of one node; with 1,464 MB it ends or stands still."""

SEE_LOG = "`fer-server` shows the whole log with -v or --log-file FILE"


def explain(log: str, returncode: int) -> ServerError:
    """Turn the log of a server that ended by itself into the error to show.

    `returncode` is subprocess's: negative for a signal. Models that do not load come first, as they end the server.
    """
    if _NO_SHARED_MEMORY.search(log):
        return ServerError(
            "No room is left in the shared memory, /dev/shm, of which each instance of a model takes some megabytes; "
            "enlarge it (Docker: --shm-size), or remove what lies there."
        )
    problems = dict(_model_problems(log))
    if problems:
        each = "; ".join(f"model '{model}': {reason}" for model, reason in problems.items())
        return ModelsError(f"The server cannot load its models: {each}.")
    if match := _UNRECOGNISED.search(log):
        return UsageError(
            f"Neither fer-server nor tritonserver knows the option {match['option']}; see fer-server --help."
        )
    if match := _SERVICE.search(log):
        return ServerError(f"The server cannot open its {match['service']} port: {_plain(match['reason'])}.")
    if "Usage: tritonserver" in log:
        return UsageError(f"tritonserver refuses its options: {_first_line(log)}; {SEE_LOG}.")
    if match := _CREATING.search(log):
        return ServerError(f"The server cannot start: {_plain(match['reason'])}; {SEE_LOG}.")
    return ServerError(f"The server ended by itself ({_ending(log, returncode)}); {SEE_LOG}.")


def _model_problems(log: str) -> Iterator[tuple[str, str]]:
    """Give each model that failed with its reason; ensembles that fail only because a member did are left out."""
    for match in _LOAD.finditer(log):
        yield match["model"], _plain(match["reason"])
    details = [match["reason"] for match in _PROTOBUF.finditer(log)]
    for match in _POLL.finditer(log):
        detail = f" ({details.pop(0).rstrip('.')})" if details else ""
        yield match["model"], _plain(match["reason"]) + detail
    for match in _ENSEMBLE.finditer(log):
        yield match["model"], _plain(match["reason"])


def _plain(reason: str) -> str:
    """Drop what is of no use to the reader: kinds of error, the place in Python code, the final stop."""
    text = reason.partition("\\n\\nAt:")[0].partition("\n\nAt:")[0].replace("\\n", " ")
    while match := _PREFIXES.match(text):
        text = text[match.end() :]
    return " ".join(text.split()).rstrip(".;")


def _first_line(log: str) -> str:
    before = log.partition("Usage: tritonserver")[0].strip() or log.strip()
    return _plain(before.splitlines()[-1])


def check_addresses() -> None:
    """Raise ServerError where the system grants so few addresses that tritonserver may stand still as it starts."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit >> 20 < _LEAST_ADDRESSES_MB:
        raise ServerError(f"The server cannot run: {_few_addresses(limit)}. Raise that limit.")


def _few_addresses(limit: int) -> str:
    return f"ulimit -v grants it {limit >> 20} MB of addresses, of which it needs about {_ADDRESSES_MB}"


def _ending(log: str, returncode: int) -> str:
    name = f"exit code {returncode}" if returncode >= 0 else signal.Signals(-returncode).name
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        return f"{name}; {_few_addresses(limit)}"
    if name == "SIGKILL":
        return f"{name}, which often means too little memory"
    return f"{name}, for want of memory" if _NO_MEMORY.search(log) else name
