"""Errors to HTTP statuses, WebSocket close codes and JSON: one table."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from sori_server.domain import errors


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a request and a WebSocket end with."""

    status: int
    close_code: int


_INTERNAL: Final = Refusal(500, 1011)

_REFUSALS: Final[dict[type[errors.SoriError], Refusal]] = {
    errors.InvalidAudio: Refusal(400, 4400),
    errors.InvalidConfig: Refusal(400, 4400),
    errors.ProtocolViolation: Refusal(400, 4409),
    errors.OriginNotAllowed: Refusal(403, 4403),
    errors.ModelNotFound: Refusal(404, 4404),
    errors.ResumeTokenInvalid: Refusal(404, 4410),
    errors.SessionSuperseded: Refusal(409, 4412),
    errors.IdleTimeout: Refusal(408, 4408),
    errors.SlowReader: Refusal(408, 4408),
    errors.AudioGap: Refusal(409, 4411),
    errors.MessageTooLarge: Refusal(413, 1009),
    errors.SessionTooLong: Refusal(413, 4413),
    errors.CapacityExhausted: Refusal(429, 1013),
    errors.ServerDraining: Refusal(503, 1012),
    errors.ModelLoading: Refusal(503, 1013),
    errors.UpstreamUnavailable: Refusal(503, 1013),
    errors.EngineUnavailable: Refusal(503, 1013),
}


def refusal(error: errors.SoriError) -> Refusal:
    """What ends with `error` ends so; as an internal error without a row of its own."""
    return _REFUSALS.get(type(error), _INTERNAL)


def error_fields(error: errors.SoriError) -> dict[str, Any]:
    """`error` for JSON: `code` for programs, `message` for people, and what else is known."""
    metadata = {name: value for name, value in error.metadata.items() if name != "field"}
    return {
        "code": error.reason,
        "message": str(error),
        "field": error.metadata.get("field"),
        "retryable": error.retryable,
        "retry_after": error.retry_after,
        "metadata": metadata,
    }


def error_response(error: errors.SoriError) -> web.Response:
    """The answer to a request that failed: `error` as OpenAI's clients read it, and more."""
    status = refusal(error).status
    fields = error_fields(error)
    kind = "invalid_request_error" if status < 500 else "server_error"
    body = {"error": {"type": kind, "param": fields["field"], **fields}}
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_after))
    text = json.dumps(body)  # in ASCII: a client's text may be none
    return web.Response(status=status, text=text, headers=headers, content_type="application/json")


def renamed(error: errors.ClientError, names: Mapping[str, str]) -> errors.ClientError:
    """`error` with the client's own name for a field in place of its path in the contract.

    `names` are those names by the path, or the beginning of it, that each became.
    """
    path = error.metadata.get("field", "")
    name = next((name for prefix, name in names.items() if path.startswith(prefix)), None)
    if name is None:
        return error
    facts = {key: value for key, value in error.metadata.items() if key != "field"}
    if isinstance(error, errors.InvalidConfig):
        return type(error)(name, error.description, **facts)
    if isinstance(error, errors.ModelNotFound):
        message = str(error).replace(path, name, 1)
        return errors.ModelNotFound(message, metadata={"field": name, **facts})
    return error


def http_failure(failure: web.HTTPException) -> web.Response:
    """The answer to a request that aiohttp refused, in the same shape."""
    code = failure.reason.upper().replace(" ", "_").replace("-", "_")
    error: dict[str, object] = {
        "type": "invalid_request_error" if failure.status < 500 else "server_error",
        "param": None,
        "code": code,
        "message": failure.text or failure.reason,
        "field": None,
        "retryable": False,
        "retry_after": None,
        "metadata": {},
    }
    allowed = failure.headers.get("Allow")
    headers = {} if allowed is None else {"Allow": allowed}
    text = json.dumps({"error": error})
    return web.Response(
        status=failure.status, text=text, headers=headers, content_type="application/json"
    )
