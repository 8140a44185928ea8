"""Dates: every written form means the one day that the language's rules give it, by a reader of its own."""

import datetime
import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demos.dates import __main__ as demo
from demos.shared import Result, Run
from demos.dates.language import CASES, FIRST, LAST, LETTERS, PATTERNS, draw, draw_pairs, write

from ..helpers import few

DAYS = (LAST - FIRST).days + 1
days = st.integers(0, DAYS - 1).map(lambda n: FIRST + datetime.timedelta(n))
# C locale's names from datetime itself, so that the key does not share the generator's tables
MONTHS = {f"{datetime.date(2001, m, 1):{form}}".lower(): m for m in range(1, 13) for form in ("%B", "%b")}
WEEKDAYS = {f"{datetime.date(2001, 1, d):{form}}".lower(): d - 1
            for d in range(1, 8) for form in ("%A", "%a")}  # fmt: skip
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


def assert_read(day, pattern, case):
    text = write(day, pattern, case)
    read, weekday = key(text)
    assert read == day, text
    assert weekday in (None, day.weekday()), text


@few
@given(days)
def test_every_pattern_means_its_day(day):
    for n, pattern in enumerate(PATTERNS):
        assert_read(day, pattern, CASES[n % len(CASES)])


@pytest.mark.slow
def test_every_pattern_means_its_day_on_many_days():
    for n in range(0, DAYS, 97):
        for pattern in PATTERNS:
            assert_read(FIRST + datetime.timedelta(n), pattern, CASES[n % len(CASES)])


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
)


@pytest.mark.parametrize("text, iso", EXAMPLES)
def test_the_key_reads_the_rules_examples_and_the_language_writes_them(text, iso):
    day = datetime.date.fromisoformat(iso)
    assert key(text)[0] == day
    assert text in {write(day, pattern, case) for pattern in PATTERNS for case in CASES}


def test_hundreds_of_patterns_differ_on_the_page():
    day = datetime.date(1987, 9, 6)  # no two of its fields look alike
    assert len(PATTERNS) >= 300 and len({write(day, p) for p in PATTERNS}) == len(PATTERNS)


@pytest.mark.parametrize("y", (1950, 1999, 2000, 2049))
def test_two_digits_are_a_year_from_1950_to_2049(y):
    day = datetime.date(y, 7, 13)
    text = write(day, "{dd}.{mm}.{yy}")
    assert text == f"13.07.{str(y)[2:]}" and key(text)[0] == day


def test_no_form_is_written_for_two_days():
    """Without the key: ambiguity would show as one text with two answers."""
    meanings = {}
    few_days = [datetime.date(y, m, d) for y in (2003, 2004) for m in (1, 3, 4, 11) for d in (1, 3, 4, 11)]
    for day in few_days:
        for pattern in PATTERNS:
            assert meanings.setdefault(write(day, pattern, str.lower), day) == day


def test_draw_pairs_are_written_dates_and_their_answers():
    pairs = draw_pairs(np.random.default_rng(0), 500)
    assert len(pairs) == 500
    for text, iso in pairs:
        assert key(text)[0].isoformat() == iso
    assert draw_pairs(np.random.default_rng(0), 500) == pairs != draw_pairs(np.random.default_rng(1), 500)


def test_held_out_days_are_never_drawn_for_training():
    training, held_out = (
        {iso for _, iso in draw_pairs(np.random.default_rng(2), count, held)}
        for count, held in ((4000, False), (1000, True))
    )
    assert not training & held_out
    assert len(training) > 3000 and len(held_out) > 800  # days, not patterns, make the split


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


@pytest.mark.slow
def test_quick_run_writes_what_it_shows(tmp_path, capsys):
    path, page = tmp_path / "result.json", tmp_path / "maps.html"
    assert demo.main(["--quick", "--json", str(path), "--html", str(page)]) == 0
    shown, result = capsys.readouterr().out, json.loads(path.read_text())
    for model in (result, result["fixed"]):
        assert f"{model['exact_match']:.2%}" in shown and f"{model['loss']:.4f}" in shown
    assert result["task"] == "dates" and "<script>" in page.read_text(encoding="utf-8")
