"""Symbols to ids and back, padding and masks, and the words in which wrong data is refused."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numpy_seq2seq.config import Config
from numpy_seq2seq.data import (
    BOS, EOS, PAD, UNK, Vocabulary, build_vocabulary, check_batch, check_source, make_batch,
    make_source, pad,
)

from .helpers import few

LETTERS = Vocabulary("abc")
CONFIG = Config(7, 7)
words = st.text(min_size=1, max_size=4)  # too short to be one of the special symbols


def refused(message, kind=ValueError):
    return pytest.raises(kind, match=re.escape(message))


# ---- vocabularies ------------------------------------------------------------------------------------------


@few
@given(st.lists(st.lists(words, max_size=6), max_size=4))
def test_build_vocabulary_encode_decode_round_trip(sentences):
    vocabulary = build_vocabulary(sentences)
    assert len(vocabulary) == 4 + len({word for sentence in sentences for word in sentence})
    assert build_vocabulary(reversed(sentences)).symbols == vocabulary.symbols
    for sentence in sentences:
        ids = vocabulary.encode(sentence)
        assert all(UNK < k < len(vocabulary) for k in ids)
        assert vocabulary.decode(ids) == sentence
        assert vocabulary.decode(np.array([BOS, *ids, EOS, PAD, 99])) == sentence


def test_vocabulary_known_answer():
    assert LETTERS.symbols == ("<pad>", "<bos>", "<eos>", "<unk>", "a", "b", "c")
    assert LETTERS.encode("cab") == [6, 4, 5]
    assert LETTERS.decode([BOS, 6, 4, PAD, UNK, EOS, 5]) == ["c", "a", "<unk>"]
    assert LETTERS.encode("") == LETTERS.decode([]) == []


def test_vocabulary_encode_unknown():
    assert LETTERS.encode("aéb", unk=True) == [4, UNK, 5]
    advice = "pass unk=True to read it as unknown, or build the vocabulary from this data"
    with refused(f"token 'é' of line 41 is not in the vocabulary (7 symbols); {advice}"):
        LETTERS.encode("aéb", where="line 41")


# ---- padding and masks -------------------------------------------------------------------------------------


@few
@given(st.lists(st.lists(st.integers(1, 99), max_size=6), max_size=5))
def test_pad(sequences):
    ids, mask = pad(sequences)
    longest = max(map(len, sequences), default=0)
    assert ids.shape == mask.shape == (len(sequences), longest)
    assert np.issubdtype(ids.dtype, np.integer) and mask.dtype == bool
    for sequence, row, real in zip(sequences, ids, mask):
        assert row.tolist() == sequence + [PAD] * (longest - len(sequence))
        assert real.tolist() == [True] * len(sequence) + [False] * (longest - len(sequence))


def test_make_batch_known_answer():
    batch = make_batch([("cab", "ba"), ("", "c")], LETTERS, Vocabulary("cb a"))
    expected = {
        "source": [[6, 4, 5, EOS], [EOS, PAD, PAD, PAD]],
        "source_mask": [[1, 1, 1, 1], [1, 0, 0, 0]],
        "inputs": [[BOS, 5, 7], [BOS, 4, PAD]],
        "targets": [[5, 7, EOS], [4, EOS, PAD]],
        "target_mask": [[1, 1, 1], [1, 1, 0]],
    }
    assert {name: array.astype(int).tolist() for name, array in batch._asdict().items()} == expected
    check_batch(batch, Config(len(LETTERS), 8))


@few
@given(st.lists(st.tuples(st.text("abc", max_size=6), st.text("abc", max_size=6)), min_size=1, max_size=5))
def test_make_batch_round_trip(pairs):
    """The decoder is told BOS, and then always the token that it should have said one step before."""
    batch = make_batch(pairs, LETTERS, LETTERS)
    for (source, target), s, t in zip(pairs, batch.source, batch.targets):
        assert "".join(LETTERS.decode(s)) == source and "".join(LETTERS.decode(t)) == target
    assert (batch.inputs[:, 0] == BOS).all()
    real = batch.target_mask[:, 1:]
    np.testing.assert_array_equal(batch.inputs[:, 1:][real], batch.targets[:, :-1][real])
    for ids, mask in ((batch.source, batch.source_mask), (batch.targets, batch.target_mask)):
        assert (ids[np.arange(len(ids)), mask.sum(axis=1) - 1] == EOS).all() and (ids[~mask] == PAD).all()
    assert (batch.inputs[~batch.target_mask] == PAD).all()
    for array, alone in zip(batch[:2], make_source([s for s, _ in pairs], LETTERS)):
        np.testing.assert_array_equal(array, alone)
    check_batch(batch, CONFIG)


def test_make_batch_and_make_source_name_the_unknown():
    with refused("token 'x' of source 1 is not in the vocabulary (7 symbols)"):
        make_source(["ab", "ax"], LETTERS)
    with refused("token 'y' of target 2 is not in the vocabulary (7 symbols)"):
        make_batch([("a", "b"), ("", ""), ("c", "cy")], LETTERS, LETTERS)
    source, _ = make_source(["ax"], LETTERS, unk=True)
    assert source.tolist() == [[4, UNK, EOS]]
    batch = make_batch([("x", "ya")], LETTERS, LETTERS, unk=True)
    assert batch.source.tolist() == [[UNK, EOS]] and batch.targets.tolist() == [[UNK, 4, EOS]]


# ---- checks ------------------------------------------------------------------------------------------------


GOOD = make_batch([("abc", "a"), ("b", "ccba"), ("", "c")], LETTERS, LETTERS)


def broken(name, change):
    return GOOD._replace(**{name: change(getattr(GOOD, name))})


def with_id(row, column, value):
    def change(ids):
        ids = ids.copy()
        ids[row, column] = value
        return ids

    return change


WRONG_SHAPES = [
    ("source", lambda ids: ids[0], "source must be (batch, length) with at least one row, got shape (4,)"),
    ("source", lambda ids: ids[:0], "source must be (batch, length) with at least one row, got shape (0, 4)"),
    ("targets", lambda ids: ids[0], "targets must be (batch, length) with at least one row, got shape (5,)"),
    ("inputs", lambda ids: ids[0], "inputs must be (batch, length) with at least one row, got shape (5,)"),
    ("source_mask", lambda mask: mask[:, :3], "the mask of source must have its shape (3, 4), got (3, 3)"),
    ("source_mask", lambda mask: mask[:, :1], "the mask of source must have its shape (3, 4), got (3, 1)"),
    ("target_mask", lambda mask: mask.T, "the mask of targets must have its shape (3, 5), got (5, 3)"),
    ("inputs", lambda ids: ids[:, :4], "the mask of inputs must have its shape (3, 4), got (3, 5)"),
]
NO_TOKEN = "source row 1 has no real token; end every sequence with EOS, the empty one too"
WRONG_VALUES = [
    ("source", with_id(1, 0, 7), "source[1, 0] is id 7; the vocabulary has ids 0 to 6"),
    ("targets", with_id(2, 1, 99), "targets[2, 1] is id 99; the vocabulary has ids 0 to 6"),
    ("inputs", with_id(0, 1, -1), "inputs[0, 1] is id -1; the vocabulary has ids 0 to 6"),
    ("source_mask", with_id(1, slice(None), False), NO_TOKEN),
    ("target_mask", with_id(1, slice(None), False), NO_TOKEN.replace("source row", "targets row")),
    ("source_mask", with_id(1, 0, False), "the mask of source has padding before a real token"),
    ("target_mask", with_id(0, 0, False), "the mask of targets has padding before a real token"),
    ("inputs", with_id(2, 0, EOS), "inputs must begin with BOS"),
    ("source_mask", with_id(1, slice(None), True), "source[1, 2] is PAD, and its mask calls it real"),
    ("targets", with_id(1, 2, PAD), "targets[1, 2] is PAD, and its mask calls it real"),
]
MASK = "must be boolean (True at a real token), got"
WRONG_TYPES = [
    ("source", lambda ids: ids * 1.0, "source must be integer token ids, got float64"),
    ("source", lambda ids: ids > 0, "source must be integer token ids, got bool"),
    ("targets", lambda ids: ids * np.nan, "targets must be integer token ids, got float64"),
    ("inputs", lambda ids: ids.astype("float32"), "inputs must be integer token ids, got float32"),
    ("source_mask", lambda mask: mask.astype("int8"), f"the mask of source {MASK} int8"),
    ("target_mask", lambda mask: mask * 1.0, f"the mask of targets {MASK} float64"),
]
WRONG = [(*w, ValueError) for w in WRONG_SHAPES + WRONG_VALUES] + [(*w, TypeError) for w in WRONG_TYPES]


@pytest.mark.parametrize("name,change,message,kind", WRONG, ids=[w[2] for w in WRONG])
def test_check_batch_wrong(name, change, message, kind):
    with refused(message, kind):
        check_batch(broken(name, change), CONFIG)


SOURCE = [wrong for wrong in WRONG if wrong[0].startswith("source")]


@pytest.mark.parametrize("name,change,message,kind", SOURCE, ids=[w[2] for w in SOURCE])
def test_check_source_wrong(name, change, message, kind):
    batch = broken(name, change)
    with refused(message, kind):
        check_source(batch.source, batch.source_mask, CONFIG)


def same_batch(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b))


def test_make_batch_and_make_source_read_a_zip_a_map_and_a_generator():
    pairs = [("ab", "c"), ("c", "ba")]
    want = make_batch(pairs, LETTERS, LETTERS)
    for once in (zip(*zip(*pairs)), map(list, pairs), (pair for pair in pairs), tuple(pairs)):
        assert same_batch(make_batch(once, LETTERS, LETTERS), want)
    assert same_batch(make_source((s for s, _ in pairs), LETTERS), want[:2])
    words = [[iter(["a", "b"]), "c"], ("c", iter("ba"))]
    assert same_batch(make_batch(words, LETTERS, LETTERS), want)


def test_check_source_without_any_column():
    with refused("source row 0 has no real token"):
        check_source(np.zeros((2, 0), int), np.zeros((2, 0), bool), CONFIG)


def test_check_batch_knows_both_vocabularies():
    check_batch(GOOD, CONFIG)
    with refused("source[0, 2] is id 6; the vocabulary has ids 0 to 5"):
        check_batch(GOOD, Config(6, 7))
    with refused("targets[1, 0] is id 6; the vocabulary has ids 0 to 5"):
        check_batch(GOOD, Config(7, 6))


@pytest.mark.parametrize("dtype", ["int8", "int32", "uint8", "int64", "uint64"])
def test_check_batch_takes_any_integers_and_changes_nothing(dtype):
    batch = GOOD._replace(source=GOOD.source.astype(dtype), targets=GOOD.targets.astype(dtype))
    before = [array.copy() for array in batch]
    check_batch(batch, CONFIG)
    assert all(np.array_equal(a, b) for a, b in zip(batch, before))


def test_check_batch_finds_an_id_that_is_none_in_any_dtype():
    config = Config(300, 300)
    for dtype, wrong in (("int8", -1), ("uint64", 2**64 - 1), ("uint16", 300)):
        ids = GOOD.source.astype(dtype)
        ids[1, 0] = wrong
        with refused(f"source[1, 0] is id {wrong}; the vocabulary has ids 0 to 299"):
            check_batch(GOOD._replace(source=ids), config)


def test_special_tokens_are_never_data():
    vocabulary = Vocabulary("ab")
    with pytest.raises(ValueError, match="'<eos>' of the input is not in the vocabulary"):
        vocabulary.encode(["a", "<eos>"])
    assert vocabulary.encode(["<pad>"], unk=True) == [UNK]
