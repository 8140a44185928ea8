"""Dates as people write them to ISO 8601, letter by letter: `python -m demos.dates`.

    SUN, Apr 3rd, '05   ->   2005-04-03

language.py has the hundreds of patterns and their rules. Two models with the same encoder see the same
dates in the same order and take the same number of steps: the decoder of one attends, the other's gets the
encoder's last state and nothing else. Both are shown on days that never occur in training. Takes about a
minute.
"""

from numpy_seq2seq import Vocabulary, make_batch

from .. import shared
from ..shared import Claim
from .language import ISO_LETTERS, LETTERS, PATTERNS, draw_pairs

READS, WRITES = Vocabulary(LETTERS), Vocabulary(ISO_LETTERS)
HELD_OUT, EXAMPLES, WARMUP = 4000, 10, 100
TRANSFORMER_PEAK = 7e-3  # with the 2e-3 of the other programs it is right in 94 to 97 of 100, with this in 99
PARTS = {"year": slice(0, 4), "month": slice(5, 7), "day": slice(8, 10)}  # of the answer 2005-04-03
FIGURES = [(f"{part} right", f"part_accuracy.{part}", "{:.2%}") for part in PARTS]


def main(arguments=None):
    """Train, show, perhaps write; returns the exit status."""
    options = read_options(arguments)
    results = train(options)
    numbers = shared.longest(results[0].pairs)
    parts = [
        shared.summary(f"On {len(results[0].pairs):,} dates, days held out", results, *FIGURES),
        shared.examples(results, range(EXAMPLES)),
        mistakes(results),
        shared.example_map(results[0], numbers),
    ]
    return shared.conclude("dates", options, parts, results, claimed(results), numbers)


def read_options(arguments):
    command = shared.parser("dates", __doc__)
    shared.add_common_options(command, seed=0, steps=1800, hidden=64, html="attention maps")
    shared.add_model_options(command, directions=2)
    return shared.settle_options(command.parse_args(arguments))


def train(options):
    """Train both models and ask them for held-out days; returns a list of Result."""
    count = HELD_OUT // 10 if options.quick else HELD_OUT
    held_out = draw_pairs(shared.held_out_stream(options.seed), count, held_out=True)
    runs = shared.fit_each(shared.with_and_without_attention(options), draw_batch, options, (READS, WRITES),
                           {"task": "dates"}, sample=held_out[: 2 * shared.BATCH], warmup=WARMUP,
                           transformer_peak=TRANSFORMER_PEAK)
    results = [shared.judge(run, held_out) for run in runs]
    return [r._replace(more={"patterns": len(PATTERNS), "part_accuracy": part_accuracy(r)}) for r in results]


def draw_batch(rng):
    return make_batch(draw_pairs(rng, shared.BATCH), READS, WRITES)


def part_accuracy(result):
    """dict: year, month, day -> share of answers in which all its digits are right."""
    pairs = [("".join(said), target) for said, (_, target) in zip(result.said, result.pairs)]
    right = {part: [said[where] == target[where] for said, target in pairs] for part, where in PARTS.items()}
    return {part: sum(shares) / len(shares) for part, shares in right.items()}


def claimed(results):
    """What this run should show, each with its threshold."""
    for result in results:
        attends = result.maps is not None
        text, bound = f"{result.run.name}: dates that are right", 0.995 if attends else 0.98
        yield Claim(text, float(result.right.mean()), bound, not attends, "{:.2%}")


def mistakes(results):
    """A few more dates, of those that some model gets wrong; the first model's own before the others'."""
    wrong = [n for result in results for n in range(EXAMPLES, len(result.pairs)) if not result.right[n]]
    if not wrong:
        return "No model gets any other date wrong."
    return "Some that are wrong\n" + shared.examples(results, list(dict.fromkeys(wrong))[:EXAMPLES])


if __name__ == "__main__":
    shared.run(main)
