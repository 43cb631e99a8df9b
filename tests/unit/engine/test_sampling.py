"""Samples follow the model's distribution, and are the same every time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from sori_server.engine import sampling
from sori_server.engine.sampling import ROUNDS, SAMPLES, Continuation, sample

pytestmark = pytest.mark.unit

END = 3


class Chain:
    """A model whose next token depends on the last one; token 3 ends a text."""

    def __init__(self, weights: Sequence[Sequence[float]], steps: int = 8) -> None:
        with np.errstate(divide="ignore"):
            self.logits = np.log(np.array(weights, np.float32))
        self.steps = steps
        self.calls = 0

    def continued(self, texts: Sequence[tuple[int, ...]]) -> list[Continuation]:
        self.calls += 1
        return [self._continued(text) for text in texts]

    def _continued(self, text: tuple[int, ...]) -> Continuation:
        tokens: list[int] = []
        rows: list[np.ndarray] = []
        while len(rows) < self.steps:
            rows.append(self.logits[tokens[-1] if tokens else 0])
            token = text[len(tokens)] if len(tokens) < len(text) else int(rows[-1].argmax())
            if token == END:
                break
            tokens.append(token)
        return Continuation(tuple(tokens), np.stack(rows))


UNSURE = [[0.1, 0.5, 0.2, 0.2], [0.4, 0.1, 0.2, 0.3], [0.1, 0.2, 0.3, 0.4]]


def test_the_same_is_sampled_every_time() -> None:
    texts = [[text.tokens for text in sample(Chain(UNSURE).continued, 8, 1.0)] for _ in range(3)]
    assert texts[0] == texts[1] == texts[2]
    assert len(texts[0]) == SAMPLES
    assert len(set(texts[0])) > 1


def test_near_zero_temperature_the_most_probable_text_is_left() -> None:
    chain = Chain([[0.1, 0.5, 0.2, 0.2], [0.1, 0.1, 0.6, 0.2], [0.1, 0.1, 0.1, 0.7]])
    assert {text.tokens for text in sample(chain.continued, 8, 0.01)} == {(1, 2)}
    assert chain.calls == 2


def test_tokens_come_as_often_as_they_are_probable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "SAMPLES", 4000)
    texts = sample(Chain(UNSURE, steps=2).continued, 2, 1.0)
    first = Counter(text.tokens[:1] for text in texts)
    for token, share in ((0, 0.1), (1, 0.5), (2, 0.2)):
        assert first[token,] / 4000 == pytest.approx(share, abs=0.03)
    assert first[()] / 4000 == pytest.approx(0.2, abs=0.03)
    second = Counter(text.tokens[1:2] for text in texts if text.tokens[:1] == (1,))
    assert second[0,] / second.total() == pytest.approx(0.4, abs=0.04)


def test_log_probabilities_are_those_of_the_text_and_its_end() -> None:
    for text in sample(Chain(UNSURE).continued, 8, 1.0):
        path = [0, *text.tokens]
        steps = [UNSURE[a][b] for a, b in zip(path, text.tokens, strict=False)]
        if len(text.tokens) < 8:
            steps.append(UNSURE[path[-1]][END])
        expected = sum(np.log(steps)) / (len(text.tokens) + 1)
        assert text.log_probability == pytest.approx(expected, rel=1e-4)


def test_work_and_length_are_bounded() -> None:
    endless = Chain([[0.4, 0.3, 0.3, 0.0]] * 3, steps=60)
    texts = sample(endless.continued, 60, 1.0)
    assert endless.calls == ROUNDS + 1
    assert {len(text.tokens) for text in texts} == {60}
    assert all(np.isfinite(text.log_probability) for text in texts)
