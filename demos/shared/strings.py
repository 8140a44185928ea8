"""What the programs on strings of letters share: their figures, and a prompt."""

import sys

import numpy as np

from numpy_seq2seq import show
from numpy_seq2seq.data import EOS, make_source
from numpy_seq2seq.generate import generate_greedy
from numpy_seq2seq.tasks import right_places

from .program import prompts, say
from .report import AMONG, by_group, figures


def string_figures(task, result):
    """What one model reached on strings, as a dict for tables and JSON."""
    lengths = [len(source) for source, _ in result.pairs]
    return {
        **figures(result),
        "exact_by_length": by_group(result, lengths),
        "accuracy_by_position": accuracy_by_position(result, max(lengths)).tolist(),
        "alignment_accuracy": None if result.maps is None else alignment_accuracy(task, result),
    }


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
    return float(np.mean(hits))


def talk(run):
    """Read strings and decode them token by token. Returns 2 if one from a script is refused."""
    status, (vocabulary, _) = 0, run.vocabularies
    say("\nType a string and Enter; an empty line decodes the empty string, Ctrl-D ends.")
    for line in prompts():
        try:
            source, mask = make_source([line], vocabulary)
        except ValueError:
            odd = next(c for c in line if c not in vocabulary.ids)
            print(f"error: {odd!r} is not in the alphabet {''.join(vocabulary.ids)!r}", file=sys.stderr)
            status = 0 if sys.stdin.isatty() else 2
            continue
        tokens, weights = generate_greedy(source, mask, run.params, run.config)
        say(" " * 12 + "".join(show.fit(symbol, 3) for symbol in [*line, show.EOS_SIGN]))
        for t, token in enumerate(tokens[0]):
            symbol = show.EOS_SIGN if token == EOS else vocabulary.symbols[token]
            row = "" if weights is None else show.attention_row(weights[0, t], 3)
            say(f"step {t + 1:>3}  {show.fit(symbol, 2)}{row}")
        say(f"answer: {''.join(vocabulary.decode(tokens[0]))}")
    return status
