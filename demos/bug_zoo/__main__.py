"""Which test finds which bug? Run `python -m demos.bug_zoo`.

Mistakes as people make them are put into the real code, one after another, and each of ten detectors is asked
whether it notices: finite differences, the complex step, five kinds of invariance, known answers; and after
training, the loss and the share of strings that are right. Nothing in the table is asserted: all of it is
measured each time. Takes one to three minutes.
"""

import difflib
import signal
import sys
import textwrap
import time
from pathlib import Path

from numpy_seq2seq import show

from ..shared import Claim, claims_table, finish, parser, run, say, settle_options
from .defects import DEFECTS, difference
from .detectors import DETECTORS, ask
from .matrix import CRASHED, FOUND, NAMES, NOT_RUN, SILENT, TRAINED
from .matrix import examine, shown_to, silent_before, usual_figures, who_noticed

WIDTH, EVERY = 100, 8  # columns of running text; one defect in so many is looked at with --quick
WORDS = {FOUND: "found", CRASHED: "crashed", SILENT: "silent", NOT_RUN: "not run"}
LEGEND = f"{FOUND} noticed   {CRASHED} crashed   {SILENT} ran it, noticed nothing   {NOT_RUN} does not run it"
EPILOG = """Ctrl-C stops and shows what there is.

examples:
  python -m demos.bug_zoo --show future_dropped   one mistake: its lines, and what is said of it
  python -m demos.bug_zoo --list                  all of them, a line each"""
FIT = "finite differences"


def main(arguments=None):
    """Measure, show, perhaps write; returns the exit status."""
    options = read_options(arguments)
    if options.list:
        longest = max(map(len, DEFECTS))
        print("\n".join(f"{name:<{longest}}  {defect.sentence}" for name, defect in DEFECTS.items()))
        return 0
    usual = None if options.quick else {}
    if options.show:
        print(explain(DEFECTS[options.show], usual))
        return 0
    started = time.perf_counter()
    for detector in DETECTORS:
        if said := ask(detector.looks):
            raise ValueError(f"the code has a defect already; {detector.name} says: {said.splitlines()[0]}")
    defects = list(DEFECTS.values())[:: EVERY if options.quick else 1]
    matrix = measure(defects, usual)
    seconds = time.perf_counter() - started
    stopped = signal.SIGINT if len(matrix) < len(defects) else 0
    return finish(options, report(matrix, usual), as_json(matrix, usual, seconds), stopped=stopped)


