"""RNN, GRU and LSTM on one task: only the name of the cell changes. Run `python -m demos.cells_compared`."""

import numpy as np

from numpy_seq2seq import show
from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.data import Vocabulary
from numpy_seq2seq.tasks import LETTERS, TASKS

from .shared.options import add_common_options, finish, parser, run, settle_options
from .shared.fit import in_turn
from .shared.toy import figures, train_one

SHOWN = (2, 4, 6, 8, 10)  # lengths


def main(arguments=None):
    given = read_options(arguments)
    vocabulary = Vocabulary(LETTERS)

    def train_with(cell, beside):
        given.cell = cell
        return train_one(given.task, given.decoder, vocabulary, given, label=cell, beside=beside)

    results = dict(zip(CELLS, in_turn(train_with, CELLS, given)))
    found = {cell: figures(result) for cell, result in results.items()}
    finish(given, report(given, results), {"task": given.task, "seed": given.seed, "cells": found})


def read_options(arguments):
    options = parser(
        "cells_compared",
        "Train the same model with each cell, on the same strings in the same order.\n\n"
        "By default without attention, because there the cell has to carry everything: the differences show.\n"
        "With --decoder luong they nearly vanish. Takes about 10 seconds.",
        "Ctrl-C ends the training and shows what there is.",
    )
    tasks = f"{' or '.join(TASKS)} (default: reverse)"
    options.add_argument("--task", metavar="NAME", default="reverse", help=tasks)
    add_common_options(options, seed=0, steps=300, hidden=64, decoder="fixed", score=None)
    given = options.parse_args(arguments)
    settle_options(given)
    given.lengths, given.alphabet = (1, 10), LETTERS
    return given


def report(given, results):
    rows = []
    for cell, result in results.items():
        f = figures(result)
        shares = (f"{f['exact_by_length'].get(n, np.nan):.0%}" for n in SHOWN)
        sizes = cell, len(CELLS[cell].gates), f"{f['parameters']:,}", f"{f['seconds']:.1f}"
        rows.append((*sizes, f"{f['loss']:.3f}", f"{f['token_accuracy']:.1%}", f"{f['exact_match']:.1%}", *shares))
    head = ("cell", "gates", "parameters", "seconds", "loss", "tokens", "exact", *(f"length {n}" for n in SHOWN))
    title = f"{given.task}, decoder {given.decoder}, {given.steps} steps, seed {given.seed}"
    note = "loss in nats per target token; tokens, exact and length: share that is right on held-out strings"
    return "\n\n".join([f"\n{title}", show.table(head, rows), note])


if __name__ == "__main__":
    run(main)
