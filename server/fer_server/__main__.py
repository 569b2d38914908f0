"""`python -m fer_server` is `fer-server`."""

import signal
import sys


def main() -> int:
    """Run the command; give its exit code. It is imported here, so that a signal in that time ends quietly too."""
    # Until the server starts, SIGTERM is as good as Ctrl-C: what was half made is removed on the way out.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        from fer_server import cli

        return cli.main()
    except KeyboardInterrupt:
        print("fer-server: stopped.", file=sys.stderr)  # noqa: T201
        return 130


if __name__ == "__main__":
    sys.exit(main())
