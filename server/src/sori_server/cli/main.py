"""The `sori` command: its subcommands, and what becomes of their errors."""

from __future__ import annotations

import os
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from sori_server import __version__
from sori_server.cli.commands import (
    bench,
    bridge,
    demo,
    eval,
    mic,
    models,
    pipe,
    presets,
    serve,
    stream,
    transcribe,
)

INTERRUPTED: Final = 130


class SoriGroup(TyperGroup):
    """Turns expected errors of commands into one line and an exit code."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer's own signature
        """Run the command named."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort):
            raise
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:
            from sori_server.cli import exits  # noqa: PLC0415 - it imports gRPC

            known = exits.expected(error)
            if known is None:
                raise
            exits.tell(known)
            raise typer.Exit(exits.exit_code(known)) from None


app = typer.Typer(
    name="sori",
    cls=SoriGroup,
    help="Sori: streaming speech recognition on your own machine.",
    epilog="Exit status: 0 done, 1 failed, 2 wrong usage, settings or model, 130 interrupted"
    " (what was heard is still written).",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)

_SERVER: Final = "Server"
_SPEECH: Final = "Speech to text"
_QUALITY: Final = "Quality"

app.command(rich_help_panel=_SERVER, epilog=serve.EPILOG)(serve.serve)
app.command(rich_help_panel=_SERVER, epilog=bridge.EPILOG)(bridge.bridge)
app.command(rich_help_panel=_SERVER)(demo.demo)
app.add_typer(models.app, rich_help_panel=_SERVER)
app.command(rich_help_panel=_SERVER, epilog=presets.EPILOG)(presets.presets)
app.command(rich_help_panel=_SPEECH, epilog=stream.EPILOG)(stream.stream)
app.command(rich_help_panel=_SPEECH, epilog=transcribe.EPILOG)(transcribe.transcribe)
app.command(rich_help_panel=_SPEECH, epilog=pipe.EPILOG)(pipe.pipe)
app.command(rich_help_panel=_SPEECH)(mic.mic)
app.command(rich_help_panel=_QUALITY, epilog=bench.EPILOG)(bench.bench)
app.command("eval", rich_help_panel=_QUALITY, epilog=eval.EPILOG)(eval.evaluate)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sori {__version__}")
        raise typer.Exit


@app.callback()
def sori(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Sori: streaming speech recognition on your own machine."""
    del version


def run() -> None:
    """Entry point.

    What gRPC's core logs by itself is told by our errors in one line; `GRPC_VERBOSITY`
    brings it back. The spectrograms' matrix products are small: threads of their own would
    only take the cores from the model (0.5 to 3 ms a window become 16 on two busy cores).
    """
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    app()
