"""The OpenAPI document: valid, complete, and true for whatever is asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sori_server.domain.limits import Limits
from sori_server.transport.bridge.http.openapi import document
from support.http_api import HttpApi, api_in_thread, wav
from support.word_audio import conversation

pytestmark = [pytest.mark.contract, pytest.mark.timeout(240)]

FILE = wav(conversation([range(8)]))
ELSEWHERE = ["/", "/v1/stream"]
"""Routes that are not of the HTTP API."""
FILES = ["/transcribe", "/v1/audio/transcriptions", "/v1/audio/translations"]
OTHERS = [path for path in document(Limits())["paths"] if path not in [*ELSEWHERE, *FILES]]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 50


@pytest.fixture(scope="module")
def api() -> Iterator[HttpApi]:
    with api_in_thread() as api:
        yield api


def test_every_schema_is_one() -> None:
    described = document(Limits())
    for schema in described["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for path in FILES:
        content = described["paths"][path]["post"]["requestBody"]["content"]
        Draft202012Validator.check_schema(content["multipart/form-data"]["schema"])


def test_the_example_is_a_transcript() -> None:
    described = document(Limits())
    answer = described["paths"]["/transcribe"]["post"]["responses"]["200"]["content"]
    schema = {"$ref": "#/components/schemas/Transcript", "components": described["components"]}
    Draft202012Validator(schema).validate(answer["application/json"]["example"])


@pytest.mark.parametrize("path", [*FILES, *OTHERS])
def test_whatever_is_asked_is_answered_as_described(api: HttpApi, path: str) -> None:
    schema = schemathesis.openapi.from_url(f"{api.url}/openapi.json")
    (method,) = schema[path]
    operation = schema[path][method]
    cases = operation.as_strategy()
    if path in FILES:
        cases |= operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, real=st.booleans())
    def ask(case: schemathesis.Case, real: bool) -> None:
        if real and isinstance(case.body, dict):
            case.body = {**case.body, "file" if "file" in case.body else "audio": FILE}
        case.call_and_validate(base_url=api.url, checks=CHECKS)

    ask()