def read_options(arguments):
    command = parser("bug_zoo", __doc__, EPILOG)
    one = command.add_mutually_exclusive_group()
    one.add_argument("--show", metavar="NAME", help="explain one defect; what each detector says")
    names = f"the names of all {len(DEFECTS)} defects, with a sentence each"
    one.add_argument("--list", action="store_true", help=names)
    one.add_argument("--json", metavar="PATH", type=Path, help="measure, and write the result as JSON")
    quick = f"a few seconds: no training, one defect in {EVERY}"
    command.add_argument("--quick", action="store_true", help=quick)
    options = settle_options(command.parse_args(arguments))
    if options.show is not None and options.show not in DEFECTS:
        near = difflib.get_close_matches(options.show, DEFECTS, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else "--list has all names"
        raise ValueError(f"there is no defect {options.show!r}; {hint}")
    return options


def measure(defects, usual):
    """{name: readings} of one defect after another, until Ctrl-C."""
    matrix, started, shown = {}, time.perf_counter(), 0.0
    try:
        for k, defect in enumerate(defects, 1):
            matrix[defect.name] = examine(defect, usual)
            seconds = time.perf_counter() - started
            if sys.stdout.isatty() or seconds - shown > 10:
                left = seconds / k * (len(defects) - k)
                line = f"{k}/{len(defects)}  {defect.name:<36}{seconds:4.0f} s, {left:.0f} s left"
                say(f"{line:<78}", end="\r" if sys.stdout.isatty() else "\n")
                shown = seconds
    except KeyboardInterrupt:
        print(f"\nstopped after {len(matrix)} of {len(defects)} defects")
    return matrix


# ---- what is shown -----------------------------------------------------------------------------------------


def report(matrix, usual):
    if not matrix:
        return "nothing was measured"
    names = [name for name in NAMES if usual is not None or name not in TRAINED]
    heads = [detector.head for detector in DETECTORS] + list(TRAINED.values())
    rows = [(defect, *(cell(readings[name]) for name in names)) for defect, readings in matrix.items()]
    counted = [sum(readings[name].noticed for readings in matrix.values()) for name in names]
    ran = [len(shown_to(matrix, name)) for name in names]
    rows += [("noticed", *counted), ("of those that it ran", *ran)]
    parts = [show.table(("defect", *heads[: len(names)]), rows), LEGEND]
    if usual is not None:
        parts.append(figures_of_the_healthy(usual))
    parts += [f"{title}:\n{wrapped(found)}" for title, found in lists(matrix, names).items()]
    return "\n\n".join(["", *parts, claims_table(claims(matrix, usual))])


def cell(r):
    """A sign; for a training its number too."""
    return r.sign if r.number is None else f"{r.number:.2f} {r.sign}"


def figures_of_the_healthy(usual):
    lines = ["loss: nats per token after 100 steps; exact: share of strings right at the end. Healthy:"]
    for name, figures in usual_figures(usual).items():
        (a, b), (c, d) = figures["loss"], figures["exact"]
        lines.append(f"  {name:<20} loss {a:.2f} to {b:.2f}, exact {c:.2f} to {d:.2f}")
    return "\n".join(lines)


def lists(matrix, names):
    """{title: names of defects}."""
    found = {"Not noticed by finite differences": silent_before(matrix, FIT)}
    if TRAINED.keys() <= set(names):
        found["Not noticed by training"] = silent_before(matrix, *TRAINED)
    for name in names:
        if alone := [d for d, readings in matrix.items() if who_noticed(readings) == [name]]:
            found[f"Noticed by one detector alone, {name}"] = alone
    return found


def claims(matrix, usual):
    """What can be learned from the table."""
    def share(some, among):
        return len(some) / max(len(among), 1)

    def passing(*detectors):
        return share(silent_before(matrix, *detectors), shown_to(matrix, *detectors))

    noticed = [readings for readings in matrix.values() if who_noticed(readings)]
    best = max(sum(readings[d.name].noticed for readings in matrix.values()) for d in DETECTORS)
    yield Claim("every defect is noticed by some detector", share(noticed, matrix), 1.0)
    yield Claim("one detector is not enough: what the best notices", best / len(matrix), 0.8, at_most=True)
    yield Claim("a gradient can fit a wrong forward: pass finite differences", passing(FIT), 0.3)
    if usual is not None:
        yield Claim("a wrong model can train well: loss and exact match as usual", passing(*TRAINED), 0.5)
        yield Claim("both at once", passing(FIT, *TRAINED), 0.2)


def wrapped(names):
    text = ", ".join(names) or "none"
    return textwrap.fill(text, WIDTH, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)


def explain(defect, usual):
    """One defect: what it is, its lines, and what every detector says."""
    lines = [defect.name, "", defect.sentence, f"Seen in: {defect.seen}.", "", *difference(defect), ""]
    readings = examine(defect, usual)
    width = max(map(len, readings))
    for name, r in readings.items():
        first, *others = (r.said or WORDS[r.sign]).splitlines()
        number = f"{r.number:.3f}: " if r.number is not None and not r.said else ""
        lines.append(f"{r.sign} {name:<{width}}  {number}{first}")
        lines += [" " * (width + 4) + line for line in others[:3]]
    return "\n".join(lines)


def as_json(matrix, usual, seconds):
    defects = {}
    for name, readings in matrix.items():
        said = {d: {"sign": WORDS[r.sign], "said": r.said, "number": r.number} for d, r in readings.items()}
        about = {field: getattr(DEFECTS[name], field) for field in ("module", "function", "sentence", "seen")}
        defects[name] = {**about, "detectors": said}
    made = [claim.as_dict() for claim in claims(matrix, usual)] if matrix else []
    return {"seconds": seconds, "defects": defects, "healthy": usual_figures(usual or {}), "claims": made}


if __name__ == "__main__":
    run(main)
