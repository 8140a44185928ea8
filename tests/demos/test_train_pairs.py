"""train_pairs: every line is used or counted, nothing leaks, stopping is free, the model can be asked."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demos.shared import Best, Progress
from demos.train_pairs import __main__ as train_pairs
from demos.train_pairs import answers, corpus, reading
from numpy_seq2seq import data
from numpy_seq2seq.checkpoint import load_checkpoint, save_checkpoint
from numpy_seq2seq.config import DECODERS
from numpy_seq2seq.data import UNK, Vocabulary

from ..helpers import few, leaves

ROOT = Path(__file__).parents[2]
SMALL = ["--hidden", "16", "--steps", "40"]


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(path, content, **options):
    return reading.read_pairs(write(path, content), **options)


def texts(side, level=""):
    return [level.join(t) for t in corpus.texts_of(side, np.arange(len(side.lengths)))]


def reversals(path, count=400, seed=0, letters="abcdef", longest=6):
    """A file of distinct random strings and what they are backwards."""
    rng = np.random.default_rng(seed)
    sources = {"".join(rng.choice(list(letters), rng.integers(1, longest + 1))) for _ in range(count)}
    return write(path, "".join(f"{s}\t{s[::-1]}\n" for s in sorted(sources)))


def assert_same_model(a, b):
    a, b = load_checkpoint(a), load_checkpoint(b)
    assert a.step == b.step and a.rngs == b.rngs and a.notes["best"] == b.notes["best"]
    for one, other in ((a.params, b.params), (a.optimiser, b.optimiser)):
        assert [x.tobytes() for x in leaves(one)] == [x.tobytes() for x in leaves(other)]


def train(path, *arguments, stdin=""):
    """train_pairs.main with a closed prompt."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.StringIO(stdin))
        return train_pairs.main([str(path), *arguments])


