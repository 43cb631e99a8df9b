"""The JSON: every name in it, and rates by hand. A change here is a new schema."""

import json
from dataclasses import asdict

import pytest
from sori_server.evaluation.figures import SCHEMA
from support.evaluations import LIVE, evaluated, invented

pytestmark = pytest.mark.unit

DISTRIBUTION = {"count", "p50", "p90", "p95", "p99"}
ACCURACY = {
    "words", "substitutions", "deletions", "insertions", "wer", "cer", "insertion_rate",
    "utterances", "empty", "empty_rate",
}  # fmt: skip
LATENCIES = {
    "first_interim", "word_shown", "word_committed", "finalisation", "hang_over",
    "after_decision",
}  # fmt: skip
EVALUATION = {
    "schema", "setup", "skipped", "recordings", "languages", "total", "transcripts",
    "wall_time", "send_delay",
}  # fmt: skip


def written() -> dict[str, object]:
    text = json.dumps(asdict(evaluated(silence=invented())))
    loaded = json.loads(text)
    assert isinstance(loaded, dict)
    return loaded


def test_all_names_are_those_of_the_schema() -> None:
    figures = written()
    assert SCHEMA == "sori-eval/1"
    assert figures.keys() == EVALUATION
    row = figures["total"]
    assert row.keys() == {"name", "languages", "duration", "offline", "live", "silence"}
    assert row["offline"].keys() == {"accuracy", "whole", "word_times"}
    live = row["live"]["paced"]
    assert live.keys() == {"accuracy", "wer_difference", "latency", "stability", "word_times"}
    assert live["accuracy"].keys() == row["offline"]["whole"].keys() == ACCURACY
    assert live["latency"].keys() == LATENCIES
    assert all(times.keys() == DISTRIBUTION for times in live["latency"].values())
    assert live["stability"].keys() == {
        "shown_words", "deleted_words", "normalised_erasure", "misheard_erasure", "violations"
    }  # fmt: skip
    assert live["word_times"].keys() == {"start", "end"}


def test_rates_are_fractions_of_what_was_said() -> None:
    live = evaluated().total.live["fast"]
    assert (live.accuracy.wer, live.accuracy.insertion_rate) == (0.05, 0.01)
    assert live.wer_difference == pytest.approx(0.01)
    assert live.stability.normalised_erasure == 0.3
    assert live.latency.word_committed.p50 == min(LIVE.word_committed)


def test_silence_has_words_and_calls_and_no_rates() -> None:
    talk, hush = evaluated(silence=invented()).recordings
    assert (hush.live, hush.offline, talk.silence) == ({}, None, {})
    assert (hush.silence["fast"].words, hush.silence["fast"].model_calls) == (2, 3)


def test_rows_are_recordings_and_languages() -> None:
    figures = evaluated()
    assert [row.name for row in figures.recordings] == ["talk"]
    assert [row.name for row in figures.languages] == ["en"]
    assert figures.languages[0].live == figures.total.live
    assert figures.skipped == ("extra.flac",)
