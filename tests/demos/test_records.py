"""The checker finds planted faults and accepts every phrasing; held-out names never occur in training."""

from pathlib import Path

import numpy as np
import pytest

from demos.describe import __main__ as describe
from demos.describe.records import FIELDS, NOBODY, PREDICATES, VALUES, draw_name, draw_records, draw_sentence
from demos.describe.records import facts, faults, key, sentence, source_tokens, written

MIRA = {"food": "soup", "name": "MIRA", "job": "baker", "city": "Oslo"}
RIGHT = "M I R A , a baker , who lives in Oslo , likes soup ."


def every_sentence(record):
    """All sentences of the grammar for a record: every way through the choices of `sentence`."""
    path = []
    while True:
        turns = iter(path)
        taken = []

        def choose(things):
            k = next(turns, 0)
            taken.append((k, len(things)))
            return things[k]

        yield sentence(record, choose)
        while taken and taken[-1][0] == taken[-1][1] - 1:
            taken.pop()
        if not taken:
            return
        path = [k for k, _ in taken[:-1]] + [taken[-1][0] + 1]


@pytest.mark.parametrize(
    "record",
    (
        {"food": "soup"},
        {"name": "BO", "hour": "noon"},
        {"job": "cook", "name": "TAL", "city": "Lima"},
        {"job": "cook", "food": "rice", "city": "Lima"},
        {"name": "TAL", "hour": "two", "food": "rice", "pet": "dog"},
        MIRA,
    ),
    ids=lambda record: " ".join(record),
)
def test_every_phrasing_is_right(record):
    found = {" ".join(tokens) for tokens in every_sentence(record)}
    assert len(found) >= 2 and not [text for text in found if faults(record, text.split())]


def test_number_of_phrasings_by_hand():
    """Somebody with a pet: 2 predicates. A cook in Lima: 2 · 3 predicates, 2 orders, "who" or not: 24.
    Or the subject says the city (2 predicates are left) or the job (3), with a name in one more way."""

    def count(**record):
        return len({tuple(tokens) for tokens in every_sentence(record)})

    assert count(pet="dog") == 2
    assert count(job="cook", city="Lima") == 24 + 2 + 3
    assert count(job="cook", city="Lima", name="TAL") == 24 + 2 + 3 + 3


# a sentence, and what is wrong with it
FAULTS = Path(__file__).with_name("faults.tsv").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("row", FAULTS)
def test_right_sentences_and_planted_faults_by_hand(row):
    text, *wanted = row.split("\t")
    assert faults(MIRA, text.split()) == wanted


def test_planted_faults_everywhere():
    """Taking out, doubling or exchanging any one word of a right sentence is found. (But for "who" taken out:
    what it began may then be the first of a list.)"""
    rng = np.random.default_rng(0)
    for record in draw_records(rng, 20):
        tokens = draw_sentence(rng, record)
        assert faults(record, tokens) == []
        for k in range(len(tokens)):
            assert tokens[k] == "who" or faults(record, tokens[:k] + tokens[k + 1 :]), f"no {tokens[k]!r}"
            assert faults(record, tokens[: k + 1] + tokens[k:]), f"{tokens[k]!r} doubled"
            assert faults(record, [*tokens[:k], "spam", *tokens[k + 1 :]])
        for field, value in record.items():
            other = "QUX" if field == "name" else next(v for v in VALUES[field] if v != value)
            assert faults({**record, field: other}, tokens) == [f"{field} is {other}, not {value}"]


def test_facts_are_what_was_said_in_that_order():
    said = [("name", "MIRA"), ("job", "baker"), ("city", "Oslo"), ("food", "soup")]
    assert facts(RIGHT.split()) == (said, True)
    assert facts(f"{NOBODY} has a cat .".split()) == ([("pet", "cat")], True)
    assert facts(["green", "ideas"]) == ([], False)


def test_written_as_a_person_would():
    assert written(RIGHT.split()) == "Mira, a baker, who lives in Oslo, likes soup."
    assert written("the cook T A L has a dog .".split()) == "The cook Tal has a dog."
    assert source_tokens(MIRA) == "food: soup name: M I R A job: baker city: Oslo".split()


# ---- what is drawn -----------------------------------------------------------------------------------------


def test_every_value_predicate_and_order_occurs_in_training():
    rng = np.random.default_rng(0)
    records = draw_records(rng, 2500)
    for field, values in VALUES.items():
        assert {r[field] for r in records if field in r} == set(values)
    for field in FIELDS:
        assert {list(r).index(field) for r in records if field in r} == set(range(len(FIELDS)))
        assert 0.1 < np.mean([field not in r for r in records]) < 0.6
    text = "\n".join(" ".join(draw_sentence(rng, r)) for r in records)
    assert all(form.split("{}")[0] in text for forms in PREDICATES.values() for form in forms)


def test_names_have_3_to_8_letters_and_decide_what_is_held_out():
    rng = np.random.default_rng(1)
    names = [draw_name(rng) for _ in range(1000)]
    assert set(map(len, names)) == set(range(3, 9)) and set("".join(names)) == {*"ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    assert key({"name": "MIRA", "job": "cook"}) == key({"city": "Rome", "name": "MIRA"}) == "MIRA"


def test_figures_of_planted_sentences():
    good, wrong_city, wrong_name = RIGHT, RIGHT.replace("Oslo", "Rome"), RIGHT.replace("A ,", "E ,")
    sentences = [text.split() for text in (good, wrong_city, wrong_name, good)]
    assert describe.reached([MIRA] * 4, sentences) == {"right": 0.5, "names_copied": 0.75}
    figures = describe.figures([MIRA], [good.split()], [[s] for s in sentences])
    assert figures["right"] == figures["names_copied"] == 1
    drawn = figures["drawn"]
    assert (drawn["right"], drawn["names_copied"]) == (0.5, 0.75)
    assert drawn["phrasings"] == 1  # two of the four are right, and they are the same
    assert drawn["faults"] == {"city: another one": 1, "name: another one": 1}
