"""`sori serve`."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from sori_server.cli.options import (
    ComputeType,
    Config,
    Device,
    InterimModel,
    Model,
    ParallelCalls,
    Preset,
    ShortWindows,
)

EPILOG: Final = (
    "$ sori serve --model mini\n\n"
    "$ sori serve --host 0.0.0.0 --grpc-port 0 --bridge-port 0 --json\n\n"
    "Every setting has one name: in the file, as SORI_* variable and as flag. Limits are the table"
    " \\[limits] of the file, or SORI_LIMITS_MAX_STREAMS and so on.\n\n"
    "SIGTERM flushes open streams and exits 0, Ctrl-C does so and exits 130; a second signal stops"
    " at once. Exit status 1: the model cannot be loaded, or its worker died too often in a row."
    " Exit status 2: the model cannot be had, a setting is wrong, or the port is taken."
)

_LISTEN: Final = "Listen"


Host = Annotated[
    str | None,
    typer.Option(
        metavar="HOST",
        help="Address; 0.0.0.0 for all.",
        show_default="127.0.0.1",
        rich_help_panel=_LISTEN,
    ),
]
GrpcPort = Annotated[
    int | None,
    typer.Option(
        metavar="PORT",
        help="gRPC; 0 picks a free one.",
        show_default="50051",
        rich_help_panel=_LISTEN,
    ),
]
BridgePort = Annotated[
    int | None,
    typer.Option(
        metavar="PORT",
        help="WebSocket, HTTP and the page; 0 picks a free one.",
        show_default="8765",
        rich_help_panel=_LISTEN,
    ),
]
AllowedOrigins = Annotated[
    str | None,
    typer.Option(
        metavar="ORIGIN,...",
        help="Sites whose pages may use it besides its own, such as https://example.org.",
        show_default="none",
        rich_help_panel=_LISTEN,
    ),
]
CpuThreads = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Threads of one call on a CPU; 0 shares the cores among the calls.",
        show_default="0",
        rich_help_panel="Model",
    ),
]
LogLevel = Annotated[
    str | None,
    typer.Option(
        metavar="debug|info|warning|error",
        help="What is logged, on stderr.",
        show_default="info",
    ),
]
Json = Annotated[
    bool,
    typer.Option(
        "--json", help="One line of JSON on stdout when ready to serve, and nothing else."
    ),
]


def serve(
    host: Host = None,
    grpc_port: GrpcPort = None,
    bridge_port: BridgePort = None,
    allowed_origins: AllowedOrigins = None,
    model: Model = None,
    interim_model: InterimModel = None,
    short_windows: ShortWindows = None,
    device: Device = None,
    compute_type: ComputeType = None,
    parallel_calls: ParallelCalls = None,
    cpu_threads: CpuThreads = None,
    preset: Preset = None,
    config: Config = None,
    log_level: LogLevel = None,
    json: Json = False,
) -> None:
    """Serve speech recognition over gRPC, WebSocket and HTTP, with a page for browsers."""
    from sori_server.cli.serving import serve_until_told

    flags = {
        "host": host,
        "grpc_port": grpc_port,
        "bridge_port": bridge_port,
        "allowed_origins": allowed_origins,
        "model": model,
        "interim_model": interim_model,
        "short_windows": short_windows,
        "device": device,
        "compute_type": compute_type,
        "parallel_calls": parallel_calls,
        "cpu_threads": cpu_threads,
        "preset": preset,
        "log_level": log_level,
    }
    raise typer.Exit(serve_until_told(flags, config, as_json=json))
