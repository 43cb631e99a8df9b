"""`Recognizer` with the bundled model: arrays in, the client's events out, from any thread."""

from __future__ import annotations

import gc
import multiprocessing
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray
from sori_client import (
    Event,
    Finalized,
    FinalReason,
    Recognition,
    Result,
    ServerWarning,
    SessionStarted,
    StreamConfig,
    Summary,
)
from sori_server import Recognizer
from sori_server.domain import errors
from sori_server.embedding import streams
from support.recordings import AUDIO, read_recording

pytestmark = pytest.mark.integration

RATE = 16_000
TEXT = ["Four seven zero three.", "Five nine one."]
Blocks = list[NDArray[Any]]


@pytest.fixture(scope="module")
def recognizer() -> Iterator[Recognizer]:
    with Recognizer("mini", interim_results=True) as shared:
        yield shared
    assert multiprocessing.active_children() == []


@pytest.fixture(scope="module")
def digits() -> NDArray[np.float32]:
    """Two utterances and the silence after them; 7.2 s."""
    return read_recording("digits_human").samples[: round(7.2 * RATE)]


def cut(samples: NDArray[Any], length: int = 1_600) -> Blocks:
    return [samples[start : start + length] for start in range(0, len(samples), length)]


def finals(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Result) and event.is_final]


def test_events_come_while_the_next_block_is_waited_for(
    recognizer: Recognizer, digits: NDArray[np.float32]
) -> None:
    heard: queue.SimpleQueue[NDArray[np.float32] | None] = queue.SimpleQueue()

    def blocks() -> Iterator[NDArray[np.float32]]:
        while (block := heard.get()) is not None:
            yield block

    events = iter(recognizer.stream(blocks(), sample_rate=RATE))
    heard.put(digits[:1])
    assert isinstance(next(events), SessionStarted)
    for block in cut(digits[1:]):
        heard.put(block)
    seen = [next(events)]
    while finals(seen) != TEXT:
        seen.append(next(events))
    heard.put(None)
    assert isinstance(list(events)[-1], Summary)


