"""Replacements: which words, what stays around them, and that committed text only grows."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.domain.config import Replacement
from sori_server.domain.recognition import Word
from sori_server.session.replacements import Replacements
from sori_server.session.text import Token, bare, join, tokenize

pytestmark = pytest.mark.unit


def replaced(text: str, *rules: tuple[str, str], language: str = "en") -> str:
    replacements = Replacements([Replacement(search, new) for search, new in rules])
    return join(replacements.replace(tokenize(text, language), language)).strip()


@pytest.mark.parametrize(
    ("text", "search", "new", "expected"),
    [
        ("I live in New York, really.", "new york", "NYC", "I live in NYC, really."),
        ("(sorry server)", "sorry server", "Sori Server", "(Sori Server)"),
        ("new, york is big", "New York!", "NYC", "NYC is big"),
        ("new - york is big", "new york", "NYC", "NYC is big"),
        ("newer york", "new york", "NYC", "newer york"),
        ("a york", "york", "New York City", "a New York City"),
        ("um yes, um, no", "um", "", "yes, no"),
        ("um", "um", "", ""),
        ("say so", "so", "  so \n far ", "say so far"),
        ("- so", "so", "thus", "- thus"),
        ("$5 is 5", "5", "five", "$5 is five"),
        ("as it is", "...", "!", "as it is"),
        ("a cafe\u0301", "cafe\u0301", "bar", "a cafe\u0301"),
        ("a caf\u00e9", "cafe\u0301", "bar", "a bar"),
        ("소리 서버는 좋다", "소리 서버는", "Sori는", "Sori는 좋다"),
    ],
)
def test_words_are_replaced_and_what_is_around_them_stays(
    text: str, search: str, new: str, expected: str
) -> None:
    assert replaced(text, (search, new)) == expected


@pytest.mark.parametrize(
    ("text", "search", "new", "expected"),
    [
        ("私は東京、にいる", "東京", "Tokyo", "私はTokyo、にいる"),
        ("私は東京にいる", "は 東", "", "私京にいる"),
        ("「東京」", "東京", "大阪", "「大阪」"),
        ("東京 タワー", "タワー", "塔", "東京 塔"),
    ],
)
def test_characters_are_replaced_where_words_have_no_spaces(
    text: str, search: str, new: str, expected: str
) -> None:
    assert replaced(text, (search, new), language="ja") == expected


def test_the_first_rule_wins_and_none_sees_what_another_wrote() -> None:
    assert replaced("a b c", ("a b", "x"), ("a b c", "y"), ("x c", "z")) == "x c"
    assert replaced("a b c", ("a b c", "y"), ("a b", "x")) == "y"
    assert replaced("a b d", ("a b c", "y"), ("a b", "x")) == "x d"
    assert replaced("a b", ("a", "b"), ("b", "a")) == "b a"
    assert replaced("a a", ("a", "1"), ("A", "2")) == "1 1"


def test_case_counts_where_a_rule_says_so() -> None:
    rules = [
        Replacement("US", "United States", case_sensitive=True),
        Replacement("us", "me"),
    ]
    tokens = tokenize("The US. told us, Us", "en")
    assert join(Replacements(rules).replace(tokens, "en")) == " The United States. told me, me"
    assert join(Replacements(rules[::-1]).replace(tokens, "en")) == " The me. told me, me"


def test_the_new_text_has_the_times_of_the_old_and_its_least_confidence() -> None:
    words = [Word(" new", 10, 20, 0.9), Word(" york", 20, 30, 0.4), Word(" yes", 30, 40, 1.0)]
    tokens = tokenize(" new york yes", "en", words)
    rules = Replacements([Replacement("new york", "NYC")])
    assert rules.replace(tokens, "en") == [
        Token(" NYC", "nyc", 10, 30, 0.4),
        Token(" yes", "yes", 30, 40, 1.0),
    ]
    tokens[0] = tokens[0].untimed()
    assert rules.replace(tokens, "en")[0] == Token(" NYC", "nyc", 20, 30, 0.4)
    assert rules.replace([t.untimed() for t in tokens], "en")[0] == Token(" NYC", "nyc")


def test_the_new_text_is_not_over_before_it_began() -> None:
    """Committed words may have places that contradict each other."""
    tokens = [Token(" new", "new", 90, 95, 0.9), Token(" york", "york", 20, 30, 0.4)]
    (new,) = Replacements([Replacement("new york", "NYC")]).replace(tokens, "en")
    assert (new.start, new.end) == (20, 95)


def split(text: str, committed: int, *rules: tuple[str, str]) -> tuple[str, str]:
    replacements = Replacements([Replacement(search, new) for search, new in rules])
    tokens = tokenize(text, "en")
    fixed, open_ = replacements.split(tokens[:committed], tokens[committed:], "en")
    return join(fixed), join(open_)


def test_a_committed_word_waits_while_a_search_may_go_on() -> None:
    rule = ("new york city", "NYC")
    assert split("in new york city", 2, rule) == (" in", " NYC")
    assert split("in new york", 3, rule) == (" in", " new york")
    assert split("in new york -", 4, rule) == (" in", " new york -")
    assert split("in new york city", 4, rule) == (" in NYC", "")
    assert split("in new york is", 4, rule) == (" in new york is", "")


def test_a_committed_word_waits_only_for_rules_that_come_first() -> None:
    assert split("new york", 2, ("new york", "a"), ("new york city", "b")) == (" a", "")
    assert split("new york", 2, ("new york city", "b"), ("new york", "a")) == ("", " a")


WORDS = st.sampled_from(["a", "b", "A", "b,", "(a", "-", "c."])
SEARCHES = st.lists(st.sampled_from(["a", "b", "c", "A", "-"]), max_size=4).map(" ".join)
RULES = st.lists(
    st.builds(
        Replacement, SEARCHES, st.sampled_from(["", "x", "a", "b a", "1 2 3"]), st.booleans()
    ),
    max_size=6,
)


@given(st.lists(WORDS, max_size=12), RULES, st.data(), st.sampled_from(["en", "ja"]))
def test_what_is_committed_only_grows_into_the_whole(
    words: list[str], rules: list[Replacement], data: st.DataObject, language: str
) -> None:
    """Whatever tentative text follows, and however many words are committed at a time."""
    replacements = Replacements(rules)
    tokens = tokenize(" ".join(words), language)
    whole = join(replacements.replace(tokens, language))
    shown = ""
    for count in sorted(data.draw(st.lists(st.integers(0, len(tokens)), max_size=5))):
        tentative = tokenize(" ".join(data.draw(st.lists(WORDS, max_size=3))), language)
        fixed, open_ = replacements.split(tokens[:count], tentative, language)
        assert join(fixed).startswith(shown)
        shown = join(fixed)
        assert shown + join(open_) == join(
            replacements.replace([*tokens[:count], *tentative], language)
        )
    assert whole.startswith(shown)


@given(st.lists(WORDS, max_size=10), RULES)
def test_replacements_are_those_of_trying_every_rule_at_every_word(
    words: list[str], rules: list[Replacement]
) -> None:
    tokens = tokenize(" ".join(words), "en")
    assert [t.key for t in Replacements(rules).replace(tokens, "en")] == expected(tokens, rules)


def expected(tokens: list[Token], rules: list[Replacement]) -> list[str]:
    """The keys of the new tokens, found the slow way."""
    if not tokens:
        return []
    for rule in rules:
        wanted = [bare(word) for word in rule.search.split() if bare(word)]
        for end in range(1, len(tokens) + 1):
            said = [bare(token.text) for token in tokens[:end] if token.key]
            if not rule.case_sensitive:
                said, wanted = ([w.casefold() for w in each] for each in (said, wanted))
            if tokens[0].key and wanted and said == wanted:
                text = [bare(rule.replace.casefold())] if rule.replace else []
                return text + expected(tokens[end:], rules)
    return [tokens[0].key, *expected(tokens[1:], rules)]


def test_many_long_rules_that_begin_alike_take_little_time() -> None:
    rules = [Replacement("a " * 99 + str(i), "x", i % 2 == 0) for i in range(200)]
    replacements = Replacements(rules)
    tokens = tokenize("a " * 448, "en")
    began = time.process_time()
    replacements.split(tokens, [], "en")
    assert time.process_time() - began < 0.5
