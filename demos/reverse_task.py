"""Reverse strings of random letters, with attention and without it: `python -m demos.reverse_task`.

Two models with the same encoder see the same strings in the same order and take the same number of steps.
At each output step the decoder of one looks back at every state of the encoder. The decoder of the other
gets one fixed vector, the encoder's last state, and nothing else. Then both are tested on strings that never
occur in training. Takes about 10 seconds.

Look at "Exact match by length": with attention it stays near 100%, with the fixed vector it falls.
"""

from numpy_seq2seq import Vocabulary, draw_pairs, make_batch

from . import shared


def main(arguments=None):
    """Train, show, and perhaps talk; returns the exit status."""
    # The command line: options of every demo, of the models, and of the strings.
    command = shared.parser("reverse_task", __doc__)
    shared.add_common_options(command, seed=0, steps=300, hidden=64, html="attention maps")
    shared.add_model_options(command, directions=1)
    shared.add_string_options(command)
    options = shared.settle_options(command.parse_args(arguments))

    # Strings: fresh ones for each batch of the training; and held-out ones. A checksum of the string decides
    # which it is (tasks.is_held_out), so the training never draws a held-out one.
    letters = Vocabulary(options.alphabet)

    def draw(rng, count, held_out=False):
        return draw_pairs("reverse", rng, count, options.lengths, options.alphabet, held_out)

    held_out = draw(shared.held_out_stream(options.seed), 200 if options.quick else 2000, held_out=True)

    # Two models that differ in their decoder alone: "luong" attends, "fixed" does not. Except for the
    # progress line and the checkpoints, shared.fit_each does this for each of them, on the same batches:
    #
    #     batches = (batch(rng) for _ in range(steps))
    #     rate = lambda step: warmup_cosine(step, steps, peak=0.01, warmup=50)
    #     config = Config(len(letters), len(letters), hidden_size=64, decoder="luong")
    #     params = seq2seq_init(rng, config)
    #     for report in train(params, adam_init(params), config, batches, steps, rate):
    #         print(report.step, report.loss)
    #
    # 64 held-out strings are tried on the way, for the progress line; nothing is chosen by them. `data` goes
    # into the checkpoint, so that a training is resumed with the same strings only.
    def batch(rng):
        return make_batch(draw(rng, 64), letters, letters)

    models = shared.with_and_without_attention(options)
    data = {"task": "reverse", "lengths": options.lengths, "alphabet": options.alphabet}
    runs = shared.fit_each(models, batch, options, (letters, letters), data, sample=held_out[:64])

    # What they make of the held-out strings: tables, accuracy by position, a map; and claims: numbers
    # that this run should reach (they do not change the exit status). conclude prints all of it, and writes
    # --json and --html where that was asked for.
    results = [shared.judge_strings("reverse", run, held_out) for run in runs]
    mapped = shared.longest(held_out)  # indices of the longest strings, for the maps
    title = f"Accuracy by output position, length {max(len(source) for source, _ in held_out)}"
    parts = [
        shared.summary(f"On {len(held_out):,} held-out strings", results),
        shared.examples(results, shared.short_to_long(held_out, 6)),
        shared.shares("Exact match by length", results, "exact_by_length"),
        shared.bars(title, "position", results, "accuracy_by_position"),
        shared.example_map(results[0], mapped),
    ]
    status = shared.conclude("reverse", options, parts, results, shared.string_claims(results), mapped)
    if options.interactive and not status:
        said = "Type a string and Enter; an empty line decodes the empty string, Ctrl-D ends."
        status = shared.talk(said, lambda line: shared.spell(runs[0], line))
    return status


if __name__ == "__main__":
    shared.run(main)
