"""The flags of all commands that turn speech into text, declared once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, Concatenate, Final, ParamSpec

import typer

from sori_server.cli.options import TEXT, Preset
from sori_server.cli.wishes import Wishes

P = ParamSpec("P")

Language = Annotated[
    list[str] | None,
    typer.Option(
        "--language",
        "-l",
        metavar="CODE",
        help="Language spoken, such as en or ko-KR; several to choose among.",
        show_default="detected",
        rich_help_panel=TEXT,
    ),
]
SwitchLanguages = Annotated[
    bool,
    typer.Option(
        "--switch-languages",
        help="Detect the language again in every utterance.",
        rich_help_panel=TEXT,
    ),
]
Translate = Annotated[
    bool,
    typer.Option("--translate", help="Write English, whatever is spoken.", rich_help_panel=TEXT),
]
InitialPrompt = Annotated[
    str,
    typer.Option(
        metavar="TEXT",
        help="What it is about, names, the style: biases the model.",
        show_default=False,
        rich_help_panel=TEXT,
    ),
]
Hotword = Annotated[
    list[str] | None,
    typer.Option(
        "--hotword",
        metavar="WORD",
        help="A likely word or phrase; may be given again.",
        rich_help_panel=TEXT,
    ),
]
Replace = Annotated[
    list[str] | None,
    typer.Option(
        "--replace",
        metavar="OLD=NEW",
        help="Write NEW for OLD, in whole words; may be given again.",
        rich_help_panel=TEXT,
    ),
]
Chunk = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="Make text final after so long at the latest, also in mid-sentence.",
        rich_help_panel=TEXT,
    ),
]
Overlap = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="With chunks: how much of the end of one is left to the next.",
        rich_help_panel=TEXT,
    ),
]


def speech_flags(
    preset: Preset = None,
    language: Language = None,
    switch_languages: SwitchLanguages = False,
    translate: Translate = False,
    initial_prompt: InitialPrompt = "",
    hotword: Hotword = None,
    replace: Replace = None,
    chunk: Chunk = None,
    overlap: Overlap = None,
) -> Wishes:
    """What these flags ask for.

    Raises:
        typer.BadParameter: a replacement without `=`.
    """
    return Wishes(
        preset=preset or "",
        languages=tuple(language or ()),
        switch_languages=switch_languages,
        translate=translate,
        initial_prompt=initial_prompt,
        hotwords=tuple(hotword or ()),
        replacements=tuple(map(_replacement, replace or ())),
        chunk=chunk,
        overlap=overlap,
    )


def _replacement(text: str) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not (old and equals):
        raise typer.BadParameter(f"--replace wants OLD=NEW, got {text!r}")
    return old, new


_FLAGS: Final = inspect.signature(speech_flags, eval_str=True).parameters


def wishing(command: Callable[Concatenate[Wishes, P], None]) -> Callable[..., None]:
    """A command that has these flags, too, and is called with what they ask for."""

    def with_flags(**given: Any) -> None:  # noqa: ANN401 - checked by typer
        wishes = speech_flags(**{name: given.pop(name) for name in _FLAGS})
        command(wishes, **given)  # type: ignore[call-arg]

    signature = inspect.signature(command, eval_str=True)
    own = list(signature.parameters.values())[1:]
    added = [flag.replace(kind=inspect.Parameter.KEYWORD_ONLY) for flag in _FLAGS.values()]
    with_flags.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
    with_flags.__name__, with_flags.__doc__ = command.__name__, command.__doc__
    return with_flags
