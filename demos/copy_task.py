"""Copy strings of random letters, with attention and without it: `python -m demos.copy_task`.

Two models with the same encoder see the same strings, as in reverse_task.py. Three things differ: the task,
400 steps, and an encoder that reads in both directions. A copy begins with the first letter; the run
from right to left reads it last, and so remembers it best. Takes about 10 seconds.

Look at "Accuracy by output position": here too, what is written last is lost first without attention.
"""

from numpy_seq2seq import Vocabulary, draw_pairs, make_batch

from . import shared


def main(arguments=None):
    """Train, show, and perhaps talk; returns the exit status."""
    # The command line: options of every demo, of the models, and of the strings.
    command = shared.parser("copy_task", __doc__)
    shared.add_common_options(command, seed=0, steps=400, hidden=64, html="attention maps")
    shared.add_model_options(command, directions=2)
    shared.add_string_options(command)
    options = shared.settle_options(command.parse_args(arguments))

    # Strings, fresh ones for training and held-out ones.
    letters = Vocabulary(options.alphabet)

    def draw(rng, count, held_out=False):
        return draw_pairs("copy", rng, count, options.lengths, options.alphabet, held_out)

    held_out = draw(shared.held_out_stream(options.seed), 200 if options.quick else 2000, held_out=True)

    # Two models that differ in their decoder alone; shared.fit_each trains them as reverse_task.py says.
    def batch(rng):
        return make_batch(draw(rng, 64), letters, letters)

    models = shared.with_and_without_attention(options)
    data = {"task": "copy", "lengths": options.lengths, "alphabet": options.alphabet}
    runs = shared.fit_each(models, batch, options, (letters, letters), data, sample=held_out[:64])

    # What they make of the held-out strings.
    results = [shared.judge_strings("copy", run, held_out) for run in runs]
    mapped = shared.longest(held_out)  # which of the strings are shown with a map
    title = f"Accuracy by output position, length {max(len(source) for source, _ in held_out)}"
    parts = [
        shared.summary(f"On {len(held_out):,} held-out strings", results),
        shared.examples(results, shared.short_to_long(held_out, 6)),
        shared.shares("Exact match by length", results, "exact_by_length"),
        shared.bars(title, "position", results, "accuracy_by_position"),
        shared.example_map(results[0], mapped),
    ]
    status = shared.conclude("copy", options, parts, results, shared.string_claims(results), mapped)
    if options.interactive and not status:
        said = "Type a string and Enter; an empty line decodes the empty string, Ctrl-D ends."
        status = shared.talk(said, lambda line: shared.spell(runs[0], line))
    return status


if __name__ == "__main__":
    shared.run(main)
