"""Texts as what is compared: normalised words, keys of words, words on a screen."""

from __future__ import annotations

import functools
import re
import unicodedata
import warnings
from typing import Final

from sori_server.session.text import UNSPACED_LANGUAGES

with warnings.catch_warnings():
    # Its docstrings have escape sequences that Python does not know.
    warnings.simplefilter("ignore")
    from whisper_normalizer.basic import BasicTextNormalizer
    from whisper_normalizer.english import EnglishTextNormalizer

ENGLISH: Final = "en"
_DIGIT: Final = re.compile(r"(\d)(?=\d)")


@functools.cache
def _english() -> EnglishTextNormalizer:
    return EnglishTextNormalizer()


@functools.cache
def _basic() -> BasicTextNormalizer:
    return BasicTextNormalizer()


def normalised(text: str, language: str) -> str:
    """`text` as Whisper's normaliser has it, words apart by one space.

    English goes through the English normaliser, every other language through the basic
    one. The English one writes a run of spoken digits as one number, however long, so that
    one wrong digit would make one wrong word of many and the borders of utterances would
    count: digits are set apart again. Words without letters and digits are dropped. Words
    of languages without spaces are characters.
    """
    plain = str((_english() if language == ENGLISH else _basic())(text))
    if language in UNSPACED_LANGUAGES:
        return " ".join("".join(plain.split()))
    words = _DIGIT.sub(r"\1 ", plain).split()
    return " ".join(word for word in words if any(map(str.isalnum, word)))


def key(word: str) -> str:
    """`word` without case, punctuation and spaces: equal for what sounds equal, mostly."""
    folded = unicodedata.normalize("NFKC", word).casefold()
    return "".join(c for c in folded if unicodedata.category(c)[0] not in "PSZC")


def shown_words(text: str, language: str) -> tuple[str, ...]:
    """The words a reader sees, punctuation included; characters where words have no spaces."""
    if language in UNSPACED_LANGUAGES:
        return tuple("".join(text.split()))
    return tuple(text.split())