def test_worked_example(tmp_path):
    """A file of three pairs: numbers for symbols, and one source to train on, to validate on, to test on."""
    path = write(tmp_path / "x.tsv", "cat\tchat\ndog\tchien\n\ntea\tthé\n")
    pairs = reading.read_pairs(path)
    assert pairs.source.symbols == ["c", "a", "t", "d", "o", "g", "e"]
    assert pairs.source.ids.tolist() == [0, 1, 2, 3, 4, 5, 2, 6, 1] and pairs.source.offsets.tolist() == [
        0,
        3,
        6,
        9,
    ]
    assert pairs.lines == 4 and pairs.left_out == {"blank": 1}
    made = corpus.make_corpus(pairs, least=(1, 1))
    (train_on,), (validate_on,), (test_on,) = made.parts
    assert {train_on, validate_on, test_on} == {0, 1, 2}
    assert made.test == [[list(("cat", "dog", "tea")[test_on])], [list(("chat", "chien", "thé")[test_on])]]
    batch = corpus.make_batch(*made.sides, np.array([train_on]))
    source, target = made.vocabularies
    assert "".join(source.decode(batch.source[0])) == ("cat", "dog", "tea")[train_on]
    assert answers.quality([list("chat"), list("dog")], [list("chat"), list("chien")], "characters") == {
        "exact_match": 1 / 2,
        "character_error_rate": 5 / 9,  # d, o → c, h, i; g → e; and n is missing
        "word_error_rate": 1 / 2,
        "bleu": None,  # no target has four words
    }


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(file, model) of one small training."""
    folder = tmp_path_factory.mktemp("trained")
    path, model = reversals(folder / "reverse.tsv"), folder / "model.npz"
    assert train(path, *SMALL, "--save", str(model)) == 0
    return path, model


# ---- reading -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content, source, target",
    (
        (b"\xef\xbb\xbfa\tb\n", "a", "b"),  # byte order mark
        (b"a\tb\r\n", "a", "b"),
        (b"a\tb", "a", "b"),  # no end of line
        (b"\n  \na\tb\n\r\n", "a", "b"),  # blank lines
        ("  a b \t c  d \n", "a b", "c  d"),
        ("e\u0301\tE\u0301\n", "é", "É"),  # decomposed: one symbol, as if composed
        ("שלום\tسلام\n", "שלום", "سلام"),
        ("👩‍👩‍👧\t🙂\n", "👩‍👩‍👧", "🙂"),
        ("a\u2028b\x85c\td\n", "a\u2028b\x85c", "d"),  # an end of line is \n, \r or both and nothing else
        (b"\xef\xbb\xbf\ra\tb\r\r", "a", "b"),  # an old Mac
        ("\u200fשלום\u200b\tb\u00ad\n", "\u200fשלום\u200b", "b\u00ad"),  # what is not seen stays
    ),
)
def test_what_a_person_would_expect_of_a_line(content, source, target, tmp_path):
    found = read(tmp_path / "x.tsv", content)
    assert texts(found.source) == [source] and texts(found.target) == [target]


BAD = (
    (b"caf\xe9\tb\n", "not UTF-8 (byte 0xe9 at place 4)"),
    (b"a\0\tb\n", "a NUL byte"),
    (b"ab\n", "no tab between source and target"),
    (b"a\tb\tc\n", "3 columns in place of 2; --columns 1,2 takes the first two"),
    ("\u200b\u00ad\tb\n".encode(), "an empty source"),  # to the eye
    ("a\t\u3164 \u2800\n".encode(), "an empty target"),
    (b"\tb\n", "an empty source"),
    (b"a\t \n", "an empty target"),
    (b"\t\n", "an empty source"),
    (b"a\t\xed\xa0\x80\n", "not UTF-8"),  # half a character
)


@pytest.mark.parametrize("line, reason", BAD)
def test_bad_line_is_named_or_counted(line, reason, tmp_path):
    path = write(tmp_path / "x.tsv", b"a\tb\n\n" + line + b"c\td\n")
    with pytest.raises(ValueError) as error:
        reading.read_pairs(path)
    assert str(error.value).startswith(f"{path}, line 3: {reason}") and "\n" not in str(error.value)
    found = reading.read_pairs(path, skip_bad=True)
    assert texts(found.source) == ["a", "c"] and found.lines == 4
    assert sorted(found.left_out.values()) == [1, 1]
    assert any(reason.startswith(kind) for kind in found.left_out)


def test_utf_16_is_named(tmp_path):
    with pytest.raises(ValueError, match="line 1: a NUL byte .*save it as UTF-8"):
        read(tmp_path / "x.tsv", "a\tb\n".encode("utf-16"))


THREE = ("cat\tchat\tby A", "dog\tchien\tby B", "tea\tthé\tby C")


@pytest.mark.parametrize("end", ("\n", "\r\n", "\r"))
def test_columns_are_chosen(end, tmp_path):
    for columns, source, target in (
        ((1, 2), "cat", "chat"),
        ((2, 1), "chat", "cat"),
        ((3, 2), "by A", "chat"),
    ):
        found = read(tmp_path / "x.tsv", end.join(THREE), columns=columns)
        assert (texts(found.source)[0], texts(found.target)[0], found.lines) == (source, target, 3)


@pytest.mark.parametrize(
    "lines, count, first",
    (
        (THREE, 3, "cat | chat | by A"),
        (("", *THREE, " "), 3, "cat | chat | by A"),
        (("a\tb\t", "c\td\t"), 3, "a | b | "),  # a tab at the end
        (("1\ta\tb\tx\ty\tz",), 6, "1 | a | b | x | y"),
        (("a" * 99 + "\tb\tc",), 3, "a" * 20 + " | b | c"),
    ),
)
def test_that_every_line_has_too_many_columns_is_said(lines, count, first, tmp_path):
    with pytest.raises(ValueError) as error:
        read(tmp_path / "x.tsv", "\n".join(lines))
    said = str(error.value)
    assert f"x.tsv: every line has {count} columns in place of 2" in said
    assert "--columns 1,2" in said and f": {first})" in said and "--skip-bad" not in said


@pytest.mark.parametrize("lines", (("a\tb", *THREE), (*THREE, "a\tb"), (*THREE, "x")))
def test_that_some_lines_have_too_many_columns_is_said(lines, tmp_path):
    with pytest.raises(ValueError, match="line [12]: 3 columns in place of 2; .*--skip-bad"):
        read(tmp_path / "x.tsv", "\n".join(lines))


def test_line_with_fewer_columns_than_chosen(tmp_path):
    path = write(tmp_path / "x.tsv", "\n".join([*THREE, "a\tb"]))
    with pytest.raises(ValueError, match="line 4: 2 columns, and --columns asks for number 3"):
        reading.read_pairs(path, columns=(3, 1))
    assert len(reading.read_pairs(path, columns=(3, 1), skip_bad=True).pair_keys) == 3


def test_each_side_has_its_level(tmp_path):
    found = read(tmp_path / "x.tsv", "cab\tK AE B\n", target_level="words")
    assert texts(found.source, "|") == ["c|a|b"] and texts(found.target, "|") == ["K|AE|B"]
    long = read(
        tmp_path / "x.tsv", "a b c\tabcd\nabcd\ta\n", level="words", target_level="characters", longest=3
    )
    assert long.left_out == {"target longer than 3 characters": 1} and texts(long.source) == ["abcd"]


@pytest.mark.parametrize("line", (b"y" * 10_000_000, b"y\t" * 5_000_000, b"\xff" * 10_000_000))
@pytest.mark.parametrize("end", (b"\n", b""))
def test_line_of_10_mb_is_counted_and_not_held(line, end, tmp_path, monkeypatch):
    path = write(tmp_path / "x.tsv", b"a\tb\n" + line + end)
    found = reading.read_pairs(path)
    assert texts(found.source) == ["a"] and found.lines == 2
    assert found.left_out == {"longer than 65,536 characters": 1}
    with reading.open_text(path) as file:
        assert all(len(line) <= reading.LINE for _, line in reading.numbered_lines(file))


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no /dev/zero here")
def test_endless_file_of_nul_bytes_ends_at_once():
    with pytest.raises(ValueError, match="line 1: a NUL byte"):
        reading.read_pairs("/dev/zero")


whole, long = [b"a\tb", b"ab\tcd", "é\tü".encode()], [b"abcd\te", b"f\tghijk"]
lines = st.sampled_from([*whole, *long, b"", b"  ", b"\t", b"a", b"a\tb\tc", b"\ta", b"\0", b"\xff\tx"])


@few
@given(
    st.lists(lines, max_size=20),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
    st.sampled_from(list(reading.LEVELS)),
)
def test_every_line_is_a_pair_or_counted(tmp_path_factory, found, end, level):
    path = tmp_path_factory.mktemp("lines") / "x.tsv"
    result = read(path, b"".join(line + end for line in found), level=level, longest=3, skip_bad=True)
    assert result.lines == len(found) == len(result.pair_keys) + sum(result.left_out.values())
    assert len(result.source.lengths) == len(result.target.lengths) == len(result.source_keys)
    assert result.left_out["blank"] == sum(not line.strip(b" ") for line in found)
    wanted = whole + long * (level == "words")
    assert len(result.source_keys) == sum(line in wanted for line in found)


@pytest.mark.parametrize(
    "content, reason", ((b"ab\n" * 9, "no tab"), ("a\tb\tc\n" * 9, "3 columns in place of 2; --columns"))
)
def test_file_of_which_nothing_is_left_says_why(content, reason, tmp_path):
    with pytest.raises(ValueError, match=f"x.tsv .9 lines left out: {reason}.*: 0 different sources"):
        train(write(tmp_path / "x.tsv", content), "--quick", "--skip-bad")


def test_words_are_what_stands_between_spaces(tmp_path):
    found = read(tmp_path / "x.tsv", "the  cat\tle chat\nthe cat sat\tle chat\n", level="words", longest=2)
    assert texts(found.source, "|") == ["the|cat"] and found.left_out == {"source longer than 2 words": 1}


@pytest.mark.parametrize("content", (b"", b"\n\n", b"\xef\xbb\xbf", b"a\tb\nc\td\na\te\n"))
def test_file_without_enough_pairs_is_one_line(content, tmp_path):
    path = write(tmp_path / "x.tsv", content)
    with pytest.raises(ValueError, match="at least 3 are needed") as error:
        train(path, "--quick")
    assert str(error.value).startswith(str(path))


# ---- splitting and counting --------------------------------------------------------------------------------

some_text = st.text("abcde", min_size=1, max_size=8)


@few
@given(st.lists(st.integers(0, 2**64 - 1), min_size=3, max_size=300), st.integers(0, 9))
def test_no_source_is_in_two_parts_and_no_pair_is_lost(keys, seed):
    keys = np.random.default_rng(seed).choice(np.array([*keys, 0, 1, 2], np.uint64), 2 * len(keys))
    if len(np.unique(keys)) < 3:
        return
    parts = corpus.split(keys)
    assert sorted(np.concatenate(parts)) == list(range(len(keys)))
    sources = [set(keys[part]) for part in parts]
    assert all(sources) and len(set.union(*sources)) == sum(map(len, sources))
    assert len(sources[1]) == len(sources[2]) == max(1, len(np.unique(keys)) // 20)


ALIKE = {  # a source, and one that a person cannot tell from it
    "zero width": lambda s: s + "\u200b",
    "soft hyphen": lambda s: s[:2] + "\u00ad" + s[2:],
    "direction mark": lambda s: "\u200f" + s + "\u061c",
    "isolate": lambda s: "\u2068" + s + "\u2069",
    "byte order mark": lambda s: s[:1] + "\ufeff" + s[1:],
    "joiner": lambda s: s.replace(" ", "\u2060 "),
    "variation": lambda s: s + "\ufe0e",
    "control": lambda s: s + "\x08\x7f",
    "no-break space": lambda s: s.replace(" ", "\u00a0"),
    "thin space": lambda s: s.replace(" ", "\u2009"),
    "two spaces": lambda s: s.replace(" ", "  "),
    "decomposed": lambda s: unicodedata.normalize("NFD", s),
    "fullwidth": lambda s: s.replace("!", "\uff01"),
    "blank letter": lambda s: s + "\u3164",
}


@pytest.mark.parametrize("level", reading.LEVELS)
@pytest.mark.parametrize("change", ALIKE.values(), ids=ALIKE)
def test_sources_that_look_alike_are_on_one_side(change, level, tmp_path):
    sources = [f"word{k:03d} là 한국 e!" for k in range(60)]
    alike = [change(source) for source in sources]
    assert all(a != b for a, b in zip(sources, alike))
    found = read(tmp_path / "x.tsv", "".join(f"{s}\tx\n" for s in [*sources, *alike]), level=level)
    assert len(set(found.source_keys)) == 60 and corpus.repetitions(found) == (60, 0)
    for part in corpus.split(found.source_keys):
        assert set(part[part < 60] + 60) == set(part[part >= 60])


def test_sources_that_look_different_are_different(tmp_path):
    sources = ["go", "Go", "g o", "go.", "gó", "go'", "go’", "가", "가가", "👍", "👍🏽", "क", "कि"]
    assert len(set(read(tmp_path / "x.tsv", "".join(f"{s}\tx\n" for s in sources)).source_keys)) == len(
        sources
    )


def test_training_is_resumed_on_the_same_characters_only(tmp_path):
    """What a person does not see a model does."""
    plain, odd = (read(tmp_path / "x.tsv", f"go{c}\tx\nab\ty\n") for c in ("", "\u200b"))
    assert plain.source_keys.tolist() == odd.source_keys.tolist() and plain.fingerprint() != odd.fingerprint()
    moved = (read(tmp_path / "x.tsv", rows).fingerprint() for rows in ("ab\tx\nc\ty\n", "a\tx\nbc\ty\n"))
    assert len(set(moved)) == 2
    assert plain.fingerprint() == read(tmp_path / "y.tsv", b"\xef\xbb\xbfgo\tx\r\rab\ty").fingerprint()


def test_split_depends_on_the_sources_alone(tmp_path):
    path = reversals(tmp_path / "x.tsv")
    rows = path.read_text().splitlines()
    order = np.random.default_rng(0).permutation(len(rows))
    mixed = write(tmp_path / "y.tsv", "".join(f"{rows[k]}!\n" for k in order))
    parts = []
    for file in (path, mixed):
        found = reading.read_pairs(file)
        sources = np.array(texts(found.source))
        parts.append([set(sources[part]) for part in corpus.split(found.source_keys)])
    assert parts[0] == parts[1]


@few
@given(st.lists(some_text, min_size=1, max_size=20), st.integers(1, 4), st.data())
def test_vocabulary_holds_what_occurs_often_enough_in_training(sources, least, choose):
    rows = np.array(choose.draw(st.lists(st.sampled_from(range(len(sources))), min_size=1, unique=True)))
    texts_, counts = reading._Texts(), Counter("".join(sources[n] for n in rows))
    for source in sources:
        texts_.add(source, source)
    often = {symbol for symbol, n in counts.items() if n >= least}
    if not often:
        with pytest.raises(ValueError, match="--min-count"):
            corpus.with_vocabulary(texts_.side(), rows, least)
        return
    side, vocabulary, unknown = corpus.with_vocabulary(texts_.side(), rows, least)
    assert set(vocabulary.ids) == often
    assert list(side.ids) == vocabulary.encode("".join(sources), unk=True)
    rare = sum(n for symbol, n in counts.items() if symbol not in often)
    assert unknown == pytest.approx(rare / sum(counts.values()))


def test_words_that_look_like_special_tokens_are_unknown_words(tmp_path):
    found = read(tmp_path / "x.tsv", "the <unk> <pad>\ta\n", level="words")
    side, vocabulary, _ = corpus.with_vocabulary(found.source, np.array([0]))
    assert vocabulary.decode(side.ids) == ["the", "<unk>", "<unk>"]


@few
@given(st.lists(st.tuples(some_text, some_text), min_size=3, max_size=12), st.integers(0, 99))
def test_batches_are_those_of_the_library_and_no_pair_is_favoured(tmp_path_factory, given_pairs, seed):
    path = tmp_path_factory.mktemp("batches") / "x.tsv"
    found = read(path, "".join(f"{s}\t{t}\n" for s, t in given_pairs))
    rows = np.arange(len(given_pairs))
    source, reads, _ = corpus.with_vocabulary(found.source, rows)
    target, writes, _ = corpus.with_vocabulary(found.target, rows)
    picked = np.random.default_rng(seed).choice(rows, 5)
    want = data.make_batch([given_pairs[n] for n in picked], reads, writes)
    for a, b in zip(corpus.make_batch(source, target, picked), want):
        np.testing.assert_array_equal(a, b)


def test_batches_of_like_length_draw_every_pair_alike(monkeypatch):
    monkeypatch.setattr(corpus, "BUCKET", 1)
    rng, texts_ = np.random.default_rng(0), reading._Texts()
    for n in range(50):
        source = "a" * int(rng.integers(1, 9)) + chr(200 + n)  # the last character tells the row
        texts_.add(source, source)
    side, vocabulary, _ = corpus.with_vocabulary(texts_.side(), np.arange(50))
    draw = corpus.batches_of_like_length(side, side, np.arange(3, 50), 4)
    batches = [draw(rng) for _ in range(3000)]
    rows = [row[mask] for b in batches for row, mask in zip(b.source, b.source_mask)]
    marks = Counter(vocabulary.symbols[row[-2]] for row in rows)
    assert {ord(c) - 200 for c in marks} == set(range(3, 50))
    expected = 4 * 3000 / 47
    assert all(abs(n - expected) < 6 * expected**0.5 for n in marks.values())
    spans = [np.ptp(b.source_mask.sum(axis=1)) for b in batches]
    assert np.mean(spans) < 1.5


# ---- validation and stopping -------------------------------------------------------------------------------


def stop_at(patch, *steps):
    shown = Progress.update

    def update(self, report, score=None):
        shown(self, report, score)
        if report.step in steps:
            signal.raise_signal(signal.SIGTERM)

    patch.setattr(Progress, "update", update)


@pytest.mark.parametrize("validations", (None, (5, 4, 3, 3.5, 2.5, 9, 9, 9, 1)))
def test_stopped_at_random_steps_ends_with_the_same_bits(validations, tmp_path, monkeypatch, capsys):
    """Also where it stops early, by planted validation losses: the third after step 5 is one too many."""
    path, whole, parts = reversals(tmp_path / "x.tsv", 100), tmp_path / "whole.npz", tmp_path / "parts.npz"
    options = ["--hidden", "16", "--steps", "30", "--patience", "3"]
    if validations:
        look = Best.look

        def planted(self, step, params):
            self.validate = lambda params: validations[step - 1]
            return look(self, step, params)

        monkeypatch.setattr(Best, "look", planted)
    train(path, *options, "--save", str(whole))
    assert load_checkpoint(whole).step == (8 if validations else 30)
    steps = np.arange(1, 8 if validations else 30)
    stops = sorted(np.random.default_rng(os.urandom(1)[0]).choice(steps, 3, replace=False))
    how = ["--save", str(parts)]
    for step in stops:
        with pytest.MonkeyPatch.context() as patch:
            stop_at(patch, step)
            train(path, *options, *how)
        how = ["--resume", str(parts)]
        assert load_checkpoint(parts).step == step, stops
    assert f"--resume {parts}" in capsys.readouterr().out
    train(path, *options, *how)
    assert_same_model(whole, parts)
    kept = parts.read_bytes()
    train(path, *options, *how)  # it is at its end, by patience or by steps
    assert parts.read_bytes() == kept


def test_best_is_kept_and_training_ends_with_patience():
    losses = dict(zip((2, 4, 6, 8, 10, 12), (3.0, 1.0, 2.0, 1.0, 1.5, 0.1)))
    best = Best(lambda params: losses[int(params["a"]["b"][0])], every=2, patience=3)
    params = {"a": {"b": np.zeros(1)}}
    for step in losses:
        params["a"]["b"][0] = step  # in place, as the optimiser does it
        best.look(step, params)
        if best.over(step):
            break
    assert (step, best.step, best.loss, best.params["a"]["b"][0]) == (10, 4, 1.0, 4)


def test_saved_parameters_are_those_of_the_best_validation(tmp_path, monkeypatch):
    seen = {}
    look = Best.look

    def watched(self, step, params):
        loss = look(self, step, params)
        seen[step] = loss, [a.tobytes() for a in leaves(params)]
        return loss

    monkeypatch.setattr(Best, "look", watched)
    monkeypatch.setattr(train_pairs, "PEAK", 0.3)  # so wild that the last is hardly the best
    path, model, result = reversals(tmp_path / "x.tsv", 100), tmp_path / "m.npz", tmp_path / "r.json"
    train(path, *SMALL, "--save", str(model), "--json", str(result))
    step = min(seen, key=lambda step: (seen[step][0], step))
    held = load_checkpoint(model)
    assert held.notes["best"] == [seen[step][0], step] and json.loads(result.read_text())["best_step"] == step
    assert [a.tobytes() for a in leaves(held.params)] == seen[step][1]


def test_resume_refuses_another_file(trained, tmp_path):
    path, model = trained
    other = write(tmp_path / "other.tsv", path.read_bytes() + b"abcdefabcdef\ta\n")
    with pytest.raises(ValueError, match="was trained with data"):
        train(other, *SMALL, "--resume", str(model))
    with pytest.raises(ValueError, match="patience 10, and now it is 9"):
        train(path, *SMALL, "--patience", "9", "--resume", str(model))
    with pytest.raises(ValueError, match="min_count"):
        train(path, *SMALL, "--min-count", "2", "--resume", str(model))


def test_model_is_saved_under_the_name_of_its_file_and_never_overwritten(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = reversals(tmp_path / "mine.tsv", 60)
    train(path, "--hidden", "8", "--steps", "2")
    kept = (tmp_path / "mine.npz").read_bytes()
    with pytest.raises(ValueError, match="mine.npz.*--resume"):
        train(path, "--hidden", "8", "--steps", "2")
    train(path, "--quick", "--hidden", "8", "--steps", "2")
    assert (tmp_path / "mine.npz").read_bytes() == kept and len(list(tmp_path.iterdir())) == 2


# ---- asking ------------------------------------------------------------------------------------------------


def test_prompt_answers_and_notes_what_it_does_not_know(trained, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("abc\n\naé\nb\0\n" + "a" * 1001 + "\nabc\n"))
    assert train_pairs.main(["--ask", str(trained[1])]) == 0
    shown = capsys.readouterr()
    first, second, third = (line for line in shown.out.splitlines() if line.startswith("answer:"))
    assert first == third and "a b c ⏎" in shown.out
    assert shown.err.splitlines() == [
        "note: read as unknown, since it was not trained on: 'é' (1 times)",
        "error: a NUL byte",
        "error: longer than 1,000 characters",
    ]


@pytest.mark.parametrize("length", (1, 30, 60, 1000))
def test_map_is_no_wider_than_the_terminal(length, trained, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys, "stdin", io.StringIO("a" * length))
    assert train_pairs.main(["--ask", str(trained[1])]) == 0
    shown = capsys.readouterr().out.splitlines()
    drawn = [line for line in shown if "│" in line or line.endswith("⏎")]
    assert all(len(line) <= 40 for line in drawn) and bool(drawn) == (length < 1000)
    assert any("are too many for a screen" in line for line in shown) == (length == 1000)


def test_translate_writes_a_line_for_each_line(trained, tmp_path, capsys):
    sources = ["abc", "", "f", "abc", "abcdef" * 5, "  f "]
    path, out = write(tmp_path / "s.txt", "\r\n".join(sources)), tmp_path / "out.txt"
    ask = ["--ask", str(trained[1]), "--translate", str(path)]
    assert train_pairs.main([*ask, "--output", str(out)]) == 0
    written = out.read_text(encoding="utf-8").split("\n")
    assert len(written) == len(sources) + 1 and written[-1] == written[1] == ""
    assert written[0] == written[3] and written[2] == written[5]
    assert train_pairs.main(ask) == 0 and capsys.readouterr().out.split("\n") == written
    with pytest.raises(ValueError, match="there is a"):
        train_pairs.main([*ask, "--output", str(out)])


def test_answer_that_steers_goes_to_a_file_as_it_is_and_not_to_a_terminal(trained, tmp_path, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    def steering(model, sources, *others):
        return [[answers.Answer(list("\x1b[2Jx"), True, 0.0, None)] for _ in sources]

    monkeypatch.setattr(answers, "answers", steering)
    monkeypatch.setattr(sys, "stdout", Terminal())
    ask = ["--ask", str(trained[1]), "--translate", str(write(tmp_path / "s.txt", "abc\n"))]
    train_pairs.main(ask)
    assert sys.stdout.getvalue() == "�[2Jx\n"
    train_pairs.main([*ask, "--output", str(tmp_path / "out.txt")])
    assert (tmp_path / "out.txt").read_text() == "\x1b[2Jx\n"


def test_nbest_is_sorted_and_begins_with_the_beams_best(trained, tmp_path, capsys):
    path = write(tmp_path / "s.txt", "abc\n\nfed\n")
    ask = ["--ask", str(trained[1]), "--translate", str(path), "--beam", "5"]
    assert train_pairs.main(ask) == 0
    best = capsys.readouterr().out.splitlines()
    assert train_pairs.main([*ask, "--nbest", "3"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[0] for row in rows] == ["1"] * 3 + ["2"] + ["3"] * 3
    assert [rows[0][2], rows[3][2], rows[4][2]] == best and best[1] == ""
    for three in (rows[:3], rows[4:]):
        scores = [float(score) for _, score, _ in three]
        assert scores == sorted(scores, reverse=True) and len({said for *_, said in three}) == 3


def test_answer_does_not_depend_on_the_sources_beside_it(trained):
    model = answers.open_model(trained[1])
    sources = ["".join(s) for s in ("abc", "f", "abcdefabcdef", "fed", "a")]
    for beam in (1, 4):
        together = answers.answers(model, sources, beam, beam)
        for source, found in zip(sources, together):
            (alone,) = answers.answers(model, [source], beam, beam)
            assert [a.symbols for a in alone] == [a.symbols for a in found]


@pytest.mark.parametrize(
    "line, reason", ((b"\xff", "not UTF-8"), (b"a\tb", "a tab"), (b"a\0", "a NUL"), (b"a" * 10**7, "longer"))
)
def test_translate_refuses_a_bad_line_before_it_writes(line, reason, trained, tmp_path):
    path, out = write(tmp_path / "s.txt", b"abc\n" + line + b"\nabc\n"), tmp_path / "out.txt"
    with pytest.raises(ValueError, match=f"line 2: {reason}"):
        train_pairs.main(["--ask", str(trained[1]), "--translate", str(path), "--output", str(out)])
    assert not out.exists()


def test_unknown_symbol_is_never_right():
    """A model that says UNK where the target is a symbol outside the vocabulary has not found it."""
    model = answers.Model({}, None, None, Vocabulary(["a", "<x>"]), ("words", "words"), 50)
    answer = answers._as_answer(model, np.array([4, UNK, 5, 2, 0]), None)
    assert answer.symbols == ["a", "�", "<x>"] and answer.ended
    assert answers.quality([answer.symbols], [["a", "<unk>", "<x>"]], "words")["exact_match"] == 0


def test_quality_by_hand():
    """Of 9 words one is replaced and one missing; of 9 letters and 7 spaces the same, and a space."""
    said, wanted = [list("abcd"), list("abx")], [list("abcd"), list("abcde")]
    found = answers.quality(said, wanted, "words")
    assert found["word_error_rate"] == 3 / 9 and found["exact_match"] == 1 / 2
    assert found["character_error_rate"] == 5 / 16  # c → x; and " d e" is missing
    precisions = 6 / 7, 4 / 5, 2 / 3, 1 / 1
    assert found["bleu"] == pytest.approx(np.prod(precisions) ** 0.25 * np.exp(1 - 9 / 7))
    letters = answers.quality([list("ab cd")], [list("ab ce")], "characters")
    assert (letters["character_error_rate"], letters["word_error_rate"], letters["bleu"]) == (
        1 / 5,
        1 / 2,
        None,
    )


@pytest.mark.parametrize("side, option", ((0, "--source-level"), (1, "--target-level")))
def test_what_nobody_could_know_is_said_beside_the_figures(side, option, tmp_path, capsys):
    """Each source, or target, is a word of its own: what is held out was never seen."""
    rows = ([f"w{k}\tx y\n", f"{' '.join(f'{k:07b}')}\tx w{k}\n"][side] for k in range(80))
    path, out = write(tmp_path / "x.tsv", "".join(rows)), tmp_path / "r.json"
    train(path, "--quick", "--level", "words", "--min-count", "1", "--json", str(out))
    shown, found = capsys.readouterr().out, json.loads(out.read_text())
    assert [found["unknown_sources"], found["unknown_targets"]] == ([4, 0], [0, 4])[side] and found[
        "pairs"
    ] == 4
    assert f"Try {option} characters" in shown
    train(path, "--quick", "--json", str(out))
    assert "Try" not in capsys.readouterr().out and not json.loads(out.read_text())["unknown_targets"]


@pytest.mark.parametrize("decoder", DECODERS)
def test_any_decoder_is_trained_and_asked(decoder, trained, tmp_path, monkeypatch, capsys):
    model = tmp_path / "m.npz"
    train(trained[0], "--hidden", "8", "--steps", "2", "--decoder", decoder, "--save", str(model))
    monkeypatch.setattr(sys, "stdin", io.StringIO("abc\n"))
    assert train_pairs.main(["--ask", str(model), "--beam", "2"]) == 0
    shown = capsys.readouterr().out
    assert ("a b c ⏎" in shown) == DECODERS[decoder].attends and re.search(
        r" -\d+\.\d{4} |\n-\d+\.\d{4} ", shown
    )


def test_each_side_has_its_level_and_what_is_rare_there(tmp_path, capsys):
    path = write(tmp_path / "x.tsv", "".join(f"{k:02d}\tx y w{k}\n" for k in range(60)))
    train(path, "--quick", "--target-level", "words")
    rows = [
        line.split() for line in capsys.readouterr().out.splitlines() if line.startswith(("reads", "writes"))
    ]
    assert [row[:4] for row in rows] == [["reads", "characters", "10", "1"], ["writes", "words", "2", "2"]]
    assert (rows[0][4], rows[1][4]) == ("0.0%", "33.3%")


def test_figures_are_those_of_greedy_and_of_the_beam(trained, tmp_path, capsys):
    out, saved = tmp_path / "r.json", tmp_path / "m.npz"
    train(trained[0], "--quick", "--beam", "3", "--json", str(out), "--save", str(saved))
    found, shown = json.loads(out.read_text()), capsys.readouterr().out
    model, (sources, targets) = (
        answers.open_model(saved),
        corpus.make_corpus(reading.read_pairs(trained[0]), (1, 1)).test,
    )
    for beam, figures in ((1, found), (3, found["beam"])):
        said = [best.symbols for best, *_ in answers.answers(model, sources, beam)]
        assert answers.quality(said, targets, "characters").items() <= figures.items()
    for key in ("exact_match", "character_error_rate", "word_error_rate"):
        assert re.search(rf" {found[key]:.2%} +{found['beam'][key]:.2%}\n", shown), key
    assert found["bleu"] is None and found["beam"]["width"] == 3 and re.search(r"BLEU.* –  +–\n", shown)
    train(trained[0], "--quick", "--json", str(out))
    assert json.loads(out.read_text())["beam"] is None


# ---- what is wrong -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, said",
    (
        ([], "give either a FILE"),
        (["x.tsv", "--ask", "m.npz"], "give either a FILE"),
        (["none.tsv"], "none.tsv: there is no such file"),
        ([""], "there is no such file"),
        (["--ask", "none.npz"], "none.npz"),
        (["--ask", "m.npz", "--steps", "3"], "--steps is for training"),
        (["x.tsv", "--beam", "0"], "--beam must be a positive integer"),
        (["x.tsv", "--beam", "101"], "at most 100"),
        (["x.tsv", "--nbest", "3"], "--beam 3"),
        (["x.tsv", "--output", "y"], "--translate"),
        (["x.tsv", "--translate", "x.tsv"], "--output"),
        (["--ask", "m.npz", "--translate", "none.txt"], "none.txt"),
        (["x.tsv", "--level", "letters"], "characters, words; got 'letters'"),
        (["x.tsv", "--source-level", "letters"], "--source-level"),
        (["x.tsv", "--target-level", ""], "--target-level"),
        (["x.tsv", "--columns", "1,3"], "line 1: 2 columns, and --columns asks for number 3"),
        (["x.tsv", "--save", "x.tsv"], ".npz"),
        (["x.tsv", "--json", "x.tsv"], "--json would write over x.tsv"),
        (["x.tsv", "--json", "link.json"], "--json would write over"),
        (["x.tsv", "--translate", "x.txt", "--output", "out/../x.tsv"], "--output"),
        (["x.tsv", "--translate", "x.txt", "--output", "y", "--json", "x.txt"], "--json would write over"),
        (["x.tsv", "--translate", "x.txt", "--output", "y", "--json", "y"], "the same file"),
        (["x.tsv", "--resume", "m.npz", "--json", "m.npz"], "--json"),
        (["--ask", "m.npz", "--translate", "x.txt", "--output", "m.npz"], "--output"),
        (["--ask", "m.npz", "--translate", "x.txt", "--output", "x.txt"], "--output"),
        (["--ask", "m.npz", "--columns", "1,2"], "--columns is for training"),
        (["x.tsv", "--min-count", "0"], "--min-count must be"),
        (["x.tsv", "--max-length", "-1"], "--max-length must be"),
        (["x.tsv", "--patience", "0"], "--patience must be"),
        (["x.tsv", "--hidden", "7"], "must be even"),
        (["x.tsv", "--decoder", "fixed", "--score", "dot"], "would be ignored"),
        (["x.tsv", "--save", "model.txt"], "ends in .npz"),
        (["."], "there is no such file"),
    ),
)
def test_wrong_option_is_one_line(arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reversals(tmp_path / "x.tsv", 60)
    write(tmp_path / "x.txt", "abc\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "link.json").symlink_to("x.tsv")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    with pytest.raises((ValueError, OSError)) as error:
        train_pairs.main([*arguments, *(["--quick"] if arguments and arguments[0] != "--ask" else [])])
    assert said in str(error.value) and "\n" not in str(error.value)
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}


@pytest.mark.parametrize(
    "columns", ("", "1", "0,1", "1,2,3", "-1,2", "a,b", "1, 2", "1.0,2", "٣,١", "9" * 400 + ",1")
)
def test_wrong_columns(columns, capsys):
    with pytest.raises(SystemExit, match="2"):
        train_pairs.main(["x.tsv", f"--columns={columns}"])
    assert "--columns: must be two numbers from 1 on, as in 1,3" in capsys.readouterr().err


NOTES = {
    "another program": {"settings": {"task": "reverse", "lengths": [1, 10]}},
    "no program": {},
    "settings": {"settings": ["task", "pairs"]},
    "level": {
        "settings": {"task": "pairs", "source_level": ["words"], "target_level": "words", "longest": 50}
    },
    "no level": {"settings": {"task": "pairs", "longest": 50}},
    "length": {
        "settings": {"task": "pairs", "source_level": "words", "target_level": "words", "longest": "9"}
    },
    "negative": {
        "settings": {"task": "pairs", "source_level": "words", "target_level": "words", "longest": -9}
    },
}


@pytest.mark.parametrize("notes", NOTES.values(), ids=NOTES)
def test_model_that_cannot_be_asked_is_one_line(notes, trained, tmp_path):
    save_checkpoint(tmp_path / "m.npz", load_checkpoint(trained[1])._replace(notes=notes))
    settings = notes.get("settings")
    known = isinstance(settings, dict) and settings["task"] == "pairs"
    said = "m.npz has damaged notes" if known else "m.npz was not saved by train_pairs"
    with pytest.raises(ValueError, match=said) as error:
        train_pairs.main(["--ask", str(tmp_path / "m.npz")])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("lost", ("settings", "seconds", "seconds_to_99", "threads", "best"))
def test_training_with_damaged_notes_is_not_resumed(lost, trained, tmp_path):
    path, model = trained
    held = load_checkpoint(model)
    save_checkpoint(tmp_path / "m.npz", held._replace(notes={**held.notes, lost: "lost"}))
    with pytest.raises(ValueError, match=rf"m.npz .*notes are damaged \['{lost}'\]"):
        train(path, *SMALL, "--resume", str(tmp_path / "m.npz"))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden here")
def test_file_that_may_not_be_read(tmp_path):
    path = reversals(tmp_path / "x.tsv")
    path.chmod(0)
    with pytest.raises(PermissionError, match=str(path)):
        reading.read_pairs(path)


def test_command_says_what_is_wrong_in_one_line_and_survives_a_closed_pipe(trained, tmp_path):
    command = [sys.executable, "-m", "demos.train_pairs"]
    bad = write(tmp_path / "bad.tsv", "a\tb\nnothing\n")
    how = {"cwd": ROOT, "text": True, "timeout": 60}
    result = subprocess.run([*command, str(bad), "--quick"], capture_output=True, **how)
    assert result.returncode == 2 and not result.stdout
    said = "no tab between source and target; --skip-bad leaves such lines out"
    assert result.stderr == f"error: {bad}, line 2: {said}\n"
    many = write(tmp_path / "many.txt", "abc\n" * 20_000)
    command += ["--ask", str(trained[1]), "--translate", str(many)]
    asking = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    asking.stdout.readline()
    asking.stdout.close()
    assert asking.wait(60) == 141 and asking.stderr.read() == b""
    asking.stderr.close()


def program(*arguments, stdin="", **environment):
    """train_pairs as a program of its own: (exit status, what it prints, what it complains of)."""
    command = [sys.executable, "-m", "demos.train_pairs", *map(str, arguments)]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", **environment}
    result = subprocess.run(
        command, cwd=ROOT, input=stdin.encode(), capture_output=True, timeout=60, env=environment
    )
    return result.returncode, result.stdout.decode(), result.stderr.decode()


def test_utf_8_is_read_where_the_terminal_knows_ascii_only(trained):
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
    status, shown, complaint = program("--ask", trained[1], stdin="aé\n", **ascii_only)
    assert (status, complaint) == (0, "note: read as unknown, since it was not trained on: '?' (1 times)\n")
    assert "a ? $" in shown and shown.isascii() and "answer:" in shown


STEERING = "\x1b]0;title\x07\x1b[31m\x9b2J\x08\u202e"


def test_no_character_that_steers_a_terminal_is_printed(tmp_path):
    """Not from the data, the name of the file, what is typed, a foreign model's notes, or an option."""
    rows = (f"{k}{STEERING}\t{STEERING}{k}\n" for k in range(60))
    path = write(tmp_path / f"x{STEERING}\n.tsv", "".join(rows))
    model, foreign = tmp_path / "m.npz", tmp_path / "f.npz"
    small = ["--hidden", "8", "--steps", "2"]
    said = [program(path, *small, "--save", model, stdin=f"a{STEERING}\n")]
    notes = {"settings": {"task": "pairs", STEERING: STEERING, "data": STEERING}, "threads": 1}
    save_checkpoint(foreign, load_checkpoint(model)._replace(notes=notes))
    said += [program(path, *small, "--resume", foreign), program("--ask", foreign), program(f"{path}none")]
    said += [program(path, "--quick", f"--{STEERING}"), program(path, "--quick", "--level", STEERING)]
    assert [status for status, *_ in said] == [0, 2, 2, 2, 2, 2]
    for _, shown, complaint in said:
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown + complaint)
    assert all(complaint.count("\n") == 1 for status, _, complaint in said if status)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no SIGHUP here")
