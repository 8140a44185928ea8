"""train_pairs: every line is used or counted, nothing leaks, stopping is free, the model can be asked."""

import io
import json
import os
import pty
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
from numpy_seq2seq import DECODERS, Vocabulary, load_checkpoint, save_checkpoint
from numpy_seq2seq.data import UNK

from ..helpers import few, leaves

ROOT = Path(__file__).parents[2]
SMALL = ["--hidden", "16", "--steps", "40"]
WORDS = ("words", "words")


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(path, content, **options):
    return reading.read_pairs(write(path, content), **options)


def read_rows(path, sources, target="x"):
    return read(path, "".join(f"{source}\t{target}\n" for source in sources))


def reversals(path, count=400, seed=0, letters="abcdef", longest=6):
    """A file of distinct random strings and what they are backwards."""
    rng = np.random.default_rng(seed)
    sources = {"".join(rng.choice(list(letters), rng.integers(1, longest + 1))) for _ in range(count)}
    return write(path, "".join(f"{s}\t{s[::-1]}\n" for s in sorted(sources)))


def same_model(a, b):
    """Whether two checkpoints hold the same bits."""
    a, b = load_checkpoint(a), load_checkpoint(b)
    trees = [[x.tobytes() for x in leaves((held.params, held.optimiser))] for held in (a, b)]
    return (a.step, a.rngs, a.notes["best"], trees[0]) == (b.step, b.rngs, b.notes["best"], trees[1])


def train(path, *arguments, stdin=""):
    """train_pairs.main with a closed prompt."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.StringIO(stdin))
        return train_pairs.main([*map(str, (path, *arguments))])


def ask(model, *arguments, stdin=""):
    return train("--ask", model, *arguments, stdin=stdin)


def test_worked_example(tmp_path):
    """A file of three pairs: one source to train on, one to validate on, one to test on."""
    path = write(tmp_path / "x.tsv", "cat\tchat\ndog\tchien\n\ntea\tthé\n")
    pairs = reading.read_pairs(path)
    assert pairs.sides == (["cat", "dog", "tea"], ["chat", "chien", "thé"])
    assert pairs.lines == 4 and pairs.left_out == {"blank": 1}
    made = corpus.make_corpus(pairs, pairs_levels := ("characters", "characters"), least=(1, 1))
    (train_on,), (validate_on,), (test_on,) = made.parts
    assert {train_on, validate_on, test_on} == {0, 1, 2} and made.levels == pairs_levels
    batch = made.batch([train_on])
    source, target = made.vocabularies
    assert "".join(source.decode(batch.source[0])) == pairs.sides[0][train_on]
    assert target.decode(batch.targets[0]) == made.symbols([train_on])[0][1] == list(pairs.sides[1][train_on])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(file, model) of one small training."""
    folder = tmp_path_factory.mktemp("trained")
    path, model = reversals(folder / "reverse.tsv"), folder / "model.npz"
    assert train(path, *SMALL, "--save", model) == 0
    return path, model


# ---- reading -----------------------------------------------------------------------------------------------


LINES = (
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
)


@pytest.mark.parametrize("content, source, target", LINES)
def test_what_a_person_would_expect_of_a_line(content, source, target, tmp_path):
    assert read(tmp_path / "x.tsv", content).sides == ([source], [target])


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
    assert found.sides[0] == ["a", "c"] and found.lines == 4 and sorted(found.left_out.values()) == [1, 1]
    assert any(reason.startswith(kind) for kind in found.left_out)


def test_utf_16_is_named(tmp_path):
    with pytest.raises(ValueError, match="line 1: a NUL byte .*save it as UTF-8"):
        read(tmp_path / "x.tsv", "a\tb\n".encode("utf-16"))


THREE = ("cat\tchat\tby A", "dog\tchien\tby B", "tea\tthé\tby C")
EVERY = r"x.tsv: every line has {} columns in place of 2; .*--columns 1,2 \(line \d: {}\)$"
SOME = "line [12]: 3 columns in place of 2; .*--skip-bad"


