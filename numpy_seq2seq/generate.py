"""Chapter 10. Generation: the model's own words, one token at a time.

Before this: seq2seq.py. After it: data.py.

Letters: B batch, S source length, L length of the longest answer.

Generation reads the source once, then calls the decoder with T = 1 and hands the state on. It is never told
how long the right answer is: a sequence ends when the model says EOS, or at a limit that depends on the
source alone.

Not here: a second copy of the forward pass.
"""

from typing import NamedTuple

import numpy as np

from .data import BOS, EOS, PAD, check_source
from .seq2seq import decode_forward, encode_forward


class Generated(NamedTuple):
    """Answers, PAD behind the EOS of each. An answer without EOS ran into the limit."""

    tokens: np.ndarray  # (B, L) ids
    weights: np.ndarray | None  # (B, L, S) attention, a row for each token; None where nothing attends


def generate_greedy(source, mask, params, config, max_length=None):
    """At each step the most probable token, for all rows together, until every row has said EOS.

        y_t = argmax_v p(v | y_1 … y_{t−1}, source)     PAD and BOS are no answers

    Args:
        source:     (B, S) token ids.
        mask:       (B, S) boolean.
        max_length: the limit in tokens, EOS included; by default 2 S + 10.
    Returns:
        Generated.
    Raises:
        TypeError, ValueError: as data.check_source; parameters that are not finite.
    """
    check_source(source, mask, config)
    check_finite(params)
    state, seen, _ = encode_forward(source, mask, params, config)
    token = np.full(len(source), BOS)
    finished = np.zeros(len(source), bool)
    tokens, weights = [], []
    for _ in range(max_length or 2 * source.shape[1] + 10):
        logits, weight, state, _ = decode_forward(token[:, None], state, seen, params, config)
        token = np.where(finished, PAD, EOS + logits[:, 0, EOS:].argmax(axis=1))
        finished = finished | (token == EOS)
        tokens.append(token)
        weights.append(weight)
        if finished.all():
            break
    return Generated(np.stack(tokens, axis=1), None if weight is None else np.concatenate(weights, axis=1))


def check_finite(params):
    """Raise ValueError, naming the first one, if a parameter is NaN or infinite."""
    for layer, arrays in params.items():
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                place = ", ".join(map(str, np.argwhere(~np.isfinite(array))[0]))
                raise ValueError(f"parameter {layer}.{name}[{place}] is {array[~np.isfinite(array)][0]}; the model is damaged")


# Exercises
# 1. Where would the model look for the EOS of its answer? Draw the map's last row before you guess.
# 2. Let finished rows leave the batch. When does that pay?
# 3. Give the model, at step t, the right token t−1 instead of its own. What have you just written again?
