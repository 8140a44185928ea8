"""What can be measured of a model: how often it is right, what is left in its vector, how far its gradient
reaches,
where it looks.

After it: interventions.py, where the model's attention is changed.

Notation: B strings, L their length, T = L + 1 output steps and S = L + 1 source places (EOS included), N
numbers in a vector, V letters. All strings of a measurement have the same length, so that places can be
compared.

Nothing here trains, prints or draws. What is measured comes as a Grid: an array whose axes have names and
labels.
"""

from typing import NamedTuple

import numpy as np

from numpy_seq2seq import show
from numpy_seq2seq.activations import softmax
from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.data import EOS
from numpy_seq2seq.generate import generate_greedy
from numpy_seq2seq.layers import embedding_forward
from numpy_seq2seq.losses import cross_entropy_backward, cross_entropy_forward
from numpy_seq2seq.recurrent import input_part, recurrent_forward, zero_state
from numpy_seq2seq.recurrent import step_backward, step_forward, transposed
from numpy_seq2seq.scores import SCORES
from numpy_seq2seq.seq2seq import decode_forward, encode_forward, seq2seq_backward, seq2seq_forward


class Grid(NamedTuple):
    """An array with named axes: axes[k] = (name, labels) belongs to values.shape[k]."""

    values: np.ndarray
    axes: tuple

    def labels(self, name):
        """The labels along an axis."""
        return dict(self.axes)[name]

    def at(self, **labels):
        """The part of the values at the given labels: grid.at(running="free") drops the axis `running`."""
        place = []
        for name, known in self.axes:
            place.append(known.index(labels[name]) if name in labels else slice(None))
        return self.values[tuple(place)]

    def part(self, **labels):
        """The same part, as a Grid."""
        return Grid(self.at(**labels), tuple(axis for axis in self.axes if axis[0] not in labels))


def places(name, count):
    """An axis of places, counted from 1."""
    return name, list(range(1, count + 1))


# ---- accuracy ----------------------------------------------------------------------------------------------


def tokens_forced(batch, params, config):
    """(B, T) what the model says at each step when the steps before it were the right ones."""
    return best_answers(seq2seq_forward(batch, params, config)[0])


def tokens_free(batch, params, config):
    """(B, T) what the model says by itself; steps behind its own EOS count as wrong."""
    said = generate_greedy(batch.source, batch.source_mask, params, config, batch.targets.shape[1]).tokens
    return np.pad(said, ((0, 0), (0, batch.targets.shape[1] - said.shape[1])))


def accuracy_by_position(batch, params, config):
    """Share of strings whose letter is right at each output position, with teacher forcing or by itself.

    Forced, only memory can fail. Free, an error also leads the rest astray; the gap is exposure bias.

    Returns:
        Grid (running: forced, free; position).
    Source: exposure bias: Ranzato et al. (2016), section 1.
    """
    right = [f(batch, params, config) == batch.targets for f in (tokens_forced, tokens_free)]
    shares = np.array([r[:, :-1].mean(axis=0) for r in right])
    return Grid(shares, (("running", ["forced", "free"]), places("position", shares.shape[1])))


def exact_match(batch, params, config):
    """Share of strings that the model, by itself, answers rightly to the last token."""
    said = tokens_free(batch, params, config)
    return float(((said == batch.targets) | ~batch.target_mask).all(axis=1).mean())


def best_answers(logits):
    """(B, T) the most probable tokens that can be answers: PAD and BOS cannot."""
    return EOS + logits[..., EOS:].argmax(axis=2)


# ---- what is still in the vector ---------------------------------------------------------------------------


