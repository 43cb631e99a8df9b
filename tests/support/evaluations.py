"""An evaluation of a small talk, without a model."""

from __future__ import annotations

from sori_server.evaluation.alignment import Edits
from sori_server.evaluation.figures import SCHEMA, Evaluation, Setup
from sori_server.evaluation.heard import Heard
from sori_server.evaluation.passes import LivePass, Passes
from sori_server.evaluation.plan import Pace
from sori_server.evaluation.references import Corpus, Track
from sori_server.evaluation.summing import evaluation
from sori_server.evaluation.tally import Tally
from support.displays import shown, track, utterance

SETUP = Setup(
    sori="0.1.0", faster_whisper="1.2.1", model="mini", device="cpu", compute_type="int8",
    mode="vad", preset="", address="", paces=("fast", "paced"), streams=8, beam_size=5,
    chunk=0.1, offline_margin=0.2, offline_temperature=0.0,
)  # fmt: skip
OFFLINE = Tally(words=Edits(100, 4), utterances=9, start_errors=(0.05, 0.07, 0.3))
LIVE = Tally(
    words=Edits(100, 4, 0, 1),
    utterances=9,
    shown=100,
    deleted=30,
    violations=1,
    start_errors=(0.06, 0.08, 0.2),
    first_interim=(0.3, 0.5),
    word_shown=(0.1, 0.2),
    word_committed=(0.8, 1.9),
    finalisation=(0.6, 0.7),
    hang_over=(0.5, 0.5),
    after_decision=(0.1, 0.6),
)


def passes(live: Tally = LIVE, silence: Heard | None = None) -> Passes:
    """Passes over a talk and, with `silence`, over a recording without speech."""
    heard = {"talk": Heard()} | ({"hush": silence} if silence else {})
    done = LivePass(heard, {"talk": {"en": live}})
    return Passes(
        offline={"talk": {"en": OFFLINE}},
        whole={"talk": {"en": OFFLINE}},
        live={Pace.FAST: done, Pace.PACED: done},
        wall_time={"offline": 1.0},
        texts={"fast": {"talk": ("one", "two")}},
    )


def evaluated(live: Tally = LIVE, silence: Heard | None = None, name: str = "talk") -> Evaluation:
    """The evaluation of `passes`."""
    talk = track(utterance("one two", 1.0, 3.0))
    tracks = [Track("talk", name, talk.pcm, talk.utterances)]
    if silence:
        tracks.append(Track("hush", "hush", talk.pcm, ()))
    return evaluation(Corpus(tuple(tracks), ("extra.flac",)), passes(live, silence), SETUP)


def invented() -> Heard:
    """What is heard of silence when a model makes words up."""
    return Heard([shown(2.0, "thank you", final=True)], model_calls=3)


__all__ = ["LIVE", "OFFLINE", "SCHEMA", "evaluated", "invented", "passes"]
