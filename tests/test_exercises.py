"""Exercises: each has a hint, and those whose answer can be computed have it here."""

import importlib
import pathlib
import re

import numpy as np
import pytest

import numpy_seq2seq
from numpy_seq2seq.activations import softmax, softmax_backward
from numpy_seq2seq.attention import attention_forward
from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.config import Config
from numpy_seq2seq.layers import embedding_backward, layer_norm_backward, layer_norm_forward
from numpy_seq2seq.optim import adam_init, adam_step
from numpy_seq2seq.recurrent import recurrent_backward, recurrent_forward, recurrent_init
from numpy_seq2seq.scores import SCORES
from numpy_seq2seq.seq2seq import seq2seq_forward

from .models import SIZES, random_batch, random_params

PACKAGE = pathlib.Path(numpy_seq2seq.__file__).parent
MODULES = [*numpy_seq2seq.CHAPTERS, *numpy_seq2seq.APPENDICES]


def asked(module):
    """Numbers of the exercises that ask something; "write it again" needs no hint."""
    _, _, text = (PACKAGE / f"{module}.py").read_text(encoding="utf-8").partition("\n# Exercises\n")
    found = re.findall(r"^# (\d+)\. (.*)$", text, re.M)
    return [int(n) for n, words in found if not re.match(r"Write (this|them|everything)\b", words)]


def test_every_exercise_has_a_hint_of_one_or_two_lines():
    hints = {}
    for part in (PACKAGE / "homework" / "hints.md").read_text(encoding="utf-8").split("\n## ")[1:]:
        module, _, text = part.partition("\n")
        hints[module] = [int(n) for n in re.findall(r"^(\d+)\. ", text, re.M)]
        assert all(len(line) <= 220 for line in text.splitlines())
    assert hints == {module: asked(module) for module in MODULES if asked(module)}


def test_every_chapter_closes_with_exercises():
    for module in numpy_seq2seq.CHAPTERS:
        assert (PACKAGE / f"{module}.py").read_text(encoding="utf-8").count("\n# Exercises\n") == 1, module
        importlib.import_module(f"numpy_seq2seq.{module}")


# ---- answers that can be computed --------------------------------------------------------------------------


def test_activations_1_the_rows_of_the_jacobian_add_up_to_0():
    y = softmax(np.array([0.2, -1.0, 0.7]))
    jacobian = np.array([softmax_backward(dy, y) for dy in np.eye(3)])
    np.testing.assert_allclose(jacobian, np.diag(y) - np.outer(y, y), atol=1e-15)
    np.testing.assert_allclose(jacobian.sum(axis=1), 0, atol=1e-15)


def test_layers_1_three_ways_to_the_gradient_of_an_embedding():
    rng = np.random.default_rng(0)
    ids, dx = rng.integers(0, 7, (4, 5)), rng.standard_normal((4, 5, 3))
    one, two = np.zeros((7, 3)), np.eye(7)[ids.reshape(-1)].T @ dx.reshape(-1, 3)
    np.add.at(one, ids, dx)
    three = embedding_backward(dx, (ids, (7, 3)))["E"]
    np.testing.assert_allclose(one, two, atol=1e-12)
    np.testing.assert_allclose(three, two, atol=1e-12)


def test_layers_4_the_two_means_matter_less_the_longer_the_vector():
    rng, errors = np.random.default_rng(0), []
    for D in (2, 200):
        x, dy = rng.standard_normal((2, 500, D))
        _, cache = layer_norm_forward(x, {"g": np.ones(D), "b": np.zeros(D)})
        right = layer_norm_backward(dy, cache)[0]
        errors.append(np.abs(dy / cache[1] - right).mean() / np.abs(dy / cache[1]).mean())
    assert errors[0] > 0.9 and errors[1] < 0.1  # for D = 2 hardly anything is left of dx


