"""From what was told of a track to tallies, one for each language spoken in it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

from sori_server.evaluation.alignment import character_edits, word_edits
from sori_server.evaluation.heard import Display, Heard, HeardWord, OfflineText
from sori_server.evaluation.references import Track, Utterance
from sori_server.evaluation.stability import deleted_words, violations
from sori_server.evaluation.tally import Tally
from sori_server.evaluation.texts import key, normalised, shown_words
from sori_server.evaluation.word_places import emissions, matched

CHUNK: Final = 0.1
"""Seconds of audio sent at a time."""
SLACK: Final = 0.2
"""Seconds a word may lie outside the utterance it is counted for."""
ALL: Final = ""
"""The language of what is heard where nothing is said."""

Tallies = dict[str, Tally]
Piece = Display | OfflineText


def offline_tallies(track: Track, texts: Sequence[OfflineText]) -> Tallies:
    """Words right and wrong, and their places, of an offline pass."""
    return _added(_accuracy(track, texts), _word_times(track, texts))


def live_tallies(track: Track, heard: Heard, *, wall: bool) -> Tallies:
    """All there is to measure of a stream; `wall` tells that times are those of a clock."""
    finals = heard.finals
    return _added(
        _accuracy(track, finals),
        _word_times(track, finals),
        *(_utterance(track, displays) for displays in heard.utterances),
        _emission(track, heard),
        *(_finalisation(track, final, heard.speech_ends, wall=wall) for final in finals),
    )


def _added(*parts: Tallies) -> Tallies:
    tallies: Tallies = {}
    for part in parts:
        for language, tally in part.items():
            tallies[language] = tallies.get(language, Tally()) + tally
    return tallies


def _accuracy(track: Track, pieces: Sequence[Piece]) -> Tallies:
    references = [normalised(u.text, u.language) for u in track.utterances]
    recognized = " ".join(normalised(piece.text, piece.language) for piece in pieces)
    words, characters = (charge(references, recognized) for charge in (word_edits, character_edits))
    return _added(
        *(
            {
                u.language: Tally(
                    words=words[i],
                    characters=characters[i],
                    utterances=1,
                    empty=not any(_speaks(piece, u) for piece in pieces),
                )
            }
            for i, u in enumerate(track.utterances)
        )
    )


def _speaks(piece: Piece, utterance: Utterance) -> bool:
    """Whether a piece has a word of an utterance."""
    first, last = utterance.start - SLACK, utterance.end + SLACK
    return any(first <= (word.start + word.end) / 2 <= last for word in piece.words)


def _word_times(track: Track, pieces: Iterable[Piece]) -> Tallies:
    heard: list[HeardWord] = [word for piece in pieces for word in piece.words]
    return _added(
        *(
            {
                language: Tally(
                    start_errors=(abs(word.start - said.start),),
                    end_errors=(abs(word.end - said.end),),
                )
            }
            for said, language, word in matched(track, heard)
        )
    )


def _emission(track: Track, heard: Heard) -> Tallies:
    return _added(
        *(
            {
                emission.language: Tally(
                    word_shown=(emission.shown - emission.said.end,),
                    word_committed=(emission.committed - emission.said.end,),
                )
            }
            for emission in emissions(track, heard.utterances)
        )
    )


def _utterance(track: Track, displays: Sequence[Display]) -> Tallies:
    """What is shown and taken back of one utterance, and how soon it begins to be shown."""
    texts = [shown_words(display.text, display.language) for display in displays]
    keys = [[key(word) for word in words] for words in texts]
    latest = displays[-1]
    first = next((display.at for display in displays if display.text.strip()), None)
    places = _places(track, latest)
    return {
        _language(track, latest): Tally(
            shown=len(texts[-1]),
            deleted=deleted_words(texts),
            misheard=deleted_words(keys),
            violations=violations(displays),
            first_interim=(first - places[0][0],) if places and first is not None else (),
        )
    }


def _places(track: Track, result: Display) -> list[tuple[float, float]]:
    """Places of the words said within a result."""
    return [
        (start, end)
        for utterance in track.utterances
        for start, end in utterance.places
        if result.start < (start + end) / 2 < result.end
    ]


def _finalisation(
    track: Track, final: Display, speech_ends: Sequence[float], *, wall: bool
) -> Tallies:
    """Times of a final that silence ended."""
    inside = _places(track, final)
    ends = [end for end in speech_ends if final.start < end <= final.end]
    if not final.endpointing or not inside or not ends:
        return {}
    decided = ends[-1] + final.endpointing
    sent = math.ceil(round(decided / CHUNK, 6)) * CHUNK
    return {
        _language(track, final): Tally(
            finalisation=(final.at - inside[-1][1],),
            hang_over=(final.endpointing,),
            after_decision=(final.at - sent,) if wall else (),
        )
    }


def _language(track: Track, result: Display) -> str:
    """The language said within a result, or nearest to it."""

    def common(utterance: Utterance) -> float:
        return min(result.end, utterance.end) - max(result.start, utterance.start)

    return max(track.utterances, key=common).language if track.utterances else ALL
