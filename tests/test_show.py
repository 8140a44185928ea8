"""Appendix C: what is drawn can be read back."""

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numpy_seq2seq import show


@pytest.mark.parametrize("text, columns", (("", 0), ("abc", 3), ("한글", 4), ("é", 1), ("e\u0301", 1), ("ａ", 2)))
def test_width(text, columns):
    assert show.width(text) == columns


@given(st.text(max_size=8), st.integers(0, 20), st.booleans())
def test_fit(text, columns, right):
    fitted = show.fit(text, columns, right)
    assert show.width(fitted) == max(columns, show.width(text))
    assert fitted.endswith(text) if right else fitted.startswith(text)


def test_shade_grows_with_the_weight():
    ranks = [show.SHADES.index(show.shade(w)) for w in np.linspace(0, 1, 101)]
    assert ranks == sorted(ranks) and ranks[0] == 0 and ranks[-1] == len(show.SHADES) - 1
    assert set(ranks) == set(range(len(show.SHADES)))


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_attention_map_is_darkest_where_the_weight_is(T, S, seed):
    places = np.random.default_rng(seed).integers(0, S, T)
    weights = np.eye(S)[places]
    head, *rows = show.attention_map(weights, list("abcdef"[:S]), list("uvwxyz"[:T])).splitlines()
    assert head.split() == list("abcdef"[:S]) and [row[0] for row in rows] == list("uvwxyz"[:T])
    for row, place in zip(rows, places):
        assert row.index("█") == head.index("abcdef"[place])
        assert row.count("█") == 2


def test_attention_map_stays_straight_with_wide_and_long_tokens():
    drawn = show.attention_map(np.eye(2), ["하늘", "sees"], ["x", "바다"])
    assert len({show.width(line) for line in drawn.splitlines()[1:]}) == 1


@pytest.mark.parametrize("value, eighths", ((0, 0), (1, 160), (0.5, 80), (-1, 0), (2, 160), (1 / 160, 1)))
def test_bar(value, eighths):
    drawn = show.bar(value)
    assert sum(8 if c == "█" else "▏▎▍▌▋▊▉".index(c) + 1 for c in drawn) == eighths


def test_table_has_straight_columns():
    lines = show.table(("name", "n"), [("한", 1), ("longer", 1000)]).splitlines()
    assert {show.width(line) for line in lines} == {len("longer") + 2 + 4}


def test_attention_page_is_self_contained_and_holds_the_figures():
    weights = np.array([[0.25, 0.75], [1.0, 0.0]])
    page = show.attention_page("<b>title", "a note & more", [(["a", "</script>"], ["x", "y"], weights)])
    assert "&lt;b&gt;title" in page and "a note &amp; more" in page
    assert not re.search(r"https?:|src=|href=|@import", page) and page.count("</script>") == 1
    data = json.loads(re.search(r"of (\[\{.*?\}\])\) \{", page).group(1))
    assert data[0]["source"] == ["a", "</script>"] and data[0]["weights"] == weights.tolist()


def test_attention_page_leaves_a_title_alone_that_is_a_placeholder():
    page = show.attention_page("DATA of NOTE", "TITLE", [(["a"], ["b"], np.ones((1, 1)))])
    assert "<h1>DATA of NOTE</h1><p>TITLE</p>" in page
