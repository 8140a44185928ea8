"""RNN, GRU and LSTM on the same task: only the name of the cell changes. Run `python -m demos.cells_compared`."""

import numpy as np

from numpy_seq2seq import show
from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.data import Vocabulary
from numpy_seq2seq.tasks import LETTERS, TASKS

from .common import add_common_options, check_common_options, parser, run, write_json
from .toy import figures, train_one


def main(arguments=None):
    given = read_options(arguments)
    results = {}
    for cell in CELLS:
        given.cell = cell
        beside = cell if results else ""
        results[cell] = train_one(given.task, given.decoder, Vocabulary(LETTERS), given, label=cell, beside=beside)
        if results[cell].interrupted:
            break
    print(report(given, results))
    write_json(given.json, {"task": given.task, "seed": given.seed, "cells": {n: figures(r) for n, r in results.items()}})


def read_options(arguments):
    options = parser(
        "cells_compared",
        "Train the same model with each cell, on the same strings in the same order.\n\n"
        "By default without attention, because there the cell has to carry everything: the differences show.\n"
        "With --decoder luong they nearly vanish. Takes about 10 seconds.",
        "Ctrl-C ends the training and shows what there is.",
    )
    options.add_argument("--task", metavar="NAME", default="reverse", help=f"{' or '.join(TASKS)} (default: reverse)")
    add_common_options(options, seed=0, steps=300, hidden=64, decoder="fixed", score=None)
    given = options.parse_args(arguments)
    if given.quick:
        given.steps, given.hidden = min(given.steps, 30), min(given.hidden, 32)
    check_common_options(given)
    given.lengths, given.alphabet = (1, 10), LETTERS
    return given


def report(given, results):
    rows = []
    for cell, result in results.items():
        f = figures(result)
        shares = (f"{f['exact_by_length'].get(n, np.nan):.0%}" for n in (2, 4, 6, 8, 10))
        rows.append((cell, len(CELLS[cell].gates), f"{f['parameters']:,}", f"{f['seconds']:.1f}", f"{f['loss']:.3f}",
                     f"{f['token_accuracy']:.1%}", f"{f['exact_match']:.1%}", *shares))
    head = ("cell", "gates", "parameters", "seconds", "loss", "tokens", "exact", *(f"length {n}" for n in (2, 4, 6, 8, 10)))
    note = "loss in nats per target token; tokens, exact and length: share that is right on held-out strings"
    return f"\n{given.task}, decoder {given.decoder}, {given.steps} steps, seed {given.seed}\n\n{show.table(head, rows)}\n\n{note}"


if __name__ == "__main__":
    run(main)
