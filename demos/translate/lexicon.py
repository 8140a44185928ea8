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
    return Noun(english.rstrip("*"), korean, kind, english.endswith("*"))


NOUNS = [_noun(entry, kind) for kind, entries in _NOUNS.items() for entry in entries.split(",")]

_GOODS = ("food", "drink", "text", "thing")
_BEINGS = ("person", "animal")

VERBS = [
    Verb("eat", "eats", "먹", ("food",)),
    Verb("drink", "drinks", "마시", ("drink",)),
    Verb("read", "reads", "읽", ("text",), False),
    Verb("write", "writes", "쓰", ("text",), False),
    Verb("buy", "buys", "사", _GOODS, False),
    Verb("sell", "sells", "팔", _GOODS, False),
    Verb("see", "sees", "보", (*_BEINGS, *_GOODS)),
    Verb("find", "finds", "찾", (*_BEINGS, *_GOODS)),
    Verb("like", "likes", "좋아하", (*_BEINGS, *_GOODS)),
    Verb("want", "wants", "원하", _GOODS),
    Verb("receive", "receives", "받", ("text", "thing"), False),
    Verb("hide", "hides", "숨기", ("food", "text", "thing")),
    Verb("draw", "draws", "그리", (*_BEINGS, "food", "thing"), False),
    Verb("throw", "throws", "던지", ("thing",), False),
    Verb("love", "loves", "사랑하", _BEINGS),
    Verb("help", "helps", "돕", _BEINGS),
    Verb("meet", "meets", "만나", _BEINGS),
    Verb("remember", "remembers", "기억하", (*_BEINGS, "text")),
    Verb("sleep", "sleeps", "자"),
    Verb("play", "plays", "놀"),
    Verb("cry", "cries", "울"),
    Verb("laugh", "laughs", "웃", animals=False),
    Verb("sing", "sings", "노래하", animals=False),
    Verb("go", "goes", "가", ("place",)),
    Verb("come", "comes", "오", ("place",)),
    Verb("return", "returns", "돌아가", ("place",)),
]

_ADJECTIVES = [  # English, stem, kinds; and the form before a noun where it is not regular
    ("big", "크", "person animal food text thing place"),
    ("small", "작", "person animal food text thing place"),
    ("strange", "이상하", "person animal food drink text thing place"),
    ("good", "좋", "food drink text thing place"),
    ("cute", "귀엽", "animal thing", "귀여운"),
    ("pretty", "예쁘", "animal thing place"),
    ("quiet", "조용하", "person animal place"),
    ("kind", "친절하", "person"),
    ("smart", "똑똑하", "person animal"),
    ("brave", "용감하", "person animal"),
    ("lazy", "게으르", "person animal"),
    ("happy", "행복하", "person animal"),
    ("sad", "슬프", "person animal text"),
    ("red", "빨갛", "food thing", "빨간"),
    ("white", "하얗", "animal food thing", "하얀"),
    ("heavy", "무겁", "text thing", "무거운"),
    ("light", "가볍", "text thing", "가벼운"),
    ("expensive", "비싸", "food drink text thing"),
    ("cheap", "싸", "food drink text thing"),
    ("tasty", "맛있", "food drink", "맛있는"),
    ("cold", "차갑", "food drink", "차가운"),
    ("hot", "뜨겁", "food drink", "뜨거운"),
    ("sweet", "달", "food drink"),
    ("long", "길", "text"),
    ("interesting", "재미있", "text", "재미있는"),
    ("clean", "깨끗하", "thing place"),
    ("beautiful", "아름답", "thing place", "아름다운"),
]


def _adjective(english, stem, kinds, before=None):
    return Adjective(english, stem, before or attributive(stem), tuple(kinds.split()))


ADJECTIVES = [_adjective(*entry) for entry in _ADJECTIVES]

TIMES = [("today", "오늘"), ("now", "지금")]  # behind the subject
MANNERS = [("often", "자주"), ("again", "다시"), ("quietly", "조용히"), ("alone", "혼자")]  # before the verb

OF_KIND = {kind: [noun for noun in NOUNS if noun.kind == kind] for kind in _NOUNS}
DESCRIBING = {kind: [a for a in ADJECTIVES if kind in a.kinds] for kind in _NOUNS}
