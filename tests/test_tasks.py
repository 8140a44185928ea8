"""The tasks' answers, and that no held-out string is ever drawn for training."""

import itertools
import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numpy_seq2seq.tasks import (
    HELD_OUT, LETTERS, TASKS, bits, copy, draw_pairs, first, is_held_out, last, reverse, right_places, sort,
)

from .helpers import few

seeds = st.integers(0, 2**32 - 1)
alphabets = st.lists(st.sampled_from("abcxyzäßж語🙂 -"), min_size=3, unique=True).map("".join)
any_task = st.sampled_from(list(TASKS))


@st.composite
def worlds(draw):
    """(task, rng's seed, lengths, alphabet) with strings of both sets."""
    lengths = draw(st.integers(0, 5)), draw(st.integers(6, 10))
    return draw(any_task), draw(seeds), lengths, draw(alphabets)


def draw(world, count, **options):
    task, seed, lengths, alphabet = world
    return draw_pairs(task, np.random.default_rng(seed), count, lengths, alphabet, **options)


@few
@given(st.text())
def test_copy_and_reverse(text):
    assert copy(text) == text
    assert len(reverse(text)) == len(text) and reverse(reverse(text)) == text
    assert all(reverse(text)[k] == text[len(text) - 1 - k] for k in range(len(text)))


@few
@given(worlds(), st.booleans())
def test_draw_pairs(world, held_out):
    task, _, (shortest, longest), alphabet = world
    pairs = draw(world, 30, held_out=held_out)
    assert len(pairs) == 30
    for source, target in pairs:
        assert shortest <= len(source) <= longest and set(source) <= set(alphabet)
        assert target == TASKS[task](source)
        assert is_held_out(source) == held_out
    assert draw(world, 30, held_out=held_out) == pairs


def test_draw_pairs_takes_the_shortest_length_and_a_letter_twice():
    rng = np.random.default_rng(0)
    assert "" in {source for source, _ in draw_pairs("copy", rng, 60, (0, 2), held_out=True)}
    assert any(a == b for (a, b), _ in draw_pairs("copy", rng, 200, (2, 2)))


@few
@given(worlds(), st.integers(1, 30))
def test_draw_pairs_training_and_held_out_are_disjoint(world, count):
    training, held_out = ({s for s, _ in draw(world, 10 * count, held_out=h)} for h in (False, True))
    assert training and held_out and not training & held_out


def test_draw_pairs_every_length_and_letter_comes_equally_often():
    pairs = draw_pairs("copy", np.random.default_rng(0), 6000, (5, 8), "abc")
    lengths = np.bincount([len(s) for s, _ in pairs])[5:]
    letters = np.array([sum(s.count(letter) for s, _ in pairs) for letter in "abc"])
    assert len(lengths) == 4 and np.abs(lengths / 1500 - 1).max() < 0.2
    assert np.abs(letters / letters.mean() - 1).max() < 0.1


def test_draw_pairs_goes_on_with_the_same_generator():
    rng = np.random.default_rng(1)
    one, two = draw_pairs("copy", rng, 20), draw_pairs("copy", rng, 20)
    assert one != two and one + two == draw_pairs("copy", np.random.default_rng(1), 40)
    assert draw_pairs("copy", rng, 0) == []
    pairs = draw_pairs("copy", rng, 400)
    assert {len(source) for source, _ in pairs} == set(range(1, 11))
    assert {letter for source, _ in pairs for letter in source} == set(LETTERS)
    assert not any(is_held_out(source) for source, _ in pairs)


def test_is_held_out_depends_on_the_string_alone():
    """Frozen: another choice would let old models be examined on what they were trained on."""
    pairs = ["", *map("".join, zip(string.ascii_lowercase, string.ascii_lowercase[::-1]))]
    assert [pair for pair in pairs if is_held_out(pair)] == ["", "jq", "sh", "ve"]


def test_is_held_out_is_about_one_in_held_out():
    rng = np.random.default_rng(2)
    drawn = {"".join(rng.choice(list(LETTERS), 8)) for _ in range(4000)}
    share = np.mean([is_held_out(s) for s in drawn])
    assert abs(share * HELD_OUT - 1) < 0.25


@few
@given(any_task, st.lists(st.integers(0, 99), max_size=12))
def test_right_places_say_where_each_output_comes_from(task, letters):
    source = "".join(chr(ord("A") + k) for k in letters)
    places = right_places(task, source)
    assert [source[k] for k in places] == list(TASKS[task](source))
    assert len(set(places)) == len(places)


@few
@given(st.text())
def test_sort_first_last(text):
    assert sort(text) == "".join(sorted(text, key=ord)) and sort(reverse(text)) == sort(text)
    assert first(text) + last(text) == ("" if not text else text[0] + text[-1])


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("length, letters", ((0, 3), (1, 3), (4, 2), (5, 3)))
def test_bits_count_the_answers(task, length, letters):
    answers = {TASKS[task]("".join(source)) for source in itertools.product(LETTERS[:letters], repeat=length)}
    assert bits(task, length, letters) == pytest.approx(np.log2(len(answers)))


def test_right_places_of_equal_letters_stay_in_order():
    assert right_places("sort", "bab").tolist() == [1, 0, 2]


def test_draw_pairs_of_any_task_right():
    for task in TASKS:
        draw_pairs(task, np.random.default_rng(0), 0, (0, 0), "a")


@pytest.mark.parametrize("held_out", [False, True])
def test_draw_pairs_says_when_there_is_no_such_string(held_out):
    alone = lonely(not held_out)
    kind = "held-out" if held_out else "training"
    found = f"found no {kind} string of length 1 to 1 over 1 letters"
    with pytest.raises(ValueError, match=f"{found}; allow longer strings or a larger alphabet"):
        draw_pairs("copy", np.random.default_rng(4), 1, (1, 1), alone, held_out)


def lonely(held_out):
    """A letter that, taken as a string, is in the one set or in the other."""
    return next(letter for letter in map(chr, range(ord("a"), 0x250)) if is_held_out(letter) == held_out)


def test_draw_pairs_takes_the_integers_of_numpy():
    assert draw_pairs("copy", np.random.default_rng(0), np.int64(3), (np.int8(1), np.int64(2)))
