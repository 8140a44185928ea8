"""Answers that are known beforehand: the papers' equations in plain Python, and numbers worked out by hand.

The transcriptions are those of the tests (tests/slow_reference.py): one number at a time, written from the
equations and not from the package.
"""

import numpy as np

from numpy_seq2seq import activations, attention, beam, cells, generate, layers, losses, optim, recurrent, scores
from numpy_seq2seq import seq2seq as model
from numpy_seq2seq.config import Config
from numpy_seq2seq.data import BOS, make_batch
from tests import slow_reference as slow

from .models import LETTERS, MASK, MODELS, PAIRS, SIZES, normal, random_params, same


def known_answer():
    """Transcriptions of the equations in plain Python, and numbers worked out by hand."""
    parts = _recurrences, _attentions, _losses, _large_numbers, _whole_model
    for check in (*parts, _adam, _clipping, _random_numbers, _search):
        check()


def _recurrences():
    x, D, H = normal(2, 4, 3), 3, 2
    for cell in cells.CELLS.values():
        columns = H * len(cell.gates)
        params = {"Wx": normal(D, columns), "Wh": normal(H, columns), "b": normal(columns)}
        params["bh"] = normal(1, columns)[0]
        for reverse in (False, True):
            state = tuple(normal(cell.states, 2, H))
            rows = [(x[b], tuple(s[b] for s in state), params, MASK[b], reverse) for b in (0, 1)]
            wanted = [slow.run(cell.name, *row)[0] for row in rows]
            got, _, _ = recurrent.recurrent_forward(x, state, params, cell, MASK, reverse)
            same(f"outputs of a {cell.name}{' in reverse' * reverse}", got, wanted)


def _attentions():
    queries, memory = normal(2, 3, 5), normal(2, 4, 5)
    params = {"Wk": normal(5, 5), "Wq": normal(6, 5)[1:], "v": normal(5)}
    rows = list(zip(queries, memory, MASK))
    for score in scores.SCORES.values():
        projected = params if score.name in ("general", "additive") else {}
        keys, _ = scores.keys_forward(memory, projected)
        got, _, _ = attention.attention_forward(queries, keys, memory, projected, MASK[:, None], score)
        wanted = [[slow.attend(score.name, q, m, params, real)[0] for q in qs] for qs, m, real in rows]
        same(f"context of {score.name} attention", got, wanted)


def _losses():
    logits, targets = normal(2, 4, 5), np.array([[1, 3, 2, 0], [4, 4, 0, 0]])
    loss, _ = losses.cross_entropy_forward(logits, targets, MASK)
    same("cross-entropy", loss, slow.cross_entropy(logits, targets, MASK))
    said = np.array([[1, 3, 4, 0], [4, 2, 0, 0]])
    same("token accuracy, 3 of 5 right", losses.token_accuracy(said, targets, MASK), 0.6)


def _large_numbers():
    same("log softmax of (0, 1000)", activations.log_softmax(np.array([0.0, 1000.0])), [-1000, 0])
    weights, _ = attention.masked_softmax_forward(np.array([[[0.0, 1000.0, 1000.0]]]), None)
    same("attention to scores (0, 1000, 1000)", weights, [[[0, 0.5, 0.5]]])
    weights, _ = attention.masked_softmax_forward(np.zeros((1, 1, 2)), np.zeros((1, 1, 2), bool))
    same("weights over nothing real", weights, [[[0, 0]]])


