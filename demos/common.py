"""What all demos share: their options, the progress line, and how they end."""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.config import check_choice, check_size
from numpy_seq2seq.decoders import DECODERS
from numpy_seq2seq.scores import SCORES
from numpy_seq2seq.training import TrainingError

QUICK = {"steps": 20, "hidden": 32}  # with --quick, at most


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        print(f"{self.prog}: {message} (see --help)", file=sys.stderr)
        sys.exit(2)


def parser(name, description, epilog=""):
    """An argument parser that says what is wrong in one line and exits with 2."""
    return _Parser(
        prog=f"python -m demos.{name}",
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_common_options(options, saves=True, html=None, **defaults):
    """--seed, --steps, --hidden, --cell, --decoder, --score where given a default; --quick, --json; --html
    where given what it writes; and, if the demo `saves`, --save and --resume."""
    known = {
        "seed": ("N", int, "everything random comes from it; same seed, same bits"),
        "steps": ("N", int, "training steps for each model"),
        "hidden": ("N", int, "hidden size"),
        "cell": ("NAME", str, f"recurrent cell: {', '.join(CELLS)}"),
        "decoder": ("NAME", str, f"decoder of the first model: {', '.join(DECODERS)}"),
        "score": ("NAME", str, f"attention score: {', '.join(SCORES)}"),
    }
    for name, default in defaults.items():
        metavar, kind, text = known[name]
        text = f"{text} (default: {default})"
        options.add_argument(f"--{name}", metavar=metavar, type=kind, default=default, help=text)
    paths = {"json": "write the result as JSON"}
    if html is not None:
        paths["html"] = f"write {html} as a page with a slider"
    if saves:
        paths["save"] = "keep the model, and what is needed to go on, in PATH (.npz)"
        paths["resume"] = "go on with a training that was stopped"
    for name, text in paths.items():
        options.add_argument(f"--{name}", metavar="PATH", type=Path, help=text)
    quick = "a few seconds, to see that everything runs; the model will be poor"
    options.add_argument("--quick", action="store_true", help=quick)


def settle_options(given):
    """Apply --quick, in place; raise ValueError unless the common options make sense, alone and together."""
    for name in ("steps", "hidden"):
        if hasattr(given, name):
            check_size(f"--{name}", getattr(given, name))
            if given.quick:
                setattr(given, name, min(getattr(given, name), QUICK[name]))
    if getattr(given, "seed", 0) < 0:
        raise ValueError(f"--seed must not be negative, got {given.seed}")
    for name, known in (("cell", CELLS), ("decoder", DECODERS), ("score", SCORES)):
        if getattr(given, name, None) is not None:
            check_choice(f"--{name}", getattr(given, name), known)
    if hasattr(given, "decoder") and not DECODERS[given.decoder].attends:
        if getattr(given, "score", None) is not None:
            raise ValueError(f"--score {given.score} would be ignored: decoder {given.decoder} does not attend")
        if getattr(given, "html", None) is not None:
            raise ValueError(f"--html draws attention maps, and decoder {given.decoder} does not attend")
    for name in ("json", "html", "save"):
        path = getattr(given, name, None)
        if path is not None and not path.resolve().parent.is_dir():
            raise ValueError(f"--{name}: there is no folder {path.resolve().parent}")
    save = getattr(given, "save", None)
    if save is not None and save.suffix != ".npz":
        raise ValueError(f"--save: a model's file ends in .npz, got {save}")
    if save is not None and save.exists() and save != given.resume:
        raise ValueError(
            f"--save: there is a {save} already; --resume {save} goes on with it, another name keeps both"
        )


def run(main):
    """Run a demo: a wrong input becomes one line and exit status 2, Ctrl-C exit status 130."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")
    try:
        sys.exit(main())
    except (ValueError, TypeError, TrainingError, OSError) as error:
        if os.environ.get("DEMO_TRACEBACK"):
            raise
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)


def write(given, result, page=None):
    """Write the result as JSON, and what page() returns as HTML, each where an option asks for it.

    NumPy numbers and arrays become plain ones.
    """
    if given.json is not None:
        given.json.write_text(json.dumps(result, indent=2, default=lambda value: value.tolist()) + "\n")
    if page is not None and given.html is not None:
        given.html.write_text(page(), encoding="utf-8")
        print(f"\nwrote {given.html}: open it in a browser")


def random_streams(seed, count):
    """Independent random generators from one seed."""
    return [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(count)]


class Progress:
    """One line that tells how training goes: in place on a terminal, a line now and then into a file."""

    def __init__(self, label, steps, stream=None, start=0, then=0.0):
        self.label, self.steps, self.stream = label, steps, stream or sys.stdout
        self.start, self.then = start, then  # steps taken before; seconds that will follow
        self.started = self.shown = time.perf_counter()
        self.tokens, self.score = 0, ""
        self.every = 0.1 if self.stream.isatty() else 5.0

    def update(self, report, score=None):
        """Take a training.Report, and now and then a score to show beside it."""
        now = time.perf_counter()
        self.tokens += report.tokens
        if score is not None:
            self.score = f"  exact {score:4.0%}"
        if now - self.shown < self.every and report.step < self.steps:
            return
        self.shown, seconds = now, now - self.started
        left = seconds / (report.step - self.start) * (self.steps - report.step) + self.then
        line = (
            f"{self.label}  step {report.step}/{self.steps}  loss {report.loss:.4f}{self.score}"
            f"  {self.tokens / seconds:,.0f} tokens/s  {left:.0f} s left"
        )
        end = "\r" if self.stream.isatty() and report.step < self.steps else "\n"
        self.stream.write(f"{line:<78}"[: max(78, len(line))] + end)
        self.stream.flush()
