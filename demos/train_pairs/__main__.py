"""Train on pairs of your own. In pairs/: reading.py the file, corpus.py splits and batches, answers.py asking."""

import hashlib
import sys
from pathlib import Path

from numpy_seq2seq import show
from numpy_seq2seq.config import Config, check_choice, check_size
from numpy_seq2seq.decoders import DECODERS
from numpy_seq2seq.seq2seq import parameter_count

from ..shared import BATCH, Best, add_common_options, check_files, finish, fit, parser, run, say, settle_options
from .answers import Model, answers, open_model, read_sources, talk, text, translate
from .corpus import (
    accuracies,
    batches_of_like_length,
    evaluation_batches,
    mean_loss,
    repetitions,
    split,
    spread,
    texts_of,
    with_vocabulary,
)
from .reading import LEVELS, read_pairs

EMBEDDING, DROPOUT, PEAK = 64, 0.1, 5e-3
VALIDATIONS, EXAMPLES, WIDEST_BEAM = 50, 6, 100
WITH_ASK = {"file", "ask", "translate", "output", "beam", "nbest"}  # the others are options of training
OPTIONS = (
    ("ask", "MODEL.npz", Path, None, "do not train: ask a model that was saved"),
    ("level", "NAME", str, "characters", "characters or words (default: characters)"),
    ("max-length", "N", int, 50, "longest source and target, in symbols (default: 50)"),
    ("min-count", "N", int, None, "rarer symbols are unknown (default: 1 for characters, 2 for words)"),
    ("patience", "N", int, 10, "stop after so many of 50 validations without a better one (default: 10)"),
    ("translate", "FILE", Path, None, "answer every line of a file in place of the prompt"),
    ("output", "FILE", Path, None, "where --translate writes (default: the screen)"),
    ("beam", "N", int, 1, "width of the beam; 1 is greedy (default: 1)"),
    ("nbest", "N", int, 1, "answers for each source, at most --beam (default: 1)"),
)
DESCRIPTION = """\
Train a model on a file of pairs, then ask it.

FILE is UTF-8 text with a source, one tab, and a target on each line. The model reads the source in both
directions and writes the target with attention. Part of the sources are held out by their hash, the same ones
whatever the seed: up to 5% (at most 1,000) to validate on and as many to test on. Pairs with the same source
stay together, so nothing of the test was seen in training. The parameters that did best in validation are
kept; when there are none better for a while, training stops early. At the end there are figures on the test
pairs, and a prompt.

Every line is used or counted. Blank lines and pairs longer than --max-length are left out and reported with
their reason. A line that is not a pair (no tab, two tabs, an empty side, not UTF-8, a NUL byte) ends it with
the line's number, or with --skip-bad is left out and counted. A byte order mark and CRLF do no harm. Texts
are read in Unicode's normal form C, without the spaces around them; a character is a code point, a word what
stands between spaces.

Takes about 2 minutes for pairs of 30 characters, however many there are."""
EPILOG = """\
example:
  seq 9999 > a; seq 9999 | rev | paste a - > digits.tsv        9999 numbers, and the same backwards
  python -m demos.train_pairs digits.tsv --steps 500           saves digits.npz, then asks
  python -m demos.train_pairs --ask digits.npz                 asks again
  python -m demos.train_pairs --ask digits.npz --translate a --beam 5 --nbest 3

Ctrl-C or SIGTERM finishes the step and saves. `--resume digits.npz` with the same file and options goes on,
and ends with the same bits as if it had never stopped. Without --save it is FILE's name with .npz, in the
current folder (with --quick nothing is saved); a file that is there is never written over.

--translate writes one line for each line, to --output or to the screen; with --nbest above 1 it writes
line<TAB>score<TAB>answer for each answer, best first. The score is the log probability (nats) over Wu's
length penalty. A blank line is answered by an empty one; what was not trained on is read as unknown."""


def main(arguments=None):
    """Train or open a model, then translate a file or talk; returns the exit status."""
    given = read_options(arguments)
    model, status = (open_model(given.ask), 0) if given.ask else train_on(given)
    if status == 0 and given.translate is not None:
        translate(model, given.translate, given.output, given.beam, given.nbest)
    elif status == 0:  # not stopped
        talk(model, given.beam, given.nbest)
    return status


