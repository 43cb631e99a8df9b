"""A client in a process of its own, to be stopped and killed. Runs as a script.

`stream_process.py ADDRESS MODE [PING_SECONDS]`: connects, and then, by mode, is `idle`;
or opens a stream that sends the config and `speech`, one second of it, or `words`, one
every 20 ms for ever. Prints `ready` when it is there, and the kinds of all responses.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import grpc
from sori.v1 import speech_pb2 as pb
from sori.v1 import speech_pb2_grpc as rpc
from sori_server.engine.fake import WORDS
from support.raw_client import config_of
from support.word_audio import linear16, speak


def main(address: str, mode: str, ping_seconds: str = "") -> None:
    options = [("grpc.use_local_subchannel_pool", 1)]
    if ping_seconds:
        options += [
            ("grpc.keepalive_time_ms", round(float(ping_seconds) * 1000)),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.max_pings_without_data", 0),
        ]
    with grpc.insecure_channel(address, options=options) as channel:
        grpc.channel_ready_future(channel).result()
        print("ready", flush=True)
        if mode == "idle":
            time.sleep(600)
        try:
            for response in rpc.SpeechServiceStub(channel).StreamingRecognize(_requests(mode)):
                print(response.WhichOneof("response"), flush=True)
        except grpc.RpcError as error:
            print(error.code().name, error.details(), flush=True)


def _requests(mode: str) -> Iterator[pb.StreamingRecognizeRequest]:
    yield pb.StreamingRecognizeRequest(config=config_of(interim_results=True))
    if mode == "speech":
        yield _audio(range(10))
        time.sleep(600)
    for word in range(WORDS):
        yield _audio([word])
        time.sleep(0.02)


def _audio(words: range | list[int]) -> pb.StreamingRecognizeRequest:
    return pb.StreamingRecognizeRequest(audio=pb.AudioChunk(data=linear16(speak(words))))


if __name__ == "__main__":
    main(*sys.argv[1:])
