"""Train a model on a file of pairs, then ask it.

FILE is UTF-8 text with a source, one tab, and a target on each line; of lines with more columns --columns
chooses two. The model reads the source in both directions and writes the target with attention. Part of the
sources are held out by their hash, the same ones whatever the seed: up to 5% (at most 1,000) to validate on
and as many to test on. Pairs whose sources look alike stay together, so nothing of the test was seen in
training. The parameters that did best in validation are kept; when there are none better for a while,
training stops early. At the end there are figures on the test pairs, and a prompt.

Every line is used or counted. Blank lines and pairs longer than --max-length are left out and reported with
their reason. A line that is not a pair (no tab, two tabs, an empty side, not UTF-8, a NUL byte) ends it with
the line's number, or with --skip-bad is left out and counted. A byte order mark and the ends of lines of
other systems do no harm. Texts are read in Unicode's normal form C, without the spaces around them; a
character is a code point, a word what stands between spaces. What is rarer in training than --min-count is
read as unknown; an unknown symbol in an answer is written as � and is never right.

The error rates are edit distance over length, of the characters and of the words of all test targets; BLEU is
of words. With --beam above 1 they are shown for the beam, too.

Takes about 2 minutes for pairs of 30 characters, however many there are.

examples:
  seq 9999 > a; seq 9999 | rev | paste a - > digits.tsv        9999 numbers, and the same backwards
  python -m demos.train_pairs digits.tsv --steps 500           saves digits.npz, then asks
  python -m demos.train_pairs --ask digits.npz                 asks again
  python -m demos.train_pairs --ask digits.npz --translate a --beam 5 --nbest 3
  python -m demos.train_pairs sounds.tsv --target-level words  letters to phonemes

Ctrl-C, SIGTERM or a terminal that is closed finish the step and save. `--resume digits.npz` with the same
file and options resumes the training, and ends with the same bits as if it had never stopped. Without --save
it is FILE's name with .npz, in the current folder (with --quick nothing is saved); a file that is there is
never written over.

--translate writes one line for each line, to --output or to the screen; with --nbest above 1 it writes
line<TAB>score<TAB>answer for each answer, best first. The score is the log probability (nats) over Wu's
length penalty. A blank line is answered by an empty one.
"""

import sys
from functools import partial
from pathlib import Path

from numpy_seq2seq import Config, show
from numpy_seq2seq.config import check_choice, check_size
from numpy_seq2seq.data import SPECIALS

from .. import shared
from .answers import Model, answer_line, answers, open_model, quality, read_sources, text, translate
from .corpus import batches_of_like_length, evaluation_batches, make_corpus, mean_loss, repetitions
from .reading import LEVELS, SIDES, read_pairs, two_columns

EMBEDDING, DROPOUT, PEAK = 64, 0.1, 5e-3
VALIDATIONS, EXAMPLES, WIDEST_BEAM = 50, 6, 100
OPTIONS = (
    ("ask", "MODEL.npz", Path, "do not train: ask a model that was saved"),
    ("columns", "S,T", two_columns, "the source's and the target's, as in 1,3", None, "1,2"),
    ("level", "NAME", str, "characters or words", "characters"),
    ("source-level", "NAME", str, "of the sources alone", None, "--level"),
    ("target-level", "NAME", str, "of the targets alone", None, "--level"),
    ("max-length", "N", int, "longest source and target, in symbols", 50),
    ("min-count", "N", int, "rarer symbols are unknown", None, "1 for characters, 2 for words"),
    ("patience", "N", int, "stop after so many of 50 validations without a better one", 10),
    ("translate", "FILE", Path, "answer every line of a file in place of the prompt"),
    ("output", "FILE", Path, "where --translate writes", None, "the screen"),
    ("beam", "N", int, "width of the beam; 1 is greedy", 1),
    ("nbest", "N", int, "answers for each source, at most --beam", 1),
)
FIGURES = (  # label, key, form
    ("exact match", "exact_match", "{:.2%}"),
    ("sources of unknown symbols alone", "unknown_sources", "{:,}"),
    ("targets with an unknown symbol", "unknown_targets", "{:,}"),
    ("character error rate", "character_error_rate", "{:.2%}"),
    ("word error rate", "word_error_rate", "{:.2%}"),
    ("BLEU, of words", "bleu", "{:.3f}"),
    *shared.TRAINING,
    ("best at step", "best_step", "{}"),
)
RAREST = {"characters": 1, "words": 2}  # rarer symbols are unknown
WITH_ASK = {"file", "ask", "translate", "output", "beam", "nbest"}  # the others are options of training


