"""What the programs on strings of letters share: their figures and claims, and a prompt."""

import numpy as np

from numpy_seq2seq import generate_greedy, make_source, show
from numpy_seq2seq.data import EOS
from numpy_seq2seq.tasks import right_places

from .report import AMONG, Claim, by_group, judge


def judge_strings(task, run, pairs):
    """A Result from a Run and held-out pairs of strings, with the figures of strings."""
    result, lengths = judge(run, pairs), [len(source) for source, _ in pairs]
    longest = max(len(target) for _, target in pairs)
    return result._replace(more={
        "exact_by_length": by_group(result.right, lengths),
        "accuracy_by_position": accuracy_by_position(result, longest).tolist(),
        "alignment_accuracy": None if result.maps is None else alignment_accuracy(task, result),
    })


def string_claims(results):
    """What a run should show of each model, each with its threshold."""
    for result in results:
        name, attends, found = result.run.name, result.maps is not None, result.more
        length, exact = list(found["exact_by_length"].items())[-1]
        bound = 0.97 if attends else 0.5
        yield Claim(f"{name}: strings of length {length} that are right", exact, bound, not attends)
        if attends:
            share = found["alignment_accuracy"]
            yield Claim(f"{name}: letters whose largest weight is on their source", share, 0.9)
        else:
            letters = found["accuracy_by_position"] or [0.0]  # of the empty string no letter can be lost
            lost = letters[0] - letters[-1]
            yield Claim(f"{name}: letters lost from the first position to the last", lost, 0.3)


def accuracy_by_position(result, length):
    """(length,) share of targets of one length whose symbol at each position is right."""
    of = [(said, target) for said, (_, target) in zip(result.said, result.pairs) if len(target) == length]
    right = [[t < len(said) and said[t] == target[t] for t in range(length)] for said, target in of]
    return np.mean(right, axis=0)


def alignment_accuracy(task, result):
    """Share of output letters whose largest weight lies on the source letter that they come from."""
    hits = []
    for (source, _), weights in zip(result.pairs[:AMONG], result.maps):
        places = right_places(task, source)[: len(weights)]
        hits += list(weights[: len(places)].argmax(axis=1) == places)
    return float(np.mean(hits)) if hits else 0.0


def spell(run, line):
    """A string decoded token by token, with the weights of each step. Raises ValueError for an odd letter."""
    vocabulary = run.vocabularies[0]
    if odd := next((c for c in line if c not in vocabulary.ids), None):
        raise ValueError(f"{odd!r} is not in the alphabet {''.join(vocabulary.ids)!r}")
    tokens, weights = generate_greedy(*make_source([line], vocabulary), run.params, run.config)
    lines = [" " * 12 + "".join(show.fit(symbol, 3) for symbol in [*line, show.EOS_SIGN])]
    for t, token in enumerate(tokens[0]):
        symbol = show.EOS_SIGN if token == EOS else vocabulary.symbols[token]
        row = "" if weights is None else show.attention_row(weights[0, t], 3)
        lines.append(f"step {t + 1:>3}  {show.fit(symbol, 2)}{row}")
    return "\n".join([*lines, f"answer: {''.join(vocabulary.decode(tokens[0]))}"])
