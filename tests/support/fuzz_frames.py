"""Hostile JSON by what it is: frames of both WebSocket protocols."""

from __future__ import annotations

import json
from typing import Final

from sori.v1 import speech_pb2 as pb
from sori_server.transport.bridge.to_json import message_to_dict
from support.fuzz_messages import ALL

V1_CONFIG: Final = (
    b'{"type":"config","recognition":{"audio_format":{"encoding":"linear16",'
    b'"sample_rate_hertz":16000}},"resume":{"enabled":true}}'
)
_RECOGNITION: Final = b'{"type":"config","recognition":%s}'
NUMBERS: Final = {
    "2**63": str(2**63).encode(),
    "-2**63 - 1": str(-(2**63) - 1).encode(),
    "1e308": b"1e308",
    "1e400": b"1e400",
    "-1": b"-1",
    "NaN": b"NaN",
    "minus infinity": b"-Infinity",
    "a text": b'"9"',
    "null": b"null",
    "half a byte": b"0.5",
    "a list": b"[1]",
}


def v1_frames() -> dict[str, bytes]:
    """Text frames of protocol v1."""
    settings = pb.StreamingRecognizeRequest.FromString(ALL).config
    frames = {
        "config": V1_CONFIG,
        "every setting": json.dumps({"type": "config", **message_to_dict(settings)}).encode(),
        "finalize": b'{"type":"finalize","request_id":"one"}',
        "keep alive": b'{"type":"keep_alive"}',
        "end": b'{"type":"end_of_audio","total_bytes":1}',
        "ack": b'{"type":"response_ack","sequence":1}',
        "nothing": b"",
        "cut": V1_CONFIG[:60],
        "no object": b"[]",
        "no type": b"{}",
        "a type that is none": b'{"type":{}}',
        "a name twice": b'{"type":"keep_alive","type":"config"}',
        "an unknown field": b'{"type":"keep_alive","\\ud800":1}',
        "half a pair": b'{"type":"finalize","request_id":"\\ud800"}',
        "half a pair, the other": b'{"type":"finalize","request_id":"\\udfff x"}',
        "a pair": b'{"type":"finalize","request_id":"\\ud83d\\ude00\\u0000"}',
        "no UTF-8": b'{"type":"finalize","request_id":"\xff"}',
        "a byte order mark": b"\xef\xbb\xbf{}",
        "comments": b'/* */ {"type":"keep_alive"} // x',
        "a text for an object": _RECOGNITION % b'"x"',
        "an endless duration": b'{"type":"config","min_interim_interval":1e11}',
        "no duration": b'{"type":"config","progress_interval":"1s"}',
        "a float too large": b'{"type":"config","endpointing":{"speech_threshold":1e39}}',
        "no language": _RECOGNITION % b'{"language_codes":[null,{}]}',
        "rules": _RECOGNITION
        % b'{"adaptation":{"replacements":[{"search":"a","replace":"b","case_sensitive":1}]}}',
        "a forged token": b'{"type":"config","resume":{"resume_token":"\\u00e9"}}',
    }
    for name, number in NUMBERS.items():
        frames |= {
            f"a total of {name}": b'{"type":"end_of_audio","total_bytes":%s}' % number,
            f"{name} acknowledged": b'{"type":"response_ack","sequence":%s}' % number,
            f"resumed from {name}": b'{"type":"config","resume":{"last_sequence":%s}}' % number,
            f"a rate of {name}": _RECOGNITION
            % (b'{"audio_format":{"sample_rate_hertz":%s}}' % number),
        }
    return frames


def plain_streams() -> dict[str, bytes]:
    """Queries, and a text frame behind each."""
    frames = {
        "nothing": b"\0",
        "settings": b'encoding=linear16&sample_rate=8000&channels=1\0{"interim":false}',
        "everything": b"language=en,ko&language=ko&task=translate&model=fake&preset=captions",
        "settings as lists": b'\0{"language":["en","ko"],"sample_rate":16000.0,"channels":"1"}',
        "a list of lists": b'\0{"language":[["en"]]}',
        "an object": b'\0{"language":{}}',
        "null": b'\0{"language":null}',
        "an unknown setting": b'\0{"\\ud800":1}',
        "half a pair": b'\0{"language":"\\ud800"}',
        "no UTF-8": b"%ff=%fe&language=%ed%a0%80",
        "twice": b"task=transcribe&task=translate",
        "a type": b'\0{"type":"config"}\0{"type":"end_of_audio"}',
    }
    for name, number in NUMBERS.items():
        frames[f"a rate of {name}"] = b'\0{"sample_rate":%s}' % number
        frames[f"channels: {name}"] = b"channels=" + number.strip(b'"')
    return frames


def huge_v1() -> dict[str, bytes]:
    """Text frames that are large, or that JSON makes much of."""
    deep = {
        f"{depth} {name}": opening * depth + closing * depth
        for depth in (500, 900, 8_000)
        for name, opening, closing in (("lists", b"[", b"]"), ("objects", b'{"a":', b"}"))
    }
    many = [f"word {n}" for n in range(10_000)]
    return {
        **{f"{name}, a preset": b'{"type":"config","preset":%s}' % v for name, v in deep.items()},
        **{f"{name}, a language": b'{"language":%s}' % v for name, v in deep.items()},
        **deep,
        "600,000 objects": b'{"a":' * 600_000 + b"}" * 600_000,
        "a million lists": b"[" * 10**6,
        "lists that do not end": b"[" * 60_000,
        "a number of 10**5 digits": b'{"type":"end_of_audio","total_bytes":%s}' % (b"9" * 10**5),
        "a number of 4000 digits": b'{"type":"end_of_audio","total_bytes":%s}' % (b"9" * 4_000),
        "a rate of 4000 digits": b'{"sample_rate":%s}' % (b"9" * 4_000),
        "a rate of 10**5 digits": b'{"sample_rate":%s}' % (b"9" * 10**5),
        "an exponent of 4000 digits": b'{"type":"response_ack","sequence":1e%s}' % (b"9" * 4_000),
        "a prompt of 1 MiB": _RECOGNITION
        % (b'{"adaptation":{"initial_prompt":"%s"}}' % (b"p" * 2**20)),
        "10**4 hotwords": _RECOGNITION % json.dumps({"adaptation": {"hotwords": many}}).encode(),
        "4000 names": json.dumps({f"n{n}": n for n in range(4_000)}).encode(),
        "4000 names twice": b"{%s}" % b",".join([b'"a":1'] * 4_000),
        "a name of 60000 characters": b'{"%s":1}' % (b"n" * 60_000),
    }


def huge_plain() -> dict[str, bytes]:
    """The same frames, behind a query that says nothing."""
    return {name: b"\0" + frame for name, frame in huge_v1().items()}
