"""What a stream of the demonstration achieved, and the table of it."""

from pathlib import Path

import pytest
from rich.console import Console
from sori_client.types import FinalReason, Latency, Result
from sori_server.cli.demo.measure import Measurement, middle
from sori_server.cli.demo.recordings import DemoRecording, demo_recordings
from sori_server.cli.demo.report import report

pytestmark = pytest.mark.unit

RECORDING = DemoRecording(
    "digits", Path("digits.flac"), 5.0, "four seven nine one", ((1.0, 1.5), (3.0, 3.4))
)


def interim(index: int, start: float, text: str) -> Result:
    return Result("", text, False, index, 1, start, start + 1)


def final(index: int, text: str, reason: FinalReason = FinalReason.ENDPOINT) -> Result:
    latency = Latency(0.05, 0.0, 0.0, 0.05, 0.5, 1)
    return Result(text, "", True, index, 2, 0, 1, final_reason=reason, latency=latency)


def test_first_interims_count_from_the_speech_not_from_the_padding() -> None:
    measurement = Measurement(RECORDING)
    measurement.take(interim(0, 0.7, ""), 1.2)
    measurement.take(interim(0, 0.7, "four"), 1.6)
    measurement.take(interim(0, 0.7, "four seven"), 2.1)
    measurement.take(interim(1, 2.7, "nine"), 3.9)
    assert measurement.first_interims == pytest.approx([0.6, 0.9])


def test_an_interim_after_all_speech_measures_nothing() -> None:
    measurement = Measurement(RECORDING)
    measurement.take(interim(0, 4.0, "ghost"), 4.5)
    assert measurement.first_interims == []


def test_the_hangover_belongs_to_endpoints_only() -> None:
    measurement = Measurement(RECORDING)
    measurement.take(final(0, "four seven"), 2.0)
    measurement.take(final(1, "nine one", FinalReason.END_OF_AUDIO), 5.0)
    assert measurement.finals == [0.05, 0.05]
    assert measurement.hangovers == [0.5]
    assert measurement.errors.errors == 0
    assert measurement.has_words


def test_a_stream_without_words_is_told_from_one_with() -> None:
    measurement = Measurement(RECORDING)
    measurement.take(final(0, " "), 2.0)
    assert not measurement.has_words


def test_medians() -> None:
    assert middle([3.0, 1.0, 2.0]) == 2.0
    assert middle([]) is None


def test_the_table_has_a_line_for_each_stream_and_one_for_all() -> None:
    good, silent = Measurement(RECORDING), Measurement(RECORDING)
    good.take(final(0, "four seven nine two"), 2.0)
    console = Console(width=80, color_system=None)
    with console.capture() as capture:
        console.print(report({"good": good, "silent": silent}))
    lines = {line.split()[0]: line.split() for line in capture.get().splitlines() if line.strip()}
    assert lines["good"][1:4] == ["4", "25.0", "%"]
    assert lines["silent"][1:4] == ["4", "100.0", "%"]
    assert lines["silent"][4:] == ["-", "-", "-"]
    assert lines["all"][1:4] == ["8", "62.5", "%"]


def test_the_bundled_recordings_are_there() -> None:
    recordings = demo_recordings()
    assert [recording.name for recording in recordings] == ["digits", "english", "korean", "mixed"]
    for recording in recordings:
        assert recording.path.is_file()
        assert 10 < recording.duration < 20
        assert recording.words == tuple(sorted(recording.words))
