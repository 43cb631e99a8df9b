"""`python -m sori_server` is `sori`."""

from sori_server.cli.main import run

run()
