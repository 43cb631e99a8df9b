"""Sentences of a small grammar in English and Korean, for a synthetic corpus."""

# ruff: noqa: SIM905 (word lists read best as prose)

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

OBJECTS = (
    "light lights lamp door window radio music television fan heater alarm timer camera phone "
    "computer screen kitchen garage garden oven coffee machine car engine microphone speaker "
    "printer door water"
).split()
ROOMS = (
    "kitchen bedroom office garden garage hall bathroom room library street school hospital "
    "station market"
).split()
NAMES = (
    "john mary peter anna david sarah james emma tom lucy george alice robert jack helen paul"
).split()
NOUNS = (
    "man woman child friend mother father brother sister teacher doctor student house city "
    "country river mountain road train bus book letter paper table chair bread milk apple fish "
    "dog cat horse bird tree flower sun moon star sky rain snow wind fire water air earth morning "
    "evening night day week month year hour minute time money work job story question answer "
    "problem idea word name number picture song voice sound language meeting project report team "
    "customer service server network system test result"
).split()
ADJECTIVES = (
    "good bad big small new old young long short hot cold warm quick slow easy hard early late "
    "happy sad clean dirty strong weak full empty open quiet loud bright dark red blue green white "
    "black yellow important simple real ready right wrong different same great little last next "
    "first"
).split()
VERBS = (
    "see hear know think want need make take give get find tell ask call help show move play run "
    "walk read write buy sell send bring keep hold start stop open close change follow learn watch "
    "wait try use love like remember understand"
).split()
PAST_VERBS = (
    "saw heard knew wanted needed made took gave got found told asked called helped showed moved "
    "played read wrote bought sold sent brought kept started stopped opened closed changed "
    "followed learned watched tried used loved liked remembered"
).split()
ADVERBS = (
    "now today tomorrow yesterday soon again always never often here there together slowly quickly "
    "outside inside"
).split()
FUNCTION_WORDS = (
    "the a an and or but if when because with without about after before between under over from "
    "into to of in on at by for not no yes we you they he she it i is are was were will would can "
    "could should must have has had do does did what where who why how which this that these those "
    "some any every all many more most one two"
).split()
NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety "
    "hundred thousand"
).split()
DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
MONTHS = (
    "january february march april may june july august september october november december"
).split()
DIGITS = NUMBERS[:10]

_PROPER = {*NAMES, *DAYS, *MONTHS, "i"}
WORDS = sorted(
    {
        *OBJECTS, *ROOMS, *NAMES, *NOUNS, *ADJECTIVES, *VERBS, *PAST_VERBS, *ADVERBS,
        *FUNCTION_WORDS, *NUMBERS, *DAYS, *MONTHS,
    }
)  # fmt: skip

KO_OBJECTS = (
    ("불", "the light"), ("문", "the door"), ("창문", "the window"), ("음악", "the music"),
    ("라디오", "the radio"), ("텔레비전", "the television"), ("커피", "the coffee"),
    ("물", "the water"), ("알람", "the alarm"), ("카메라", "the camera"),
    ("컴퓨터", "the computer"), ("전화", "the phone"), ("책", "the book"),
    ("편지", "the letter"), ("사과", "the apple"), ("우유", "the milk"), ("자동차", "the car"),
    ("기차", "the train"), ("사진", "the picture"), ("이름", "the name"),
)  # fmt: skip
KO_REQUESTS = (
    ("켜 주세요", "turn on"), ("꺼 주세요", "turn off"), ("열어 주세요", "open"),
    ("닫아 주세요", "close"), ("보여 주세요", "show"), ("가져와 주세요", "bring"),
    ("찾아 주세요", "find"), ("바꿔 주세요", "change"), ("시작해 주세요", "start"),
    ("멈춰 주세요", "stop"),
)  # fmt: skip
KO_SUBJECTS = (
    ("친구가", "the friend"), ("어머니가", "the mother"), ("아버지가", "the father"),
    ("선생님이", "the teacher"), ("의사가", "the doctor"), ("학생이", "the student"),
    ("아이가", "the child"), ("고양이가", "the cat"), ("강아지가", "the dog"), ("우리가", "we"),
)  # fmt: skip
KO_PAST_VERBS = (
    ("보았습니다", "saw"), ("샀습니다", "bought"), ("찾았습니다", "found"),
    ("들었습니다", "heard"), ("보냈습니다", "sent"), ("썼습니다", "used"),
    ("좋아했습니다", "liked"), ("바꿨습니다", "changed"),
)  # fmt: skip
KO_TIMES = (
    ("오늘", "today"), ("내일", "tomorrow"), ("어제", "yesterday"), ("지금", "now"),
    ("다시", "again"), ("항상", "always"), ("여기에서", "here"), ("거기에서", "there"),
)  # fmt: skip
KO_DIGITS = "영 일 이 삼 사 오 육 칠 팔 구".split()
KO_DAYS = tuple(zip("월요일 화요일 수요일 목요일 금요일 토요일 일요일".split(), DAYS, strict=True))
KO_PHRASES = (
    ("안녕하세요.", "Hello."), ("감사합니다.", "Thank you."),
    ("네, 알겠습니다.", "Yes, I understand."), ("아니요, 괜찮습니다.", "No, thank you."),
)  # fmt: skip
KO_WORDS = [
    word
    for table in (KO_OBJECTS, KO_SUBJECTS, KO_PAST_VERBS, KO_TIMES, KO_DAYS)
    for word, _ in table
] + "안녕하세요 감사합니다 네 아니요 회의 음성 인식 한국어 서울 학교".split()

