"""Every decoder and score on one task, or every cell: `python -m demos.models_compared`.

Trains all models on the same strings in the same order for the same number of steps. fixed and peeky have
to pass the source through one vector; the others attend. With --cells the model stays the same and its cell
changes: RNN, GRU, LSTM. Without attention the cell has to keep everything, so there the differences show;
with --cells luong they nearly vanish. Takes about a minute.
"""

from numpy_seq2seq import Vocabulary, draw_pairs, make_batch, show
from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.config import DECODERS, check_choice
from numpy_seq2seq.tasks import LETTERS, TASKS

from . import shared

MODELS = {  # choices of a Config, beside the cell; Bahdanau's encoder reads both ways, as in the paper
    "fixed": {"decoder": "fixed"},
    "peeky": {"decoder": "peeky"},
    "luong dot": {"decoder": "luong", "score": "dot"},
    "luong general": {"decoder": "luong", "score": "general"},
    "luong additive": {"decoder": "luong", "score": "additive"},
    "luong feeding": {"decoder": "luong_feeding", "score": "dot"},
    "bahdanau": {"decoder": "bahdanau", "score": "additive", "directions": 2},
    "transformer": {"encoder": "transformer", "decoder": "transformer", "cell": None},
}
NOTE = """\
exact, len: share of held-out strings entirely right; to 99%: seconds until 99% of 64 of them were;
loss: nats per token"""
LENGTHS, SHOWN = (1, 10), (1, 2, 4, 6, 8, 10)


def main(arguments=None):
    """Train, show, perhaps write; returns the exit status."""
    options, letters = read_options(arguments), Vocabulary(LETTERS)
    cells = {cell: {"decoder": options.cells, "cell": cell} for cell in CELLS}
    same = {name: {"cell": options.cell, **choices} for name, choices in MODELS.items()}

    def draw(rng, count=shared.BATCH, held_out=False):
        return draw_pairs(options.task, rng, count, LENGTHS, LETTERS, held_out)

    def batch(rng):
        return make_batch(draw(rng), letters, letters)

    held_out = draw(shared.held_out_stream(options.seed), 200 if options.quick else 2000, held_out=True)
    runs = shared.fit_each(cells if options.cells else same, batch, options, (letters, letters),
                           {"task": options.task}, sample=held_out[: shared.BATCH])
    results = [shared.judge_strings(options.task, run, held_out) for run in runs]
    found = {result.run.name: shared.figures(result) for result in results}
    result = {"task": options.task, "seed": options.seed, "cells" if options.cells else "models": found}
    return shared.finish(options, report(options, found), result, stopped=runs[-1].stopped)


def read_options(arguments):
    command = shared.parser("models_compared", __doc__)
    shared.add_option(command, "task", "NAME", str, " or ".join(TASKS), "reverse")
    command.add_argument("--cells", metavar="DECODER", nargs="?", const="fixed",
                         help="compare the cells, with this decoder (fixed, if none is named)")
    shared.add_common_options(command, seed=0, steps=400, hidden=64, cell="lstm")
    options = shared.settle_options(command.parse_args(arguments))
    check_choice("--task", options.task, TASKS)
    if options.cells is not None:
        check_choice("--cells", options.cells, DECODERS)
        if options.cell != command.get_default("cell"):
            raise ValueError(f"--cell {options.cell} would be ignored: --cells compares all of them")
    return options


def report(options, found):
    rows = []
    for name, f in found.items():
        to_99 = "never" if f["seconds_to_99"] is None else f"{f['seconds_to_99']:.1f}"
        lengths = (shared.percent(f["exact_by_length"][n]) for n in SHOWN)
        rows.append((name, f"{f['parameters']:,}", f"{f['seconds']:.1f}", to_99, f"{f['loss']:.3f}",
                     f"{f['exact_match']:.1%}", *lengths))
    head = ("model", "parameters", "seconds", "to 99%", "loss", "exact", *(f"len {n}" for n in SHOWN))
    same = f"decoder {options.cells}" if options.cells else options.cell
    title = f"{options.task}, {same}, {options.steps} steps, seed {options.seed}"
    return "\n\n".join([f"\n{title}", show.table(head, rows), NOTE])


if __name__ == "__main__":
    shared.run(main)
