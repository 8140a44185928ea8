"""Chapter: beam search. Several answers at once, so that one doubtful token does not decide.

Before this: training.py. After it: the demos.

Notation: B batch (sentences), S source length, R rows: the live hypotheses of all sentences, V target
vocabulary, t tokens so far, L tokens of one answer, Y an answer, |Y| its length with EOS.

Greedy generation takes the best token of each step and cannot go back; the best *answer* may begin with the
second best token:

    BOS ─┬─ a 0.6 ─┬─ EOS 0.55      P(a EOS) = 0.6 · 0.55 = 0.33    what greedy says
         │         └─ c   0.45
         └─ b 0.4 ─┬─ EOS 0.9       P(b EOS) = 0.4 · 0.9 = 0.36     what a beam of width 2 finds
                   └─ c   0.1

Beam search keeps the `width` best beginnings of every sentence:

    3 rows of one sentence, after 2 tokens:
                    BOS h e        ─ decoder, one call ─→   R × V continuations
                    BOS h a                                    │ per sentence the best (width − finished)
                    BOS l e                                    ├─ EOS:  finished, kept for good
                                                               └─ else: live in the next step

A finished answer leaves the beam, and its place stays empty: with 2 of 5 finished, 3 are live. So the beam
shrinks until nothing is left. With width = 1 all this is greedy generation. A wider beam usually finds better
answers, but not always (exercise 1).

Not here: the choice of one token (generate.py); a penalty for source tokens that were not attended to.
"""

from typing import NamedTuple

import numpy as np

from .activations import log_softmax
from .checks import check_size, is_number, shown
from .config import Config
from .data import BOS, EOS, check_source
from .generate import answer_limit
from .seq2seq import check_params, decode_forward, encode_forward
from .trees import tree_map


class Hypothesis(NamedTuple):
    """One answer to one source. Without an EOS at its end it ran into the limit."""

    tokens: np.ndarray  # (L,) ids
    log_probability: float  # log P(Y | source) in nats
    score: float  # the same over the length penalty; higher is better
    weights: np.ndarray | None  # (L, S) attention, a row for each token; None where nothing attends


class _Live(NamedTuple):
    """The hypotheses that are still being written, sentence by sentence; all are equally long."""

    sentence: np.ndarray  # (R,) ascending
    log_probability: np.ndarray  # (R,)
    state: tuple  # the decoder's, R rows
    tokens: np.ndarray  # (R, 1 + t), BOS first
    weights: np.ndarray | None  # (R, t, S)


def generate_beam(source: np.ndarray, mask: np.ndarray, params: dict, config: Config, width: int = 5,
                  alpha: float = 0.6, max_length: int | None = None) -> list[list[Hypothesis]]:
    """For each sentence the `width` best answers that the beam has found, best first.

        log P(Y) = Σ_t log p(y_t | y_1 … y_{t−1}, source)       what the beam keeps the best of
        score(Y) = log P(Y) / lp(Y)                             what the answers are sorted by

    The search never sees alpha: it changes the order of the answers, not which ones are found.

    Args:
        source:     (B, S) token ids.
        mask:       (B, S) boolean.
        width:      hypotheses per sentence, the finished ones included.
        alpha:      of length_penalty: 0 sorts by log probability, a larger one favours longer answers.
        max_length: the limit in tokens, EOS included; by default as generate_greedy.
    Returns:
        list of B lists of Hypothesis; fewer than width only where there are no more answers.
    Raises:
        TypeError, ValueError: as generate_greedy; width not a positive integer, an alpha that
            length_penalty does not take.
    Source: Sutskever et al. (2014), section 3.2: an answer leaves the beam with its EOS; that its place stays
        empty is a choice made here. Score: Wu et al. (2016), equation 14. Deviations: no coverage
        penalty; no pruning by a distance from the best; answers cut off by the limit are returned beside the
        finished ones.
    """
    check_source(source, mask, config)
    check_params(params, config)
    check_size("width", width)
    length_penalty(1, alpha)  # raises before the search
    limit = answer_limit(mask, max_length)
    live, seen = _start(source, mask, params, config)
    wanted = np.full(len(source), int(width))
    answers = [[] for _ in source]
    while len(live.sentence):
        live = _grow(live, wanted, seen, params, config)
        ended = live.tokens[:, -1] == EOS
        over = ended | (live.tokens.shape[1] - 1 >= limit[live.sentence])  # BOS is no token of the answer
        _collect(_take(live, over), alpha, answers)
        wanted -= np.bincount(live.sentence[ended], minlength=len(wanted))  # width − answers that ended
        live = _take(live, ~over)
    return [sorted(found, key=lambda answer: answer.score, reverse=True) for found in answers]