def _whole_model():
    """Logits of an LSTM with Luong's dot attention, one number at a time."""
    config = Config(**SIZES, hidden_size=4, cell="lstm", decoder="luong", score="dot")
    params, batch = random_params(config), make_batch(PAIRS[:1], LETTERS, LETTERS)
    states, V = ([0.0] * 4, [0.0] * 4), len(LETTERS)
    real = [True] * 7
    read = params["source_embedding"]["E"][batch.source[0]]
    memory, states = slow.run("lstm", read, states, params["encoder"], real)
    said = [BOS, *LETTERS.encode(PAIRS[0][1])]
    h, _ = slow.run("lstm", params["target_embedding"]["E"][said], states, params["decoder"], real)
    Wd, Wc = params["readout"]["Wd"], params["readout"]["Wc"]
    W, b = params["output"]["W"], params["output"]["b"]
    wanted = []
    for h_t in h:
        context, _ = slow.attend("dot", h_t, memory, {}, real)
        out = [slow.tanh(slow.part(h_t, Wd, 0, j, 4) + slow.part(context, Wc, 0, j, 4)) for j in range(4)]
        wanted.append([slow.part(out, W, 0, v, V) + b[v] for v in range(V)])
    same("logits of an LSTM with dot attention", model.seq2seq_forward(batch, params, config)[0][0], wanted)


def _adam():
    """Kingma & Ba, algorithm 1, for one number; gradients of very different size; decay as in AdamW."""
    gradients, theta, m, v = (1.0, -3.0, 1e-5, 0.0, 2e-6), 1.0, 0.0, 0.0
    params = {"layer": {"a": np.ones(1), "b": np.ones(1)}}
    state = optim.adam_init(params)
    for t, g in enumerate(gradients, 1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        theta = theta - 0.1 * 0.01 * theta
        theta -= 0.1 * (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)) ** 0.5 + 1e-8)
        optim.adam_step(params, {"layer": {"a": np.full(1, g), "b": np.full(1, g)}}, state, 0.1, decay=0.01)
        same(f"Adam after step {t}", list(params["layer"].values()), [[theta], [theta]])
    small = {"layer": {"a": np.zeros(1)}}
    optim.adam_step(small, {"layer": {"a": np.full(1, 1e-5)}}, optim.adam_init(small), 0.1)
    same("Adam's first step, gradient 1e-5", small["layer"]["a"], [-0.1 * 1e-5 / (1e-5 + 1e-8)])


def _clipping():
    grads = {"a": {"w": np.array([3.0, 4.0])}, "b": {"w": np.array([12.0])}}
    optim.clip_by_global_norm(grads, 1.3)
    same("(3, 4), (12) clipped to a tenth", [grads["a"]["w"], grads["b"]["w"]], [[0.3, 0.4], [1.2]])


def _random_numbers():
    """Of what is drawn, only what holds for nearly every draw: means within five standard deviations."""
    x = np.ones((200, 50))
    kept, _ = layers.dropout_forward(x, 0.2, np.random.default_rng(0))
    same("mean of ones after dropout", kept.mean(), 1, 5 * (0.25 / x.size) ** 0.5)
    same("ones without dropout", layers.dropout_forward(x, 0.2, None)[0], x)
    weights, limit = layers.glorot(np.random.default_rng(0), 100, 50, "float64"), (6 / 150) ** 0.5
    same("1 + mean of initial weights", 1 + weights.mean(), 1, 5 * limit / (3 * weights.size) ** 0.5)
    params, batch = random_params(MODELS[0]), make_batch(PAIRS, LETTERS, LETTERS)
    ask = batch.source, batch.source_mask, params, MODELS[0]
    cold = generate.generate_sample(*ask, np.random.default_rng(0), temperature=1e-6, max_length=5)
    same("words drawn at temperature 1e-6", cold.tokens, generate.generate_greedy(*ask, max_length=5).tokens)


def _search():
    """Wu et al., equation 14, for the answers that a beam returns."""
    params, batch = random_params(MODELS[3]), make_batch(PAIRS[:2], LETTERS, LETTERS)
    ask = batch.source, batch.source_mask, params, MODELS[3]
    for answers in beam.generate_beam(*ask, width=4, alpha=1.0, max_length=6):
        for answer in answers:
            wanted = answer.log_probability / ((5 + len(answer.tokens)) / 6)
            same("score of a beam's answer", answer.score, wanted)
