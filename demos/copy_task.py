"""Copy strings of random letters, with attention and without it: `python -m demos.copy_task`.

Two models with the same encoder see the same strings in the same order and take the same number of steps.
At each output step the decoder of one looks back at every state of the encoder. The decoder of the other
gets one fixed vector, the encoder's last state, and nothing else. Then both are shown on strings that never
occur in training. Takes about 10 seconds.

A copy begins with the letter that was read first, which is the farthest from the end of the source. The
encoder therefore reads in both directions.
"""

from numpy_seq2seq import Config, Vocabulary, draw_pairs, make_batch

from . import shared
from .shared import Claim


def main(arguments=None):
    """Train, show, and perhaps talk; returns the exit status."""
    command = shared.parser("copy_task", __doc__)
    shared.add_common_options(command, seed=0, steps=400, hidden=64, html="attention maps")
    shared.add_model_options(command, directions=2)
    shared.add_string_options(command)
    options = shared.settle_options(command.parse_args(arguments))

    # Strings: fresh ones for each batch of the training, and some that it never draws.
    letters = Vocabulary(options.alphabet)

    def draw(rng, count, held_out=False):
        return draw_pairs("copy", rng, count, options.lengths, options.alphabet, held_out)

    held_out = draw(shared.held_out_stream(options.seed), 200 if options.quick else 2000, held_out=True)

    # Two models, trained one after the other on the same batches.
    V, configs = len(letters), {}
    for name, choices in shared.with_and_without_attention(options).items():
        configs[name] = Config(V, V, hidden_size=options.hidden, **choices)
    data = {"task": "copy", "lengths": options.lengths, "alphabet": options.alphabet}
    runs = shared.fit_each(configs, lambda rng: make_batch(draw(rng, 64), letters, letters), options,
                           (letters, letters), data, sample=held_out[:64])

    # What they make of the held-out strings: tables, accuracy by position, a map.
    results = [shared.judge(run, held_out) for run in runs]
    found = [shared.string_figures("copy", result) for result in results]
    length = max(found[0]["exact_by_length"])
    positions = [dict(enumerate(f["accuracy_by_position"], 1)) for f in found]
    parts = [
        shared.summary(f"On {len(held_out):,} held-out strings", results),
        shared.examples(results, shared.short_to_long(held_out, 6)),
        shared.shares("Exact match by length", results, [f["exact_by_length"] for f in found]),
        shared.bars(f"Accuracy by output position, length {length}", "position", results, positions),
        shared.example_map(results[0], shared.longest(held_out)),
    ]
    claims = [claim for result, f in zip(results, found) for claim in claimed(result, f, length)]
    status = shared.conclude("copy", options, parts, results, found, claims, shared.longest(held_out))
    return status or (shared.talk(runs[0]) if options.interactive else 0)


def claimed(result, f, length):
    """What this run should show of one model, each with its threshold."""
    name, exact, letters = result.run.name, f["exact_by_length"][length], f["accuracy_by_position"]
    if result.maps:
        yield Claim(f"{name}: strings of length {length} that are right", exact, 0.97)
        yield Claim(f"{name}: letters whose largest weight is on their source", f["alignment_accuracy"], 0.9)
    else:
        yield Claim(f"{name}: strings of length {length} that are right", exact, 0.5, at_most=True)
        lost = letters[0] - letters[-1]
        yield Claim(f"{name}: letters lost from the first position to the last", lost, 0.3)


if __name__ == "__main__":
    shared.run(main)