def probe(train_vectors, train_letters, test_vectors, test_letters, ridge=1.0):
    """Can a linear map read letter p of the source out of one vector? Asked for each place p.

        W = (XᵀX + λ I)⁻¹ Xᵀ Y          X vectors with a 1 appended, Y one-hot letters: ridge regression
        guess = argmax over letters of x W

    Closed form, no training: what it finds is there, linearly. What it does not find may be there in another
    form.

    Args:
        train_vectors: (B, N), of strings that are not among the test's.
        train_letters: (B, L) integers.
        test_vectors, test_letters: of other strings.
        ridge:         λ.
    Returns:
        Grid (place), share of test strings whose letter is found.
    Source: Alain & Bengio (2017), linear probes; ridge: Hoerl & Kennard (1970). Deviation: there the probe is
        a softmax classifier, trained; here least squares on one-hot letters, with λ on the constant too.
    """
    X, X_test = (np.column_stack([v.astype(float), np.ones(len(v))]) for v in (train_vectors, test_vectors))
    known = np.unique(train_letters)
    Y = (train_letters[:, :, None] == known).astype(float)
    B, L, V = Y.shape
    W = np.linalg.solve(X.T @ X + ridge * np.eye(X.shape[1]), X.T @ Y.reshape(B, L * V))
    guess = known[(X_test @ W).reshape(-1, L, V).argmax(axis=2)]
    return Grid((guess == test_letters).mean(axis=0), (places("place", L),))


def fixed_vector(batch, params, config):
    """(B, N) all that a decoder without attention gets: the encoder's last state; of an LSTM, h and c."""
    return np.concatenate(encode_forward(batch.source, batch.source_mask, params, config)[0], axis=1)


def gradient_map(batch, params, config):
    """How much each right output depends on each source token:

        g_ts = ∂ log p(y_t | y_1 … y_{t−1}, source) / ∂ x_s     x_s the embedding of source token s
        share_ts = ‖g_ts‖² / Σ_s' ‖g_ts'‖²                      then the mean over strings

    Shares, because a model that is sure of y_t has a small gradient everywhere. The model's own backward
    gives g. A table of embeddings with one row for each token of each string makes its gradient fall apart
    into the x_s; then T backward passes, each with the loss of one step alone.

    Args:
        batch: strings of one length.
    Returns:
        Grid (output, source) of (T, S); every row sums to 1.
    Source: the gradient as a map of what matters: Simonyan et al. (2014), section 3. Deviations: there
        images, the score before the softmax, and of each pixel's channels the largest |gradient|.
    """
    B, S = batch.source.shape
    table = {"E": params["source_embedding"]["E"][batch.source].reshape(B * S, -1)}
    apart = batch._replace(source=np.arange(B * S).reshape(B, S))
    logits, _, cache = seq2seq_forward(apart, {**params, "source_embedding": table}, config)
    _, loss_cache = cross_entropy_forward(logits, batch.targets, batch.target_mask)
    count = float(batch.target_mask.sum())  # undoes the mean: each token counts for itself
    dlogits = cross_entropy_backward(count, loss_cache)
    rows = []
    for t in range(dlogits.shape[1]):
        at_t = np.zeros_like(dlogits)
        at_t[:, t] = dlogits[:, t]
        dx = seq2seq_backward(at_t, cache)["source_embedding"]["E"].reshape(B, S, -1)
        squares = (dx.astype(float) ** 2).sum(axis=2)
        rows.append((squares / squares.sum(axis=1, keepdims=True)).mean(axis=0))
    return Grid(np.array(rows), (places("output", len(rows)), places("source", S)))


# ---- how far a gradient reaches ----------------------------------------------------------------------------


