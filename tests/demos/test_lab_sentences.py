"""The laboratory's sentences say what the figures say, whichever way those fall."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demos.shared import percent
from demos.bottleneck import interventions
from demos.bottleneck.experiments import LENGTHS, LONG, TRAINED
from demos.bottleneck.inside import bands, fades
from demos.bottleneck.measures import Grid, places
from demos.bottleneck.outside import room
from demos.bottleneck.sentences import find
from demos.bottleneck.words import along, correlation, course, rank_correlation

# ---- sentences ---------------------------------------------------------------------------------------------


def said_of(name, grids):
    return " ".join(find(name, grids).sentences)


def test_rank_correlation_and_correlation():
    assert rank_correlation([3, 2, 1], [1, 2, 3]) == pytest.approx(-1)
    assert rank_correlation([1, 8, 9], [1, 2, 3]) == pytest.approx(1)
    shared = rank_correlation([1, 1, 2, 3], [1, 2, 3, 4])  # ranks 1.5, 1.5, 3, 4
    assert shared == pytest.approx(4.5 / np.sqrt(4.5 * 5))
    assert rank_correlation([5, 7, 7, 7], [1, 2, 3, 4]) == pytest.approx(3 / np.sqrt(3 * 5))
    assert correlation([1, 1, 1], [1, 2, 3]) == 0


@pytest.mark.parametrize(
    "share, said",
    (
        *((0, "0%"), (1e-9, "0.1%"), (0.001, "0.1%"), (0.0049, "0.5%"), (0.005, "0.5%"), (0.0051, "1%")),
        *((0.5, "50%"), (0.9949, "99%"), (0.995, "99.5%")),
        *((0.997, "99.7%"), (0.99999, "99.9%"), (1, "100%")),
    ),
)
def test_percent_never_says_all_or_nothing_of_what_is_not(share, said):
    assert percent(share) == said


def length_grids(**exact):
    decoders = ("fixed", "peeky", "luong", "bahdanau")
    rows = [[exact[d](n) for n in LENGTHS] for d in decoders]
    axis = "decoder", list(decoders)
    return {
        "exact": Grid(np.array(rows, float), (axis, ("length", list(LENGTHS)))),
        "parameters": Grid(np.array([100, 110, 108, 120]), (axis,)),
    }


def test_length_says_what_was_found():
    all_right, to_ten, none = (lambda n: n <= LONG), (lambda n: n <= 10), (lambda n: 0)
    said = said_of("length", length_grids(fixed=to_ten, peeky=to_ten, luong=all_right, bahdanau=all_right))
    for words in (
        "luong writes 100%",
        "the fixed vector 0%",
        "removes the bottleneck",
        "at length 12",
        "is no gain",
        "no cure for lengths never seen",
        "8% more parameters",
    ):
        assert words in said
    said = said_of("length", length_grids(fixed=all_right, peeky=none, luong=all_right, bahdanau=lambda n: 1))
    for words in (
        "no clear difference",
        "at least half of the strings of every length",
        "a model holds out there too",
    ):
        assert words in said
    assert "removes" not in said


def position_grids(reverse, free, lstm, copied):
    fixed = [[reverse, free], [lstm, lstm], [copied, copied]]
    values = np.array([[pair, np.full((2, LONG), 0.99)] for pair in fixed])
    tasks = "task", ["reverse", "reverse, lstm", "copy, lstm"]
    axes = (tasks, ("decoder", ["fixed", "luong"]), ("running", ["forced", "free"]), places("position", LONG))
    return {"accuracy": Grid(values, axes)}


def test_position_says_what_was_found():
    falling, flat = np.linspace(1, 0.1, LONG), np.full(LONG, 0.5)
    bent = np.abs(np.linspace(-0.8, 0.4, LONG))
    said = said_of("position", position_grids(falling, falling / 2, bent, falling))
    for words in (
        "falls throughout",
        "(rank correlation with position -1.00)",
        "another 50% of the letters",
        "bends up again",
        "the worst position is right in 99%.",
        "age is not all",
    ):
        assert words in said
    said = said_of("position", position_grids(flat, flat, falling, flat))
    for words in ("It stays about level (", "hardly anything more", "in its place falls", "No clear fall"):
        assert words in said


def dilution_grids(found, fixed, luong):
    cells = "cell", ["rnn", "gru", "lstm"]
    maps = np.array([[fixed, luong]] * 3)
    axes = (cells, ("decoder", ["fixed", "luong"]), places("output", LONG + 1), places("source", LONG + 1))
    return {
        "probe": Grid(np.array([found] * 3), (cells, places("place", LONG))),
        "gradient": Grid(maps, axes),
    }


def test_dilution_says_what_was_found():
    fade = np.tile(np.exp(np.arange(LONG + 1) / 3.0), (LONG + 1, 1))
    band = np.eye(LONG + 1)[[*range(LONG - 1, -1, -1), LONG]]
    flat = np.full((LONG + 1, LONG + 1), 1 / (LONG + 1))
    grids = dilution_grids(np.linspace(0.05, 0.9, LONG), fade, band)
    assert all(c == pytest.approx(-1) for c in fades(grids["gradient"]).values())
    assert all((share == 1).all() for share in bands(grids["gradient"]).values())
    said = said_of("dilution", grids)
    for words in (
        "in 90% of the strings",
        "read first in 5%",
        "hardly finds what was read first",
        "It fades with the distance",
        "A bright band",
    ):
        assert words in said
    partly = dilution_grids(np.linspace(0.4, 0.9, LONG), flat, flat)
    assert "still found, in part" in find("dilution", partly).sentences[0]
    said = said_of("dilution", dilution_grids(np.full(LONG, 0.9), flat, flat))
    for words in (
        "No clear loss",
        "fades clearly with the distance in no cell",
        "bright throughout in no cell",
    ):
        assert words in said


def capacity_grids(share):
    tasks = ("reverse", "sort", "first", "last")
    bits = np.array([[n * (4.7, 2, 0, 0)[k] + (0, 0, 4.7, 4.7)[k] for n in TRAINED] for k in range(4)])
    fixed = [[share(task, n) for n in TRAINED] for task in tasks]
    values = np.array([[[row, row], np.ones((2, len(TRAINED)))] for row in fixed], float)
    axis, over = ("task", list(tasks)), ("length", TRAINED)
    axes = (axis, ("decoder", ["fixed", "luong"]), ("hidden", [16, 64]), over)
    return {"exact": Grid(values, axes), "bits": Grid(bits, (axis, over))}


def test_capacity_says_what_was_found():
    grids = capacity_grids(lambda task, n: task in ("first", "last") or n <= 10)
    held = {"reverse": 47, "sort": 20, "first": 4.7, "last": 4.7}
    assert room(grids["exact"], grids["bits"], "fixed", 64) == pytest.approx(held)
    assert "what the answer needs decides" in said_of("capacity", grids)
    assert "no clear difference what" in said_of("capacity", capacity_grids(lambda task, n: 0))
    assert "reverse none, sort none, first none" in said_of("capacity", capacity_grids(lambda task, n: 0))
    assert "Bits are not all" in said_of("capacity", capacity_grids(lambda task, n: task == "last"))


def training_grids(short, long, gains):
    exact = np.zeros((2, 2, len(LENGTHS)))
    exact[1, 0, : len(TRAINED)], exact[0, 1, : len(TRAINED)] = short, long
    reading = np.array([[[0.3, 0], [0.3 + gains[0], 0]], [[0.9, 0], [0.9 + gains[1], 0]]])
    axis, what = ("decoder", ["fixed", "luong"]), ("what", ["letters", "exact"])
    return {
        "exact": Grid(exact, (axis, ("trained up to", [LONG // 2, LONG]), ("length", list(LENGTHS)))),
        "reading": Grid(reading, (axis, ("source", ["as it is", "reversed"]), what)),
    }


def test_training_says_what_was_found():
    said = said_of("training", training_grids(0.6, 0.4, (0.5, 0.01)))
    for words in ("60% of the strings", ": more. (", "from 30% to 80%", "does not need it"):
        assert words in said
    said = said_of("training", training_grids(0.4, 0.6, (0, 0)))
    assert ": fewer: short" in said and "does not set the two apart" in said


def mechanism_grids(weights, swap, both=((0, 0), (0, 0)), looked=((0.99, 1, 0.2), (0.1, 0.9, 4.0))):
    models, measure = ("model", ["reverse", "last"]), ("measure", ["aligned", "within one place", "entropy"])
    swapped, outputs = ("swapped", ["values", "values and keys"]), ("outputs", ["aligned", "others"])
    return {
        "weights": Grid(np.array(weights), (models, ("weights", list(interventions.CHANGES)))),
        "alignment": Grid(np.array(looked), (models, measure)),
        "swap": Grid(np.array([swap, both]), (swapped, outputs, ("what", ["changed", "exchanged"]))),
    }


def test_mechanism_says_what_was_found():
    needed, idle, unable, nothing = (1, 1, 0.1, 0), (1, 1, 1, 1), (0.1,) * 4, ((0, 0), (0, 0))
    said = said_of("mechanism", mechanism_grids([needed, idle], [[1, 0.97], [0.01, 0]]))
    for words in (
        "97% of the two letters",
        "The map is the mechanism",
        "knows no order",
        "Not to be trusted: last.",
    ):
        assert words in said
    assert "misleading" not in said
    said = said_of("mechanism", mechanism_grids([needed, needed], [[1, 0.2], [0.5, 0]], ((1, 1), (0, 0))))
    for words in ("not the whole mechanism", "letter that is written: reverse.", "yet misleading: last."):
        assert words in said
    said = said_of("mechanism", mechanism_grids([needed, needed], nothing, looked=((1, 1, 0), (1, 1, 0))))
    assert "pointing at the letter that is written: reverse, last." in said
    said = said_of("mechanism", mechanism_grids([unable] * 2, nothing))
    assert "No model here is right often enough" in said


# ---- sentences beside odd figures --------------------------------------------------------------------------


def curve(**at):
    """LONG shares: straight lines through the given ones, curve(p1=1, p20=0.3)."""
    return np.interp(np.arange(1, LONG + 1), [int(place[1:]) for place in at], list(at.values()))


LEVEL, RISING, BUMP = curve(p1=0.5, p20=0.5), curve(p1=0.3, p20=1), curve(p1=0.2, p10=0.9, p20=0.2)
COURSES = (
    (LEVEL, "stays about level", "No clear fall"),
    (curve(p1=0, p20=0), "stays about level", "It has not learnt to copy"),
    (curve(p1=1, p20=1), "stays about level", "No clear fall"),
    (RISING, "rises throughout", "accuracy rises throughout."),
    (BUMP, "is best in the middle", "accuracy is best in the middle."),
    (curve(p1=1, p20=0.71), "falls throughout", "the later a letter is written"),
    (curve(p1=1, p11=0.05, p20=0.34), "bends up again", "the ends of a string are held better"),
    (curve(p1=0.8, p17=0.4, p20=0.5), "falls, with exceptions", "accuracy falls, with exceptions."),
    (curve(p1=1, p15=0.1, p19=0.05, p20=0.45), "falls, with exceptions", "accuracy falls, with exceptions."),
    (curve(p1=1, p2=0.2, p20=0.2), "falls", "accuracy falls."),
    (curve(p1=0.4, p10=0.05, p20=0.4), "bends up again", "the ends of a string are held better"),
    (curve(p1=0.5, p2=1, p5=1, p6=0.3, p15=0.3, p16=1, p19=1, p20=0.5), "bends up again", "than its middle"),
    (curve(p1=1, p15=1, p16=0, p19=0, p20=0.85), "goes up and down", "accuracy goes up and down."),
    (curve(p1=1, p10=1, p11=0, p12=1, p20=1), "goes up and down", "accuracy goes up and down."),
    (np.where(np.arange(LONG) % 2, 0.8, 0.1), "goes up and down", "accuracy goes up and down."),
)


@pytest.mark.parametrize("shares, verb, age", COURSES)
def test_courses_of_planted_shares(shares, verb, age):
    reverse, _, _, bend, copied = find("position", position_grids(shares, shares, shares, shares)).sentences
    assert f" It {verb} (rank" in reverse and f"in its place {verb}: {along(shares)}." in bend
    assert f"{along(shares)}. " in copied and age in copied


@pytest.mark.parametrize(
    "shares, said",
    (
        (RISING, "30% at the first position, 100% at the last"),
        (BUMP, "20% at the first position, 90% at position 10, 20% at the last"),
        (COURSES[11][0], "50% at the first position, 30% at position 6, 50% at the last"),
        (curve(p1=1, p19=0.05, p20=0.08), "100% at the first position, 8% at the last"),
    ),
)
def test_the_place_between_is_told_if_it_lies_beyond_both_ends(shares, said):
    assert along(shares) == said


def length_row(at_long, unseen=(0, 0, 0, 0, 0)):
    return dict(zip(LENGTHS, [1] * (len(TRAINED) - 1) + [at_long, *unseen])).get


def planted_length(fixed=0, peeky=0, luong=1, bahdanau=1, beyond=(0, 0, 0, 0, 0)):
    rows = {"fixed": length_row(fixed), "peeky": length_row(peeky), "bahdanau": length_row(bahdanau)}
    return length_grids(luong=length_row(luong, beyond), **rows)


def planted_peeky(fixed, peeky):
    return length_grids(fixed=lambda n: fixed, peeky=lambda n: peeky, luong=lambda n: 1, bahdanau=lambda n: 1)


def planted_sizes(luong, fixed):
    grids = planted_length()
    return grids | {"parameters": grids["parameters"]._replace(values=np.array([fixed, 1, luong, 1]))}


def planted_probe(found):
    return dilution_grids(found, np.ones((LONG + 1, LONG + 1)), np.ones((LONG + 1, LONG + 1)))


def planted_capacity(reverse, sort, first, last):
    share = {"reverse": reverse, "sort": sort, "first": first, "last": last}
    return capacity_grids(lambda task, n: share[task])


def planted_trick(*letters):
    grids = training_grids(0, 0, (0, 0))
    values = np.stack([np.reshape(letters, (2, 2)), np.zeros((2, 2))], axis=2)
    return grids | {"reading": grids["reading"]._replace(values=values)}


def planted_map(*figures):
    """Of one model: letters right as it is and with equal weights; largest weight on the letter, near it."""
    right, equal, aligned, near = figures
    unable = (0.1,) * 4
    return mechanism_grids(
        [(right, right, equal, 0), unable], [[1, 1], [0, 0]], looked=((aligned, near, 1),) * 2
    )


def planted_swap(changed, exchanged, others, both):
    return mechanism_grids([(1,) * 4] * 2, [[changed, exchanged], [others, 0]], ((both, 0), (both, 0)))


NEED, MAP = "what the answer needs decides", "The map is the mechanism."
ODD = (
    ("length", planted_length(0, luong=1, bahdanau=0.2), "In this run looking back helps luong."),
    ("length", planted_length(0.5, luong=1, bahdanau=0.1), "looking back helps luong and harms bahdanau."),
    ("length", planted_length(0.9, luong=0.1, bahdanau=0.8), "looking back harms luong."),
    ("length", planted_length(0.9, luong=1, bahdanau=1), "looking back makes no clear difference."),
    ("length", planted_length(0.1, luong=0.8, bahdanau=1), "widens the bottleneck"),
    ("length", planted_length(beyond=(1, 1, 1, 1, 0.49)), "luong 49%, bahdanau 0%. In this run not all of them"),
    ("length", planted_length(beyond=(1, 1, 1, 1, 0.95)), "a model holds out there too"),
    ("length", planted_length(beyond=(1, 1, 1, 1, 0)), "never seen: some carry on, then all fail."),
    ("length", planted_length(beyond=(0.5, 0.1, 0, 0, 0)), "never seen: some carry on a little, then all fail."),
    ("length", planted_length(), "never seen: all fail."),
    ("length", planted_peeky(0.5, 0.516), "(peeky) hardly matters: 52%"),
    ("length", planted_peeky(0.5, 0.58), "(peeky) helps a little: 58%"),
    ("length", planted_peeky(0.5, 0.3), "(peeky) is no gain: 30%"),
    ("length", planted_sizes(1003, 1000), "luong has 0.3% more parameters than fixed (1,003 and 1,000)"),
    ("length", planted_sizes(500, 1000), "luong has 50% fewer parameters than fixed"),
    ("length", planted_sizes(7, 7), "luong has as many parameters as fixed"),
    ("position", position_grids(LEVEL, LEVEL + curve(p1=0.4, p20=-0.1), LEVEL, LEVEL), "hardly anything more"),
    ("dilution", planted_probe(curve(p1=0.95, p20=0.1)), "read first in 95% (chance 4%). No clear loss"),
    ("dilution", planted_probe(curve(p1=0.05, p2=0.9, p20=0.1)), "hardly finds what was read first."),
    ("dilution", planted_probe(curve(p1=0.6, p20=0.89)), "still found, in part."),
    ("dilution", planted_probe(curve(p1=0.05, p20=0.13)), "It finds hardly anything."),
    ("capacity", planted_capacity(0.95, 0.95, 0.4, 0.4), "bits do not explain it"),
    ("capacity", planted_capacity(0.95, 0.95, 0.95, 0.95), "This vector holds all of it."),
    ("capacity", planted_capacity(0.2, 0.9, 1, 1), NEED),
    ("capacity", planted_capacity(0.6, 0, 1, 1), "bits do not explain it"),
    ("capacity", planted_capacity(0, 0, 1, 0.6), "Bits are not all"),
    ("training", training_grids(0.5, 0.516, (0, 0)), "52%: about as many. ("),
    ("training", planted_trick(0.2, 0.15, 0.95, 0.2), "the trick clearly helps neither."),
    ("training", planted_trick(0.2, 0.4, 0.95, 0.2), "The fixed vector gains more"),
    ("training", planted_trick(0.1, 0.1, 0.1, 0.9), "Attention gains more"),
    ("training", planted_trick(0.1, 0.9, 0.1, 0.9), "does not set the two apart."),
    ("mechanism", planted_swap(1, 0.95, 0, 0), MAP + " Exchange their keys as well, and 0% change, as it must"),
    ("mechanism", planted_swap(1, 0.95, 0, 0.3), "30% change, more than there should: attention knows"),
    ("mechanism", planted_swap(1, 0.5, 0, 0), "memory and state choose it together."),
    ("mechanism", planted_swap(1, 0.95, 0.5, 0), "The map is not the whole mechanism."),
    ("mechanism", planted_map(0.95, 0.86, 0.95, 1), "Of some use: reverse."),
    ("mechanism", planted_map(0.95, 0.94, 0.95, 1), "Not to be trusted: reverse."),
    ("mechanism", planted_map(0.95, 0.1, 0.6, 0.95), "mostly pointing at the letter that is written: reverse."),
    ("mechanism", planted_map(0.95, 0.1, 0.49, 0.95), "mostly lies elsewhere than on the letter"),
    ("mechanism", planted_map(0.95, 0.1, 0.1, 0.95), "yet misleading: reverse."),
    ("mechanism", planted_map(0.95, 0.1, 0.1, 0.2), "mostly lies elsewhere than on the letter"),
)  # fmt: skip


@pytest.mark.parametrize("name, grids, words", ODD)
def test_sentences_of_planted_figures(name, grids, words):
    assert words in said_of(name, grids)


def test_one_cell_of_three_is_told_apart_from_all_and_from_none():
    fade = np.tile(np.exp(np.arange(LONG + 1) / 3.0), (LONG + 1, 1))
    band = np.eye(LONG + 1)[[*range(LONG - 1, -1, -1), LONG]]
    grids = dilution_grids(LEVEL, fade, band)
    grids["gradient"].values[1] = 1 / (LONG + 1)
    said = said_of("dilution", grids)
    assert "does not fade clearly with the distance in every cell" in said
    assert "not bright throughout in every cell" in said


share = st.sampled_from((0, 0.005, 0.04, 0.1, 0.3, 0.5, 0.6, 0.9, 0.95, 0.995, 1)) | st.floats(0, 1)


def shares(count):
    return st.lists(share, min_size=count, max_size=count).map(np.array)


def consistent(said, **claims):
    """Where words are said, their claim must hold: consistent(said, all_fail=...)."""
    for words, holds in claims.items():
        assert holds or words.replace("_", " ") not in said, (words, said)


few = settings(max_examples=60, deadline=None)


@few
@given(shares(LONG), st.booleans())
def test_no_course_is_contradicted_by_its_shares(x, in_order):
    x = np.sort(x)[::-1] if in_order else x
    first, last = x[0], x[-1]
    verb = course(x)
    consistent(
        verb,
        falls=first - last >= 0.1,
        falls_throughout=(np.maximum.accumulate(x[::-1])[::-1] - x).max() <= 0.05,
        rises=last - first >= 0.1,
        rises_throughout=(np.maximum.accumulate(x) - x).max() <= 0.05,
        stays_about_level=np.ptp(x) < 0.1,
        bends_up_again=x[1:-1].min() < min(first, last),
        best_in_the_middle=x[1:-1].max() > max(first, last),
    )
    assert not (in_order and verb[:5] in ("rises", "bends", "goes "))
    told_of = re.findall(r"([\d.]+%) at (?:the |position )?(\w+)", along(x))
    places = {"first": 0, "last": -1}
    for figure, place in told_of:
        assert figure == percent(x[places[place] if place in places else int(place) - 1])


@few
@given(shares(4 * len(LENGTHS)))
def test_no_sentence_on_length_is_contradicted(x):
    exact = dict(zip(("fixed", "peeky", "luong", "bahdanau"), x.reshape(4, -1)))
    said = said_of("length", length_grids(**{d: dict(zip(LENGTHS, row)).get for d, row in exact.items()}))
    at = {d: row[len(TRAINED) - 1] for d, row in exact.items()}
    gain = np.subtract(*(exact[d][: len(TRAINED)].mean() for d in ("peeky", "fixed")))
    far, worse = max(row[-1] for row in exact.values()), min(at["luong"], at["bahdanau"])
    consistent(
        said,
        removes=worse >= 0.9 and at["fixed"] <= 0.7,
        widens=worse > at["fixed"],
        no_clear_difference=max(abs(at[d] - at["fixed"]) for d in ("luong", "bahdanau")) < 0.3,
        helps_luong=at["luong"] > at["fixed"],
        harms_luong=at["luong"] < at["fixed"],
        helps_bahdanau=at["bahdanau"] > at["fixed"],
        harms_bahdanau=at["bahdanau"] < at["fixed"],
        is_no_gain=gain <= 0,
        all_fail=far <= 0.05,
        holds_out_there=far >= 0.9,
        at_least_half=min(exact["fixed"][: len(TRAINED)]) >= 0.5,
    )
    assert gain > 0 or "(peeky) helps" not in said


@few
@given(shares(LONG))
def test_no_sentence_on_the_probe_is_contradicted(x):
    said = find("dilution", planted_probe(x)).sentences[0]
    assert f"in {percent(x[-1])} of the strings, the one read first in {percent(x[0])} (" in said
    consistent(
        said,
        finds_hardly_anything=x.max() < 0.15,
        hardly_finds_what_was_read_first=x[0] < 0.15,
        No_clear_loss=x[-1] - x[0] < 0.1,
        still_found=0.13 < x[0] < x[-1],
    )


@few
@given(shares(4))
def test_no_sentence_on_capacity_is_contradicted(x):
    reverse, sort, first, last = x
    consistent(
        said_of("capacity", planted_capacity(*x)),
        decides=min(first, last) - reverse > 0.29 and reverse - 0.11 < sort < max(first, last) + 0.11,
        Bits_are_not_all=abs(first - last) > 0.29,
        holds_all=x.min() >= 0.9,
        do_not_explain=x.max() >= 0.3 and not reverse < sort < min(first, last) - 0.3,
        no_clear_difference=np.ptp(x) < 0.3,
    )


@few
@given(shares(2), shares(4))
def test_no_sentence_on_training_is_contradicted(x, letters):
    said, gains = (
        said_of("training", planted_trick(*letters)),
        (letters[1] - letters[0], letters[3] - letters[2]),
    )
    consistent(
        said,
        The_trick_helps_the_fixed=gains[0] > 0 and letters[2] >= 0.9 and letters[3] > 0.84,
        The_fixed_vector_gains=gains[0] > max(0, gains[1]),
        Attention_gains=gains[1] > max(0, gains[0]),
        helps_neither=max(gains) < 0.05,
        does_not_set=abs(gains[0] - gains[1]) < 0.05,
    )
    said = find("training", training_grids(*x, (0, 0))).sentences[0].split("(Bahdanau")[0]
    consistent(said, more=x[0] > x[1], fewer=x[0] < x[1], about_as_many=abs(x[0] - x[1]) < 0.03)


@few
@given(shares(4), shares(4))
def test_no_sentence_on_the_map_is_contradicted(x, swapped):
    right, equal, (aligned, near) = *x[:2], sorted(x[2:])
    said = find("mechanism", planted_map(right, equal, aligned, near)).sentences[-1]
    consistent(
        said,
        Needed=right - equal > 0.29,
        and_pointing=aligned >= 0.9,
        mostly_pointing=aligned >= 0.5,
        just_beside=near - aligned > 0.5,
        elsewhere=aligned < 0.5,
        Of_some_use=0.04 < right - equal < 0.3,
        do_as_well=right - equal < 0.05,
        No_model=right < 0.9,
    )
    exchanged, changed = sorted(swapped[:2])
    consistent(
        find("mechanism", planted_swap(changed, exchanged, *swapped[2:])).sentences[-2],
        is_the_mechanism=exchanged >= 0.9 and swapped[2] <= 0.1,
        What_is_written_comes=changed >= 0.9 and swapped[2] <= 0.1,
        as_it_must_be=swapped[3] <= 0.01,
    )
