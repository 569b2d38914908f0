"""`python -m fer_client` is `fer-client`."""

from fer_client.cli import main

main()
