"""Appendix E, last part. Homework from the command line: list, make, grade.

Before this: student_tree.py, grading.py. It stands apart: no other room needs it, and it is the only one
that prints.

    python -m numpy_seq2seq.homework list
    python -m numpy_seq2seq.homework make DIR --set bptt
    python -m numpy_seq2seq.homework grade DIR [DIR …]

Not here: what any of the three does (assignment.py, student_tree.py, grading.py).
"""

import argparse
import csv
import json
import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from .assignment import ROOMS, SETS, all_tasks, assigned, check_clone, chosen
from .grading import VERDICTS, Limits, grade
from ..show import table
from .student_tree import make

LIMITS = {"seconds": (0.1, 86_400), "memory": (300, 2**20), "jobs": (1, 1000)}  # least and most
INTERRUPTED = 130

ABOUT = """Set homework from this package, and grade it.

  list     every function that can be set, by room, with its points (1 easy, 3 hard) and what it needs first
  make     write a student's tree: the project with the bodies of some functions missing
  grade    grade one tree or a class of trees
"""
MAKE = """Write a student's tree into DIR, which must not exist or be empty.

The functions set keep their signatures and docstrings: the docstring is the assignment. Their bodies,
private helpers that only they use, the exercises of their rooms, and tests that contain a transcription are
left out; so are .git, README and whatever else could give the solution away. ASSIGNMENT.md says what is to
be done. In the tree, `python -m pytest` runs the tests that belong to the assignment: they fail until the
functions are written.
"""
GRADE = """Grade trees, each function alone: everything else is the teacher's, so one mistake costs one task,
and an unfinished function does not fail its neighbours. The tests are the teacher's own; those in the tree do
not count, and nothing else of the tree is run. From the student's file the function is taken together with
the helpers, imports (by name) and constants that were added there. Where forward and backward are both set,
they may agree on another cache.

Which functions: --set or --functions; without them those which ASSIGNMENT.md names in most of the trees;
without any ASSIGNMENT.md, all that can be set.

  passed              all tests that bear its name pass: full points; everything else: none
  wrong               a test says no, or the signature is another one
  not written         no such function, or NotImplementedError
  crashed             another error, a file that is no Python, a process that ended early
  timed out           more than --seconds
  left its limits     more than --memory, or a function of NumPy or Python was replaced

Each task has a process of its own, with limits on time, memory and file size, and its children end with it.
THIS IS NOT A SANDBOX: it guards against accidents, not against malice. Code that means harm can read and
delete what you can read and delete. Grade strangers on a machine, or as a user, that has nothing to lose.
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        print(f"{self.prog}: {message} (see --help)", file=sys.stderr)
        sys.exit(2)


def options():
    """The parser of the three commands."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = _Parser(prog="python -m numpy_seq2seq.homework", description=ABOUT, formatter_class=raw)
    commands = parser.add_subparsers(dest="command", required=True, metavar="list | make | grade")
    commands.add_parser("list", help="what can be set").set_defaults(run=run_list)
    making = commands.add_parser("make", help="a student's tree", description=MAKE, formatter_class=raw)
    making.set_defaults(run=run_make)
    making.add_argument("directory", metavar="DIR", type=Path)
    grading = commands.add_parser("grade", help="grade trees", description=GRADE, formatter_class=raw)
    grading.set_defaults(run=run_grade)
    grading.add_argument("trees", metavar="DIR", nargs="+")
    sets = f"a ready set: {', '.join(SETS)}; may be repeated"
    for command in (making, grading):
        command.add_argument("--set", metavar="NAME", action="append", default=[], help=sets)
        command.add_argument("--functions", metavar="NAMES", default="", help="names, separated by commas")
    for name in ("json", "csv"):
        grading.add_argument(f"--{name}", metavar="FILE", type=Path, help=f"all marks as {name.upper()}")
    most = {"seconds": 20.0, "memory": 1024, "jobs": os.cpu_count() or 1}
    text = {"seconds": "for one task", "memory": "MB for one task", "jobs": "tasks graded at a time"}
    for name, default in most.items():
        help_ = f"{text[name]} (default: {default:g})"
        grading.add_argument(f"--{name}", metavar="N", type=type(default), default=default, help=help_)
    return parser


def run_list(given, tasks):
    """Print what can be set, and the sets."""
    for room in ROOMS:
        rows = [(t.name, t.points, ", ".join(t.needs)) for t in tasks.values() if t.room == room]
        if rows:
            print(f"{room}.py\n" + _indented(_ragged(rows)) + "\n")
    print("Sets")
    for name in SETS:
        in_set = chosen(tasks, [name])
        print(f"  {name:<16} {len(in_set):>3} functions, {sum(t.points for t in in_set.values()):>3} points")
    print(f"\n{len(tasks)} functions. The figure is the points, 1 easy to 3 hard; then what it needs first.")


def _ragged(rows):
    width = max(len(name) for name, *_ in rows)
    return "\n".join(f"{name:<{width}}  {points}  {needs}".rstrip() for name, points, needs in rows)


def _indented(text):
    return "\n".join(f"  {line}" for line in text.splitlines())


def run_make(given, tasks):
    """Write a tree, and say what it holds."""
    in_set = chosen(tasks, given.set, _names(given.functions))
    written = make(given.directory, in_set, tasks)
    print(
        f"{given.directory}: {len(written)} files, {len(in_set)} functions to be written, "
        f"{sum(task.points for task in in_set.values())} points"
    )
    for task in in_set.values():
        print(f"  {task.file}  {task.name}")
    print(
        "Hand it out as it is; ASSIGNMENT.md explains. Grade with\n"
        f"  python -m numpy_seq2seq.homework grade {given.directory}"
    )


