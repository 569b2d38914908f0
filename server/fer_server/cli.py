"""Command line of `fer-server`: parse, run, print."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fer_server.environment import packages
from fer_server.errors import ServerError, refused
from fer_server.serving import Settings, Started, serve

_EPILOG = """\
Every other option goes to tritonserver as it is, for instance --grpc-port 9001 or --log-verbose=1. gRPC alone is
open, for this machine alone unless --grpc-address says otherwise; --allow-http=true and --allow-metrics=true, or a port
of theirs, open HTTP, which one request can bring down, and the metrics. Shared memory, the model repository, trace and
logging are closed; --grpc-restricted-protocol and --http-restricted-api with a key of yours open them to it.

Exit codes: 0 stopped by Ctrl-C, SIGTERM or the end of stdin; 2 wrong usage; 4 the server cannot run; 5 a model does
not load; 130 stopped before it began to start.
"""


@dataclass(frozen=True)
class Options:
    """The command line: what to serve, and how to talk about it."""

    settings: Settings
    prepare: bool
    json: bool


def parse(argv: Sequence[str]) -> Options:
    """Read the command line; ends the program with 2 and a usage line for a wrong one."""
    parser = argparse.ArgumentParser(
        prog="fer-server",
        description="Serve a Triton model repository on this machine, without Docker and without a GPU.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=True,
    )
    parser.add_argument(
        "--model-repository",
        "--model-store",
        action="append",
        metavar="DIR",
        help="default: fer-triton's own; may be repeated",
    )
    parser.add_argument("--auto-ports", action="store_true", help="take free ports where none are given")
    parser.add_argument(
        "--stop-on-eof", action="store_true", help="stop at once when stdin ends, for a parent program"
    )
    parser.add_argument(
        "--start-timeout", type=_seconds, default=300, metavar="S", help="seconds to load (default 300)"
    )
    parser.add_argument(
        "--max-restarts",
        type=_whole,
        default=5,
        metavar="N",
        help="start a server that fails again, so often within ten minutes (default 5)",
    )
    parser.add_argument(
        "--probe-interval",
        type=_seconds,
        default=5,
        metavar="S",
        help="ask each model for an answer every S seconds, 0 for never (default 5)",
    )
    parser.add_argument("--log-file", type=Path, metavar="FILE", help="write the server's log there")
    parser.add_argument("-v", "--verbose", action="store_true", help="show the server's log on stderr")
    parser.add_argument(
        "--json", action="store_true", help="say in one line of JSON where it serves, or why it cannot"
    )
    parser.add_argument("--prepare", action="store_true", help="only install what the server needs, then end")
    own, rest = parser.parse_known_args(argv)
    stray = next((word for word in rest[:1] if not word.startswith("-")), None)
    if stray:
        parser.error(f"'{stray}' is not an option; a folder of models is given as --model-repository {stray}")
    settings = Settings(
        repositories=tuple(own.model_repository or [str(default_repository())]),
        auto_ports=own.auto_ports,
        stop_on_eof=own.stop_on_eof,
        start_timeout_s=own.start_timeout,
        log_file=own.log_file,
        verbose=own.verbose,
        most_restarts=own.max_restarts,
        probe_interval_s=own.probe_interval,
        passed_through=tuple(rest),
    )
    return Options(settings, own.prepare, own.json)


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number, 0 or more, not '{text}'")
    return int(text)


def _seconds(text: str) -> float:
    try:
        if 0 <= (seconds := float(text)) < float("inf"):
            return seconds
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"expected a number of seconds, 0 or more, not '{text}'")


def default_repository() -> Path:
    """Find fer-triton's models: inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "model_repository"
    return installed if installed.is_dir() else package.parents[1] / "model_repository"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; give its exit code."""
    options = parse(sys.argv[1:] if argv is None else argv)
    try:
        return _run(options)
    except ServerError as error:
        return _end(error, options)
    except (OSError, MemoryError) as error:
        return _end(refused(error), options)


def _end(error: ServerError, options: Options) -> int:
    if options.json:
        print(json.dumps({"ready": False, "error": str(error)}), flush=True)  # noqa: T201
    else:
        say(str(error))
    return error.exit_code


def _run(options: Options) -> int:
    folder = packages(os.environ, say)
    if options.prepare:
        say(f"ready to serve, with the packages in {folder}.")
        return 0
    announce = _announce_json if options.json else _announce
    serve(options.settings, folder, os.environ, announce, say)
    return 0


def say(sentence: str) -> None:
    """Print one sentence for people, on stderr."""
    print(f"fer-server: {sentence}", file=sys.stderr, flush=True)  # noqa: T201


def _announce(started: Started) -> None:
    where = ", ".join(f"{service} {endpoint.listening()}" for service, endpoint in started.endpoints.items())
    models = ", ".join(started.models) or "no model"
    print(f"Serving {models} at {where}. Stop with Ctrl-C.", flush=True)  # noqa: T201


def _announce_json(started: Started) -> None:
    addresses = dict.fromkeys(("grpc", "http", "metrics")) | {
        service: str(endpoint) for service, endpoint in started.endpoints.items()
    }
    print(json.dumps({"ready": True, **addresses, "pid": started.pid, "models": started.models}), flush=True)  # noqa: T201