# ---- options -----------------------------------------------------------------------------------------------


def read_options(arguments):
    """The options, checked; default values that depend on others are filled in."""
    options = parser("train_pairs", DESCRIPTION, EPILOG)
    options.add_argument("file", metavar="FILE.tsv", type=Path, nargs="?", help="pairs to train on")
    for name, metavar, kind, default, meaning in OPTIONS:
        options.add_argument(f"--{name}", metavar=metavar, type=kind, default=default, help=meaning)
    options.add_argument("--skip-bad", action="store_true", help="leave lines out that are no pairs")
    add_common_options(options, seed=0, steps=3000, hidden=128, cell="lstm", decoder="luong", score=None)
    given = options.parse_args(arguments)
    check_asking(given)
    if given.ask is None:
        check_training(given)
        return given
    check_files(given)
    for name in sorted(vars(given).keys() - WITH_ASK):
        if getattr(given, name) != options.get_default(name):
            raise ValueError(f"--{name.replace('_', '-')} is for training, and --ask does not train")
    return given


def check_asking(given):
    """Raise ValueError unless it is clear what to ask and where the answers go."""
    if (given.file is None) == (given.ask is None):
        raise ValueError("give either a FILE of pairs to train on, or --ask MODEL.npz (see --help)")
    for name in ("beam", "nbest"):
        check_size(f"--{name}", getattr(given, name))
    if given.beam > WIDEST_BEAM:
        raise ValueError(f"--beam must be at most {WIDEST_BEAM}, got {given.beam}")
    if given.nbest > given.beam:
        raise ValueError(f"--nbest {given.nbest} needs a beam as wide: --beam {given.nbest}")
    if given.output is not None and given.translate is None:
        raise ValueError("--output is where --translate writes; give --translate FILE too")
    if given.output is not None and given.output.exists():
        raise ValueError(f"--output: there is a {given.output} already; give another name")
    if given.translate is not None:
        if not given.translate.exists():
            raise ValueError(f"--translate: there is no file {given.translate}")
        if given.ask is None and given.output is None:
            raise ValueError("--translate after training needs --output FILE: the screen shows the training")


def check_training(given):
    """Raise ValueError unless the options of training make sense; fill in those that depend on others."""
    if not given.quick and given.save is None and given.resume is None:
        given.save = Path(f"{given.file.stem}.npz")
    settle_options(given)
    check_choice("--level", given.level, LEVELS)
    if given.translate is not None:
        if not given.translate.is_file():  # it is read now, since a fault is better found before the training
            raise ValueError(f"--translate after training needs a regular file, and {given.translate} is none")
        read_sources(given.translate, given.level)
    if given.min_count is None:
        given.min_count = 1 if given.level == "characters" else 2
    for name in ("max-length", "min-count", "patience"):
        check_size(f"--{name}", getattr(given, name.replace("-", "_")))
    if given.score is None and DECODERS[given.decoder].attends:
        given.score = "additive" if given.decoder == "bahdanau" else "general"


# ---- training ----------------------------------------------------------------------------------------------


