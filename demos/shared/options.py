"""What all demos share: their options, the progress line, a prompt, and how they end."""

import argparse
import io
import json
import os
import shutil
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
WRITTEN = {"json": ".json", "html": ".html", "save": ".npz", "output": None}  # options, and how their files end


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
    check_paths(given)


def check_paths(given):
    """Raise ValueError unless every file that the options name may be written, and no other file is lost by it."""
    taken = {}
    for name, suffix in WRITTEN.items():
        path = getattr(given, name, None)
        if path is None:
            continue
        place = path.resolve()
        if not place.parent.is_dir():
            raise ValueError(f"--{name}: there is no folder {place.parent}")
        if place.is_dir():
            raise ValueError(f"--{name}: {path} is a folder; give the name of a file")
        if suffix != place.suffix and suffix is not None and place.is_file() and place.stat().st_size:
            raise ValueError(f"--{name} would write over {path}; give another name, or one that ends in {suffix}")
        if place in taken:
            raise ValueError(f"--{taken[place]} and --{name} name the same file, {path}")
        taken[place] = name
    save = getattr(given, "save", None)
    if save is not None and save.suffix != ".npz":
        raise ValueError(f"--save: a model's file ends in .npz, got {save}")
    if save is not None and save.exists() and save != given.resume:
        raise ValueError(
            f"--save: there is a {save} already; --resume {save} goes on with it, another name keeps both"
        )


def run(main):
    """Run a demo: a wrong input becomes one line and exit status 2, Ctrl-C exit status 130, and 141 means that
    nobody has read the end of what was printed."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by who started us
            setattr(sys, name, open(os.devnull, mode))
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")
    try:
        sys.exit(main())
    except BrokenPipeError:
        _silence()  # nor can anything be said at exit
        sys.exit(141)
    except (ValueError, TypeError, TrainingError, OSError, MemoryError) as error:
        if os.environ.get("DEMO_TRACEBACK"):
            raise
        small = "too little memory: " if isinstance(error, MemoryError) else ""
        print(f"error: {small}{error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)


def finish(given, shown, result, page=None):
    """Print what was found; and where an option asks for it write the result as JSON, what page() returns as HTML.

    First the files, since nobody may be reading the screen any more; and whatever becomes of them, the screen.
    NumPy numbers and arrays become plain ones.
    """
    try:
        if given.json is not None:
            _write(given.json, json.dumps(result, indent=2, default=lambda value: value.tolist()) + "\n")
        if page is not None and given.html is not None:
            _write(given.html, page())
            shown += f"\n\nwrote {given.html}: open it in a browser"
    finally:
        print(shown, flush=True)


def say(text, end="\n"):
    """Print at once. When nobody reads any more, the work goes on in silence."""
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        _silence()


def _silence():
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write(path, text):
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{path} was not written: {error.strerror}") from error


def prompts():
    """The lines that a person types, until there are no more."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")  # an odd byte is an odd letter, not the end
    while True:
        try:
            yield input("> ")
        except EOFError:
            print()
            return


def percent(share):
    """A share in [0, 1] as a reader wants it: no 100% and no 0% that is none."""
    said = f"{share:.0%}"
    if said in ("0%", "100%") and 0 < share < 1:
        return f"{min(max(share, 0.001), 0.999):.1%}"
    return said


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
        terminal, end = self.stream.isatty(), "\n"
        if terminal:
            line = f"{line:<78}"[: shutil.get_terminal_size().columns - 1]
            end = "\r" if report.step < self.steps else "\n"
        try:
            self.stream.write(line + end)
            self.stream.flush()
        except BrokenPipeError:  # a training goes on when nobody watches
            self.stream = open(os.devnull, "w")
