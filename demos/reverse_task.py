"""Reverse strings, with attention and without it. Run `python -m demos.reverse_task`; `--help` has the options.

Two models with the same encoder see the same strings in the same order and take the same number of steps. At each
output step the decoder of the first one looks back at every state of the encoder. The decoder of the other gets
one fixed vector, the encoder's last state, and nothing else. Both are judged on strings that never occur in
training.
"""

from numpy_seq2seq import Config, Vocabulary, draw_pairs, make_batch

from . import shared
from .shared import Claim

ABOUT = """\
Reverse strings of random letters, with attention and without it.

Trains two models with the same encoder on the same strings for the same number of steps: one whose decoder
attends to every encoder state, and one that gets the encoder's last state and nothing else. Then shows both on
strings that never occur in training. Takes about 10 seconds."""


def main(arguments=None):
    """Train, show, and perhaps talk; returns the exit status."""
    command = shared.parser("reverse_task", ABOUT)
    shared.add_common_options(
        command, seed=0, steps=300, hidden=64, cell="lstm", decoder="luong", score=None, html="attention maps"
    )
    shared.add_string_options(command, directions=1)
    options = shared.settle_options(command.parse_args(arguments))
    letters = Vocabulary(options.alphabet)

    def draw(rng, count=shared.BATCH, held_out=False):  # (source, target) strings, fresh ones at each call
        return draw_pairs("reverse", rng, count, options.lengths, options.alphabet, held_out)

    configs = {}
    for name, choices in shared.with_and_without_attention(options).items():
        sizes = len(letters), len(letters), 32, options.hidden
        configs[name] = Config(*sizes, cell=options.cell, directions=options.directions, **choices)
    held_out = draw(shared.held_out_stream(options.seed), 200 if options.quick else 2000, held_out=True)
    runs = shared.fit_each(
        configs, lambda rng: make_batch(draw(rng), letters, letters), options, vocabularies=(letters, letters),
        data={"task": "reverse", "lengths": options.lengths, "alphabet": options.alphabet}, sample=held_out[:64],
    )
    results = [shared.judge(run, held_out) for run in runs]
    found = [shared.string_figures("reverse", result) for result in results]
    claims = list(claimed(results, found))
    text = report(results, found, claims)
    status = shared.finish(
        options, text, shared.as_json("reverse", options, found, claims),
        lambda: shared.attention_page("reverse", results[0], shared.longest(held_out)), runs[-1].stopped,
    )
    return status or (shared.talk(runs[0]) if options.interactive else 0)


def claimed(results, found):
    """What this run should show, each with its threshold."""
    for result, f in zip(results, found):
        name, n, (first, *_, last) = result.run.name, max(f["exact_by_length"]), f["accuracy_by_position"]
        if result.maps:
            yield Claim(f"{name}: strings of length {n} that are right", f["exact_by_length"][n], 0.97)
            yield Claim(f"{name}: the largest weight lies on the letter to be written", f["alignment_accuracy"], 0.9)
        else:
            yield Claim(f"{name}: strings of length {n} that are right", f["exact_by_length"][n], 0.5, at_most=True)
            yield Claim(f"{name}: starts right and goes wrong, from the first letter to the last", first - last, 0.3)


def report(results, found, claims):
    """Both models as text, the same examples for each."""
    pairs, n = results[0].pairs, max(found[0]["exact_by_length"])
    positions = [dict(enumerate(f["accuracy_by_position"], 1)) for f in found]
    parts = [
        shared.summary(f"On {len(pairs):,} held-out strings, {len(set(pairs)):,} different", results),
        shared.examples(results, shared.short_to_long(pairs, 6)),
        shared.shares("Exact match by length", results, [f["exact_by_length"] for f in found]),
        shared.bars(f"Accuracy by output position, strings of length {n}", "position", results, positions),
        shared.example_map(results[0], shared.longest(pairs)),
        shared.claims_table(claims),
    ]
    return "\n\n".join(["", *parts])


if __name__ == "__main__":
    shared.run(main)