@pytest.mark.parametrize("end", ("\n", "\r\n", "\r"))
def test_columns_are_chosen(end, tmp_path):
    content = end.join((*THREE, "a\tb"))
    for columns, first in (((1, 2), ("cat", "chat")), ((2, 1), ("chat", "cat")), ((3, 2), ("by A", "chat"))):
        found = read(tmp_path / "x.tsv", content, columns=columns, skip_bad=True)
        assert next(zip(*found.sides)) == first and found.left_out.total() == (3 in columns)
    with pytest.raises(ValueError, match="line 4: 2 columns, and --columns asks for number 3"):
        read(tmp_path / "x.tsv", content, columns=(3, 1))


@pytest.mark.parametrize(
    "lines, said",
    (
        (THREE, EVERY.format(3, r"cat \| chat \| by A")),
        (("", *THREE, " "), EVERY.format(3, r"cat \| chat \| by A")),
        (("a\tb\t", "c\td\t"), EVERY.format(3, r"a \| b \| ")),  # a tab at the end
        (("1\ta\tb\tx\ty\tz",), EVERY.format(6, r"1 \| a \| b \| x \| y")),
        (("a" * 99 + "\tb\tc",), EVERY.format(3, "a" * 20 + r" \| b \| c")),
        (("a\tb", *THREE), SOME),
        ((*THREE, "a\tb"), SOME),
        ((*THREE, "x"), SOME),
    ),
)
def test_that_every_line_or_some_have_too_many_columns_is_said(lines, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        read(tmp_path / "x.tsv", "\n".join(lines))


def test_each_side_has_its_level_and_longest_text(tmp_path):
    content = "the  cat\tle chat\nthe cat sat\tle\nabcd\tabcdefghi\n"
    found = read(tmp_path / "x.tsv", content, levels=("words", "characters"), longest=2 + 6)
    assert found.sides[0] == ["the  cat", "the cat sat"]
    assert found.left_out == {"target longer than 8 characters": 1}
    found = read(tmp_path / "x.tsv", content, levels=WORDS, longest=2)
    assert found.left_out == {"source longer than 2 words": 1} and found.sides[0] == ["the  cat", "abcd"]
    made = corpus.Corpus(found.sides, ("words", "characters"), *[None] * 4)
    assert made.symbols([0]) == [(["the", "cat"], list("le chat"))]


@pytest.mark.parametrize("line", (b"y" * 10_000_000, b"y\t" * 5_000_000, b"\xff" * 10_000_000))
def test_line_of_10_mb_is_counted_and_not_held(line, tmp_path):
    for end in (b"\n", b""):
        path = write(tmp_path / "x.tsv", b"a\tb\n" + line + end)
        found = reading.read_pairs(path)
        assert found.sides[0] == ["a"] and found.lines == 2
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
@given(st.lists(lines, max_size=20), st.sampled_from([b"\n", b"\r\n", b"\r"]), st.booleans())
def test_every_line_is_a_pair_or_counted(tmp_path_factory, found, end, words):
    path, levels = tmp_path_factory.mktemp("lines") / "x.tsv", WORDS if words else ("characters",) * 2
    result = read(path, b"".join(line + end for line in found), levels=levels, longest=3, skip_bad=True)
    assert result.lines == len(found) == len(result.pair_keys) + result.left_out.total()
    assert len(result.sides[0]) == len(result.sides[1]) == len(result.source_keys)
    assert result.left_out["blank"] == sum(not line.strip(b" ") for line in found)
    assert len(result.source_keys) == sum(line in whole + long * words for line in found)


@pytest.mark.parametrize(
    "content, said",
    (
        (b"ab\n" * 9, " .9 lines left out: no tab"),
        ("a\tb\tc\n" * 9, " .9 lines left out: 3 columns in place of 2; --columns"),
        (b"", ""),
        (b"\n\n", ""),
        (b"\xef\xbb\xbf", ""),
        (b"a\tb\nc\td\na\te\n", ""),
    ),
)
def test_file_without_enough_pairs_says_why_in_one_line(content, said, tmp_path):
    with pytest.raises(ValueError, match=f"x.tsv{said}.*[02] different sources; at least 3 are needed"):
        train(write(tmp_path / "x.tsv", content), "--quick", "--skip-bad")


# ---- splitting and counting --------------------------------------------------------------------------------


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


@pytest.mark.parametrize("change", ALIKE.values(), ids=ALIKE)
def test_sources_that_look_alike_are_on_one_side(change, tmp_path):
    sources = [f"word{k:03d} là 한국 e!" for k in range(60)]
    alike = [change(source) for source in sources]
    assert all(a != b for a, b in zip(sources, alike))
    found = read_rows(tmp_path / "x.tsv", [*sources, *alike])
    assert len(set(found.source_keys)) == 60 and corpus.repetitions(found) == (60, 0)
    for part in corpus.split(found.source_keys):
        assert set(part[part < 60] + 60) == set(part[part >= 60])


def test_sources_that_look_different_are_different(tmp_path):
    sources = ["go", "Go", "g o", "go.", "gó", "go'", "go’", "가", "가가", "👍", "👍🏽", "क", "कि"]
    assert len(set(read_rows(tmp_path / "x.tsv", sources).source_keys)) == len(sources)


def test_training_is_resumed_on_the_same_characters_only(tmp_path):
    """What a person does not see a model does."""
    plain, odd = (read(tmp_path / "x.tsv", f"go{c}\tx\nab\ty\n") for c in ("", "\u200b"))
    assert plain.source_keys.tolist() == odd.source_keys.tolist() and plain.fingerprint() != odd.fingerprint()
    moved = (read(tmp_path / "x.tsv", rows).fingerprint() for rows in ("ab\tx\nc\ty\n", "a\tx\nbc\ty\n"))
    assert len(set(moved)) == 2
    assert plain.fingerprint() == read(tmp_path / "y.tsv", b"\xef\xbb\xbfgo\tx\r\rab\ty").fingerprint()


def test_split_depends_on_the_sources_alone(tmp_path):
    sources = np.array([f"{k}" for k in range(400)])
    parts = []
    for order, target in ((slice(None), "x"), (np.random.default_rng(0).permutation(400), "y")):
        found = read_rows(tmp_path / "x.tsv", sources[order], target)
        parts.append([set(np.array(found.sides[0])[part]) for part in corpus.split(found.source_keys)])
    assert parts[0] == parts[1] and list(map(len, parts[0])) == [360, 20, 20]


@few
@given(st.lists(st.sampled_from(["a", "b", "c", "d", "<unk>"]), min_size=1, max_size=20), st.integers(1, 4))
def test_vocabulary_holds_what_occurs_often_enough_in_training(symbols, least):
    """A word that looks like a special token is an unknown word."""
    often = {s for s, n in Counter(symbols).items() if n >= least and s != "<unk>"}
    if not often:
        with pytest.raises(ValueError, match="--min-count"):
            corpus.make_vocabulary([symbols], least)
        return
    vocabulary, unknown = corpus.make_vocabulary([symbols[:2], symbols[2:]], least)
    assert set(vocabulary.ids) == often
    assert unknown == pytest.approx(vocabulary.encode(symbols, unk=True).count(UNK) / len(symbols))


def test_batches_of_like_length_draw_every_pair_alike(monkeypatch, tmp_path):
    """Of 7 pairs to train on there are buckets of 3, 2 and 2."""
    monkeypatch.setattr(corpus, "BUCKET", 1)
    found = read_rows(tmp_path / "x.tsv", ("a" * n for n in (4, 8, 1, 9, 3, 7, 2, 6, 5)))
    made = corpus.make_corpus(found, ("characters",) * 2, (1, 1))
    draw, rng = corpus.batches_of_like_length(made, 2), np.random.default_rng(0)
    lengths = np.array([draw(rng).source_mask.sum(axis=1) for _ in range(3000)])
    _, counts = np.unique(lengths, return_counts=True)
    expected = 2 * 3000 / 7
    assert len(counts) == 7 and (abs(counts - expected) < 6 * expected**0.5).all()
    assert abs(np.diff(lengths, axis=1)).max() == 2


# ---- validation and stopping -------------------------------------------------------------------------------


@pytest.mark.parametrize("validations", (None, (5, 4, 3, 3.5, 2.5, 9, 2.5, 9, 1)))
def test_stopped_at_random_steps_ends_with_the_same_bits(validations, tmp_path, monkeypatch, capsys):
    """Also where it stops early, by planted validation losses: the third after step 5 is one too many.

    What is kept, then, are the parameters of step 5.
    """
    path, whole, parts = reversals(tmp_path / "x.tsv", 100), tmp_path / "whole.npz", tmp_path / "parts.npz"
    small, look, shown = ("--hidden", 16, "--steps", 30, "--patience", 3), Best.look, Progress.update
    last, stops, held = 8 if validations else 30, set(), {}

    def planted(self, step, params):
        self.validate = lambda params: validations[step - 1]
        held[step] = [array.tobytes() for array in leaves(params)]
        return look(self, step, params)

    def stopping(self, report, score=None):
        shown(self, report, score)
        if report.step in stops:
            signal.raise_signal(signal.SIGTERM)

    if validations:
        monkeypatch.setattr(Best, "look", planted)
    train(path, *small, "--save", whole)
    kept = load_checkpoint(whole)
    assert kept.step == last
    if validations:
        assert kept.notes["best"] == [2.5, 5] and [a.tobytes() for a in leaves(kept.params)] == held[5]
    monkeypatch.setattr(Progress, "update", stopping)
    random = np.random.default_rng(os.urandom(1)[0])
    stops |= set(random.choice(np.arange(1, last), 3, replace=False).tolist())
    for step, how in zip((*sorted(stops), last), ("--save", "--resume", "--resume", "--resume")):
        train(path, *small, how, parts)
        assert load_checkpoint(parts).step == step, stops
    assert f"--resume {parts}" in capsys.readouterr().out and same_model(whole, parts)
    kept = parts.read_bytes()
    train(path, *small, "--resume", parts)  # it is at its end, by patience or by steps
    assert parts.read_bytes() == kept


def test_resume_refuses_another_training(trained, tmp_path):
    path, model = trained
    other = write(tmp_path / "other.tsv", path.read_bytes() + b"abcdefabcdef\ta\n")
    for file, changed, said in ((other, (), "was trained with data"), (path, ("--min-count", 2), "min_count"),
                                (path, ("--patience", 9), "patience 10, and now it is 9")):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            train(file, *SMALL, *changed, "--resume", model)


def test_model_is_saved_under_the_name_of_its_file_and_never_overwritten(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, small = reversals(tmp_path / "mine.tsv", 60), ("--hidden", 8, "--steps", 2)
    train(path, *small)
    kept = (tmp_path / "mine.npz").read_bytes()
    with pytest.raises(ValueError, match="mine.npz.*--resume"):
        train(path, *small)
    train(path, "--quick", *small)
    assert (tmp_path / "mine.npz").read_bytes() == kept and len(list(tmp_path.iterdir())) == 2


# ---- asking ------------------------------------------------------------------------------------------------


def test_prompt_answers_and_notes_what_it_does_not_know(trained, capsys):
    assert ask(trained[1], stdin="abc\n\naé\nb\0\n" + "a" * 1001 + "\nabc\n") == 2  # refused
    shown = capsys.readouterr()
    first, second, third = (line for line in shown.out.splitlines() if line.startswith("answer:"))
    assert first == third and "a b c ⏎" in shown.out
    assert shown.err.splitlines() == [
        "note: read as unknown, since it was not trained on: 'é' (1 times)",
        "error: a NUL byte",
        "error: longer than 1,000 characters",
    ]


@pytest.mark.parametrize("length", (1, 30, 1000))
def test_map_is_no_wider_than_the_terminal(length, trained, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "40")
    assert ask(trained[1], stdin="a" * length) == 0
    shown = capsys.readouterr().out.splitlines()
    drawn = [line for line in shown if "│" in line or line.endswith("⏎")]
    assert all(len(line) <= 40 for line in drawn) and bool(drawn) == (length < 1000)
    assert any("are too many for a screen" in line for line in shown) == (length == 1000)


def test_translate_writes_a_line_for_each_line(trained, tmp_path, capsys):
    sources = ["abc", "", "f", "abc", "abcdef" * 5, "  f "]
    path, out = write(tmp_path / "s.txt", "\r\n".join(sources)), tmp_path / "out.txt"
    assert ask(trained[1], "--translate", path, "--output", out) == 0
    written = out.read_text(encoding="utf-8").split("\n")
    assert len(written) == len(sources) + 1 and written[-1] == written[1] == ""
    assert written[0] == written[3] and written[2] == written[5]
    assert ask(trained[1], "--translate", path) == 0 and capsys.readouterr().out.split("\n") == written


def test_answer_that_steers_goes_to_a_file_as_it_is_and_not_to_a_terminal(trained, tmp_path, monkeypatch):
    terminal, path, out = io.StringIO(), write(tmp_path / "s.txt", "abc\n"), tmp_path / "out.txt"
    terminal.isatty = lambda: True
    steering = [[answers.Answer(list("\x1b[2Jx"), True, 0.0, None)]]
    monkeypatch.setattr(answers, "answers", lambda *others: steering)
    monkeypatch.setattr(sys, "stdout", terminal)
    ask(trained[1], "--translate", path)
    assert terminal.getvalue() == "�[2Jx\n"
    ask(trained[1], "--translate", path, "--output", out)
    assert out.read_text() == "\x1b[2Jx\n"


def test_nbest_is_sorted_and_begins_with_the_beams_best(trained, tmp_path, capsys):
    asked = trained[1], "--translate", write(tmp_path / "s.txt", "abc\n\nfed\n"), "--beam", 5
    assert ask(*asked) == 0
    best = capsys.readouterr().out.splitlines()
    assert ask(*asked, "--nbest", 3) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[0] for row in rows] == ["1"] * 3 + ["2"] + ["3"] * 3
    assert [rows[0][2], rows[3][2], rows[4][2]] == best and best[1] == ""
    for three in (rows[:3], rows[4:]):
        scores = [float(score) for _, score, _ in three]
        assert scores == sorted(scores, reverse=True) and len({said for *_, said in three}) == 3


@pytest.mark.parametrize(
    "line, reason", ((b"\xff", "not UTF-8"), (b"a\tb", "a tab"), (b"a\0", "a NUL"), (b"a" * 10**7, "longer"))
)
def test_translate_refuses_a_bad_line_before_it_writes(line, reason, trained, tmp_path):
    path, out = write(tmp_path / "s.txt", b"abc\n" + line + b"\nabc\n"), tmp_path / "out.txt"
    with pytest.raises(ValueError, match=f"line 2: {reason}"):
        ask(trained[1], "--translate", path, "--output", out)
    assert not out.exists()


def test_unknown_symbol_is_never_right():
    """A model that says UNK where the target is a symbol outside the vocabulary has not found it."""
    model = answers.Model({}, None, None, Vocabulary(["a", "<x>"]), ("words", "words"), 50)
    answer = answers._as_answer(model, np.array([4, UNK, 5, 2, 0]), None)
    assert answer.symbols == ["a", "�", "<x>"] and answer.ended
    assert answers.quality([answer.symbols], [["a", "<unk>", "<x>"]], "words")["exact_match"] == 0


BLEU = (6 / 7 * 4 / 5 * 2 / 3 * 1 / 1) ** 0.25 * np.exp(1 - 9 / 7)
QUALITY = (  # said, wanted, level: exact match, error rates of characters and words, BLEU
    (("chat", "dog"), ("chat", "chien"), "characters", 1 / 2, 5 / 9, 1 / 2, None),  # no target has four words
    # of 9 words one is replaced and one missing; of 9 letters and 7 spaces the same, and a space
    (("abcd", "abx"), ("abcd", "abcde"), "words", 1 / 2, 5 / 16, 3 / 9, BLEU),
    (("ab cd",), ("ab ce",), "characters", 0, 1 / 5, 1 / 2, None),
)


@pytest.mark.parametrize("said, wanted, level, exact, characters, words, bleu", QUALITY)
def test_quality_by_hand(said, wanted, level, exact, characters, words, bleu):
    found = answers.quality(list(map(list, said)), list(map(list, wanted)), level)
    assert list(found.values()) == [exact, characters, words, bleu and pytest.approx(bleu)]


@pytest.mark.parametrize("side, option", ((0, "--source-level"), (1, "--target-level")))
def test_what_nobody_could_know_is_said_beside_the_figures(side, option, tmp_path, capsys):
    """Each source, or target, is a word of its own: what is held out was never seen."""
    rows = ([f"w{k}\tx y\n", f"{' '.join(f'{k:07b}')}\tx w{k}\n"][side] for k in range(80))
    path, out = write(tmp_path / "x.tsv", "".join(rows)), tmp_path / "r.json"
    train(path, "--quick", "--level", "words", "--min-count", "1", "--json", out)
    shown, found = capsys.readouterr().out, json.loads(out.read_text())
    unknown = found["unknown_sources"], found["unknown_targets"]
    assert unknown == ((4, 0), (0, 4))[side] and found["pairs"] == 4
    assert f"Try {option} characters" in shown
    train(path, "--quick", "--json", out)
    assert "Try" not in capsys.readouterr().out and not json.loads(out.read_text())["unknown_targets"]


@pytest.mark.parametrize("decoder", DECODERS)
def test_any_decoder_is_trained_and_asked(decoder, trained, tmp_path, capsys):
    model = tmp_path / "m.npz"
    train(trained[0], "--hidden", 8, "--steps", 2, "--decoder", decoder, "--save", model)
    assert ask(model, "--beam", 2, stdin="abc\n") == 0
    shown = capsys.readouterr().out
    assert ("a b c ⏎" in shown) == DECODERS[decoder].attends and re.search(r"[ \n]-\d+\.\d{4} ", shown)


def test_each_side_has_its_level_and_what_is_rare_there(tmp_path, capsys):
    path = write(tmp_path / "x.tsv", "".join(f"{k:02d}\tx y w{k}\n" for k in range(60)))
    train(path, "--quick", "--target-level", "words")
    rows = re.findall("^(?:reads|writes) .*", capsys.readouterr().out, re.M)
    assert [row.split() for row in rows] == [
        ["reads", "characters", "10", "1", "0.0%"],
        ["writes", "words", "2", "2", "33.3%"],
    ]


def test_figures_are_those_of_greedy_and_of_the_beam(trained, tmp_path, capsys):
    out, saved = tmp_path / "r.json", tmp_path / "m.npz"
    train(trained[0], "--quick", "--beam", "3", "--json", out, "--save", saved)
    found, shown, model = json.loads(out.read_text()), capsys.readouterr().out, answers.open_model(saved)
    made = corpus.make_corpus(reading.read_pairs(trained[0]), model.levels, (1, 1))
    sources, targets = zip(*made.symbols(made.parts[2]))
    for beam, figures in ((1, found), (3, found["beam"])):
        said = [best.symbols for best, *_ in answers.answers(model, sources, beam)]
        assert answers.quality(said, targets, "characters").items() <= figures.items()
    for key in ("exact_match", "character_error_rate", "word_error_rate"):
        assert re.search(rf" {found[key]:.2%} +{found['beam'][key]:.2%}\n", shown), key
    assert [found["validation_loss"], found["best_step"]] == load_checkpoint(saved).notes["best"]
    assert found["bleu"] is None and found["beam"]["width"] == 3 and re.search(r"BLEU.* –  +–\n", shown)


# ---- what is wrong -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, said",
    (
        ([], "give either a FILE"),
        (["x.tsv", "--ask", "m.npz"], "give either a FILE"),
        (["none.tsv"], "none.tsv: there is no such file"),
        (["--ask", "none.npz"], "none.npz"),
        (["--ask", "m.npz", "--steps", "3"], "--steps is for training"),
        (["x.tsv", "--beam", "0"], "--beam must be a positive integer"),
        (["x.tsv", "--beam", "101"], "at most 100"),
        (["x.tsv", "--nbest", "3"], "--beam 3"),
        (["x.tsv", "--output", "y"], "--translate"),
        (["x.tsv", "--translate", "x.tsv"], "--output"),
        (["--ask", "m.npz", "--translate", "none.txt"], "none.txt"),
        (["x.tsv", "--level", "letters"], "characters, words; got 'letters'"),
        (["x.tsv", "--target-level", ""], "--target-level"),
        (["x.tsv", "--save", "x.tsv"], ".npz"),
        (["x.tsv", "--json", "x.tsv"], "--json would write over x.tsv"),
        (["x.tsv", "--translate", "x.txt", "--output", "y", "--json", "x.txt"], "--json would write over"),
        (["--ask", "m.npz", "--translate", "x.txt", "--output", "x.txt"], "--output"),
        (["x.tsv", "--min-count", "0"], "--min-count must be"),
        (["x.tsv", "--max-length", "-1"], "--max-length must be"),
        (["x.tsv", "--patience", "0"], "--patience must be"),
        (["."], "there is no such file"),
    ),
)
def test_wrong_option_is_one_line(arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reversals(tmp_path / "x.tsv", 60)
    write(tmp_path / "x.txt", "abc\n")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    with pytest.raises((ValueError, OSError)) as error:
        train_pairs.main([*arguments, *(["--quick"] if arguments and arguments[0] != "--ask" else [])])
    assert said in str(error.value) and "\n" not in str(error.value)
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}


