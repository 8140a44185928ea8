"""Chapter 7c: a wrong choice is refused in words: what was expected, what came."""

import dataclasses
import re

import numpy as np
import pytest

from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.config import Config, check_choice, check_size
from numpy_seq2seq.config import DECODERS
from numpy_seq2seq.scores import SCORES

SIZES = ["source_vocabulary", "target_vocabulary", "embedding_size", "hidden_size", "layers"]
ATTENDS = [name for name, decoder in DECODERS.items() if decoder.attends]
DOES_NOT = [name for name, decoder in DECODERS.items() if not decoder.attends]


def refused(message, **choices):
    with pytest.raises(ValueError, match=re.escape(message)):
        Config(**{"source_vocabulary": 8, "target_vocabulary": 9, **choices})


@pytest.mark.parametrize("value", [0, -3, 2.5, 4.0, "64", None, True, np.float64(8)], ids=repr)
@pytest.mark.parametrize("name", SIZES)
def test_check_size_wrong(name, value):
    refused(f"{name} must be a positive integer, got {value!r}", **{name: value})


@pytest.mark.parametrize("value", [1, 64, np.int64(7), np.int32(7)], ids=repr)
def test_check_size_right(value):
    check_size("layers", value)


@pytest.mark.parametrize("name,known", [("cell", CELLS), ("decoder", DECODERS), ("score", SCORES)])
@pytest.mark.parametrize("value", ["transformer", "", 3], ids=repr)
def test_check_choice_wrong(name, known, value):
    refused(f"{name} must be one of {', '.join(known)}; got {value!r}", **{name: value})


@pytest.mark.parametrize("value", ["float16", "complex128", "int32", None, np.float32], ids=repr)
def test_check_choice_wrong_dtype(value):
    refused(f"dtype must be one of float32, float64; got {value!r}", dtype=value)


def test_check_choice_right():
    check_choice("cell", "b", ["a", "b"])


@pytest.mark.parametrize("value", [0, 3, -1, "2", None], ids=repr)
def test_config_wrong_directions(value):
    refused(f"directions must be 1 or 2, got {value!r}", directions=value)


@pytest.mark.parametrize("size", [1, 65])
def test_config_odd_size_cannot_be_halved(size):
    message = f"hidden_size must be even with two directions (half for each), got {size}"
    refused(message, hidden_size=size, directions=2)
    Config(8, 9, hidden_size=size, directions=1)


@pytest.mark.parametrize("score", [*SCORES, "", "transformer"])
@pytest.mark.parametrize("decoder", DOES_NOT)
def test_config_refuses_a_score_that_would_be_ignored(decoder, score):
    message = f"decoder {decoder!r} does not attend, so score {score!r} would be ignored; leave it out"
    refused(message, decoder=decoder, score=score)


@pytest.mark.parametrize("decoder", ATTENDS)
def test_config_score_is_dot_where_nothing_else_is_asked_for(decoder):
    assert Config(8, 9, decoder=decoder).score == "dot"
    assert Config(8, 9, decoder=decoder) == Config(8, 9, decoder=decoder, score="dot")
    for score in SCORES:
        assert Config(8, 9, decoder=decoder, score=score).score == score


@pytest.mark.parametrize("decoder", DOES_NOT)
def test_config_score_stays_none_where_nothing_attends(decoder):
    assert Config(8, 9, decoder=decoder).score is None


def test_config_survives_replace_and_a_round_trip_through_a_dict():
    config = Config(8, 9, cell="gru", directions=2)
    assert Config(**dataclasses.asdict(config)) == config
    assert dataclasses.replace(config, layers=3) == Config(8, 9, cell="gru", directions=2, layers=3)


def test_config_does_not_change_once_made():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config(8, 9).cell = "gru"


@pytest.mark.parametrize("choices, message", (
    ({"source_vocabulary": 3}, "source_vocabulary must be at least 4"),
    ({"directions": 1.0}, "directions must be 1 or 2"),
    ({"directions": True}, "directions must be 1 or 2"),
    ({"cell": ["lstm"]}, "cell must be one of"),
    ({"dropout": "0.1"}, "dropout must be a rate"),
    ({"dropout": 1.0}, r"dropout must be a rate in \[0, 1\)"),
    ({"reverse_source": "yes"}, "reverse_source must be True or False"),
    ({"reverse_source": True, "directions": 2}, "reverse_source changes nothing with two directions"),
    ({"decoder": "fixed", "attention_only": True}, "attention_only would be ignored"),
))
def test_config_refuses_what_makes_no_model(choices, message):
    with pytest.raises(ValueError, match=message):
        Config(**({"source_vocabulary": 9, "target_vocabulary": 9} | choices))