def test_cells_2_a_cell_state_that_is_kept_keeps_its_gradient():
    cell, open_, shut = CELLS["lstm"], 50.0, -50.0
    gx = np.array([[shut, open_, 0.0, 0.3]])  # i f o g
    dc = np.ones((1, 1))
    for _ in range(100):
        _, cache = cell.forward(gx, np.zeros((1, 4)), (np.zeros((1, 1)), np.ones((1, 1))))
        _, _, (_, dc) = cell.backward((np.zeros((1, 1)), dc), cache)
    assert abs(dc.item() - 1) < 1e-12


@pytest.mark.parametrize("Wh, dx_1", [(0.5, 0.373), (1.0, 0.640)])
def test_recurrent_4_the_first_input(Wh, dx_1):
    params = {"Wx": np.ones((1, 1)), "Wh": np.full((1, 1), Wh), "b": np.zeros(1)}
    x, zero = np.array([[[0.5], [0.0]]]), np.zeros((1, 1))
    _, _, cache = recurrent_forward(x, (zero,), params, CELLS["rnn"])
    dx, _, _ = recurrent_backward(np.zeros((1, 2, 1)), (np.ones((1, 1)),), cache)
    assert round(dx[0, 0, 0], 3) == dx_1


def test_stacks_2_two_halves_have_fewer_parameters():
    def count(D, H):
        layer = recurrent_init(np.random.default_rng(0), D, H, CELLS["rnn"], "float64")
        return sum(a.size for a in layer.values())

    D, H = 6, 10
    assert count(D, H) - 2 * count(D, H // 2) == H * H // 2


def test_scores_2_the_variance_of_a_dot_product():
    rng, A = np.random.default_rng(0), 25
    q, k = rng.standard_normal((2, 1, 400, A))
    plain, scaled = (SCORES[name].forward(q, k, {})[0].var() for name in ("dot", "scaled_dot"))
    assert abs(plain / A - 1) < 0.1 and abs(scaled - 1) < 0.1


def test_attention_4_a_shift_changes_nothing_and_a_mask_leaves_the_ratio():
    m, q = np.array([[1.0, 0], [0, 1], [1, 1]]), np.array([[np.log(2), 0]])
    shifted = np.hstack([m, np.full((3, 1), 7.0)]), np.hstack([q, np.ones((1, 1))])
    _, weights, _ = attention_forward(shifted[1], shifted[0], m, {}, None, SCORES["dot"])
    np.testing.assert_allclose(weights, [[0.4, 0.2, 0.4]])
    context, weights, _ = attention_forward(q, m, m, {}, np.array([[True, False, True]]), SCORES["dot"])
    np.testing.assert_allclose(weights, [[0.5, 0, 0.5]])
    np.testing.assert_allclose(context, [[1, 0.5]])


def test_step_decoders_2_without_feeding_it_is_luong():
    fed = Config(**SIZES, decoder="luong_feeding", dtype="float64")
    params, batch = random_params(fed, 1), random_batch(fed, 2)
    params["decoder"]["We"] = np.zeros_like(params["decoder"]["We"])
    plain = {**params, "decoder": {n: a for n, a in params["decoder"].items() if n != "We"}}
    one = seq2seq_forward(batch, params, fed)[0]
    two = seq2seq_forward(batch, plain, Config(**SIZES, decoder="luong", dtype="float64"))[0]
    np.testing.assert_allclose(one, two, atol=1e-12)


def adam_without_corrections(steps, beta1=0.9, beta2=0.999):
    m = v = 0.0
    for _ in range(steps):
        m, v = beta1 * m + 1 - beta1, beta2 * v + 1 - beta2
    return m / np.sqrt(v)


def test_optim_2_without_corrections_the_first_steps_are_too_long():
    assert round(adam_without_corrections(1), 2) == 3.16
    assert round(adam_without_corrections(10), 2) == 6.53


def test_optim_3_clipping_changes_nothing_in_adams_first_step():
    steps = []
    for size in (10.0, 1.0):
        params = {"layer": {"w": np.zeros(3)}}
        adam_step(params, {"layer": {"w": size * np.array([0.6, -0.8, 0.0])}}, adam_init(params), 0.1)
        steps.append(params["layer"]["w"])
    np.testing.assert_allclose(*steps, rtol=1e-6)
