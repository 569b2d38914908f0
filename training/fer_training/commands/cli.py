"""The command `fer-train`: its parts parse and print, nothing else. Keras loads only where one needs it."""

import os
import sys
from typing import NoReturn

from fer_client.cli import console as fer_console
from fer_client.errors import InputError
from fer_training.commands import judging, learning, reporting

app = fer_console.new_app(
    help="Prepare face images, train expression networks on them, and measure how good they are."
)

for command in (
    learning.prepare,
    learning.architectures,
    learning.run,
    learning.detector,
    judging.evaluate,
    judging.references,
    judging.limits,
    learning.average,
    judging.predict,
    reporting.result,
    reporting.table,
    reporting.card,
    reporting.headline,
):
    app.command()(command)


def main() -> NoReturn:
    """Run the command; every expected error is one sentence on stderr and an exit code."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # else ONNX Runtime reports to its maker
    try:
        fer_console.run(app, "fer-train", sys.argv[1:])
    except OSError as error:
        fer_console.notify(f"fer-train: Could not read or write {error.filename}: {error.strerror}.")
        sys.exit(InputError.exit_code)
