"""Recognition in this process: the gateway of the server, without a server."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from sori_client import Source
from sori_client.wire.requests import config_request
from sori_client.wire.responses import event as event_of

from sori_server.app import open_gateway, resolve_model
from sori_server.cli import logs
from sori_server.cli.downloads import download_bar, warn
from sori_server.cli.interruption import Interruption
from sori_server.cli.printing import Printer, open_printer
from sori_server.cli.remote import show
from sori_server.cli.sources import Endable
from sori_server.cli.wishes import Wishes
from sori_server.domain.config import StreamConfig
from sori_server.domain.events import NumberedEvent
from sori_server.engine.models import ResolvedModel
from sori_server.runtime.gateway import Gateway
from sori_server.settings import Settings, load_settings
from sori_server.transport.contract import requests, responses
from sori_server.transport.pipe.door import PipeDoor

UNBOUNDED: Final = 366 * 86_400.0
"""Seconds: nobody but the user is waiting, so nobody is cut off."""
FILES_AT_A_TIME: Final = 8
"""Recordings open at once: enough to fill batches."""


def local_settings(flags: Mapping[str, object], config_file: Path | None) -> Settings:
    """Settings of a command that recognizes by itself: no stream is too long, idle or many.

    Raises:
        InvalidConfig: a setting is wrong.
    """
    settings = load_settings(flags, os.environ, config_file)
    logs.configure("warning" if settings.log_level == "info" else settings.log_level)
    limits = replace(
        settings.limits,
        max_streams=FILES_AT_A_TIME,
        max_final_delay=math.inf,
        max_gateway_load=math.inf,
        idle_timeout=UNBOUNDED,
        write_timeout=UNBOUNDED,
        max_session_duration=UNBOUNDED,
    )
    return replace(settings, limits=limits)


def model_for(settings: Settings) -> ResolvedModel:
    """The model of the settings, fetched with a progress bar, warned of when not the one wanted.

    Raises:
        ModelNotFound: it cannot be had.
    """
    with download_bar() as progress:
        model = resolve_model(settings, progress)
    warn(model.warning)
    return model


def recognize_here(settings: Settings, source: Source, wishes: Wishes) -> int:
    """Show the text of `source`; returns the exit code.

    Raises:
        SoriError, SoriClientError, OSError: why it ended early; the words before were shown.
    """
    return asyncio.run(_recognize(settings, model_for(settings), source, wishes))


async def _recognize(
    settings: Settings, model: ResolvedModel, source: Source, wishes: Wishes
) -> int:
    with Interruption() as interruption, open_printer(wishes) as printer:
        audio = Endable(source, interruption)
        async with AsyncExitStack() as stack:
            opening = stack.enter_async_context(open_gateway(settings, model))
            gateway = await interruption.cancels(opening)
            if gateway is not None:
                with audio.checked():
                    await _print_text(gateway, audio, wishes, printer)
    return interruption.exit_code


async def _print_text(gateway: Gateway, source: Source, wishes: Wishes, printer: Printer) -> None:
    with gateway.stream(stream_config(wishes, source, gateway)) as runner:

        async def deliver(numbered: NumberedEvent) -> None:
            # As a client of the contract has it, so that all commands print one kind.
            event = event_of(responses.stream_response(numbered, runner, gateway))
            if event is not None:
                await show(printer, event)

        await runner.run(PipeDoor(source.chunks(), deliver))


def stream_config(wishes: Wishes, source: Source, gateway: Gateway) -> StreamConfig:
    """The wishes as the runtime has them, by way of the contract.

    Raises:
        InvalidConfig: there is no such language, or a wish contradicts another.
    """
    message = config_request(wishes.stream_config(), source.format).config
    return requests.stream_config(message, gateway.limits, gateway.preset)
