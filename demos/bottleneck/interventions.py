"""Does the map matter? The attention of a trained luong model is changed while it answers.

Read measures.py before this. After it: experiments.py.

Two changes: put the weights elsewhere before they are used, or exchange what two places of the source hold.
The model is not trained again, so what changes in its answer depends on what was changed in its attention.

Notation: B strings, L their length, T = L + 1 output steps and S = L + 1 source places (EOS included).
"""

import numpy as np

from numpy_seq2seq.attention import align_forward
from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.layers import affine_forward, embedding_forward
from numpy_seq2seq.readout import readout_forward
from numpy_seq2seq.recurrent import recurrent_forward
from numpy_seq2seq.scores import SCORES
from numpy_seq2seq.seq2seq import decode_forward, encode_forward

from .measures import Grid, best_answers

# ---- other weights -----------------------------------------------------------------------------------------


def uniform(weights):
    """The same weight everywhere: the context is the mean of the memories."""
    return np.full_like(weights, 1 / weights.shape[2])


def arg_max(weights):
    """All weight on the place that had most."""
    return (np.arange(weights.shape[2]) == weights.argmax(axis=2)[..., None]).astype(weights.dtype)


def shifted(weights):
    """Each row looks one place further to the right; the last place becomes the first."""
    return np.roll(weights, 1, axis=2)


CHANGES = {
    "as it is": lambda weights: weights,
    "arg max": arg_max,
    "uniform": uniform,
    "shifted by one": shifted,
}


def tokens_with(change, batch, params, config):
    """(B, T) what a luong model says with teacher forcing when its weights are changed before they are used.

        h = cell(x);  α = change(align(h, memory));  c = Σ_s α m_s;  logits = tanh(h Wh + c Wc) W + b
    """
    state, source, _ = encode_forward(batch.source, batch.source_mask, params, config)
    x, _ = embedding_forward(batch.inputs, params["target_embedding"])
    h, _, _ = recurrent_forward(x, state, params["decoder"], CELLS[config.cell])
    weights, _ = align_forward(h, source.keys, params.get("attention", {}), source.mask, SCORES[config.score])
    out, _ = readout_forward(h, change(weights) @ source.memory, params["readout"])
    return best_answers(affine_forward(out, params["output"])[0])


def changed_weights(batch, params, config):
    """Accuracy of the letters when the weights are put elsewhere. Grid (weights: names of CHANGES)."""
    said = [tokens_with(change, batch, params, config) for change in CHANGES.values()]
    right = [(tokens == batch.targets)[:, :-1].mean() for tokens in said]
    return Grid(np.array(right), (("weights", list(CHANGES)),))


# ---- other memories ----------------------------------------------------------------------------------------


def swapped_memories(batch, params, config, pair, right):
    """Exchange two memories before the decoder looks, and see which outputs change.

    Their values alone (what is found), or with their keys (what they are found by). To exchange both is to
    change nothing but the order.

    Args:
        pair:  (i, j), places in the source.
        right: (B, L) for each output letter the place that it comes from.
    Returns:
        Grid (swapped: values, values and keys; outputs: aligned, others; what: changed, exchanged): share of
        the letters that come from i or j, and of the others, that are no longer what they were; that have
        become the letter of the other place. Strings with the same letter at both places are left out.
    """
    differ = batch.source[:, pair[0]] != batch.source[:, pair[1]]
    batch, right = type(batch)(*(a[differ] for a in batch)), right[differ]
    state, source, _ = encode_forward(batch.source, batch.source_mask, params, config)
    order = np.arange(source.memory.shape[1])
    order[list(pair)] = pair[::-1]
    values = source._replace(memory=source.memory[:, order])
    both = values._replace(keys=source.keys[:, order])
    logits = (decode_forward(batch.inputs, state, seen, params, config)[0] for seen in (source, values, both))
    before, *after = (best_answers(z)[:, : right.shape[1]] for z in logits)
    other = np.take_along_axis(batch.source, order[right], axis=1)  # what stands at the other place
    aligned = np.isin(right, pair)
    shares = []
    for said in after:
        changed = said != before
        found = (changed, changed & (said == other))
        shares.append([[f[letters].mean() for f in found] for letters in (aligned, ~aligned)])
    axes = (
        ("swapped", ["values", "values and keys"]),
        ("outputs", ["aligned", "others"]),
        ("what", ["changed", "exchanged"]),
    )
    return Grid(np.array(shares), axes)