def _names(text):
    return [name.strip() for name in text.split(",") if name.strip()]


def run_grade(given, tasks):
    """Grade trees, with a line of progress, and print the result; write it where asked to."""
    _check(given)
    places = {}
    for tree in given.trees:
        places.setdefault(Path(tree).resolve(), tree)  # one student, however often named
    trees = list(places.values())
    if given.set or given.functions:
        in_set = chosen(tasks, given.set, _names(given.functions))
    else:
        in_set, count = assigned(trees, tasks)
        source = f"from ASSIGNMENT.md of {count} of {len(trees)} trees" if count else "all that can be set"
        print(f"Tasks: {len(in_set)}, {source}")
    marks, progress, stopped = [], Progress(len(trees) * len(in_set)), False
    try:
        for mark in grade(trees, in_set, tasks, Limits(given.seconds, given.memory), given.jobs):
            marks.append(mark)
            progress.update(mark)
    except KeyboardInterrupt:
        stopped = True
        print(f"\nstopped after {len(marks)} of {progress.count}; these are done:", file=sys.stderr)
    order = {name: k for k, name in enumerate(in_set)}
    marks.sort(key=lambda mark: (trees.index(mark.tree), order[mark.task]))
    try:
        write(marks, given)  # before what is printed, which perhaps nobody reads to the end
    finally:
        print(result(marks), flush=True)
    return INTERRUPTED if stopped else 0


def _check(given):
    """Raise ValueError unless the trees are there, the limits make sense, and no other file is written over."""
    for name, (least, most) in LIMITS.items():
        if not least <= getattr(given, name) <= most:
            raise ValueError(f"--{name} must be from {least:,} to {most:,}, got {getattr(given, name):g}")
    for tree in given.trees:
        if not tree or not Path(tree).is_dir():
            raise ValueError(f"{tree!r} is not a folder; give the folders of students' trees")
    written = []
    for name in ("json", "csv"):
        path = getattr(given, name)
        if path is None:
            continue
        place = path.resolve()
        if not place.parent.is_dir():
            raise ValueError(f"--{name}: there is no folder {place.parent}")
        other = place.is_file() and place.stat().st_size and place.suffix != f".{name}"
        if place.is_dir() or place in written or other:
            raise ValueError(f"--{name} would write over {path}; give another name")
        written.append(place)


class Progress:
    """How far the grading is: in place on a terminal, a line now and then into a file."""

    def __init__(self, count):
        self.count, self.done, self.started, self.shown = count, 0, time.perf_counter(), time.perf_counter()

    def update(self, mark):
        """One mark more."""
        self.done += 1
        now, terminal = time.perf_counter(), sys.stderr.isatty()
        if self.done < self.count and now - self.shown < (0.1 if terminal else 10):
            return
        self.shown, left = now, (now - self.started) / self.done * (self.count - self.done)
        line = f"graded {self.done}/{self.count}  {mark.tree}  {now - self.started:.0f} s, {left:.0f} s left"
        end = "\r" if terminal and self.done < self.count else "\n"
        print(f"{line:<78}", end=end, file=sys.stderr, flush=True)


def result(marks):
    """Marks as text: of one tree each task, explained; of a class a line for each tree and each task."""
    trees = list(dict.fromkeys(mark.tree for mark in marks))
    if len(trees) == 1:
        lines = [
            f"{m.task}: {m.verdict}, {m.points} of {m.of}" + (f"\n{_indented(m.said)}" if m.said else "")
            for m in marks
        ]
        return "\n".join([*lines, f"{trees[0]}: {_points(marks)}"])
    rows = [(tree, _points(own := [m for m in marks if m.tree == tree]), *_counts(own)) for tree in trees]
    tasks = dict.fromkeys(m.task for m in marks)
    by_task = [(task, *_counts([m for m in marks if m.task == task])) for task in tasks]
    return f"{table(('tree', 'points', *VERDICTS), rows)}\n\n{table(('task', *VERDICTS), by_task)}"


def _points(marks):
    return f"{sum(m.points for m in marks)} of {sum(m.of for m in marks)}"


def _counts(marks):
    counts = Counter(mark.verdict for mark in marks)
    return [counts[verdict] or "" for verdict in VERDICTS]


def write(marks, given):
    """The files that were asked for."""
    rows = [mark._asdict() for mark in marks]
    if given.json is not None:
        given.json.write_text(json.dumps(rows, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if given.csv is not None:
        with open(given.csv, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]) if rows else ["tree"])
            writer.writeheader()
            writer.writerows({**row, "said": row["said"].split("\n")[0]} for row in rows)


def main(arguments=None):
    """Run a command; a wrong input becomes one line and exit status 2, Ctrl-C and SIGTERM 130, and 141 means that
    whoever read the output has stopped reading."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by who started us
            setattr(sys, name, open(os.devnull, "w"))
        getattr(sys, name).reconfigure(errors="replace")
    try:
        given = options().parse_args(arguments)
        check_clone()
        status = given.run(given, all_tasks())
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor can anything be said at exit
        status = 141
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        status = 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        status = INTERRUPTED
    if status:
        sys.exit(status)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it ends like Ctrl-C: no process stays behind
    main()

# Exercises
# 1. Add a set of your own. Which table does it take, and how do you see that its tests are enough?
