"""`python -m fer_client` is `fer-client`."""

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command. It is imported here, so that Ctrl-C in that half second ends quietly too."""
    try:
        from fer_client.cli import app as cli

        cli.main()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