@pytest.mark.parametrize("columns", ("", "1", "0,1", "1,2,3", "-1,2", "a,b", "1, 2", "٣,١", "9" * 400 + ",1"))
def test_wrong_columns(columns, capsys):
    with pytest.raises(SystemExit, match="2"):
        train_pairs.main(["x.tsv", f"--columns={columns}"])
    assert "--columns: must be two numbers from 1 on, as in 1,3" in capsys.readouterr().err


GOOD = {"task": "pairs", "source_level": "words", "target_level": "words", "longest": 50}
NOT_SAVED, DAMAGED = "m.npz was not saved by train_pairs", "m.npz has damaged notes"
NOTES = (
    ({"settings": {"task": "reverse", "lengths": [1, 10]}}, NOT_SAVED),
    ({}, NOT_SAVED),
    ({"settings": ["task", "pairs"]}, NOT_SAVED),
    ({"settings": {"task": "pairs", "longest": 50}}, DAMAGED),
    ({"settings": {**GOOD, "source_level": ["words"]}}, DAMAGED),
    ({"settings": {**GOOD, "longest": "9"}}, DAMAGED),
    ({"settings": {**GOOD, "longest": -9}}, DAMAGED),
)


@pytest.mark.parametrize("notes, said", NOTES)
def test_model_that_cannot_be_asked_is_one_line(notes, said, trained, tmp_path):
    save_checkpoint(tmp_path / "m.npz", load_checkpoint(trained[1])._replace(notes=notes))
    with pytest.raises(ValueError, match=f"{said}.*$"):
        ask(tmp_path / "m.npz")


