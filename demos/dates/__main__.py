"""Dates as people write them to ISO 8601: attention beside the fixed vector. Run `python -m demos.dates`.

The language and its rules are in language.py. Both models have the same encoder, see the same
dates in the same order and take the same number of steps. All figures are on days that never occur in
training.
"""

from typing import NamedTuple

from numpy_seq2seq import show
from numpy_seq2seq.config import Config
from numpy_seq2seq.data import Batch, Vocabulary, make_batch
from numpy_seq2seq.decoders import DECODERS
from numpy_seq2seq.seq2seq import parameter_count
from numpy_seq2seq.training import Evaluation, evaluate

from ..shared.options import add_common_options, finish, parser, random_streams, run, settle_options
from ..shared.fit import BATCH, Run, fit, in_turn
from .language import ISO_LETTERS, LETTERS, PATTERNS, draw_pairs

READS, WRITES = Vocabulary(LETTERS), Vocabulary(ISO_LETTERS)
EMBEDDING, DIRECTIONS, WARMUP = 32, 2, 100
HELD_OUT, EXAMPLES, LONGEST = 4000, 10, 12
PARTS = {"year": slice(0, 4), "month": slice(5, 7), "day": slice(8, 10)}  # of the answer 2005-04-03


class Result(NamedTuple):
    """One trained model, and how it does on held-out days."""

    run: Run
    pairs: list
    batch: Batch
    evaluation: Evaluation


def main(arguments=None):
    """Train, show, perhaps write; returns the exit status."""
    given = read_options(arguments)
    decoders = dict.fromkeys([given.decoder, "fixed"])
    results = in_turn(lambda decoder, beside: train_one(decoder, given, beside), decoders, given)
    finish(given, report(results), as_json(given.seed, results), lambda: page(results[0]))
    return 0


def read_options(arguments):
    options = parser(
        "dates",
        "Read dates as people write them, 'SUN, Apr 3rd, '05', and write the day in ISO 8601, 2005-04-03.\n\n"
        f"{len(PATTERNS)} patterns, letter by letter. Trains two models with the same encoder on the same\n"
        "dates: one whose decoder attends, and one that gets the encoder's last state and nothing else.\n"
        "Then shows both on days that never occur in training. Takes about a minute.",
        "Ctrl-C ends the training and shows what there is.",
    )
    add_common_options(options, seed=0, steps=1800, hidden=64, cell="lstm", decoder="luong", score=None,
                       html="attention maps")
    given = options.parse_args(arguments)
    settle_options(given)
    return given