KINDS: dict[str, tuple[int, Callable[[NDArray[np.float64]], NDArray[Any]]]] = {
    "stereo 16 bit at 48 kHz": (48_000, lambda x: np.stack([x, x], 1).__mul__(32_767).astype("i2")),
    "64-bit floats at 44.1 kHz": (44_100, lambda x: x),
    "32 bit at 8 kHz": (8_000, lambda x: (x * (2**31 - 1)).astype(np.int32)),
    "96 kHz": (96_000, lambda x: x.astype(np.float32)[:, None]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_array_gives_the_same_text(
    recognizer: Recognizer, digits: NDArray[np.float32], kind: str
) -> None:
    rate, convert = KINDS[kind]
    samples = convert(soxr.resample(digits.astype(np.float64), RATE, rate).clip(-1, 1))
    stream = recognizer.stream(cut(samples, 4_321), sample_rate=rate)
    assert [result.text for result in stream.results() if result.is_final] == TEXT


def test_writing_gives_the_same_text(recognizer: Recognizer, digits: NDArray[np.float32]) -> None:
    with recognizer.open(sample_rate=RATE) as stream:
        stream.write(digits)
        stream.end()
        stream.end()
        events = list(stream)
    assert finals(events) == TEXT
    assert isinstance(events[-1], Summary)
    with pytest.raises(errors.ProtocolViolation, match="ended"):
        stream.write(digits)


def test_events_are_polled_and_an_utterance_is_ended_by_hand(
    recognizer: Recognizer, digits: NDArray[np.float32]
) -> None:
    with recognizer.open(sample_rate=RATE) as stream:
        assert not any(isinstance(event, Result) for event in stream.events())
        stream.write(digits[: round(3.5 * RATE)])
        stream.finalize("now")
        events: list[Event] = []
        deadline = time.monotonic() + 10
        while not any(isinstance(event, Finalized) for event in events):
            assert time.monotonic() < deadline
            events += stream.events()
            time.sleep(0.005)
        last = [event for event in events if isinstance(event, Result)][-1]
        assert (last.text, last.final_reason) == (TEXT[0], FinalReason.FINALIZE)
        assert events[-1] == Finalized("now", 3.5)
        assert stream.events() == []
    with pytest.raises(errors.RequestCancelled, match="closed"):
        stream.receive()
    with pytest.raises(errors.ProtocolViolation, match="over"):
        stream.finalize()


def test_threads_write_and_read_many_streams_at_once(
    recognizer: Recognizer, digits: NDArray[np.float32]
) -> None:
    def write(stream: streams.WrittenStream) -> None:
        for block in cut(digits):
            stream.write(block)
        stream.end()

    def read(_: int) -> list[str]:
        with recognizer.open(sample_rate=RATE) as stream:
            writer = threading.Thread(target=write, args=(stream,))
            writer.start()
            events = list(stream)
            writer.join()
        return finals(events)

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(read, range(6))) == [TEXT] * 6


def test_a_recording_is_transcribed_from_an_array_or_a_file(
    recognizer: Recognizer, digits: NDArray[np.float32]
) -> None:
    heard = recognizer.transcribe(digits, sample_rate=RATE)
    assert heard.text == " ".join(TEXT)
    assert heard.summary.received_audio == pytest.approx(7.2)
    assert all(result.is_final and not result.words for result in heard.results)
    timed = recognizer.transcribe(
        AUDIO / "digits_human.flac", config=replace(recognizer.config, word_times=True)
    )
    assert [result.text for result in timed.results[:2]] == TEXT
    assert timed.results[0].words[0].text == "Four"
    nothing = recognizer.transcribe(np.zeros(0, np.float32), sample_rate=RATE)
    assert nothing == Recognition((), Summary(0.0, 0.0, 0, 0.0))


def test_the_words_before_an_error_of_the_source_come_first(
    recognizer: Recognizer, digits: NDArray[np.float32]
) -> None:
    def unplugged() -> Iterator[NDArray[np.float32]]:
        yield digits[: 4 * RATE]
        raise TimeoutError("no such device")

    bad = [digits[: 4 * RATE], np.zeros((3, 3, 3), np.float32)]
    sources: list[tuple[Iterable[Any], type[Exception], str]] = [
        (unplugged(), TimeoutError, "no such device"),
        (bad, errors.InvalidAudio, "3 dimensions"),
    ]
    for blocks, error, message in sources:
        events: list[Event] = []
        with pytest.raises(error, match=message):
            events.extend(recognizer.stream(blocks, sample_rate=RATE))
        assert finals(events) == [TEXT[0]]
    with recognizer.stream(unplugged(), sample_rate=RATE) as stream:
        while not finals(stream.events()):
            time.sleep(0.005)
        with pytest.raises(TimeoutError, match="no such device"):
            list(iter(stream.receive, None))
        with pytest.raises(TimeoutError, match="no such device"):
            stream.events()


def test_samples_that_are_no_numbers_are_silence_and_told(
    recognizer: Recognizer, digits: NDArray[np.float32]
) -> None:
    blocks = [np.full(RATE, np.nan), digits, np.array([np.inf])]
    events = list(recognizer.stream(blocks, sample_rate=RATE))
    assert finals(events) == TEXT
    warnings = [event.message for event in events if isinstance(event, ServerWarning)]
    assert len([each for each in warnings if "finite" in each]) == 1


def test_a_bad_block_is_refused_and_the_stream_goes_on(
    recognizer: Recognizer, digits: NDArray[np.float32]
) -> None:
    with recognizer.open(sample_rate=RATE) as stream:
        with pytest.raises(errors.InvalidAudio, match="2 channels in a stream of 1"):
            stream.write(np.zeros((10, 2), np.float32))
        stream.write(digits)
        stream.end()
        assert finals(list(stream)) == TEXT


@pytest.mark.parametrize(
    ("config", "error"),
    [
        (StreamConfig(languages=("xx",)), errors.InvalidConfig),
        (StreamConfig(model="tiny"), errors.ModelNotFound),
        (StreamConfig(beam_size=1_000), errors.InvalidConfig),
        (StreamConfig(progress_interval=float("nan")), errors.InvalidConfig),
    ],
)
def test_settings_that_cannot_be_met_are_typed_errors(
    recognizer: Recognizer, config: StreamConfig, error: type[Exception]
) -> None:
    stream = recognizer.open(sample_rate=RATE, config=config)
    with pytest.raises(error):
        stream.receive()
    with pytest.raises(error):
        stream.events()
    with pytest.raises(errors.ProtocolViolation, match="over: ") as refused:
        stream.write(np.zeros(10, np.int16))
    assert isinstance(refused.value.__cause__, error)
    with pytest.raises(error):
        recognizer.transcribe(np.zeros(10, np.int16), sample_rate=RATE, config=config)


def test_arguments_are_checked_before_anything_is_loaded() -> None:
    with pytest.raises(errors.InvalidConfig, match="no task"):
        Recognizer("mini", task="sing")
    with pytest.raises(errors.InvalidConfig, match="compute_type"):
        Recognizer("mini", compute_type="int3")
    with pytest.raises(errors.InvalidConfig, match="device"):
        Recognizer("mini", device="abacus")
    with pytest.raises(errors.InvalidConfig, match="max_streams"):
        Recognizer("mini", max_streams=0)
    with pytest.raises(errors.InvalidConfig, match="preset"):
        Recognizer("mini", preset="karaoke")
    with pytest.raises(errors.ModelNotFound):
        Recognizer("no/such/folder")


def test_an_array_needs_its_rate(recognizer: Recognizer) -> None:
    with pytest.raises(errors.InvalidConfig, match="sample_rate"):
        recognizer.transcribe(np.zeros(10, np.int16))
    with pytest.raises(errors.InvalidAudio, match=r"missing\.wav"):
        recognizer.transcribe("missing.wav")


def test_leaving_the_loop_closes_the_generator(recognizer: Recognizer) -> None:
    closed = threading.Event()

    def endless() -> Iterator[NDArray[np.int16]]:
        try:
            while True:
                yield np.zeros(1_600, np.int16)
        finally:
            closed.set()

    for event in recognizer.stream(endless(), sample_rate=RATE):
        assert isinstance(event, SessionStarted)
        break
    assert closed.wait(10)


def test_a_writer_whose_events_nobody_takes_is_told(
    recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MAX_EVENTS", 2)
    monkeypatch.setattr(streams, "PATIENCE", 0.05)
    stream = recognizer.open(
        sample_rate=RATE, config=replace(recognizer.config, progress_interval=0.1)
    )
    silence = np.zeros(300 * RATE, np.int16)
    with pytest.raises(errors.ProtocolViolation, match="over"):
        stream.write(silence)
    assert len(stream.events()) == 2
    with pytest.raises(errors.SlowReader, match="not taken"):
        stream.events()


def test_arguments_are_settings_of_streams_and_closing_ends_whoever_waits(
    digits: NDArray[np.float32],
) -> None:
    threads, children = set(threading.enumerate()), len(multiprocessing.active_children())
    closing = Recognizer(
        "mini",
        language=["en", "ko"],
        chunk_duration=2.0,
        overlap_duration=0.4,
        initial_prompt="Digits.",
        task="translate",
        preset="low-latency",
        max_streams=1,
    )
    spoken = closing.transcribe(digits, sample_rate=RATE)
    assert spoken.results[0].final_reason is FinalReason.CHUNK
    stream = closing.open(sample_rate=RATE)
    started = stream.receive()
    assert isinstance(started, SessionStarted)
    config = started.config
    assert config.languages == ("en", "ko")
    assert config.task.value == "translate"
    assert (config.endpointing.chunk_duration, config.endpointing.overlap_duration) == (2.0, 0.4)
    assert (config.preset, config.beam_size) == ("low-latency", 1)
    with pytest.raises(errors.CapacityExhausted):
        closing.open(sample_rate=RATE).receive()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(stream.receive)
        time.sleep(0.05)
        closing.close()
        with pytest.raises(errors.RequestCancelled):
            waiting.result(5)
    closing.close()
    with pytest.raises(errors.RequestCancelled, match="recognizer was closed"):
        closing.open(sample_rate=RATE)
    assert len(multiprocessing.active_children()) == children
    assert set(threading.enumerate()) <= threads


def test_a_recognizer_nobody_uses_any_more_closes_by_itself() -> None:
    others = len(multiprocessing.active_children())
    stream = Recognizer("mini").open(sample_rate=RATE)
    gc.collect()
    assert isinstance(stream.receive(), SessionStarted)
    assert len(multiprocessing.active_children()) == others + 1
    stream.close()
    del stream
    gc.collect()
    deadline = time.monotonic() + 10
    while len(multiprocessing.active_children()) > others:
        assert time.monotonic() < deadline
        time.sleep(0.01)
