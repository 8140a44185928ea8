"""Every decoder and score on one task with one budget. Run `python -m demos.models_compared`."""

from numpy_seq2seq import show
from numpy_seq2seq.data import Vocabulary
from numpy_seq2seq.tasks import LETTERS, TASKS

from .shared.options import add_common_options, finish, parser, run, settle_options
from .shared.fit import in_turn
from .shared.toy import figures, train_one

# decoder, score, directions of the encoder: Bahdanau's reads both ways, as in the paper
MODELS = {
    "fixed": ("fixed", None, 1),
    "peeky": ("peeky", None, 1),
    "luong dot": ("luong", "dot", 1),
    "luong general": ("luong", "general", 1),
    "luong additive": ("luong", "additive", 1),
    "luong feeding": ("luong_feeding", "dot", 1),
    "bahdanau": ("bahdanau", "additive", 2),
}
SHOWN = (1, 2, 4, 6, 8, 10)


def main(arguments=None):
    given = read_options(arguments)
    vocabulary = Vocabulary(LETTERS)

    def train_model(name, beside):
        decoder, given.score, directions = MODELS[name]
        return train_one(given.task, decoder, vocabulary, given, f"{name:<14}", directions, beside)

    results = dict(zip(MODELS, in_turn(train_model, MODELS, given)))
    found = {name: figures(result) for name, result in results.items()}
    finish(given, report(given, results), {"task": given.task, "seed": given.seed, "models": found})


def read_options(arguments):
    options = parser(
        "models_compared",
        "Train every model of the family on the same strings in the same order for as many steps.\n\n"
        "fixed and peeky have to squeeze the source into one vector; the others attend. Takes about a minute.",
        "Ctrl-C ends the training and shows what there is.",
    )
    tasks = f"{' or '.join(TASKS)} (default: reverse)"
    options.add_argument("--task", metavar="NAME", default="reverse", help=tasks)
    add_common_options(options, seed=0, steps=400, hidden=64, cell="lstm")
    given = options.parse_args(arguments)
    settle_options(given)
    given.lengths, given.alphabet = (1, 10), LETTERS
    return given


def report(given, results):
    rows = []
    for name, result in results.items():
        f = figures(result)
        to_99 = "never" if f["seconds_to_99"] is None else f"{f['seconds_to_99']:.1f}"
        shares = (f"{f['exact_by_length'][n]:.0%}" if n in f["exact_by_length"] else "" for n in SHOWN)
        costs = f"{f['parameters']:,}", f"{f['seconds']:.1f}", to_99
        rows.append((name, *costs, f"{f['exact_match']:.1%}", *shares))
    head = ("model", "parameters", "seconds", "to 99%", "exact", *(f"len {n}" for n in SHOWN))
    title = f"{given.task}, {given.cell}, {given.steps} steps, seed {given.seed}"
    note = "exact, len: share of held-out strings entirely right; to 99%: seconds until 99% of 64 of them were"
    return "\n\n".join([f"\n{title}", show.table(head, rows), note])


if __name__ == "__main__":
    run(main)
