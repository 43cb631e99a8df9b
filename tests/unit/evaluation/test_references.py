"""Folders of recordings, and folders of rubbish."""

import json
import shutil
import wave
from pathlib import Path

import numpy as np
import pytest
from sori_server.domain.errors import InvalidAudio, InvalidConfig, SoriError
from sori_server.evaluation.references import read_corpus
from support.displays import write_card
from support.recordings import AUDIO, read_recording

pytestmark = pytest.mark.unit

YES = {"start": 1.0, "end": 2.0, "text": "yes", "language": "en"}


def test_samples_and_words_are_those_of_the_files(tmp_path: Path) -> None:
    for suffix in ("flac", "json"):
        shutil.copy(AUDIO / f"digits_human.{suffix}", tmp_path)
    (track,) = read_corpus(tmp_path).tracks
    known = read_recording("digits_human")
    assert (track.pcm == (known.samples * 32_768).astype("i2")).all()
    assert [u.text for u in track.utterances] == [u.text for u in known.utterances]
    assert track.utterances[0].words[0].start == known.utterances[0].words[0].start


def test_audio_without_a_transcript_is_named(tmp_path: Path) -> None:
    for name in ("digits_human.flac", "digits_human.json", "ko_dialog.flac"):
        shutil.copy(AUDIO / name, tmp_path)
    corpus = read_corpus(tmp_path)
    assert (corpus.recordings, corpus.skipped) == (("digits_human",), ("ko_dialog.flac",))


def test_a_language_may_have_a_region(tmp_path: Path) -> None:
    shutil.copy(AUDIO / "digits_human.flac", tmp_path / "a.flac")
    write_card(tmp_path, "a", YES, {**YES, "language": "en-US"}, {**YES, "language": "ko-KR"})
    (track,) = read_corpus(tmp_path).tracks
    assert track.languages == ("en", "ko")


def test_only_what_is_named_is_read(tmp_path: Path) -> None:
    shutil.copy(AUDIO / "digits_human.flac", tmp_path / "a.flac")
    write_card(tmp_path, "a", YES)
    write_card(tmp_path, "b", {"text": "bad"})
    assert read_corpus(tmp_path, ["a"]).recordings == ("a",)


def test_a_card_for_every_channel_makes_tracks(tmp_path: Path, stereo: Path) -> None:
    shutil.copy(stereo, tmp_path / "call.wav")
    left, right = {**YES, "channel": 1}, {**YES, "channel": 2, "text": "no"}
    write_card(tmp_path, "call", left, right)
    one, two = read_corpus(tmp_path).tracks
    assert (one.name, two.name, one.recording) == ("call#1", "call#2", "call")
    assert (one.utterances[0].text, two.utterances[0].text) == ("yes", "no")
    assert (abs(one.pcm).max(), abs(two.pcm).max()) == (1_000, 2_000)


@pytest.mark.parametrize(
    ("utterance", "told"),
    [
        ({"start": 1, "end": 2, "language": "en"}, "'text' is missing"),
        ({**YES, "start": 3}, "0 <= start <= end"),
        ({**YES, "end": "soon"}, "could not convert"),
        ({**YES, "channel": 3}, "channel must be 1 or 2"),
        ({**YES, "end": float("inf")}, "start <= end"),
        ({**YES, "language": "zz"}, "'zz' is no language of Whisper's"),
        ({**YES, "language": "no tag"}, "not a BCP-47 tag"),
        ({**YES, "words": [{"word": "yes"}]}, "'start' is missing"),
        ("yes", "indices"),
    ],
)
def test_a_wrong_utterance_is_named(
    utterance: dict[str, object], told: str, tmp_path: Path
) -> None:
    write_card(tmp_path, "a", YES, utterance)
    with pytest.raises(InvalidConfig, match=r"a\.json: utterances\[1\]: .*") as caught:
        read_corpus(tmp_path)
    assert told in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", json.dumps({"utterances": 3}), "\ud800"])
def test_what_is_no_transcript_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(InvalidConfig, match=r"a\.json: not a transcript"):
        read_corpus(tmp_path)


@pytest.mark.parametrize("file", [None, "gone.flac", "text.wav"])
def test_missing_and_damaged_audio_is_named(file: str | None, tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound here")
    write_card(tmp_path, "a", YES, **({"file": file} if file else {}))
    with pytest.raises(InvalidAudio, match=file or r"a\.json"):
        read_corpus(tmp_path)


@pytest.mark.parametrize("only", [(), ("a",)])
def test_an_empty_folder_and_none_at_all(only: tuple[str, ...], tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(SoriError, match=str(folder)):
            read_corpus(folder, only)


@pytest.fixture
def stereo(tmp_path: Path) -> Path:
    path = tmp_path / "stereo.wave"
    samples = np.tile(np.array([[1_000, 2_000]], np.int16), (1_600, 1))
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(samples.tobytes())
    return path
