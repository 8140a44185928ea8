"""Every decoder and score on one task with one budget. Run `python -m demos.models_compared`."""

from numpy_seq2seq import show
from numpy_seq2seq.data import Vocabulary
from numpy_seq2seq.tasks import LETTERS, TASKS

from .common import add_common_options, check_common_options, parser, run, write_json
from .toy import figures, train_one

# name, decoder, score, directions of the encoder: Bahdanau's reads both ways, as in the paper
MODELS = (
    ("fixed", "fixed", None, 1),
    ("peeky", "peeky", None, 1),
    ("luong dot", "luong", "dot", 1),
    ("luong general", "luong", "general", 1),
    ("luong additive", "luong", "additive", 1),
    ("luong feeding", "luong_feeding", "dot", 1),
    ("bahdanau", "bahdanau", "additive", 2),
)
SHOWN = (1, 2, 4, 6, 8, 10)


def main(arguments=None):
    given = read_options(arguments)
    results = {}
    for name, decoder, given.score, directions in MODELS:
        beside = name.replace(" ", "_") if results else ""
        results[name] = train_one(given.task, decoder, Vocabulary(LETTERS), given, f"{name:<14}", directions, beside)
        if results[name].interrupted:
            break
    print(report(given, results))
    write_json(given.json, {"task": given.task, "seed": given.seed, "models": {n: figures(r) for n, r in results.items()}})


def read_options(arguments):
    options = parser(
        "models_compared",
        "Train every model of the family on the same strings in the same order for the same number of steps.\n\n"
        "fixed and peeky have to squeeze the source into one vector; the others attend. Takes about a minute.",
        "Ctrl-C ends the training and shows what there is.",
    )
    options.add_argument("--task", metavar="NAME", default="reverse", help=f"{' or '.join(TASKS)} (default: reverse)")
    add_common_options(options, seed=0, steps=400, hidden=64, cell="lstm")
    given = options.parse_args(arguments)
    if given.quick:
        given.steps, given.hidden = min(given.steps, 20), min(given.hidden, 16)
    check_common_options(given)
    given.lengths, given.alphabet = (1, 10), LETTERS
    return given


def report(given, results):
    rows = []
    for name, result in results.items():
        f = figures(result)
        to_99 = "never" if f["seconds_to_99"] is None else f"{f['seconds_to_99']:.1f}"
        shares = (f"{f['exact_by_length'][n]:.0%}" if n in f["exact_by_length"] else "" for n in SHOWN)
        rows.append((name, f"{f['parameters']:,}", f"{f['seconds']:.1f}", to_99, f"{f['exact_match']:.1%}", *shares))
    head = ("model", "parameters", "seconds", "to 99%", "exact", *(f"len {n}" for n in SHOWN))
    note = "exact, len: share of held-out strings entirely right; to 99%: seconds until 99% of 64 of them were"
    return f"\n{given.task}, {given.cell}, {given.steps} steps, seed {given.seed}\n\n{show.table(head, rows)}\n\n{note}"


if __name__ == "__main__":
    run(main)
