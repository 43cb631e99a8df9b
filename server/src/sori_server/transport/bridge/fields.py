"""The fields of a form or a query that are no files, read as what they stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from sori_server.domain.errors import InvalidConfig, quoted

Choice = TypeVar("Choice")

FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}


def plain_name(name: str) -> str:
    """`languages` for `languages[]`, `options` for `options[kind]`, as some clients write them."""
    return name.partition("[")[0]


class Fields:
    """Values by the name of their field. Empty values count as not given."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        self._values = values

    def texts(self, name: str) -> list[str]:
        """All values of a field that may repeat."""
        return [value for value in self._values.get(name, ()) if value]

    def text(self, name: str) -> str:
        """The value of a field; empty if it was not given.

        Raises:
            InvalidConfig: it was given more than once.
        """
        given = self.texts(name)
        if len(given) > 1:
            raise InvalidConfig(name, "given more than once")
        return given[0] if given else ""

    def listed(self, name: str) -> list[str]:
        """All values of a field that may repeat, those between commas, too."""
        parts = (part.strip() for text in self.texts(name) for part in text.split(","))
        return [part for part in parts if part]

    def choice(self, name: str, choices: Mapping[str, Choice], default: Choice) -> Choice:
        """What the value of a field stands for.

        Raises:
            InvalidConfig: it stands for nothing, or was given more than once.
        """
        given = self.text(name)
        return chosen(name, given, choices) if given else default

    def flag(self, name: str) -> bool:
        """Whether a field is `true`.

        Raises:
            InvalidConfig: it is neither that nor `false`.
        """
        return self.choice(name, FLAGS, default=False)


def is_text(given: str) -> bool:
    """Whether it can be written as UTF-8."""
    return given.isascii() or not any("\ud800" <= character <= "\udfff" for character in given)


def chosen(name: str, given: str, choices: Mapping[str, Choice]) -> Choice:
    """What `given` stands for in a field.

    Raises:
        InvalidConfig: it stands for nothing.
    """
    if given not in choices:
        raise InvalidConfig(name, f"{quoted(given)} is none of {', '.join(choices)}")
    return choices[given]