def train_on(given):
    """Read, train, show; returns the Model, and the exit status."""
    pairs = read_pairs(given.file, given.level, given.max_length, given.skip_bad, _say_lines)
    say(counts(given.file.name, pairs))
    digest = hashlib.sha256(pairs.pair_keys.tobytes()).hexdigest()
    given.data = f"{len(pairs.pair_keys):,} pairs, sha256 {digest[:12]}"
    parts = split(pairs.source_keys, given.file)
    chosen = spread(pairs.source.lengths, parts[2], EXAMPLES)
    shown = [texts_of(side, chosen) for side in (pairs.source, pairs.target)]
    sides, vocabularies, unknown = zip(
        *(with_vocabulary(side, parts[0], given.min_count) for side in (pairs.source, pairs.target))
    )
    del pairs
    say(vocabulary_line(given, vocabularies, unknown, parts))
    sizes = (*map(len, vocabularies), EMBEDDING, given.hidden)
    config = Config(*sizes, given.cell, given.decoder, given.score, directions=2, dropout=DROPOUT)
    batches = evaluation_batches(*sides, parts[1], config)
    every = max(given.steps // VALIDATIONS, 1)
    best = Best(lambda params: mean_loss(params, config, batches), every, given.patience)
    draw = batches_of_like_length(*sides, parts[0], BATCH)
    data = {name: getattr(given, name) for name in ("data", "level", "max_length", "min_count", "patience")}
    trained = fit("model", config, draw, given, vocabularies, data, peak=PEAK, best=best)
    model = Model(trained.params, config, *vocabularies, given.level, given.max_length)
    result = figures(given, trained, best, evaluation_batches(*sides, parts[2], config))
    return model, finish(given, report(model, shown, result), result, stopped=trained.stopped)


def _say_lines(number):
    if sys.stdout.isatty():
        print(f"read {number:,} lines", end="\r", flush=True)


# ---- what a person sees ------------------------------------------------------------------------------------


def counts(name, pairs):
    """What became of the lines."""
    kept, left_out = len(pairs.pair_keys), sum(pairs.left_out.values())
    lines = [f"{name}: {pairs.lines:,} lines, {kept:,} pairs, {left_out:,} left out"]
    lines += [f"  {n:>9,}  {reason}" for reason, n in pairs.left_out.most_common()]
    again, several = repetitions(pairs)
    if again:
        lines.append(f"  {again:,} pairs repeat an earlier one; they are used as often as they stand there")
    if several:
        lines.append(f"  {several:,} sources have more than one target; no model can be right about all")
    return "\n".join(lines)


def vocabulary_line(given, vocabularies, unknown, parts):
    """Sizes of vocabularies and parts."""
    reads, writes = (f"{len(v) - 4:,} {given.level}" for v in vocabularies)
    rare = f" ({unknown[0]:.1%} and {unknown[1]:.1%} of the text is rarer than --min-count {given.min_count})"
    rare *= max(unknown) > 0
    train, validate, test = (f"{len(part):,}" for part in parts)
    parts = f"{train} pairs to train on, {validate} to validate, {test} to test"
    return f"reads {reads}, writes {writes}{rare}\n{parts}"


def figures(given, trained, best, batches):
    """What the model reached on the test pairs, as a dict for the table and for JSON."""
    token_accuracy, exact_match, pairs = accuracies(trained.params, trained.config, batches, given.max_length)
    validated = best.params is not None
    return {
        "task": "pairs",
        "data": given.data,
        "seed": given.seed,
        "steps": trained.steps,
        "best_step": best.step if validated else None,
        "validation_loss": best.loss if validated else None,
        "seconds": trained.seconds,
        "parameters": parameter_count(trained.params),
        "pairs": pairs,
        "exact_match": exact_match,
        "token_accuracy": token_accuracy,
        "loss": mean_loss(trained.params, trained.config, batches),
    }


def report(model, shown, result):
    """The figures, and some test pairs with what the model says."""
    table = [
        ("parameters", f"{result['parameters']:,}"),
        ("training steps", result["steps"]),
        ("best at step", result["best_step"] or "none yet"),
        ("seconds", f"{result['seconds']:.1f}"),
        ("exact match", f"{result['exact_match']:.1%}"),
        ("token accuracy", f"{result['token_accuracy']:.1%}"),
        ("loss, nats per token", f"{result['loss']:.4f}"),
    ]
    head = (f"On {result['pairs']:,} test pairs", "")
    return f"\n{show.table(head, table)}\n\n{examples(model, *shown)}"


def examples(model, sources, wanted):
    """source, wanted, and what the model says; a mark behind each."""
    lines = []
    for source, want, (answer,) in zip(sources, wanted, answers(model, sources)):
        got = model.writes.decode(answer.tokens)
        src, right, said = (text(symbols, model.level) for symbols in (source, want, got))
        lines.append((src, right, f"{said} {'✓' if got == want else '✗'}"))
    return show.table(("src", "want", "got"), lines)


if __name__ == "__main__":
    run(main)