def main(arguments=None):
    """Train or open a model, then translate a file or talk; returns the exit status."""
    options = read_options(arguments)
    model, status = (open_model(options.ask), 0) if options.ask else train_on(options)
    if status:  # stopped
        return status
    if options.translate is not None:
        translate(model, options.translate, options.output, options.beam, options.nbest)
    else:
        ask = partial(answer_line, model, beam=options.beam, nbest=options.nbest)
        return shared.talk("Type a source and Enter; Ctrl-D ends.", ask)
    return 0


# ---- options -----------------------------------------------------------------------------------------------


def read_options(arguments):
    """The options, checked; default values that depend on others are filled in."""
    command = shared.parser("train_pairs", __doc__, epilog="")
    command.add_argument("file", metavar="FILE.tsv", type=Path, nargs="?", help="pairs to train on")
    for option in OPTIONS:
        shared.add_option(command, *option)
    shared.add_flag(command, "skip-bad", "leave lines out that are no pairs")
    shared.add_common_options(command, seed=0, steps=3000, hidden=128)
    usual = {"score": "general", "directions": 2, "embedding_size": EMBEDDING, "dropout": DROPOUT}
    shared.add_model_options(command, **usual)
    options = command.parse_args(arguments)
    check_asking(options)
    if options.ask is None:
        check_training(options)
        return options
    for name in sorted(vars(options).keys() - WITH_ASK):
        if getattr(options, name) != command.get_default(name):
            raise ValueError(f"--{name.replace('_', '-')} is for training, and --ask does not train")
    shared.check_files(options)
    return options


def check_asking(options):
    """Raise ValueError unless it is clear what to ask and where the answers go."""
    file, ask, read, out = options.file, options.ask, options.translate, options.output
    for name in ("beam", "nbest"):
        check_size(f"--{name}", getattr(options, name))
    shared.refuse(
        ((file is None) == (ask is None),
         "give either a FILE of pairs to train on, or --ask MODEL.npz (see --help)"),
        (options.beam > WIDEST_BEAM, f"--beam must be at most {WIDEST_BEAM}, got {options.beam}"),
        (options.nbest > options.beam,
         f"--nbest {options.nbest} needs a beam as wide: --beam {options.nbest}"),
        (out and not read, "--output is where --translate writes; give --translate FILE too"),
        (read and not read.exists(), f"--translate: there is no file {read}"),
        (read and not ask and not out,
         "--translate after training needs --output FILE: the screen shows the training"),
    )


def check_training(options):
    """Raise ValueError unless the options of training make sense; fill in those that depend on others."""
    if not options.file.exists() or options.file.is_dir():
        raise ValueError(f"{options.file}: there is no such file; give a file of pairs (see --help)")
    if not options.quick and options.save is None and options.resume is None:
        options.save = Path(f"{options.file.stem}.npz")
    shared.settle_options(options)
    own = options.source_level, options.target_level
    options.levels = [options.level if level is None else level for level in own]
    for name, level in zip(("level", "source-level", "target-level"), (options.level, *options.levels)):
        check_choice(f"--{name}", level, LEVELS)
    for name in ("max_length", "patience", *["min_count"] * (options.min_count is not None)):
        check_size(f"--{name.replace('_', '-')}", getattr(options, name))
    if options.translate is not None:
        if not options.translate.is_file():
            raise ValueError(f"--translate after training: {options.translate} is no regular file")
        read_sources(options.translate, options.levels[0])  # a fault is better found before the training
    if options.score is None and options.decoder == "bahdanau":
        options.score = "additive"


# ---- training ----------------------------------------------------------------------------------------------


