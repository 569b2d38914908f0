"""`python -m fer_client` is `fer-client`."""

import os
import sys
from typing import NoReturn

from fer_client.imports import uncollected


def main() -> NoReturn:
    """Run the command. It is imported here, so that Ctrl-C in that half second ends quietly too."""
    # What gRPC prints of a handshake that failed is in the sentence that ends the command.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    # NumPy's library starts threads for large matrices, of which there are none here, and each spins at first.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        with uncollected():
            from fer_client.cli import app as cli

        cli.main()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
