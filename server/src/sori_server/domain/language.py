"""Names of languages: BCP-47 tags outside, Whisper's codes inside."""

from __future__ import annotations

import re
from typing import Final

from sori_server.domain.config import RecognitionConfig

_TAG: Final = re.compile(r"[a-z]{2,8}(-[a-z0-9]{1,8})*")
"""What RFC 5646 has in common for all tags that name a language; private and old ones do not."""

_WHISPER_CODES: Final = {
    "cmn": "zh",
    "fil": "tl",
    "in": "id",
    "iw": "he",
    "ji": "yi",
    "jv": "jw",
    "mo": "ro",
    "nb": "no",
}
"""Where Whisper has another word for a language, or one word for several."""

_EXTENDED: Final = {"zh": ("cmn", "yue")}
"""Languages that may be written behind the one that embraces them, as in `zh-yue`."""

_TAGS: Final = {"jw": "jv"}
"""Codes of Whisper that are not the tag of their language."""


def whisper_code(tag: str) -> str:
    """Whisper's code for the language of a BCP-47 tag; case and `_` for `-` do not matter.

    Whisper tells languages apart, not scripts or regions: `ko-KR` is `ko`. Whether a model
    knows the language is for its list to say.

    Raises:
        ValueError: it is no such tag.
    """
    plain = tag.replace("_", "-").lower()
    if not _TAG.fullmatch(plain):
        raise ValueError("not a BCP-47 tag")
    language, *subtags = plain.split("-")
    if subtags and subtags[0] in _EXTENDED.get(language, ()):
        language = subtags[0]
    return _WHISPER_CODES.get(language, language)


def language_tag(code: str) -> str:
    """The BCP-47 tag of a language of Whisper's."""
    return _TAGS.get(code, code)


def tag_for(code: str, config: RecognitionConfig) -> str:
    """The tag of a language of Whisper's: as the client wrote it, if it named the language."""
    given = dict(zip(config.languages, config.language_tags, strict=False))
    return given.get(code) or language_tag(code)