def length_penalty(length, alpha):
    """What log P(Y) is divided by, so that a long answer is not worse for its length alone.

        lp(Y) = (5 + |Y|)^α / (5 + 1)^α     |Y| counts EOS

    With α = 0 there is no penalty; the 5 is the paper's choice. With α = 1 an answer of 7 tokens with the
    probability e^−4 gets the same score as one of a single token with e^−2:

        >>> -4 / length_penalty(7, alpha=1.0), -2 / length_penalty(1, alpha=1.0)     # −4 / (12/6), −2 / (6/6)
        (-2.0, -2.0)

    Raises:
        ValueError: α not in [0, 20]; beyond that, lp of a long answer is no longer a number. A length that is
            no integer, or negative.
    Source: Wu et al. (2016), equation 14.
    """
    if not (is_number(alpha) and 0 <= alpha <= 20):
        raise ValueError(f"alpha must be in [0, 20], got {shown(alpha)}; 0.6 to 1 is usual")
    if np.asarray(length).dtype.kind not in "iu" or np.any(length < 0):
        raise ValueError(f"length must be a number of tokens, 0 or more; got {shown(length)}")
    return ((5 + length) / (5 + 1)) ** alpha


def _start(source, mask, params, config):
    """One live hypothesis per sentence, BOS; and what the decoder looks at."""
    state, seen, _ = encode_forward(source, mask, params, config)
    B, S = source.shape
    nothing = np.zeros((B, 0, S), config.dtype)  # no row of weights yet
    return _Live(np.arange(B), np.zeros(B), state, np.full((B, 1), BOS), nothing), seen


def _grow(live, wanted, seen, params, config):
    """One step of the decoder for all rows together, and the best continuations of each sentence."""
    rows = _take(seen, live.sentence)  # a state belongs to a hypothesis, what is seen to its sentence
    logits, weight, state, _ = decode_forward(live.tokens[:, -1:], live.state, rows, params, config)
    # sums of many logarithms, compared with each other: in float32 different ones could become equal
    log_p = log_softmax(logits[:, 0].astype(float))[:, EOS:]  # over all V, but PAD and BOS are never chosen
    total = live.log_probability[:, None] + log_p
    row, choice = _best(total, live.sentence, wanted)
    weights = None if weight is None else np.concatenate([live.weights, weight], axis=1)
    parents = _take(live._replace(state=state, weights=weights), row)
    tokens = np.concatenate([parents.tokens, EOS + choice[:, None]], axis=1)
    return parents._replace(log_probability=total[row, choice], tokens=tokens)


def _best(total, sentence, wanted):
    """Rows and columns of the wanted[b] largest numbers of sentence b, best first; of equals the earlier.

    The drawing above, one step on: rows a and b, columns EOS and c.

        >>> rows, columns = _best(np.log([[0.33, 0.27], [0.36, 0.04]]), np.array([0, 0]), [2])
        >>> rows.tolist(), columns.tolist()         # b EOS, then a EOS
        ([1, 0], [0, 0])

    Args:
        total:    (R, K).
        sentence: (R,) of each row, ascending.
        wanted:   (B,).
    Returns:
        rows, columns: of the numbers chosen.
    """
    rows, columns, stop = [], [], 0
    for its_rows, count in zip(np.bincount(sentence, minlength=len(wanted)), wanted):
        start, stop = stop, stop + its_rows
        order = (-total[start:stop]).ravel().argsort(kind="stable")[:count]
        rows.append(start + order // total.shape[1])  # flat place = row · K + column
        columns.append(order % total.shape[1])
    return np.concatenate(rows), np.concatenate(columns)


def _take(tree, rows):
    """Some of the rows of every array, by their numbers or by a mask; nobody looks inside a state."""
    return tree_map(lambda array: array[rows], tree)


def _collect(live, alpha, answers):
    """Append every row to the answers of its sentence, in place."""
    penalty = length_penalty(live.tokens.shape[1] - 1, alpha)
    for n, (b, log_p) in enumerate(zip(live.sentence, live.log_probability)):
        weights = None if live.weights is None else live.weights[n]
        answers[b].append(Hypothesis(live.tokens[n, 1:], float(log_p), float(log_p / penalty), weights))


# Exercises
# 1. Find a model and a width for which the wider beam's best answer is less probable than greedy's. Why can a
#    beam lose what a single hypothesis finds?
# 2. Stop a sentence as soon as no live hypothesis can overtake its best answer any more. Which bound on the
#    score of a live one holds for alpha = 0, and which for alpha > 0?
# 3. Add the coverage penalty of Wu et al., equation 14, from `weights`. Which decoders cannot have one?
# 4. Write this chapter again: `python -m numpy_seq2seq.homework make DIR --set beam-search`.