Pick = Callable[[Sequence[str]], str]


def sentence(words: Sequence[str], end: str = ".") -> str:
    """The words as a sentence: names and its beginning in capitals, `end` at its end."""
    text = " ".join(word.capitalize() if word in _PROPER else word for word in words)
    return text[0].upper() + text[1:] + end


def english(rng: random.Random) -> str:
    """A sentence, a string of digits, or words at random."""
    pick: Pick = rng.choice
    kind = rng.random()
    if kind < 0.12:
        return sentence([pick(DIGITS) for _ in range(rng.randint(3, 9))])
    if kind < 0.20:
        return sentence(_command(rng))
    for limit, build in _PATTERNS:
        if kind < limit:
            return build(pick)
    return sentence([pick(WORDS) for _ in range(rng.randint(3, 9))])


def _command(rng: random.Random) -> list[str]:
    pick: Pick = rng.choice
    which = rng.randint(0, 7)
    commands = (
        ["turn", "on", "the", pick(OBJECTS)],
        ["turn", "off", "the", pick(OBJECTS), "in", "the", pick(ROOMS)],
        ["open", "the", pick(OBJECTS)],
        ["close", "the", pick(OBJECTS), "please"],
        ["set", "the", pick(OBJECTS), "to", pick(NUMBERS), "percent"],
        ["call", pick(NAMES), pick(ADVERBS)],
        ["play", "the", "next", "song"],
        ["set", "an", "alarm", "for", pick(NUMBERS[6:13]), "in", "the", "morning"],
    )
    return commands[which]


def _meeting(pick: Pick) -> str:
    day, number, month = pick(DAYS), pick(NUMBERS[1:20]), pick(MONTHS)
    return sentence(["the", "meeting", "is", "on", day, "the", number, "of", month])


def _question(pick: Pick) -> str:
    ask, verb = pick(["what", "where", "when", "how", "why"]), pick(["is", "was"])
    return sentence([ask, verb, "the", pick(ADJECTIVES), pick(NOUNS)], "?")


def _deed(pick: Pick) -> str:
    subject = [pick(ADJECTIVES), pick(NOUNS), pick(PAST_VERBS)]
    return sentence(["the", *subject, "the", pick(ADJECTIVES), pick(NOUNS)])


def _person(pick: Pick) -> str:
    deed = [pick(NAMES), pick(PAST_VERBS)]
    return sentence([*deed, "a", pick(NOUNS), "and", "a", pick(NOUNS), pick(ADVERBS)])


def _duty(pick: Pick) -> str:
    duty = ["we", pick(["will", "must", "should", "can", "could"]), pick(VERBS), "the", pick(NOUNS)]
    return sentence([*duty, pick(["before", "after", "without", "with"]), "the", pick(NOUNS)])


def _wish(pick: Pick) -> str:
    wish = ["i", pick(["want", "need", "like", "love"]), "to", pick(VERBS)]
    return sentence([*wish, "the", pick(NOUNS), pick(ADVERBS)])


_PATTERNS: tuple[tuple[float, Callable[[Pick], str]], ...] = (
    (0.27, _meeting),
    (0.34, _question),
    (0.44, _deed),
    (0.52, _person),
    (0.58, _duty),
    (0.62, _wish),
)


def korean(rng: random.Random) -> tuple[str, str | None]:
    """A sentence and its English translation; words at random have none."""
    kind = rng.random()
    if kind < 0.2:
        digits = [rng.randint(0, 9) for _ in range(rng.randint(3, 8))]
        spoken = " ".join(KO_DIGITS[digit] for digit in digits)
        return f"{spoken}.", sentence([DIGITS[digit] for digit in digits])
    if kind < 0.75:
        return _korean_sentence(rng, kind)
    if kind < 0.82:
        day, translated = rng.choice(KO_DAYS)
        return f"회의는 {day}에 있습니다.", sentence(["the", "meeting", "is", "on", translated])
    if kind < 0.85:
        return rng.choice(KO_PHRASES)
    return " ".join(rng.choice(KO_WORDS) for _ in range(rng.randint(2, 6))) + ".", None


def _korean_sentence(rng: random.Random, kind: float) -> tuple[str, str]:
    if kind < 0.45:
        (thing, en_thing), (verb, en_verb) = rng.choice(KO_OBJECTS), rng.choice(KO_REQUESTS)
        return f"{_marked(thing)} {verb}.", sentence(f"{en_verb} {en_thing} please".split())
    if kind < 0.55:
        time, en_time = rng.choice(KO_TIMES)
        (thing, en_thing), (verb, en_verb) = rng.choice(KO_OBJECTS), rng.choice(KO_REQUESTS)
        english_words = f"{en_verb} {en_thing} {en_time}".split()
        return f"{time} {_marked(thing)} {verb}.", sentence(english_words)
    subject, en_subject = rng.choice(KO_SUBJECTS)
    (thing, en_thing), (verb, en_verb) = rng.choice(KO_OBJECTS), rng.choice(KO_PAST_VERBS)
    english_words = f"{en_subject} {en_verb} {en_thing}".split()
    return f"{subject} {_marked(thing)} {verb}.", sentence(english_words)


def _marked(noun: str) -> str:
    """The noun with its object particle, which depends on whether it ends in a consonant."""
    ends_in_consonant = (ord(noun[-1]) - 0xAC00) % 28
    return noun + ("을" if ends_in_consonant else "를")
