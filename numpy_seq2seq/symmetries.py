"""Appendix: symmetries. What has no order in a model: pairs, heads, tokens without positions, shifted scores.

These are invariances (invariances.py, where all of them stand in one table) like

    order_of_the_batch_changes_nothing
    order_of_the_source_changes_nothing in a Transformer encoder without positions
    order_of_the_heads_changes_nothing
    shifted_scores_change_nothing       a softmax sees differences alone

Here is also how the answers of two models are compared: `outcome` and `same`.
"""

from dataclasses import replace

import numpy as np

from .config import ENCODERS
from .data import Batch
from .layers import embedding_forward
from .seq2seq import decode_backward, decode_forward, encode_forward, loss_and_gradients, seq2seq_forward
from .trees import tree_map


class Violated(AssertionError):
    """Something moved that should stay, or stayed that should move."""


def same(what, got, want, tolerance=1e-10):
    """Raise Violated, naming the place, unless two trees of arrays agree up to rounding."""
    if isinstance(want, (dict, tuple, list)):
        if len(got) != len(want):
            raise Violated(f"{what}: {len(got)} parts and not {len(want)}")
        for key in want if isinstance(want, dict) else range(len(want)):
            same(f"{what}, {key}" if isinstance(want, dict) else what, got[key], want[key], tolerance)
    elif want is not None:
        got, want = np.asarray(got), np.asarray(want)
        if got.shape != want.shape:
            raise Violated(f"{what}: shape {got.shape} and not {want.shape}")
        error = np.abs(got - want)
        if not error.max(initial=0) <= tolerance * max(np.abs(want).max(initial=0), 1e-3):
            k = np.unravel_index(np.nan_to_num(error, nan=np.inf).argmax(), want.shape)
            raise Violated(f"{what}: {got[k]:.6g} and not {want[k]:.6g}")


def outcome(batch, params, config, rng=None):
    """{name: array} of the loss and of every gradient."""
    loss, grads = loss_and_gradients(batch, params, config, rng)
    return {"loss": loss} | flat_gradients(grads)


def flat_gradients(grads):
    """{name: array} of every gradient."""
    return {f"gradient of {layer}.{name}": a for layer, part in grads.items() for name, a in part.items()}


def order_of_the_batch_changes_nothing(params, config, batch):
    """The pairs in another order: the same loss and gradients, and the outputs in that order."""
    other = Batch(*(a[::-1] for a in batch))
    same("in another order", outcome(other, params, config), outcome(batch, params, config))
    got, want = (seq2seq_forward(b, params, config)[:2] for b in (other, batch))
    same("logits and attention in another order", got, tree_map(lambda a: a[::-1], want))


def order_of_the_source_changes_nothing(params, config, batch):
    """A Transformer encoder without positions does not know the order of its tokens."""
    if config.encoder != "transformer":
        return
    config = replace(config, source_positions=False)
    other = batch._replace(source=_turned(batch.source, batch.source_mask))
    same("source in another order", outcome(other, params, config), outcome(batch, params, config))
    memories = [_memory(b, params, config) for b in (other, batch)]
    same("memory of a source in another order", memories[0], _turned(memories[1], batch.source_mask))
    told = replace(config, source_positions=True)
    memories = [_memory(b, params, told) for b in (other, batch)]
    if np.allclose(memories[0], _turned(memories[1], batch.source_mask)):
        raise Violated("positions tell nothing about the order of the source")


def _turned(a, mask):
    """The real tokens of every row from the last to the first."""
    a = a.copy()
    for row, real in zip(a, mask):
        row[real] = row[real][::-1]
    return a


def _memory(batch, params, config):
    """Memories of the real tokens; zero at padding."""
    x, _ = embedding_forward(batch.source, params["source_embedding"])
    memory = ENCODERS[config.encoder].forward(x, batch.source_mask, params, config, None)[0]
    return np.where(batch.source_mask[:, :, None], memory, 0)


def order_of_the_heads_changes_nothing(params, config, batch):
    """Heads that change places with their columns of Wq, Wk, Wv and rows of Wo."""
    if config.heads is None:
        return
    places = np.arange(config.hidden_size).reshape(config.heads, -1)[::-1].reshape(-1)

    def exchanged(layer, name, a):
        if not layer.endswith(("_self", "_cross", "_keys")):
            return a
        return a[places] if name == "Wo" else a[:, places]

    def all_exchanged(tree):
        return {k: {n: exchanged(k, n, a) for n, a in part.items()} for k, part in tree.items()}

    loss, grads = loss_and_gradients(batch, params, config)
    got = outcome(batch, all_exchanged(params), config)
    same("heads in another order", got, {"loss": loss} | flat_gradients(all_exchanged(grads)))


def shifted_scores_change_nothing(params, config, batch):
    """A vector added to all keys moves all scores of a query alike; not in `additive`, where tanh follows."""
    start, source, _ = encode_forward(batch.source, batch.source_mask, params, config)
    if config.decoder == "transformer":
        moved = tuple((k + 1.5, v) for k, v in source[0]), source[1]
    elif config.score in ("dot", "scaled_dot", "general"):
        moved = source._replace(keys=source.keys + 1.5)
    else:
        return
    results = []
    for seen in (moved, source):
        logits, weights, last, cache = decode_forward(batch.inputs, start, seen, params, config)
        backward = decode_backward(np.cos(logits), tree_map(np.zeros_like, last), cache)
        results.append((logits, weights, *backward))
    same("with all keys shifted alike", *results)


SYMMETRIES = (
    order_of_the_batch_changes_nothing,
    order_of_the_source_changes_nothing,
    order_of_the_heads_changes_nothing,
    shifted_scores_change_nothing,
)

# Exercises
# 1. Bahdanau's score is `additive`. Which part of it could be shifted without changing anything?
