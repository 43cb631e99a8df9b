"""What holds for every request: who may send it, and how errors are answered."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from sori_server.domain.errors import InvalidConfig, SoriError
from sori_server.transport.bridge.errors import error_response, http_failure
from sori_server.transport.bridge.origins import OriginPolicy

_EVERYWHERE: Final = {
    hdrs.CACHE_CONTROL: "no-cache",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
_ALLOWED: Final = {
    hdrs.ACCESS_CONTROL_ALLOW_METHODS: "GET, POST",
    hdrs.ACCESS_CONTROL_ALLOW_HEADERS: "*, Authorization",
    hdrs.ACCESS_CONTROL_MAX_AGE: "600",
}
_ASCII: Final = (
    hdrs.AUTHORIZATION,
    hdrs.ORIGIN,
    hdrs.SEC_WEBSOCKET_KEY,
    hdrs.SEC_WEBSOCKET_VERSION,
)
"""Headers whose bytes go on to where only printable ASCII can be."""

_log = logging.getLogger(__name__)


class Gatekeeper:
    """A middleware around all handlers: headers are checked, errors become answers in JSON."""

    def __init__(self, origins: OriginPolicy, streams: Collection[str]) -> None:
        """`streams` are the paths of WebSockets."""
        self._origins = origins
        self._streams = streams

    async def prepare(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add the headers that every answer has; a signal handler of `on_response_prepare`."""
        for name, value in _EVERYWHERE.items():
            response.headers.setdefault(name, value)
        response.headers[hdrs.SERVER] = "sori"
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and self._origins.allows(request.headers):
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
            response.headers[hdrs.VARY] = hdrs.ORIGIN

    @web.middleware
    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The answer of `handler`, or why there is none."""
        try:
            _check_headers(request)
            if not (is_websocket(request) and request.path in self._streams):
                self._origins.check(request.headers)  # streams are told in their own way
            if _asks_first(request):
                return web.Response(status=204, headers=_ALLOWED)
            return await handler(request)
        except SoriError as error:
            response = error_response(error)
        except web.HTTPException as failure:
            response = http_failure(failure)
        except ConnectionError:
            raise  # nobody is there to be answered
        except Exception as error:
            _log.exception("a request failed: %s", type(error).__name__)
            response = error_response(SoriError("internal error"))
        if not request.content.is_eof():
            response.force_close()
        return response


def _check_headers(request: web.Request) -> None:
    for name in _ASCII:
        for value in request.headers.getall(name, ()):
            if not (value.isascii() and value.isprintable()):
                raise InvalidConfig(name, "only printable ASCII is allowed")


def is_websocket(request: web.Request) -> bool:
    """Whether a request wants to become a WebSocket."""
    wanted = request.headers.get(hdrs.UPGRADE, "").lower()
    return request.method == hdrs.METH_GET and wanted == "websocket"


def _asks_first(request: web.Request) -> bool:
    """Whether a browser asks if a page of another site may send a request."""
    asks = hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
    return asks and request.method == hdrs.METH_OPTIONS
