"""The models of the road, and what is trained.

Not here: what is measured without training (chains.py); tables and claims (report.py).
"""

from typing import NamedTuple

from numpy_seq2seq import Config, Vocabulary, draw_pairs, make_batch, seq2seq_init
from numpy_seq2seq.tasks import LETTERS

from .. import shared
from ..bottleneck.measures import gradient_map


class Rung(NamedTuple):
    """One model of the road, or beside it."""

    choices: dict  # of a Config
    least: float | None  # claimed share of its longest strings that are right; None: at most 5%
    task: str = "reverse"
    longest: int = 20  # string in training


GRU, ATTENTION = {"cell": "gru"}, {"encoder": "transformer", "layers": 2}
UNPLACED = {**ATTENTION, "decoder": "transformer", "source_positions": False}
ROAD = {
    "fixed vector": Rung({**GRU, "decoder": "fixed"}, None),
    "luong": Rung({**GRU, "decoder": "luong"}, 0.9),
    "self-attending encoder": Rung({**GRU, **ATTENTION, "decoder": "luong"}, 0.97),
    "transformer": Rung({**ATTENTION, "decoder": "transformer"}, 0.97),
    "its encoder, one vector": Rung({**GRU, **ATTENTION, "decoder": "fixed"}, None),
}
BESIDE = {
    "sort, no positions": Rung(UNPLACED, 0.95, "sort", 10),
    "reverse, no positions": Rung(UNPLACED, None, "reverse", 10),
}
SHOWN, COUNT = (1, 5, 10, 15, 20, 21, 22, 25, 30), 200  # lengths of held-out strings, and how many of each
COSTS = "parameters", "steps", "seconds", "steps_to_99"
OUTPUTS = 1, 5, 10, 15, 20  # of the longest strings
ALPHABET = Vocabulary(LETTERS)


def config_of(rung, options):
    V, H = len(ALPHABET), options.hidden
    return Config(V, V, H, H, **rung.choices)


def held_out(rung, options, count, length):
    """So many pairs of one length; the same ones at each call."""
    rng = shared.held_out_stream(options.seed)
    return draw_pairs(rung.task, rng, count, (length, length), held_out=True)


def train(options):
    """{name: Result} of every model, until one is stopped."""
    results = {}
    for name, rung in (ROAD | BESIDE).items():
        run = _fit(name, rung, options)
        count = COUNT // 20 if options.quick else COUNT
        results[name] = shared.judge(run, [pair for n in SHOWN for pair in held_out(rung, options, count, n)])
        right = figures(results[name])["exact_by_length"][rung.longest]
        shared.say(f"{name}: {shared.percent(right)} of the strings of {rung.longest} letters are right")
        if run.stopped:
            break
    return results


def tag(name):
    """What stands in the name of a model's file; nothing for the first model."""
    return "" if name == next(iter(ROAD)) else name.replace(",", "").replace(" ", "_")


def _fit(name, rung, options):
    data = {"task": rung.task, "lengths": (1, rung.longest)}

    def draw(rng, **held):
        return draw_pairs(rng=rng, count=shared.BATCH, **data, **held)

    def batch(rng):
        return make_batch(draw(rng), *letters)

    letters, config = (ALPHABET, ALPHABET), config_of(rung, options)
    sample = draw(shared.held_out_stream(options.seed), held_out=True)
    return shared.fit(f"{name:<24}", config, batch, options, letters, data, sample=sample, tag=tag(name))


def figures(result):
    """What one model costs, and its share of right strings of each length, as a dict."""
    known = shared.figures(result)
    by_length = shared.by_group(result.right, [len(source) for source, _ in result.pairs])
    return {name: known[name] for name in COSTS} | {"exact_by_length": by_length}


def gradient_shares(rung, options):
    """Before training: {output: share of its gradient that reaches the letter it repeats}.

    1 is the share of a token where all of them have the same. The first output repeats the letter read last,
    the last output the letter read first.
    """
    config, longest = config_of(rung, options), rung.longest
    params = seq2seq_init(shared.random_streams(options.seed, 4)[0], config)
    batch = make_batch(held_out(rung, options, 32, longest), ALPHABET, ALPHABET)
    shares = gradient_map(batch, params, config).values
    return {t: float(shares[t - 1, longest - t] * shares.shape[1]) for t in OUTPUTS}