def train_one(decoder, given, beside=""):
    """Train one model and evaluate it; the same seed gives every model the same dates."""
    attends = DECODERS[decoder].attends
    score = given.score if attends else None
    config = Config(len(READS), len(WRITES), EMBEDDING, given.hidden, given.cell, decoder, score, DIRECTIONS)
    kept = random_streams(given.seed, 3)[2]
    pairs = draw_pairs(kept, HELD_OUT // 10 if given.quick else HELD_OUT, held_out=True)
    name = "attention" if attends else f"{decoder} vector"
    trained = fit(
        name, config, lambda rng: make_batch(draw_pairs(rng, BATCH), READS, WRITES), given.steps, given,
        glance=None if given.quick else make_batch(pairs[: 2 * BATCH], READS, WRITES), warmup=WARMUP,
        vocabularies=(READS, WRITES), beside=beside,
    )  # fmt: skip
    batch = make_batch(pairs, READS, WRITES)
    return Result(trained, pairs, batch, evaluate(trained.params, config, batch))


# ---- figures -----------------------------------------------------------------------------------------------


def part_accuracy(result):
    """dict: year, month, day -> share of answers in which all its digits are right."""
    right = result.evaluation.right
    return {part: float(right[:, where].all(axis=1).mean()) for part, where in PARTS.items()}


def figures(result):
    """What one model reached, as a dict for tables and JSON."""
    run, evaluation = result.run, result.evaluation
    return {
        "decoder": run.config.decoder,
        "score": run.config.score,
        "parameters": parameter_count(run.params),
        "steps": run.steps,
        "seconds": run.seconds,
        "seconds_to_99": run.seconds_to_99,
        "loss": evaluation.loss,
        "token_accuracy": evaluation.token_accuracy,
        "exact_match": evaluation.exact_match,
        "part_accuracy": part_accuracy(result),
    }


def as_json(seed, results):
    """The first model's figures, and those of the model beside it under its decoder's name."""
    first, *others = map(figures, results)
    beside = {other["decoder"]: other for other in others}
    return {"task": "dates", "seed": seed, "patterns": len(PATTERNS), **first, **beside}


# ---- what a person sees ------------------------------------------------------------------------------------


def report(results):
    """Everything about the models as text, the same examples for each."""
    parts = [summary(results), examples(results), mistakes(results)]
    if results[0].evaluation.weights is not None:
        source, output, weights = tokens(results[0], longest(results[0])[0])
        title = "Where it looks while it writes: source across, output down\n"
        parts.append(title + show.attention_map(weights, source, output))
    return "\n\n".join(["", *parts, conclusions(results)])


def summary(results):
    shown = list(map(figures, results))
    rows = [
        ("parameters", *(f"{f['parameters']:,}" for f in shown)),
        ("training steps", *(f["steps"] for f in shown)),
        ("seconds", *(f"{f['seconds']:.1f}" for f in shown)),
        ("exact match", *(f"{f['exact_match']:.2%}" for f in shown)),
        *((f"{part} right", *(f"{f['part_accuracy'][part]:.2%}" for f in shown)) for part in PARTS),
        ("loss, nats per token", *(f"{f['loss']:.4f}" for f in shown)),
    ]
    head = f"On {len(results[0].pairs):,} dates, days held out"
    return show.table((head, *(r.run.name for r in results)), rows)


def answer(result, n):
    """What the model writes for held-out date n; cut short if it finds no end."""
    said = "".join(WRITES.decode(result.evaluation.tokens[n]))
    return said if len(said) <= LONGEST else said[: LONGEST - 1] + "…"


def examples(results, numbers=range(EXAMPLES)):
    """source, wanted, and what each model says; a mark behind each."""
    rows = []
    for n in numbers:
        source, target = results[0].pairs[n]
        said = [answer(r, n) for r in results]
        rows.append((source, target, *(f"{s} {'✓' if s == target else '✗'}" for s in said)))
    return show.table(("src", "want", *(f"got: {r.run.name}" for r in results)), rows)


def mistakes(results):
    """A few more dates, of those that some model gets wrong; the first model's own before the others'."""
    wrong = [n for r in results for n in range(EXAMPLES, len(r.pairs)) if answer(r, n) != r.pairs[n][1]]
    if not wrong:
        return "No model gets any other date wrong."
    return "Some that are wrong\n" + examples(results, list(dict.fromkeys(wrong))[:EXAMPLES])


def longest(result):
    """Numbers of a few held-out dates, the longest first."""
    return sorted(range(200), key=lambda n: -len(result.pairs[n][0]))[:6]


def tokens(result, n):
    """Source and output of held-out date n as tokens, and the map between them, without padding."""
    source = [*result.pairs[n][0].replace(" ", "·"), show.EOS_SIGN]
    row = result.evaluation.tokens[n]
    output = WRITES.decode(row)
    output += [show.EOS_SIGN] * (len(output) < len(row))
    return source, output, result.evaluation.weights[n][: len(output), : len(source)]


def conclusions(results):
    """What the figures of this run say, whichever way they fall."""
    exact = [(r.run.name, r.evaluation.exact_match) for r in results]
    lines = [f"{name.capitalize()}: {share:.2%} of the held-out dates are right." for name, share in exact]
    if len(results) == 2:
        first, second = (1 - r.evaluation.exact_match for r in results)
        names = [r.run.name for r in results]
        if first > 0:
            lines.append(f"For each mistake of {names[0]} there are {second / first:.1f} of {names[1]}.")
        shares = part_accuracy(results[1])
        part, other = sorted(shares, key=shares.get)[:2]
        if shares[part] < shares[other]:
            lines.append(f"The {names[1]} has most trouble with the {part}: {shares[part]:.2%} are right.")
    return "\n".join(lines)


def page(result):
    """The longest few held-out dates as a page with sliders."""
    config = result.run.config
    note = (
        f"{config.cell}, {config.decoder}, {config.score}; {result.run.steps} steps; exact match "
        f"{result.evaluation.exact_match:.2%} on held-out days. Move a slider: at each step the decoder "
        "looks back at the whole date, and the shade shows where it looks."
    )
    return show.attention_page("Attention on dates", note, [tokens(result, n) for n in longest(result)])


if __name__ == "__main__":
    run(main)
