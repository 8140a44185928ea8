"""Which test finds which bug: each defect of the zoo, each detector. Run `python -m demos.bug_zoo`."""

import difflib
import signal
import sys
import textwrap
import time
from pathlib import Path

from numpy_seq2seq import show

from ..shared import finish, parser, run, say, settle_options
from .defects import DEFECTS, difference
from .detectors import DETECTORS, ask
from .matrix import (
    CRASHED,
    FOUND,
    NAMES,
    NOT_RUN,
    SILENT,
    TRAINED,
    examine,
    shown_to,
    silent_before,
    usual_figures,
    who_noticed,
)

WIDTH, EVERY = 100, 8  # columns of running text; one defect in so many is looked at with --quick
WORDS = {FOUND: "found", CRASHED: "crashed", SILENT: "silent", NOT_RUN: "not run"}
LEGEND = (
    f"{FOUND} noticed   {CRASHED} the code crashed   {SILENT} ran the faulty code and noticed nothing"
    f"   {NOT_RUN} does not run it"
)


def main(arguments=None):
    given = read_options(arguments)
    if given.list:
        longest = max(map(len, DEFECTS))
        print("\n".join(f"{name:<{longest}}  {defect.sentence}" for name, defect in DEFECTS.items()))
        return 0
    usual = None if given.quick else {}
    if given.show:
        print(explain(DEFECTS[given.show], usual))
        return 0
    started = time.perf_counter()
    for detector in DETECTORS:
        if said := ask(detector.look):
            raise ValueError(f"the code has a defect already; {detector.name} says: {said.splitlines()[0]}")
    defects = list(DEFECTS.values())[:: EVERY if given.quick else 1]
    matrix = measure(defects, usual)
    seconds = time.perf_counter() - started
    stopped = signal.SIGINT if len(matrix) < len(defects) else 0
    return finish(given, report(matrix, usual), as_json(matrix, usual, seconds), stopped=stopped)


def read_options(arguments):
    options = parser(
        "bug_zoo",
        f"Which test finds which bug? Takes {len(DEFECTS)} mistakes as people make them, puts one after\n"
        "another into the real code, and asks nine detectors: finite differences, the complex step,\n"
        "four invariances, known answers, the loss after 100 steps, and the share of strings that are right\n"
        "after training.\n\n"
        "Nothing in the table is asserted: it is measured, each time. Which mistakes train well? Which have\n"
        "a perfect gradient? That stands below the table. Takes one to three minutes.",
        "Ctrl-C stops and shows what there is.\n\n"
        "examples:\n"
        "  python -m demos.bug_zoo --show future_dropped   one mistake: its lines, and what is said of it\n"
        "  python -m demos.bug_zoo --list                  all of them, a line each",
    )
    one = options.add_mutually_exclusive_group()
    one.add_argument("--show", metavar="NAME", help="explain one defect; what each detector says")
    one.add_argument("--list", action="store_true", help="the names of all defects, with a sentence each")
    one.add_argument("--json", metavar="PATH", type=Path, help="measure, and write the result as JSON")
    quick = f"a few seconds: no training, one defect in {EVERY}"
    options.add_argument("--quick", action="store_true", help=quick)
    given = options.parse_args(arguments)
    settle_options(given)
    if given.show is not None and given.show not in DEFECTS:
        near = difflib.get_close_matches(given.show, DEFECTS, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else "--list has all names"
        raise ValueError(f"there is no defect {given.show!r}; {hint}")
    return given


def measure(defects, usual):
    """{name: readings} of one defect after another, as far as one lets it run."""
    matrix, started, shown = {}, time.perf_counter(), 0.0
    try:
        for k, defect in enumerate(defects, 1):
            matrix[defect.name] = examine(defect, usual)
            seconds = time.perf_counter() - started
            if sys.stdout.isatty() or seconds - shown > 10:
                left = seconds / k * (len(defects) - k)
                line = f"{k}/{len(defects)}  {defect.name:<32}{seconds:4.0f} s, {left:.0f} s left"
                say(f"{line:<78}", end="\r" if sys.stdout.isatty() else "\n")
                shown = seconds
    except KeyboardInterrupt:
        print(f"\nstopped after {len(matrix)} of {len(defects)} defects")
    return matrix


# ---- the table and what it says ----------------------------------------------------------------------------


def report(matrix, usual):
    if not matrix:
        return "nothing was measured"
    names = [name for name in NAMES if usual is not None or name not in TRAINED]
    heads = [detector.head for detector in DETECTORS] + list(TRAINED.values())
    rows = [(defect, *(cell(readings[name]) for name in names)) for defect, readings in matrix.items()]
    counted = [sum(readings[name].noticed for readings in matrix.values()) for name in names]
    run_ = [len(shown_to(matrix, name)) for name in names]
    rows.append(("noticed, of those it ran", *(f"{a}/{b}" for a, b in zip(counted, run_))))
    parts = [show.table(("defect", *heads[: len(names)]), rows), LEGEND]
    if usual is not None:
        parts.append(figures_of_the_healthy(usual))
    return "\n\n".join(["", *parts, *lesson(matrix, usual)])


def cell(r):
    """A sign; for a training its number too."""
    return r.sign if r.number is None else f"{r.number:.2f} {r.sign}"


def figures_of_the_healthy(usual):
    lines = ["loss: nats per token after 100 steps; exact: share of strings right at the end. Healthy:"]
    for name, figures in usual_figures(usual).items():
        (a, b), (c, d) = figures["loss"], figures["exact"]
        lines.append(f"  {name:<20} loss {a:.2f} to {b:.2f}, exact {c:.2f} to {d:.2f}")
    return "\n".join(lines)


def lesson(matrix, usual):
    """What is to be learnt, from this run's readings alone."""
    fit = "finite differences"
    yield paragraph("Pass finite differences", silent_before(matrix, fit), shown_to(matrix, fit))
    if usual is not None:
        yield paragraph("Train fine", silent_before(matrix, *TRAINED), shown_to(matrix, *TRAINED))
        both = (fit, *TRAINED)
        title = "Train fine and pass finite differences"
        yield paragraph(title, silent_before(matrix, *both), shown_to(matrix, *both))
    alone = {name: [d for d, readings in matrix.items() if who_noticed(readings) == [name]] for name in NAMES}
    lines = [f"  {name}: {', '.join(defects)}" for name, defects in alone.items() if defects]
    yield "\n".join(["Noticed by one detector alone:", *map(wrapped, lines)])
    if unseen := [d for d, readings in matrix.items() if not who_noticed(readings)]:
        yield paragraph("Noticed by nobody", unseen, list(matrix))


def paragraph(title, some, all_):
    return wrapped(f"{title}, although wrong: {len(some)} of {len(all_)}. {', '.join(some)}")


def wrapped(text):
    return textwrap.fill(text, WIDTH, subsequent_indent="    ", break_on_hyphens=False)


def explain(defect, usual):
    """One defect: what it is, its lines, and what every detector says."""
    lines = [defect.name, "", wrapped(defect.sentence), wrapped(f"Seen in: {defect.seen}."), ""]
    lines += [*difference(defect), ""]
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
    result = {"seconds": seconds, "defects": defects, "healthy": usual_figures(usual or {})}
    result["pass_finite_differences"] = silent_before(matrix, "finite differences")
    if usual is not None:
        result["train_fine"] = silent_before(matrix, *TRAINED)
    return result


if __name__ == "__main__":
    run(main)