def jacobian_norms(batch, params, config):
    """By what factor a small change of the encoder's first state is multiplied on its way to step t:

        A_t = ∂s_t/∂s_{t−1}                         s = h, of an LSTM [h; c]
        J_t = ∂s_t/∂s_0 = A_t A_{t−1} … A_1         the product of Jacobians along time
        norm = √(Σ_ij J_ij² / H)                    of the blocks ∂h_t/∂h_0 and ∂c_t/∂c_0

    The norm is the factor for a change in a random direction, root mean square: 1 where the state is handed
    on unchanged. A_t comes from one call of step_backward: of each string the batch holds a row for every row
    of the identity, so that row n of what comes back is ∂(s_t)_n/∂s_{t−1}.

    Args:
        batch:  strings of one length; the encoder has one layer and reads in one direction.
    Returns:
        Grid (state: h, and c of an LSTM; step), mean over strings.
    Source: the product and when it vanishes or explodes: Bengio et al. (1994), Pascanu et al.
        (2013), section 2. Deviation: there bounds on the largest singular value; here the root mean square of
        all of them.
    """
    cell, H, B = CELLS[config.cell], config.hidden_size, len(batch.source)
    x, _ = embedding_forward(batch.source[:, :-1], params["source_embedding"])
    gx, N = input_part(np.ascontiguousarray(x.transpose(1, 0, 2)), params["encoder"]), cell.states * H
    identity = np.tile(np.eye(N, dtype=x.dtype), (B, 1))
    state, jacobian, norms = zero_state(cell, B * N, H, x.dtype), np.eye(N), []
    Wh_T = transposed(params["encoder"]["Wh"])
    for gx_t in gx:
        state, cache = step_forward(np.repeat(gx_t, N, axis=0), state, params["encoder"], cell)
        _, before, _ = step_backward(tuple(np.split(identity, cell.states, axis=1)), cache, Wh_T)
        jacobian = np.concatenate(before, axis=1).reshape(B, N, N) @ jacobian
        blocks = [jacobian[:, k : k + H, k : k + H] for k in range(0, N, H)]
        norms.append([np.sqrt((block**2).sum(axis=(1, 2)) / H).mean() for block in blocks])
    return Grid(np.array(norms).T, (("state", ["h", "c"][: cell.states]), places("step", len(norms))))


# ---- where it looks ----------------------------------------------------------------------------------------


def alignment(weights, right):
    """Of a map and the right places: does the largest weight lie there, and how spread out is each row?

        entropy = − Σ_s α_ts log₂ α_ts          0: one place; log₂ S: all alike

    Args:
        weights: (B, L, S).
        right:   (B, L) integers.
    Returns:
        Grid (measure: aligned, within one place, entropy in bits; position), means over strings.
    """
    off = np.abs(weights.argmax(axis=2) - right)
    entropy = -(weights * np.log2(np.where(weights > 0, weights, 1))).sum(axis=2)
    values = np.array([(off == 0).mean(axis=0), (off <= 1).mean(axis=0), entropy.mean(axis=0)])
    measure = "measure", ["aligned", "within one place", "entropy"]
    return Grid(values, (measure, places("position", right.shape[1])))


def decoding(batch, params, config, vocabulary, best=5):
    """One string through a luong model, step by step: what stands between the state and the token.

    Args:
        batch: of one string.
        best:  so many tokens, the most probable ones that can be answers, are reported for each step.
    Returns:
        Grids state (output, unit), scores (output, source), weights (output, source), context (output, unit),
        tokens (output, rank) and probabilities (output, rank). The labels of `output` are the tokens that it
        writes itself, those of `source` the source's, both with their place: "3 k".
    """
    said = generate_greedy(batch.source, batch.source_mask, params, config)
    inputs = np.concatenate([batch.inputs[:, :1], said.tokens[:, :-1]], axis=1)
    state, source, _ = encode_forward(batch.source, batch.source_mask, params, config)
    x, _ = embedding_forward(inputs, params["target_embedding"])
    h, _, _ = recurrent_forward(x, state, params["decoder"], CELLS[config.cell])
    scores, _ = SCORES[config.score].forward(h, source.keys, params.get("attention", {}))
    logits, weights, _, _ = decode_forward(inputs, state, source, params, config)
    probabilities = softmax(logits[0])
    order = EOS + (-probabilities[:, EOS:]).argsort(axis=1)[:, :best]
    symbols = np.array([show.EOS_SIGN if k == EOS else s for k, s in enumerate(vocabulary.symbols)])
    output, reads = (
        (name, [f"{n + 1} {symbols[k]}" for n, k in enumerate(ids)])
        for name, ids in (("output", said.tokens[0]), ("source", batch.source[0]))
    )
    units, ranks = places("unit", h.shape[2]), places("rank", best)
    return {
        "state": Grid(h[0], (output, units)),
        "scores": Grid(scores[0], (output, reads)),
        "weights": Grid(weights[0], (output, reads)),
        "context": Grid((weights @ source.memory)[0], (output, units)),
        "tokens": Grid(symbols[order], (output, ranks)),
        "probabilities": Grid(np.take_along_axis(probabilities, order, axis=1), (output, ranks)),
    }