def test_terminal_that_goes_away_leaves_a_model_and_nothing_else(tmp_path):
    path, model, out = reversals(tmp_path / "x.tsv"), tmp_path / "m.npz", tmp_path / "r.json"
    arguments = [path, "--hidden", "16", "--steps", "100000", "--save", model, "--json", out]
    command = [sys.executable, "-m", "demos.train_pairs", *map(str, arguments)]
    running = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    while b"step" not in running.stdout.readline():
        pass
    running.stdout.close()
    running.send_signal(signal.SIGHUP)
    assert running.wait(60) == 128 + signal.SIGHUP
    found = json.loads(out.read_text())
    assert found["interrupted"] and 0 < found["steps"] == load_checkpoint(model).step < 100000
    assert {p.name for p in tmp_path.iterdir()} == {"x.tsv", "m.npz", "r.json"}


@pytest.mark.slow
def test_small_language_is_learnt(tmp_path):
    """Three regular rules at once, on sources that were not trained on: reverse, capitals, doubled vowels."""
    rng = np.random.default_rng(1)
    sources = {"".join(rng.choice(list("abcdeéü"), rng.integers(2, 8))) for _ in range(3000)}
    rule = {**{c: c.upper() for c in "bcd"}, **{c: 2 * c for c in "aeéü"}}
    rows = (s + "\t" + "".join(rule[c] for c in s[::-1]) + "\n" for s in sorted(sources))
    path = write(tmp_path / "x.tsv", "".join(rows))
    result = tmp_path / "r.json"
    train(path, "--hidden", "48", "--steps", "300", "--save", str(tmp_path / "m.npz"), "--json", str(result))
    assert json.loads(result.read_text())["exact_match"] >= 0.95
