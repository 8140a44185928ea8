"""Text for a screen: its width, its signs, and maps that can be read back."""

import doctest
import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from numpy_seq2seq import show


def test_worked_examples():
    found = doctest.testmod(show)
    assert found.attempted >= 4 and not found.failed


# ---- columns -----------------------------------------------------------------------------------------------

WIDTHS = {  # as terminals that know of joined characters draw them
    0: ("", "\u0301", "\u0941", "\u200b", "\u00ad", "\u20dd", "\u1161", "\u11ab"),
    1: ("é", "e\u0301", "ก็", "ก็\u0e48", "שָ", "ه\u200d", "ｱ"),
    2: ("ａ", "한", unicodedata.normalize("NFD", "한"), "मी", "न्दी", "क्\u200dष", "ம்க", "か\u3099"),
    3: ("abc", "कुत्ता", "मुंबई", "संस्कृ", "x\u200by\u200fz"),
    4: ("한글", "हिन्दी", "தமிழ்"),
}
EMOJI = ("🙂", "👍🏽", "❤️", "👩‍👩‍👧", "❤️‍🔥", "🏳️‍🌈", "🇰🇷")


@pytest.mark.parametrize("columns, text", [(n, text) for n, texts in WIDTHS.items() for text in texts])
def test_width(text, columns):
    assert show.width(text) == columns
    assert show.width(f" {text} ") == columns + 2


@pytest.mark.parametrize("text", EMOJI)
def test_width_of_emoji(text):
    assert show.width(text) == 2 and show.width(3 * text) == 6


def test_marks_and_invisible_characters_take_no_room():
    unseen = [c for c in map(chr, range(sys.maxunicode)) if unicodedata.category(c) in show.UNSEEN]
    assert len(unseen) > 2000 and not any(map(show.width, unseen))
    plain = (c for c in unseen if unicodedata.category(c) != "Mc" and c != show.EMOJI_STYLE)
    assert {show.width(f"a{c}") for c in plain} == {1}


# ---- what a screen can take --------------------------------------------------------------------------------


def test_writable_replaces_all_signs_or_none():
    text = "a │░▒▓█│ é 한 … ⏎\nx ✗  y ✓  z\n✓\n██▌"
    assert show.writable(text, "utf-8") == show.writable(text, None) == text
    assert show.writable(text, "ascii") == "a |.:+#| ? ?? . $\nx -- y ok z\nok\n##+"
    assert show.writable("≥ 2, ≤ 3", "ascii") == ">= 2, <= 3"
    assert show.writable(text, "cp949") == "a |.:+#| ? 한 … $\nx -- y ok z\nok\n##+"
    assert show.writable(text, "cp1252") == "a |.:+#| é ?? … $\nx -- y ok z\nok\n##+"


@given(st.text(max_size=20), st.sampled_from(["ascii", "cp949", "cp1252", "cp437", "gbk", "utf-8"]))
def test_writable_can_be_written(text, encoding):
    show.writable(show.printable(text) + show.SIGNS, encoding).encode(encoding)


def test_columns_stay_straight_in_ascii():
    rows = [("한", f"a {show.mark(True)}", "end"), ("é", f"bcd {show.mark(False)}", "")]
    lines = show.writable(show.table(("src", "got", "more"), rows), "ascii").splitlines()
    assert lines == ["src    got  more", "??     a ok  end", "?    bcd --     "]


STEERS = "\x1b]0;title\a", "\x1b[31m", "\r", "\b", "\x9b2J", "\0", "\x7f", "\n", "\u2028", "\u202e", "\udcff"


@pytest.mark.parametrize("text", STEERS)
def test_printable_lets_nothing_through_that_steers(text):
    shown = show.printable(f"a{text}b")
    assert len(shown) == len(text) + 2 and shown.startswith("a�") and shown.endswith("b")
    assert not show.STEERING.search(shown)


