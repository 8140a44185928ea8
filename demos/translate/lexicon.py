"""The words of korean.py's fragment, from lexicon.tsv: a noun, verb or adjective, and what it goes with.

A row of the table is a part of speech and the fields of its record below. Stems are what is left of the
dictionary form without its 다. Two English words never share a Korean one.

Not here: how words become sentences (korean.py).
"""

from pathlib import Path
from typing import NamedTuple


class Noun(NamedTuple):
    """A noun; of a mass there is no "a"."""

    english: str
    korean: str
    kind: str
    mass: str = ""


class Verb(NamedTuple):
    """A verb with the kinds of its object: none for an intransitive one, "place" for where it goes."""

    english: str
    third: str  # he, she, it …
    stem: str
    objects: str = ""
    people_only: str = ""  # what animals do not do


class Adjective(NamedTuple):
    """An adjective, its form before a noun, and the kinds that it describes."""

    english: str
    stem: str
    before: str
    kinds: str


class Adverb(NamedTuple):
    """When, behind the subject; or in which manner, before the verb."""

    english: str
    korean: str


RECORDS = {"noun": Noun, "verb": Verb, "adjective": Adjective, "time": Adverb, "manner": Adverb}
_ROWS = [row.split("\t") for row in Path(__file__).with_name("lexicon.tsv").read_text("utf-8").splitlines()]
NOUNS, VERBS, ADJECTIVES, TIMES, MANNERS = (
    [record(*fields) for part, *fields in _ROWS if part == name] for name, record in RECORDS.items()
)
OF_KIND = {noun.kind: [other for other in NOUNS if other.kind == noun.kind] for noun in NOUNS}
DESCRIBING = {kind: [a for a in ADJECTIVES if kind in a.kinds.split()] for kind in OF_KIND}
