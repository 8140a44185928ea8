"""Dates: every written form means the one day that the language's rules give it, by a reader of its own."""

import datetime
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demos.dates import __main__ as demo
from demos.dates.language import CASES, FIRST, LAST, LETTERS, PATTERNS, draw, draw_pairs, write
from demos.shared import Result, Run

from ..helpers import few

DAYS = (LAST - FIRST).days + 1
days = st.integers(0, DAYS - 1).map(lambda n: FIRST + datetime.timedelta(n))
# C locale's names from datetime itself, so that the key does not share the generator's tables
MONTHS = {f"{datetime.date(2001, m, 1):{form}}".lower(): m for m in range(1, 13) for form in ("%B", "%b")}
WEEKDAYS = {f"{datetime.date(2001, 1, n + 1):{form}}".lower(): n for n in range(7) for form in ("%A", "%a")}
TENS = {"twenty": 20, "thirty": 30, "twentieth": 20, "thirtieth": 30}
TEENS = "ten eleven twelf thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
ONES = {w: n for n, w in enumerate("first second third fourth fifth sixth seventh eighth ninth".split(), 1)}
COUNTED = ONES | {f"{w}th": n for n, w in enumerate(TEENS, 10)} | TENS


def key(text):
    """Read a date by the rules of the docstring: (datetime.date, number of the weekday or None)."""
    words = [w for w in re.findall(r"[a-z]+|\d+", text.lower()) if w not in "of the st nd rd th".split()]
    weekday = [WEEKDAYS[w] for w in words if w in WEEKDAYS]
    words = [w for w in words if w not in WEEKDAYS]
    counted = [COUNTED[w] for w in words if w in COUNTED]
    if counted:  # "twenty-first" is two words
        words = [w for w in words if w not in COUNTED or w == next(w for w in words if w in COUNTED)]
        words = [str(sum(counted)) if w in COUNTED else w for w in words]
    return datetime.date(*numbers(words, text)), (weekday or [None])[0]


def numbers(words, text):
    """(year, month, day) of what is left without the weekday."""
    if len(words) == 1:
        (run,) = words
        words = [run[:-4], run[-4:-2], run[-2:]]
        return year(words[0]), int(words[1]), int(words[2])
    named = [w for w in words if not w.isdigit()]
    if named:
        (name,) = named
        a, b = (w for w in words if w.isdigit())
        return (int(a), month(name), int(b)) if len(a) == 4 else (year(b), month(name), int(a))
    a, b, c = words
    if len(a) == 4:
        return int(a), int(b), int(c)
    return (year(c), int(a), int(b)) if "/" in text else (year(c), int(b), int(a))


def month(name):
    return MONTHS[name] if name in MONTHS else roman(name)


def roman(name):
    """Add the letters; one before a greater one counts against it."""
    values = [{"i": 1, "v": 5, "x": 10}[letter] for letter in name]
    return sum(-a if b > a else a for a, b in zip(values, [*values[1:], 0]))


def year(digits):
    return int(digits) if len(digits) == 4 else int(digits) + (1900 if int(digits) >= 50 else 2000)


def assert_every_pattern_means(day):
    for n, pattern in enumerate(PATTERNS):
        text = write(day, pattern, CASES[n % len(CASES)])
        read, weekday = key(text)
        assert (read, weekday or day.weekday()) == (day, day.weekday()), text


@few
@given(days)
def test_every_pattern_means_its_day_and_no_other(day):
    assert_every_pattern_means(day)


@pytest.mark.slow
def test_every_pattern_means_its_day_on_many_days():
    for n in range(0, DAYS, 97):
        assert_every_pattern_means(FIRST + datetime.timedelta(n))


EXAMPLES = (
    ("3/4/05", "2005-03-04"),
    ("03.04.05", "2005-04-03"),
    ("3-4-2005", "2005-04-03"),
    ("03 04 05", "2005-04-03"),
    ("050403", "2005-04-03"),
    ("20050403", "2005-04-03"),
    ("2005/04/03", "2005-04-03"),
    ("SUN 3.IV.05", "2005-04-03"),
    ("the twenty-first of march 1950", "1950-03-21"),
    ("December 31st, '49", "2049-12-31"),
    ("13.07.50", "1950-07-13"),
    ("the 13th of Mar 1999", "1999-03-13"),
    ("March 23rd, '05", "2005-03-23"),
    ("13.07.99", "1999-07-13"),
    ("13.07.00", "2000-07-13"),
)


@pytest.mark.parametrize("text, iso", EXAMPLES)
def test_the_key_reads_the_rules_examples_and_the_language_writes_them(text, iso):
    day = datetime.date.fromisoformat(iso)
    assert key(text)[0] == day
    assert text in {write(day, pattern, case) for pattern in PATTERNS for case in CASES}


def test_hundreds_of_patterns_differ_on_the_page():
    day = datetime.date(1987, 9, 6)  # no two of its fields look alike
    assert len(PATTERNS) >= 300 and len({write(day, p) for p in PATTERNS}) == len(PATTERNS)


def test_draw_pairs_are_written_dates_and_their_answers():
    pairs = draw_pairs(np.random.default_rng(0), 500)
    assert len(pairs) == 500 and all(key(text)[0].isoformat() == iso for text, iso in pairs)


def test_every_pattern_case_and_day_comes():
    rng = np.random.default_rng(3)
    days, patterns, cases = zip(*(draw(rng) for _ in range(12 * len(PATTERNS))))
    assert set(patterns) == set(PATTERNS) and set(cases) == set(CASES)
    assert {d.month for d in days} == set(range(1, 13)) and {d.day for d in days} == set(range(1, 32))
    assert {d.year for d in days} == set(range(1950, 2050)) and {d.weekday() for d in days} == set(range(7))
    assert {c for one in zip(days, patterns, cases) for c in write(*one)} <= set(LETTERS)


# ---- the demo ----------------------------------------------------------------------------------------------


def planted(wrong, maps=None):
    """A result that gets the letters in the places given wrong, in every answer."""
    pairs = draw_pairs(np.random.default_rng(4), 20, held_out=True)
    said = [["?" if t in wrong else c for t, c in enumerate(target)] for _, target in pairs]
    return Result(Run("model", None, {}, None, 1, 1.0, None, 0), pairs, said, maps, 0.0, 0.0)


def test_part_accuracy_and_claims_of_planted_results():
    good, bad = planted([]), planted([9])
    assert demo.part_accuracy(good) == {"year": 1, "month": 1, "day": 1}
    assert demo.part_accuracy(bad) == {"year": 1, "month": 1, "day": 0}
    assert demo.part_accuracy(planted([4])) == {"year": 1, "month": 1, "day": 1}  # a hyphen
    attends = good._replace(maps=[np.ones((1, 1))] * 20)
    assert [c.held for c in demo.claimed([attends, bad])] == [True, True]
    assert [c.held for c in demo.claimed([bad._replace(maps=attends.maps), good])] == [False, False]


def test_mistakes_are_shown_or_there_are_none():
    good, bad = planted([]), planted([9])
    assert demo.mistakes([good, good]).startswith("No model") and "✗" in demo.mistakes([good, bad])