@given(st.text(st.characters(exclude_categories=("C", "Z"))))
def test_printable_leaves_text_alone(text):
    assert show.printable(text) == text
    assert show.printable("می\u200cخواهم 👩‍👩‍👧 \u200fab\u3000") == "می\u200cخواهم 👩‍👩‍👧 \u200fab\u3000"


# ---- drawings ----------------------------------------------------------------------------------------------


@given(st.text(max_size=8), st.integers(0, 20), st.booleans())
@example("\u0903", 1, True)  # a spacing mark without a letter
@example("\ufe0f", 2, True)  # a sign of emoji style
@example("한\u094d", 4, False)  # a virama before the space
def test_fit(text, columns, right):
    fitted = show.fit(text, columns, right)
    assert show.width(fitted) == max(columns, show.width(text))
    assert fitted.endswith(text) if right else fitted.startswith(text)


def test_shade_grows_with_the_weight():
    ranks = [show.SHADES.index(show.shade(w)) for w in np.linspace(0, 1, 101)]
    assert ranks == sorted(ranks) and ranks[0] == 0 and ranks[-1] == len(show.SHADES) - 1
    assert set(ranks) == set(range(len(show.SHADES)))


def test_shade_shows_what_is_above_a_sixteenth():
    assert show.shade(1 / 16) == " " != show.shade(0.07)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_attention_map_is_darkest_where_the_weight_is(T, S, seed):
    places = np.random.default_rng(seed).integers(0, S, T)
    weights = np.eye(S)[places]
    head, *rows = show.attention_map(weights, list("abcdef"[:S]), list("uvwxyz"[:T]), 80).splitlines()
    assert head.split() == list("abcdef"[:S]) and [row[0] for row in rows] == list("uvwxyz"[:T])
    for row, place in zip(rows, places):
        assert row.index("█") == head.index("abcdef"[place])
        assert row.count("█") == 2


@given(st.integers(0, 30), st.integers(1, 4), st.integers(1, 60), st.integers(0, 99))
def test_wide_map_is_cut_into_blocks_that_hold_all_of_it(S, T, columns, seed):
    rng, source = np.random.default_rng(seed), "ab한é" * 8
    weights = rng.dirichlet(np.ones(S), T) if S else np.zeros((T, 0))
    blocks = show.attention_map(weights, list(source[:S]), list("vwxyz"[:T]), columns).split("\n\n")
    assert all(show.width(line) <= max(columns, 7) for block in blocks for line in block.splitlines())
    assert "".join(block.splitlines()[0].replace(" ", "") for block in blocks) == source[:S]
    whole = show.attention_map(weights, list(source[:S]), list("vwxyz"[:T]), 1000).splitlines()[1:]
    for t, row in enumerate(whole):
        assert "".join(block.splitlines()[t + 1][3:-1] for block in blocks) == row[3:-1]


def test_map_is_straight_and_as_wide_as_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    drawn = show.attention_map(np.eye(50), ["하늘"] * 50, ["b", "바다"] * 25)
    assert {show.width(line) for line in drawn.splitlines() if "│" in line} == {4 + 3 + 6 * 5, 4 + 3 + 2 * 5}


def test_a_map_as_wide_as_the_screen_is_not_cut():
    """A token of one column takes two, the margin and the frame four."""
    assert "\n\n" not in show.attention_map(np.eye(5), list("abcde"), list("vwxyz"), columns=14)
    assert "\n\n" in show.attention_map(np.eye(5), list("abcde"), list("vwxyz"), columns=13)


def test_attention_row_has_so_many_columns_for_each_weight():
    assert show.attention_row([0.0, 1.0], 1) == " █" and show.attention_row([0.0, 1.0]) == "  ██"


@pytest.mark.parametrize("value, eighths", (
    (0, 0), (1, 160), (0.5, 80), (-1, 0), (2, 160), (1 / 160, 1), (1.6 / 160, 2),
))  # fmt: skip
def test_bar(value, eighths):
    drawn = show.bar(value)
    assert sum(8 if c == "█" else "▏▎▍▌▋▊▉".index(c) + 1 for c in drawn) == eighths
