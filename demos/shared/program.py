"""How a program talks to the terminal, and how it ends."""

import codecs
import contextlib
import errno
import io
import json
import os
import shutil
import signal
import sys
import time

from numpy_seq2seq import show
from numpy_seq2seq.training import TrainingError

from .files import write


def run(main):
    """Run a program and exit with its status: 2, with one line, for a wrong input; 130 after Ctrl-C; 141 when
    nobody reads what is printed."""
    _open_streams()
    try:
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            status = main()
        finally:
            sys.stdout.flush()  # what cannot be written is found here, where it can be said
    except BrokenPipeError:
        status = _silence(141)
    except (ValueError, TypeError, TrainingError, OSError, MemoryError) as error:
        small = "too little memory: " if isinstance(error, MemoryError) else ""
        status = _last_words(f"error: {small}{error}", 2)
    except KeyboardInterrupt:
        status = _last_words("stopped", 130)
    sys.exit(status)


def _open_streams():
    """Put an empty stream in place of a closed one; write a ? for a character that cannot be written."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")


def _last_words(text, status):
    say(show.printable(text), stream=sys.stderr)  # one line
    say("", end="")  # gives up what could not be printed
    return status


def _silence(status=None):
    """From here on what is printed goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


@contextlib.contextmanager
def _terminal_may_be_gone():
    """Without a terminal nothing more is printed or read. What was done before it went is not lost."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        _silence()


def finish(options, text, found, page=None, stopped=0):
    """Show what was found; where an option asks for it write it as JSON, and what page() returns as HTML.

    First the files, since nobody may be reading the screen any more; and the screen even if they fail.

    Args:
        text:    for the screen.
        found:   dict for JSON; NumPy's numbers and arrays become plain ones.
        page:    () -> HTML.
        stopped: number of the signal that ended the work early, or 0; in the JSON it is `interrupted`.
    Returns:
        exit status: 0, or 128 + stopped.
    """
    try:
        if options.json is not None:
            found = {**found, "interrupted": bool(stopped)}
            write(options.json, json.dumps(found, indent=2, default=lambda value: value.tolist()) + "\n")
        if page is not None and options.html is not None:
            write(options.html, page())
            text += f"\n\nwrote {options.html}: open it in a browser"
    finally:
        with _terminal_may_be_gone():
            print(_shown(text, sys.stdout), flush=True)
    return 128 + stopped if stopped else 0


def say(text, end="\n", stream=None):
    """Print at once, to stdout or another stream. When nobody reads any more, the work goes on in silence."""
    try:
        print(_shown(text, stream or sys.stdout), end=end, flush=True, file=stream)
    except OSError:
        _silence()


def _shown(text, stream):
    """A text as a stream can show it: without characters that steer a terminal, in those of its encoding."""
    return show.writable("\n".join(map(show.printable, text.split("\n"))), stream.encoding)


def talk(invitation, answer):
    """Show what `answer` says to each line that a person types, or in one line why it refuses (ValueError).

    Returns:
        exit status: 2 if a line of a script was refused, else 0.
    """
    status = 0
    say(f"\n{invitation}")
    if isinstance(sys.stdin, io.TextIOWrapper):  # an odd byte is an odd letter, not the end
        plain = codecs.lookup(sys.stdin.encoding).name == "ascii"  # which says nothing of what is typed
        sys.stdin.reconfigure(encoding="utf-8" if plain else None, errors="surrogateescape")
    with _terminal_may_be_gone():
        while True:
            try:
                line = input("> ")
            except EOFError:
                print()
                break
            try:
                if said := answer(line):
                    say(said)
            except ValueError as error:
                say(f"error: {error}", stream=sys.stderr)
                status = 0 if sys.stdin.isatty() else 2
    return status


class Stop:
    """While it is open, a first Ctrl-C, SIGTERM or SIGHUP only asks to stop: its number is `asked`. A second
    one stops at once. What is ignored (nohup) stays so."""

    def __enter__(self):
        self.asked, self.before = 0, {}
        for number in (getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP")):
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self.before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *exception):
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _ask(self, number, frame):
        if self.asked:
            raise KeyboardInterrupt
        self.asked = number


class Progress:
    """One line that tells how training goes: in place on a terminal, a line now and then into a file.

    Args:
        start:         steps that were taken before.
        seconds_after: of what will follow; counted into the time left.
    """

    def __init__(self, label, steps, start=0, seconds_after=0.0):
        self.label, self.steps, self.start, self.seconds_after = label, steps, start, seconds_after
        self.started = self.shown = time.perf_counter()
        self.tokens, self.score = 0, ""

    def update(self, report, score=None):
        """Take a training.Report, and now and then a score to show beside it, as text."""
        now, terminal, last = time.perf_counter(), sys.stdout.isatty(), report.step == self.steps
        self.tokens += report.tokens
        self.score = f"  {score}" if score else self.score
        if now - self.shown < (0.1 if terminal else 5.0) and not last:
            return
        self.shown, seconds = now, now - self.started
        left = seconds / (report.step - self.start) * (self.steps - report.step) + self.seconds_after
        line = (
            f"{self.label}  step {report.step}/{self.steps}  loss {report.loss:.4f}{self.score}"
            f"  {self.tokens / seconds:,.0f} tokens/s  {left:.0f} s left"
        )
        if terminal:
            line = f"{line:<78}"[: shutil.get_terminal_size().columns - 1]
        with contextlib.suppress(OSError):  # a training goes on when nobody watches
            print(line, end="\r" if terminal and not last else "\n", flush=True)