def train_on(options):
    """Read, train, show; returns the Model and the exit status."""
    corpus, data = read_corpus(options)
    config = Config(*map(len, corpus.vocabularies), hidden_size=options.hidden, **shared.choices(options))
    validate = partial(mean_loss, config=config, batches=evaluation_batches(corpus, corpus.parts[1]))
    best = shared.Best(validate, max(options.steps // VALIDATIONS, 1), options.patience)
    draw = batches_of_like_length(corpus, shared.BATCH)
    run = shared.fit("model", config, draw, options, corpus.vocabularies, data, peak=PEAK, best=best)
    model = Model(run.params, config, *corpus.vocabularies, corpus.levels, data["longest"])
    result = examine(model, run, best, corpus, options.beam)
    found = {"task": "pairs", "data": data["data"], "seed": options.seed, **shared.figures(result)}
    columns = {"greedy": found} | ({f"beam {options.beam}": found["beam"]} if found["beam"] else {})
    numbers = shared.short_to_long(result.pairs, EXAMPLES)
    sources = (text(result.pairs[n][0], corpus.levels[0]) for n in numbers)
    shown = [
        "",
        shared.figure_table(f"On {found['pairs']:,} test pairs", columns, FIGURES),
        *notes(found, corpus.levels, data["min_count"]),
        shared.long_examples([result], numbers, sources, partial(text, level=corpus.levels[1])),
    ]
    return model, shared.finish(options, "\n\n".join(shown), found, stopped=run.stopped)


def read_corpus(options):
    """The Corpus of the file, and what decides a training beside the seed, as a dict."""
    levels, reading = options.levels, (options.max_length, options.skip_bad, _say_lines, options.columns)
    pairs = read_pairs(options.file, levels, *reading)
    shared.say(counts(options.file.name, pairs))
    least = [options.min_count or RAREST[level] for level in levels]
    corpus = make_corpus(pairs, levels, least, options.file)
    shared.say(corpus_lines(corpus, least))
    return corpus, {
        "task": "pairs",
        "data": f"{len(pairs.pair_keys):,} pairs, sha256 {pairs.fingerprint()}",
        "source_level": levels[0],
        "target_level": levels[1],
        "min_count": least,
        "patience": options.patience,
        "longest": int(corpus.lengths[1].max()),
    }


def examine(model, run, best, corpus, beam):
    """The Result on the test pairs: greedy answers, and beside them the quality of those of a beam."""
    test, reached = corpus.symbols(corpus.parts[2]), {}
    sources, targets = zip(*test)
    for width in sorted({1, beam}, reverse=True):
        said = [first.symbols for first, *_ in answers(model, sources, width)]
        reached[width] = {"width": width, **quality(said, targets, model.levels[1])}
    more = {
        **reached[1],
        "beam": reached[beam] if beam > 1 else None,
        "best_step": best.step if best.params else None,
        "validation_loss": best.loss if best.params else None,
        "pairs": len(test),
        "unknown_sources": sum(model.reads.ids.keys().isdisjoint(source) for source in sources),
        "unknown_targets": sum(not model.writes.ids.keys() >= set(target) for target in targets),
    }
    loss = mean_loss(run.params, run.config, evaluation_batches(corpus, corpus.parts[2]))
    return shared.Result(run, test, said, None, loss, None, more)


def _say_lines(number):
    if sys.stdout.isatty():
        shared.say(f"read {number:,} lines", end="\r")


# ---- what a person sees ------------------------------------------------------------------------------------


def counts(name, pairs):
    """What became of the lines."""
    kept, left_out = len(pairs.pair_keys), sum(pairs.left_out.values())
    lines = [f"{name}: {pairs.lines:,} lines, {kept:,} pairs, {left_out:,} left out"]
    lines += [f"  {n:>9,}  {reason}" for reason, n in pairs.left_out.most_common()]
    again, several = repetitions(pairs)
    if again:
        lines.append(f"  {again:>9,}  pairs repeat an earlier one and are used as often as they stand there")
    if several:
        lines.append(f"  {several:>9,}  sources have more than one target; no model can be right about all")
    return "\n".join(lines)


def corpus_lines(corpus, least):
    """Sizes of vocabularies and parts."""
    known = [f"{len(vocabulary) - len(SPECIALS):,}" for vocabulary in corpus.vocabularies]
    rare = [f"{share:.1%}" for share in corpus.rare]
    rows = zip(("reads", "writes"), corpus.levels, known, least, rare)
    training, validation, test = (f"{len(part):,}" for part in corpus.parts)
    head = "", "symbols", "different", "--min-count", "rarer, of the text"
    return f"{show.table(head, rows)}\n{training} pairs to train on, {validation} to validate, {test} to test"


def notes(result, levels, least):
    """Why there can be no right answer, or only a lucky one."""
    told = "Of every test source each symbol", "No answer can be right: in every test target a symbol"
    for side, what, level, n in zip(SIDES, told, levels, least):
        if result[f"unknown_{side}s"] == result["pairs"]:
            advice = f"Try --{side}-level characters." if level == "words" else "Take more pairs."
            yield f"{what} is unknown: it occurs fewer than {n} times in training. {advice}"


if __name__ == "__main__":
    shared.run(main)