@pytest.mark.parametrize("lost", ("settings", "seconds", "seconds_to_99", "threads", "best"))
def test_training_with_damaged_notes_is_not_resumed(lost, trained, tmp_path):
    path, model = trained
    held = load_checkpoint(model)
    save_checkpoint(tmp_path / "m.npz", held._replace(notes={**held.notes, lost: "lost"}))
    with pytest.raises(ValueError, match=rf"m.npz .*notes are damaged \['{lost}'\]"):
        train(path, *SMALL, "--resume", str(tmp_path / "m.npz"))


def program(*arguments, stdin="", **environment):
    """train_pairs as a program of its own: (exit status, what it prints, what it complains of)."""
    command = [sys.executable, "-m", "demos.train_pairs", *map(str, arguments)]
    how = {"env": {**os.environ, "PYTHONIOENCODING": "utf-8", **environment}, "cwd": ROOT, "timeout": 60}
    result = subprocess.run(command, input=stdin.encode(), capture_output=True, **how)
    return result.returncode, result.stdout.decode(), result.stderr.decode()


def test_command_says_what_is_wrong_in_one_line_and_survives_a_closed_pipe(trained, tmp_path):
    bad, many = write(tmp_path / "bad.tsv", "a\tb\nnothing\n"), write(tmp_path / "many.txt", "abc\n" * 20_000)
    said = f"error: {bad}, line 2: no tab between source and target; --skip-bad leaves such lines out\n"
    assert program(bad, "--quick") == (2, "", said)
    command = [sys.executable, "-m", "demos.train_pairs", "--ask", str(trained[1]), "--translate", str(many)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as asking:
        asking.stdout.readline()
        asking.stdout.close()
        assert asking.wait(60) == 141 and asking.stderr.read() == b""


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
    terminal, screen = pty.openpty()
    running = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=screen)
    os.close(screen)
    while b"step" not in os.read(terminal, 1024):
        pass
    os.close(terminal)
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
