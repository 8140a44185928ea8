"""Chapter: generation. The model's own words, one token at a time, the best or a drawn one.

Before this: optim.py. After it: training.py.

Notation: B batch, S source length, L length of the longest answer, V target vocabulary, z logits of one step,
τ temperature.

Generation reads the source once, then calls the decoder with T = 1 and hands the state on. It is never told
how long the right answer is: a sequence ends when the model says EOS, or at a limit that depends on the
source alone. Which token is said is the only thing in which the two functions here differ.

Not here: a second copy of the forward pass; the search for an answer that is probable as a whole (beam.py).
"""

from typing import NamedTuple

import numpy as np

from .checks import check_rng, check_size, is_number, shown
from .config import Config
from .data import BOS, EOS, PAD, check_source
from .seq2seq import check_params, decode_forward, encode_forward


class Generated(NamedTuple):
    """Answers, with PAD after the EOS of each. An answer without EOS ran into the limit."""

    tokens: np.ndarray  # (B, L) ids
    weights: np.ndarray | None  # (B, L, S) attention, a row for each token; None where nothing attends


def generate_greedy(source: np.ndarray, mask: np.ndarray, params: dict, config: Config,
                    max_length: int | None = None) -> Generated:
    """At each step the most probable token, for all rows together, until every row has said EOS.

        y_t = argmax_v p(v | y_1 … y_{t−1}, source)     PAD and BOS are no answers

    Args:
        source:     (B, S) token ids.
        mask:       (B, S) boolean.
        max_length: the limit in tokens, EOS included; by default 2 n + 10 for a source of n real tokens.
    Returns:
        Generated.
    Raises:
        TypeError, ValueError: as data.check_source, seq2seq.check_params; a limit below 1.
    """
    return _generate(lambda z: z.argmax(axis=1), source, mask, params, config, max_length)


def generate_sample(source: np.ndarray, mask: np.ndarray, params: dict, config: Config,
                    rng: np.random.Generator, temperature: float = 1.0, top_k: int | None = None,
                    max_length: int | None = None) -> Generated:
    """At each step a token drawn from what the model holds probable: other answers each time.

        p(v) ∝ exp(z_v / τ)             over the k largest z; PAD and BOS are no answers
        y_t = argmax_v (z_v + τ g_v)    g_v = −log(−log u_v), u_v uniform in (0, 1): drawn from that p

    τ = 1 draws from the model itself. Towards 0 the noise fades and greedy remains; a large τ gives every
    token its chance. With z = (ln 1, ln 3): τ = 1 gives ¼ and ¾, τ = ½ gives 1/10 and 9/10 (the squares 1 and
    9), τ = 2 gives 0.37 and 0.63. Dividing by τ does not change an arg max, so the second line adds g to z/τ;
    that such a draw has the probabilities p is exercise 4. Here it is tried a hundred thousand times:

        >>> z, rng = np.log([1, 3]), np.random.default_rng(0)
        >>> g = rng.gumbel(size=(100_000, 2))
        >>> [float((z + τ * g).argmax(axis=1).mean().round(2)) for τ in (1, 0.5, 2)]
        [0.75, 0.9, 0.63]

    Args:
        source, mask, max_length: as generate_greedy.
        rng:         np.random.Generator; the same state draws the same answers.
        temperature: τ, above 0.
        top_k:       k; None, or one above the vocabulary, leaves every token in.
    Returns:
        Generated.
    Raises:
        TypeError, ValueError: as generate_greedy; rng no generator; a temperature or top_k that is not
            positive.
    Source: the Gumbel-max trick, e.g. in Maddison et al. (2014); top-k: Fan et al. (2018).
    """
    check_rng(rng)
    if not (is_number(temperature) and temperature > 0):
        raise ValueError(f"temperature must be positive and finite, got {shown(temperature)}; 0 means greedy")
    if top_k is not None:
        check_size("top_k", top_k)

    def draw(z):
        noisy = z + temperature * rng.gumbel(size=z.shape)
        if top_k is None:
            return noisy.argmax(axis=1)
        best = (-z).argsort(axis=1, kind="stable")[:, :top_k]  # of equal logits the smaller id wins
        place = np.take_along_axis(noisy, best, axis=1).argmax(axis=1)  # among the best
        return best[np.arange(len(z)), place]

    return _generate(draw, source, mask, params, config, max_length)


def _generate(choose, source, mask, params, config, max_length):
    """The loop.

    Args:
        choose: takes z (B, V − 2), the logits without PAD and BOS; returns the chosen column of each row.
    """
    check_source(source, mask, config)
    check_params(params, config)
    limit = answer_limit(mask, max_length)
    state, seen, _ = encode_forward(source, mask, params, config)
    token = np.full(len(source), BOS)
    finished = np.zeros(len(source), bool)
    tokens, weights = [], []
    for t in range(limit.max()):
        logits, weight, state, _ = decode_forward(token[:, None], state, seen, params, config)
        token = np.where(finished, PAD, EOS + choose(logits[:, 0, EOS:]))  # ids 0, 1 are PAD, BOS; EOS is 2
        finished = finished | (token == EOS) | (t + 1 == limit)  # each row has its own limit
        tokens.append(token)
        weights.append(weight)
        if finished.all():
            break
    return Generated(np.stack(tokens, axis=1), None if weight is None else np.concatenate(weights, axis=1))


def answer_limit(mask, max_length):
    """(B,) how many tokens each answer may have, EOS included: max_length, or 2 n + 10 for n source tokens.

    n counts the real tokens of its own source, with EOS. So an answer does not depend on its batch.

    Raises:
        ValueError: a limit that is not a positive integer.
    """
    if max_length is None:
        return 2 * mask.sum(axis=1) + 10
    check_size("max_length", max_length)
    return np.full(len(mask), max_length)


# Exercises
# 1. In reverse_task: where does the model look when it writes EOS? Guess, then draw the map's last row.
# 2. Let finished rows leave the batch. When does that pay? (beam.py does it.)
# 3. Give the model, at step t, the right token t−1 instead of its own. What have you just written again?
# 4. Derive P(argmax_v z_v + g_v = k) = softmax(z)_k: fix g_k first, then integrate over it.
# 5. Keep, instead of the k best, the fewest tokens that hold nine tenths of the probability ("nucleus").
# 6. Write this chapter again: `python -m numpy_seq2seq.homework make DIR --set greedy-search`.
