"""The command line: the options that programs share, and what is wrong with them before any work."""

import argparse
import sys
from pathlib import Path

from numpy_seq2seq import show
from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.config import DECODERS, check_choice, check_size
from numpy_seq2seq.scores import SCORES
from numpy_seq2seq.tasks import LETTERS

from .files import check_files
from .program import say

QUICK = {"steps": 20, "hidden": 32}  # with --quick, at most
MOST = 10**9  # of anything that is counted
LONGEST = 9999  # letters of a string: four digits
STOP = "Ctrl-C ends the training and shows what there is; the exit status is then 130."


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


def add_common_options(command, saves=True, html=None, **defaults):
    """--seed, --steps, --hidden, --cell, --decoder, --score where given a default; --quick, --json; --html
    where given what it writes; and, if the program `saves`, --save and --resume."""
    known = {
        "seed": ("N", int, "everything random comes from it; same seed, same bits, on one kind of processor "
                           "with one number of threads"),
        "steps": ("N", int, "training steps for each model"),
        "hidden": ("N", int, "hidden size"),
        "cell": ("NAME", str, f"recurrent cell: {', '.join(CELLS)}"),
        "decoder": ("NAME", str, f"decoder of the first model: {', '.join(DECODERS)}"),
        "score": ("NAME", str, f"attention score: {', '.join(SCORES)}"),
    }
    for name, default in defaults.items():
        metavar, kind, text = known[name]
        _add(command, name, metavar, kind, default, text)
    paths = {"json": "write the result as JSON"}
    if html is not None:
        paths["html"] = f"write {html} as a page with a slider"
    if saves:
        paths["save"] = "keep the model, and what is needed to resume the training, in PATH (.npz)"
        paths["resume"] = "resume a training that was stopped, or with larger --steps one that is finished"
    for name, text in paths.items():
        command.add_argument(f"--{name}", metavar="PATH", type=Path, help=text)
    quick = "a few seconds, to see that everything runs; the model will be poor"
    command.add_argument("--quick", action="store_true", help=quick)


def add_string_options(command, directions):
    """--directions, --lengths, --alphabet and --interactive, for a program on strings of letters."""
    _add(command, "directions", "N", int, directions, "in which the encoder reads, 1 or 2")
    _add(command, "lengths", "A-B", _lengths, "1-10", "shortest and longest string")
    _add(command, "alphabet", "LETTERS", str, LETTERS, "letters to draw from")
    talk = "after training, type strings and see them decoded"
    command.add_argument("--interactive", action="store_true", help=talk)


def _add(command, name, metavar, kind, default, text):
    text = f"{text} (default: {default})"
    command.add_argument(f"--{name}", metavar=metavar, type=kind, default=default, help=text)


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
    for name, known in (("cell", CELLS), ("decoder", DECODERS), ("score", SCORES)):
        if getattr(options, name, None) is not None:
            check_choice(f"--{name}", getattr(options, name), known)
    if hasattr(options, "decoder") and not DECODERS[options.decoder].attends:
        for name, value in (("score", options.score), ("html", getattr(options, "html", None))):
            if value is not None:
                raise ValueError(f"--{name} would be ignored: decoder {options.decoder} does not attend")
    check_files(options)
    return options


def with_and_without_attention(options):
    """{name: choices of a Config} of the decoder that was asked for, and of the fixed vector beside it."""
    first = "attention" if DECODERS[options.decoder].attends else f"{options.decoder} vector"
    models = {first: {"decoder": options.decoder, "score": options.score}}
    models.setdefault("fixed vector", {"decoder": "fixed"})
    return models
