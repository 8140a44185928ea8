"""The command line: the options that programs share, and what is wrong with them before any work."""

import argparse
import sys
from pathlib import Path

from numpy_seq2seq import show
from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.config import DECODERS, ENCODERS, DEFAULTS, check_choice, check_size
from numpy_seq2seq.scores import SCORES
from numpy_seq2seq.tasks import LETTERS

from .files import check_files
from .program import say

QUICK = {"steps": 20, "hidden": 32}  # with --quick, at most
MOST = 10**9  # of anything that is counted
LONGEST = 9999  # letters of a string: four digits
LAYERS = 2  # with a Transformer
STOP = "Ctrl-C ends the training and shows what there is; the exit status is then 130."
NAME, N, PATH = ("NAME", str), ("N", int), ("PATH", Path)
CHOICES = {  # of a Config: options of a program whose models can be chosen
    "cell": (*NAME, f"recurrent cell: {', '.join(CELLS)}"),
    "score": (*NAME, f"score of a recurrent decoder's attention: {', '.join(SCORES)}"),
    "directions": (*N, "in which a recurrent encoder reads, 1 or 2"),
    "heads": (*N, "of a Transformer; they divide --hidden"),
    "layers": (*N, "of the encoder, and of a Transformer decoder"),
}
KNOWN = CHOICES | {
    "encoder": (*NAME, f"encoder of all models: {', '.join(ENCODERS)}"),
    "decoder": (*NAME, f"decoder of the first model: {', '.join(DECODERS)}"),
    "seed": (*N, "everything random comes from it; same seed, same bits, on one kind of processor with one "
                 "number of threads"),
    "steps": (*N, "training steps for each model"),
    "hidden": (*N, "hidden size"),
    "json": (*PATH, "write the result as JSON"),
    "save": (*PATH, "keep the model, and what is needed to resume the training, in PATH (.npz)"),
    "resume": (*PATH, "resume a training that was stopped, or with larger --steps one that is finished"),
}


class _Parser(argparse.ArgumentParser):
    def print_help(self, file=None):
        print(self.format_help(), end="", flush=True)  # argparse keeps silent where this fails

    def error(self, message):
        say(show.printable(f"{self.prog}: {message} (see --help)"), stream=sys.stderr)
        sys.exit(2)


def parser(name, description, epilog=STOP):
    """An argument parser that says what is wrong in one line and exits with 2."""
    texts = {"description": description, "epilog": epilog}
    layout = argparse.RawDescriptionHelpFormatter
    return _Parser(prog=f"python -m demos.{name}", formatter_class=layout, **texts)


def add_option(command, name, metavar, kind, text, default=None, said=None):
    """One option with a value; `said` is what its help calls the default, where that depends on others."""
    if (said or default) is not None:
        text = f"{text} (default: {said or default})"
    command.add_argument(f"--{name}", metavar=metavar, type=kind, default=default, help=text)


def add_flag(command, name, text):
    command.add_argument(f"--{name}", action="store_true", help=text)


def add_common_options(command, saves=True, html=None, **defaults):
    """--seed, --steps, --hidden, --cell where given a default; --quick, --json; --html where given what it
    writes; and, if the program `saves`, --save and --resume."""
    for name, default in defaults.items():
        add_option(command, name, *KNOWN[name], default)
    if html is not None:
        add_option(command, "html", *PATH, f"write {html} as a page with a slider")
    for name in ("json", "save", "resume")[: 3 if saves else 1]:
        add_option(command, name, *KNOWN[name])
    add_flag(command, "quick", "a few seconds, to see that everything runs; the model will be poor")


def add_model_options(command, decoder="luong", **usual):
    """--encoder, --decoder, --cell, --score, --directions, --heads and --layers.

    Args:
        usual: choices of a Config that hold where a model reads them and the command line does not say more.
    """
    for name, default in (("encoder", "recurrent"), ("decoder", decoder)):
        add_option(command, name, *KNOWN[name], default)
    said = {"directions": 1, "layers": f"1, with a Transformer {LAYERS}", **DEFAULTS, **usual}
    for name, choice in CHOICES.items():
        add_option(command, name, *choice, said=said[name])
    command.set_defaults(usual=usual)


def add_string_options(command):
    """--lengths, --alphabet and --interactive, for a program on strings of letters."""
    add_option(command, "lengths", "A-B", _lengths, "shortest and longest string", "1-10")
    add_option(command, "alphabet", "LETTERS", str, "letters to draw from", LETTERS)
    add_flag(command, "interactive", "after training, type strings and see them decoded")


def _lengths(text):
    """'1-10' or '7' to (shortest, longest)."""
    parts = text.split("-")
    if len(parts) > 2 or not all(part.isdecimal() and len(part) < 5 for part in parts):
        raise argparse.ArgumentTypeError(f"must look like 1-10 or 7, at most {LONGEST}; got {text[:20]!r}")
    return int(parts[0]), int(parts[-1])


def settle_options(options):
    """Apply --quick, in place; raise ValueError unless the common options make sense, alone and together."""
    for name in ("steps", "hidden"):
        if hasattr(options, name):
            check_size(f"--{name}", getattr(options, name))
            if getattr(options, name) > MOST:
                raise ValueError(f"--{name} must be at most {MOST:,}")
            if options.quick:
                setattr(options, name, min(getattr(options, name), QUICK[name]))
    if getattr(options, "seed", 0) < 0:
        raise ValueError(f"--seed must not be negative, got {options.seed}")
    for name, known in (("cell", CELLS), ("encoder", ENCODERS), ("decoder", DECODERS), ("score", SCORES)):
        if getattr(options, name, None) is not None:
            check_choice(f"--{name}", getattr(options, name), known)
    if hasattr(options, "decoder") and not DECODERS[options.decoder].attends:
        for name, value in (("score", options.score), ("html", getattr(options, "html", None))):
            if value is not None:
                raise ValueError(f"--{name} would be ignored: decoder {options.decoder} does not attend")
    check_files(options)
    return options


def choices(options, decoder=None):
    """Choices of a Config: of the model that was asked for, or of another decoder over the same encoder.

    What is usual is left out where the model does not read it. What somebody asked for is not: a Config says
    that it would be ignored.
    """
    model = {"encoder": options.encoder, "decoder": decoder or options.decoder}
    reads = {"dropout"} | ENCODERS[model["encoder"]].reads | DECODERS[model["decoder"]].reads
    given = {name: value for name in CHOICES if (value := getattr(options, name)) is not None}
    usual = {"layers": LAYERS, **options.usual} if "heads" in reads else options.usual
    if "heads" not in reads:
        reads.add("embedding_size")  # in a Transformer it is the hidden size
    if decoder:
        usual, given = {**usual, **given}, {}
    return {**model, **{name: value for name, value in usual.items() if name in reads}, **given}


def with_and_without_attention(options):
    """{name: choices of a Config} of the model that was asked for, and of the fixed vector beside it."""
    first = "attention" if DECODERS[options.decoder].attends else f"{options.decoder} vector"
    models = {first: choices(options)}
    models.setdefault("fixed vector", choices(options, "fixed"))
    return models
