"""Homework from the command line.

    python -m numpy_seq2seq.homework list
    python -m numpy_seq2seq.homework make DIR --set bptt
    python -m numpy_seq2seq.homework grade DIR [DIR …]

  list     every function that can be set, with its points (1 easy, 3 hard) and what it needs first
  make     write a student's tree: the package with the bodies of some functions missing
  grade    grade one tree or a class of trees

Run it from your own clone: inside a student's tree, Python would take the student's code for the package.
"""

import argparse
import contextlib
import inspect
import itertools
import os
import signal
import sys
import time
from pathlib import Path

from . import reports
from .assignment import ROOT, SETS, all_tasks, chosen
from .grading import assigned, found, grade, plain
from .student_tree import make

INTERRUPTED = 130
STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        print(f"{self.prog}: {message} (see --help)", file=sys.stderr)
        sys.exit(2)


def _number(kind, least, most):
    """A type for argparse: a number in this range."""
    def parsed(text):
        if not least <= kind(text) <= most:
            raise argparse.ArgumentTypeError(f"must be from {least:,} to {most:,}, got {text}")
        return kind(text)

    parsed.__name__ = kind.__name__
    return parsed


def options():
    """The parser of the three commands."""
    raw = {"formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = _Parser(prog="python -m numpy_seq2seq.homework", description=__doc__, **raw)
    commands = parser.add_subparsers(required=True, metavar="list | make | grade")
    for run in (run_list, run_make, run_grade):
        text = inspect.getdoc(run)
        name = run.__name__.removeprefix("run_")
        commands.add_parser(name, help=text.splitlines()[0], description=text, **raw).set_defaults(run=run)
    making, grading = commands.choices["make"], commands.choices["grade"]
    for command in (making, grading):
        what = f"a ready set: {', '.join(SETS)}; may be repeated"
        command.add_argument("--set", metavar="NAME", action="append", default=[], help=what)
        command.add_argument("--functions", metavar="NAMES", default="", help="names, separated by commas")
    making.add_argument("directory", metavar="DIR", type=Path)
    making.add_argument("--hints", type=int, choices=(0, 1, 2), default=2, help="how much the docstrings say")
    grading.add_argument("trees", metavar="DIR", nargs="+")
    for name, (_, _, what) in reports.FORMATS.items():
        grading.add_argument(f"--{name}", metavar="FILE", type=Path, help=what)
    grading.add_argument("--feedback", metavar="DIR", type=Path, help="a text for each student, in a folder")
    grading.add_argument("--partial", action="store_true", help="points for the share of right outputs")
    grading.add_argument("--strict", action="store_true", help="GitHub Classroom: status 1 unless all passed")
    for name, number, default, what in (
        ("seconds", _number(float, 0.1, 86_400), 20.0, "for one task"),
        ("memory", _number(int, 300, 2**20), 1024, "MB for one task"),
        ("jobs", _number(int, 1, 1000), os.cpu_count() or 1, "tasks graded at a time"),
    ):
        what = f"{what} (default: {default:g})"
        grading.add_argument(f"--{name}", metavar="N", type=number, default=default, help=what)
    return parser


def run_list(given, tasks):
    """What can be set, by chapter."""
    for chapter, own in itertools.groupby(tasks.values(), key=lambda task: task.chapter):
        print(f"{chapter}.py")
        for task in own:
            print(f"  {task.name:<28} {task.points}  {', '.join(task.needs)}".rstrip())
        print()
    print("Sets")
    for name in SETS:
        points = [task.points for task in chosen(tasks, [name]).values()]
        print(f"  {name:<16} {len(points):>3} functions, {sum(points):>3} points")
    print(f"\n{len(tasks)} functions. The figure is the points, 1 easy to 3 hard; then what it needs first.")


def run_make(given, tasks):
    """Write a student's tree into DIR, which must not exist or be empty.

    The functions set keep their signatures and docstrings: the docstring is the assignment. Their bodies,
    private helpers that only they use, and the exercises of their chapters are left out; so are demos, the
    project's tests, .git and README. ASSIGNMENT.md says what is to be done. `python -m pytest -k NAME` in
    the tree compares one function with the teacher's answers, which are there as numbers.

      --hints 2    docstrings with all formulas (default)
      --hints 1    a backward's docstring has the formulas of its forward only
      --hints 0    what goes in and what comes out, without formulas
    """
    in_set = _chosen(given, tasks)
    written = make(given.directory, in_set, given.hints)
    points = sum(task.points for task in in_set.values())
    print(f"{given.directory}: {len(written)} files, {len(in_set)} functions to be written, {points} points")
    print("\n".join(f"  {task.file}  {task.name}" for task in in_set.values()))
    print("Hand it out as it is; ASSIGNMENT.md explains. Grade with")
    print(f"  python -m numpy_seq2seq.homework grade {given.directory}")


def _chosen(given, tasks):
    return chosen(tasks, given.set, [name.strip() for name in given.functions.split(",") if name.strip()])


def run_grade(given, tasks):
    """Grade trees. DIR is a student's tree, or a folder of them.

    The student's file is run as it is, and one function is taken from it at a time; every other function is
    the teacher's, so one mistake costs one task, and an unfinished function does not fail its neighbours.
    What it returns is compared with what the teacher's returns, with every option. Where forward and backward
    are both set, they may agree on another cache, and a backward that is the derivative of the student's own
    forward is right. Tests in the tree do not count.

    Which functions: --set or --functions; without them those which ASSIGNMENT.md names in most of the trees;
    without any ASSIGNMENT.md, all that can be set.

      passed              full points; everything else: none (with --partial: a share)
      wrong               another result, or another signature
      not written         no such function or file, or NotImplementedError
      crashed             another error, a file that is no Python, a process that ended early
      timed out           more than --seconds
      left its limits     more than --memory, a link out of the tree, a function of NumPy or Python replaced

    Exit status: 0; 1 with --strict where a task did not pass; 2 for a wrong input or a folder without a tree;
    130 when stopped. Dates are not looked at: name the submissions that count.

    Each task has a process of its own, with limits on time, memory and file size, and its children end with
    it. THIS IS NOT A SANDBOX: it guards against accidents, not against malice. Code that means harm can read
    and delete what you can read and delete. Grade strangers on a machine, or as a user, that has nothing to
    lose.
    """
    trees, problems = found(given.trees)
    if not trees:
        raise ValueError("; ".join(problems))
    if given.gradescope and len(trees) > 1:
        raise ValueError(f"--gradescope is for one student, and {len(trees)} trees were named")
    notes = [f"not graded: {line}\n" for line in problems]
    with reports.files(given) as write:
        own = f"note: {ROOT} is the clone that grades: its own code is the judge\n"
        sys.stderr.writelines(notes + [own] * (ROOT in [tree.resolve() for tree in trees.values()]))
        if given.set or given.functions:
            in_set = _chosen(given, tasks)
        else:
            in_set, count = assigned(trees.values(), tasks)
            source = f"from ASSIGNMENT.md of {count} of {len(trees)} trees"
            print(f"Tasks: {len(in_set)}, {source if count else 'all that can be set'}")
        marks, stopped = _graded(given, trees, in_set)
        try:
            if marks:
                write(marks)  # before what is printed, which perhaps nobody reads to the end
        finally:
            print(reports.result(marks), flush=True)
            sys.stderr.writelines(notes)
    failed = given.strict and any(mark.verdict != "passed" for mark in marks)
    return INTERRUPTED if stopped else 2 if problems else int(failed)


def _graded(given, trees, tasks):
    """Marks in order, with a line of progress, and whether the grading was stopped."""
    marks, count, start, shown, stopped = [], len(trees) * len(tasks), time.perf_counter(), 0, False
    terminal = sys.stderr.isatty()
    try:
        with contextlib.closing(grade(trees, tasks, given)) as graded:
            for mark in graded:
                marks.append(mark)
                now = time.perf_counter() - start
                if now - shown > (0.1 if terminal else 10) or len(marks) == count:
                    left, shown = now / len(marks) * (count - len(marks)), now
                    line = f"graded {len(marks)}/{count}  {mark.student}  {now:.0f} s, {left:.0f} s left"
                    print(f"{line:<78}", end="\r" if terminal else "\n", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        stopped = True
        print(f"\nstopped after {len(marks)} of {count}; these are done:", file=sys.stderr)
    order = [*trees], [*tasks]
    return sorted(marks, key=lambda mark: (order[0].index(mark.student), order[1].index(mark.task))), stopped


def main(arguments=None):
    """Run a command. A wrong input becomes one line and exit status 2; Ctrl-C, SIGTERM and SIGHUP 130; 141
    means that whoever read the output has stopped reading."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by who started us
            setattr(sys, name, open(os.devnull, "w"))
        getattr(sys, name).reconfigure(errors="replace")
    try:
        given = options().parse_args(arguments)
        status = given.run(given, all_tasks())
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor can anything be said at exit
        status = 141
    except (ValueError, OSError) as error:
        print(f"error: {plain(str(error))}", file=sys.stderr)
        status = 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        status = INTERRUPTED
    if status:
        sys.exit(status)


def _stop(number, frame):
    """The first signal ends the command like Ctrl-C; further ones do not disturb it while it cleans up."""
    for other in STOPS:
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    for stop in STOPS:
        if signal.getsignal(stop) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(stop, _stop)
    main()

# Exercises
# 1. Add a set of your own. Which table does it take, and how do you see that its tests are enough?
