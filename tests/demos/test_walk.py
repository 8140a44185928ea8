"""The walk: it prints what the package's functions held, every model has one, and it ends with a proof."""

import re
import sys

import numpy as np
import pytest

from demos import walk
from numpy_seq2seq import DECODERS, ENCODERS
from numpy_seq2seq.attention import attention_backward, attention_forward
from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.scores import SCORES

from ..models import flat

PROOF = re.compile(r"by backpropagation +(\S+)\n.* / 2ε +(\S+) ")
WALKS = [
    *([f"--encoder={encoder}", f"--decoder={decoder}"] for encoder in ENCODERS for decoder in DECODERS),
    *([f"--cell={cell}"] for cell in CELLS),
    *([f"--score={score}"] for score in SCORES),
]


def test_the_example_of_attention():
    """Three memories of two numbers, which are their own keys, and one query: by hand in attention.py."""
    m, q = np.array([[1.0, 0], [0, 1], [1, 1]]), np.array([[np.log(2), 0]])
    forward, backward = walk.Walk(), walk.Walk()
    _, _, cache = forward.along(attention_forward, q, m, m, {}, None, SCORES["dot"])
    backward.along(attention_backward, np.array([[1.0, 0]]), cache)
    told = "\n".join(forward.lines)
    assert [line.strip() for line in forward.lines if "_forward" in line] == [
        "attention.attention_forward",
        "attention.align_forward",
        "scores.dot_score_forward",
        "attention.masked_softmax_forward",
    ]
    assert "  | c_t = Σ_s α_ts m_s" in told  # the formulas come with the numbers
    assert "  given queries (1, 2)  [0.6931 0.0000]" in told
    assert "weights (1, 3)  [0.4000 0.2000 0.4000]" in told and "context (1, 2)  [0.8000 0.6000]" in told
    assert "dscores (1, 3)  [ 0.0800 -0.1600  0.0800]" in "\n".join(backward.lines)


@pytest.mark.parametrize("options", WALKS, ids=" ".join)
def test_every_model_has_a_walk_that_ends_with_a_proof(options, capsys):
    assert walk.main(options) == 0
    told = capsys.readouterr().out
    gradient, difference = map(float, PROOF.search(told).groups())
    assert gradient != 0 and abs(gradient - difference) <= 2e-8
    # first forward, then backward, each function inside the one that calls it
    calls = "\nseq2seq.seq2seq_forward", "\n  seq2seq.encode_forward", "\n  seq2seq.decode_forward"
    later = "\nlosses.cross_entropy_forward", "\nlosses.cross_entropy_backward", "\nseq2seq.seq2seq_backward"
    places = [told.index(name) for name in (*calls, *later)]
    assert places == sorted(places)


@pytest.mark.parametrize("options", WALKS, ids=" ".join)
def test_all_parameters_and_all_gradients_are_shown(options):
    choices = dict(option.removeprefix("--").split("=") for option in options)
    params, config, batch = walk.tiny_model(choices)
    watched = walk.Walk()
    _, grads = watched.along(walk.loss_and_gradients, batch, params, config)
    for name, array in [*flat(params).items(), *flat(grads).items()]:
        assert any(np.array_equal(array, shown) for shown in watched.seen.values()), name


def test_the_pencil_finds_what_is_shown(capsys):
    """h = o tanh(c), from the four digits that are printed."""
    walk.main([])
    told = capsys.readouterr().out
    cell = told.partition("cells.lstm_cell_forward")[2].partition("recurrent.step_forward")[0]
    o, c, h = (np.fromstring(re.search(rf"^ *{n} \(1, 2\) +\[(.*)\]", cell, re.M)[1], sep=" ") for n in "och")
    np.testing.assert_allclose(o * np.tanh(c), h, atol=2e-4)


def test_steps_are_numbered_as_they_are_taken(capsys):
    walk.main(["--decoder=bahdanau", "--cell=rnn"])
    told = capsys.readouterr().out
    assert re.findall(r"recurrent.step_forward   t = (\d)", told) == ["0", "1", "2"] * 2
    assert re.findall(r"recurrent.step_backward   t = (\d)", told) == ["2", "1", "0"] * 2


def test_nobody_is_watched_afterwards():
    with pytest.raises(ZeroDivisionError):
        walk.Walk().along(lambda: 1 / 0)
    assert sys.getprofile() is None


@pytest.mark.parametrize("options", (["--decoder=fixed", "--score=dot"], ["--cell=none"], ["--encoder=none"]))
def test_a_choice_that_makes_no_model_is_refused(options):
    with pytest.raises(ValueError, match="ignored|must be one of"):
        walk.main(options)
