"""Configuration: a wrong choice is refused in words: what was expected, what came."""

import dataclasses
import re

import numpy as np
import pytest

from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.checks import check_size
from numpy_seq2seq.config import DECODERS, ENCODERS, Config
from numpy_seq2seq.scores import SCORES

SIZES = ["source_vocabulary", "target_vocabulary", "embedding_size", "hidden_size", "layers"]
SCORED = [name for name, decoder in DECODERS.items() if "score" in decoder.reads]
NOT_SCORED = [name for name in DECODERS if name not in SCORED]


def refused(message, **choices):
    with pytest.raises(ValueError, match=re.escape(message)):
        Config(**{"source_vocabulary": 8, "target_vocabulary": 9, **choices})


@pytest.mark.parametrize("value", [0, -3, 2.5, 4.0, "64", True, np.float64(8)], ids=repr)
@pytest.mark.parametrize("name", SIZES)
def test_check_size_wrong(name, value):
    refused(f"{name} must be a positive integer, got {value!r}", **{name: value})


@pytest.mark.parametrize("value", [1, 64, np.int64(7), np.int32(7)], ids=repr)
def test_check_size_right(value):
    check_size("layers", value)


@pytest.mark.parametrize(
    "name,known", [("cell", CELLS), ("decoder", DECODERS), ("score", SCORES), ("encoder", ENCODERS)]
)
@pytest.mark.parametrize("value", ["transformers", "", 3], ids=repr)
def test_check_choice_wrong(name, known, value):
    refused(f"{name} must be one of {', '.join(known)}; got {value!r}", **{name: value})


@pytest.mark.parametrize("size", [1, 65])
def test_config_odd_size_cannot_be_halved(size):
    message = f"hidden_size must be even with two directions, got {size}"
    refused(message, hidden_size=size, directions=2)
    Config(8, 9, hidden_size=size, directions=1)


IGNORED = (
    {"decoder": "fixed", "score": "dot"},
    {"decoder": "peeky", "attention_only": True},
    {"decoder": "luong", "heads": 2},
    {"decoder": "luong", "source_positions": False},
    {"encoder": "transformer", "directions": 2},
    {"encoder": "transformer", "reverse_source": True},
    {"encoder": "transformer", "decoder": "transformer", "cell": "gru"},
    {"decoder": "transformer", "score": "additive"},
    {"decoder": "transformer", "attention_only": True},
)


@pytest.mark.parametrize("choices", IGNORED, ids=str)
def test_config_refuses_what_would_be_ignored(choices):
    *_, (name, value) = choices.items()
    encoder, decoder = choices.get("encoder", "recurrent"), choices.get("decoder", "luong")
    said = f"{name}={value!r} would be ignored by encoder {encoder!r} and decoder {decoder!r}; leave it out"
    refused(said, **choices)


@pytest.mark.parametrize("decoder", SCORED)
def test_config_score_is_dot_where_nothing_else_is_asked_for(decoder):
    assert Config(8, 9, decoder=decoder).score == "dot"
    assert Config(8, 9, decoder=decoder) == Config(8, 9, decoder=decoder, score="dot")
    for score in SCORES:
        assert Config(8, 9, decoder=decoder, score=score).score == score


@pytest.mark.parametrize("decoder", NOT_SCORED)
def test_config_score_stays_none_where_none_is_read(decoder):
    assert Config(8, 9, decoder=decoder).score is None


def test_config_fills_in_what_is_read_and_nothing_else():
    plain, whole = Config(8, 9), Config(8, 9, encoder="transformer", decoder="transformer")
    assert (plain.cell, plain.heads, plain.embedding_size, plain.hidden_size) == ("lstm", None, 32, 64)
    assert (whole.cell, whole.heads, whole.embedding_size, whole.hidden_size) == (None, 4, 64, 64)
    assert Config(8, 9, encoder="transformer").cell == "lstm"


@pytest.mark.parametrize(
    "choices, message",
    (
        ({"heads": 3}, "heads must divide hidden_size 64, got 3"),
        ({"heads": 0}, "heads must be a positive integer, got 0"),
        (
            {"heads": 3, "hidden_size": 9},
            "hidden_size must be even in a Transformer, for sine and cosine; got 9",
        ),
        ({"embedding_size": 32}, "embedding_size must equal hidden_size 64 in a Transformer"),
    ),
)
def test_config_of_a_transformer_says_which_sizes_fit(choices, message):
    refused(message, encoder="transformer", **choices)
    refused(message, decoder="transformer", **choices)


def test_config_survives_replace_and_a_round_trip_through_a_dict():
    config = Config(8, 9, cell="gru", directions=2)
    assert Config(**dataclasses.asdict(config)) == config
    assert dataclasses.replace(config, layers=3) == Config(8, 9, cell="gru", directions=2, layers=3)


def test_config_does_not_change_once_made():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config(8, 9).cell = "gru"


@pytest.mark.parametrize(
    "choices, message",
    (
        ({"source_vocabulary": 3}, "source_vocabulary must be at least 4"),
        ({"directions": 1.0}, "directions must be one of 1, 2"),
        ({"directions": True}, "directions must be one of 1, 2"),
        ({"cell": ["lstm"]}, "cell must be one of"),
        ({"dropout": True}, "dropout must be a rate"),
        ({"dropout": "0.1"}, "dropout must be a rate"),
        ({"dropout": 1.0}, r"dropout must be a rate in \[0, 1\)"),
        ({"reverse_source": "yes"}, "reverse_source must be one of True, False"),
        ({"reverse_source": True, "directions": 2}, "reverse_source changes nothing with two directions"),
    ),
)
def test_config_refuses_what_makes_no_model(choices, message):
    with pytest.raises(ValueError, match=message):
        Config(**({"source_vocabulary": 9, "target_vocabulary": 9} | choices))
