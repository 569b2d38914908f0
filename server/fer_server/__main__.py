"""`python -m fer_server` is `fer-server`."""

import sys

from fer_server.cli import main

sys.exit(main())
