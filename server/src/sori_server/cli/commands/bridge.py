"""`sori bridge`."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from sori_server.cli.commands.serve import AllowedOrigins, BridgePort, Host, Json, LogLevel
from sori_server.cli.options import Config

EPILOG: Final = (
    "$ sori bridge --upstream speech.internal:50051 --host 0.0.0.0\n\n"
    "`sori serve` has this bridge built in; alone it needs no model and little memory, near the"
    " users or where a proxy wants it. It starts whether or not the server is there, says on"
    " /readyz which, and finds it again when it was lost.\n\n"
    "Settings are those of `sori serve`; what is said there of limits and signals holds here."
)

Upstream = Annotated[
    str,
    typer.Option(
        "--upstream", "-u", metavar="HOST:PORT", help="gRPC address of the server it speaks for."
    ),
]


def bridge(
    upstream: Upstream,
    host: Host = None,
    bridge_port: BridgePort = None,
    allowed_origins: AllowedOrigins = None,
    config: Config = None,
    log_level: LogLevel = None,
    json: Json = False,
) -> None:
    """Serve browsers and phones for a server elsewhere."""
    from sori_server.cli.bridging import bridge_until_told

    flags = {
        "host": host,
        "bridge_port": bridge_port,
        "allowed_origins": allowed_origins,
        "log_level": log_level,
    }
    raise typer.Exit(bridge_until_told(upstream, flags, config, as_json=json))
