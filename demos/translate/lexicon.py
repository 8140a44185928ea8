"""The words of korean.py's fragment: a noun, verb or adjective, and what it goes with.

Stems are what is left of the dictionary form without its 다. Two English words never share a Korean one.

Not here: how words become sentences (korean.py).
"""

from typing import NamedTuple

from .hangul import attributive


class Noun(NamedTuple):
    """A noun; of a mass there is no "a"."""

    english: str
    korean: str
    kind: str
    mass: bool = False


class Verb(NamedTuple):
    """A verb with the kinds of its object: none for an intransitive one, "place" for where it goes."""

    english: str
    third: str  # he, she, it …
    stem: str
    objects: tuple = ()
    animals: bool = True  # do animals do it?


class Adjective(NamedTuple):
    """An adjective, its form before a noun, and the kinds that it describes."""

    english: str
    stem: str
    before: str
    kinds: tuple


NAMES = [Noun(*pair.split(), "name") for pair in ("Mina 미나", "Minsu 민수", "Jihun 지훈", "Sujin 수진")]

_NOUNS = {
    "person": """student 학생, teacher 선생님, doctor 의사, child 아이, friend 친구, man 남자, woman 여자, singer 가수,
        farmer 농부, cook 요리사, king 왕, painter 화가, son 아들, daughter 딸""",
    "animal": "dog 개, cat 고양이, rabbit 토끼, bear 곰, tiger 호랑이, horse 말, bird 새, lion 사자, fox 여우, monkey 원숭이",
    "food": """apple 사과, bread* 빵, rice* 밥, fish 생선, cake 케이크, egg 달걀, potato 감자, meat* 고기,
        peach 복숭아, tangerine 귤""",
    "drink": "water* 물, milk* 우유, juice* 주스, coffee* 커피, tea* 차",
    "text": "book 책, letter 편지, newspaper 신문, poem 시, novel 소설, diary 일기",
    "thing": "hat 모자, bag 가방, chair 의자, ball 공, umbrella 우산, clock 시계, flower 꽃, box 상자, key 열쇠, knife 칼",
    "place": """park 공원, school 학교, house 집, market 시장, library 도서관, hospital 병원, garden 정원, forest 숲,
        classroom 교실, kitchen 부엌, city 도시, village 마을""",
}


def _noun(entry, kind):
    english, korean = entry.split()
    return Noun(english.rstrip("*"), korean, kind, english.endswith("*"))  # * a mass


NOUNS = [_noun(entry, kind) for kind, entries in _NOUNS.items() for entry in entries.split(",")]

_OBJECTS = {"goods": "food drink text thing", "beings": "person animal"}
_VERBS = """eat 먹 food, drink 마시 drink, read* 읽 text, write* 쓰 text, buy* 사 goods, sell* 팔 goods,
    see 보 beings goods, find 찾 beings goods, like 좋아하 beings goods, want 원하 goods, receive* 받 text thing,
    hide 숨기 food text thing, draw* 그리 beings food thing, throw* 던지 thing, love 사랑하 beings, help 돕 beings,
    meet 만나 beings, remember 기억하 beings text, sleep 자, play 놀, cry 울, laugh* 웃, sing* 노래하, go 가 place,
    come 오 place, return 돌아가 place"""  # * what animals do not do


def _verb(entry):
    english, stem, *kinds = entry.split()
    word = english.rstrip("*")
    third = {"cry": "cries", "go": "goes"}.get(word, word + "s")
    objects = " ".join(_OBJECTS.get(kind, kind) for kind in kinds).split()
    return Verb(word, third, stem, tuple(objects), not english.endswith("*"))


VERBS = list(map(_verb, _VERBS.split(",")))

# kinds that it describes; and behind a stroke the form before a noun, where it is not regular
_ADJECTIVES = """big 크 person animal food text thing place, small 작 person animal food text thing place,
    strange 이상하 person animal food drink text thing place, good 좋 food drink text thing place,
    cute 귀엽/귀여운 animal thing, pretty 예쁘 animal thing place, quiet 조용하 person animal place, kind 친절하 person,
    smart 똑똑하 person animal, brave 용감하 person animal, lazy 게으르 person animal, happy 행복하 person animal,
    sad 슬프 person animal text, red 빨갛/빨간 food thing, white 하얗/하얀 animal food thing,
    heavy 무겁/무거운 text thing, light 가볍/가벼운 text thing, expensive 비싸 food drink text thing,
    cheap 싸 food drink text thing, tasty 맛있/맛있는 food drink, cold 차갑/차가운 food drink,
    hot 뜨겁/뜨거운 food drink, sweet 달 food drink, long 길 text, interesting 재미있/재미있는 text,
    clean 깨끗하 thing place, beautiful 아름답/아름다운 thing place"""


def _adjective(entry):
    english, korean, *kinds = entry.split()
    stem, _, before = korean.partition("/")
    return Adjective(english, stem, before or attributive(stem), tuple(kinds))


ADJECTIVES = list(map(_adjective, _ADJECTIVES.split(",")))

TIMES = [("today", "오늘"), ("now", "지금")]  # behind the subject
MANNERS = [("often", "자주"), ("again", "다시"), ("quietly", "조용히"), ("alone", "혼자")]  # before the verb

OF_KIND = {kind: [noun for noun in NOUNS if noun.kind == kind] for kind in _NOUNS}
DESCRIBING = {kind: [a for a in ADJECTIVES if kind in a.kinds] for kind in _NOUNS}
