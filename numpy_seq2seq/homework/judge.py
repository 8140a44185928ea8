"""Homework: the judge. What runs in the process that grades one task of one student.

Before this: transplant.py, answers.py. After it: grading.py, which starts it.

The student's file is run as its module, and the function is tried in up to three ways: alone, everything else
the teacher's; with its partner, since the two may agree on a cache of their own; with all that the student
wrote in this file. The best one counts. What is right is the teacher's answer each time.

Not here: comparing (check.py); starting and ending processes (grading.py).
"""

import ast
import builtins
import contextlib
import inspect
import json
import linecache
import math
import os
import pickle
import re
import signal
import sys
import traceback
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .assignment import defined_in, find, normal, partner, solution
from .check import check, check_cache
from .transplant import Refused, instead, module_of
from .trial import Wrong

WATCHED = (builtins, math, np, np.linalg, np.random, np.testing)  # who replaces these fools the check
RANK = ("passed", "wrong", "left its limits", "crashed", "not written")  # the first of several tries counts
FILE_SIZE = 16 * 2**20  # bytes that a graded process may write into one file
SHORT = 4  # statements: of a shorter body all right solutions may look alike


class Student(NamedTuple):
    """What was handed in for one task."""

    task: NamedTuple
    path: str
    module: object
    mine: dict  # {name: function} of all that was set in this file
    failed: list  # (line, error) of statements that failed


def main(path, answers, result, seconds, memory):
    """Grade one task, and write the verdict into a file. If the process ends by itself, the first stays."""
    _set_limits(int(float(seconds)) + 1, int(memory) * 2**20)
    (task, *rest), before = pickle.loads(Path(answers).read_bytes()), _watched()
    _report(result, "crashed", f"Python ended while {task.file} was read or run")
    try:
        report = _judged(path, task, *rest)
    except Refused as refused:
        report = refused.args
    if replaced := [".".join(key) for key, value in before.items() if _watched().get(key) is not value]:
        report = "left its limits", f"replaces {', '.join(replaced[:3])}"
    _report(result, *report)
    os._exit(0)  # whatever threads the student's code has started


def _report(result, verdict, said="", right=0, of=1, identical=False):
    report = {"verdict": verdict, "said": said, "right": right, "of": of, "identical": identical}
    Path(result).write_text(json.dumps(report), encoding="utf-8")


def _watched():
    return {(m.__name__, name): value for m in WATCHED for name, value in vars(m).items() if name != "_"}


def _set_limits(seconds, memory):
    """Of the process; its parent ends it too, but may be gone."""
    try:
        import resource
    except ImportError:  # not a POSIX system: then there is the limit on time alone
        return
    for name, limit in {"AS": memory, "CPU": seconds, "FSIZE": FILE_SIZE}.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (limit, limit + (name == "CPU")))
    signal.alarm(seconds)
    os.register_at_fork(after_in_child=lambda: os._exit(1))  # a second self would grade again


def _judged(path, task, names, calls, other_calls):
    """Verdict, message, how many outputs are right, of how many, whether it is the published solution."""
    teacher, other = defined_in(task.chapter), partner(task.name)
    module, tree, failed = module_of(path, task.file, f"numpy_seq2seq.{task.chapter}")
    mine = {name: getattr(module, name) for name in names if callable(getattr(module, name, None))}
    student, reports, backward = Student(task, path, module, mine, failed), [], None
    if task.name not in mine:
        raise Refused("not written", f"there is no {task.name} in {task.file}{_failures(student)}")
    if task.name.endswith("_forward") and other in teacher:  # whose cache is it?
        with _in_place(student, teacher, {other} & mine.keys()):
            if other not in names or _tried(student, other, other_calls, teacher[task.name])[0] == "passed":
                backward = teacher[other]
    for taken in ({task.name}, {task.name, other} & mine.keys(), mine.keys()):
        with _in_place(student, teacher, taken):
            forward = (mine if other in taken else teacher).get(other)
            reports.append(_tried(student, task.name, calls, forward, other in taken, backward, other_calls))
        if reports[-1][0] == "passed":
            break
    node, published = find(tree, task.name), ast.parse(inspect.getsource(teacher[task.name])).body[0]
    identical = node is not None and len(solution(node)) >= SHORT and normal(node) == normal(published)
    return *min(reports, key=lambda report: RANK.index(report[0])), identical


@contextlib.contextmanager
def _in_place(student, teacher, taken):
    """While it lasts these functions are the student's everywhere, and all others the teacher's."""
    for name, function in teacher.items():
        if name in student.mine or not name.startswith("_"):  # private helpers are the student's own
            setattr(student.module, name, student.mine[name] if name in taken else function)
    with instead({teacher[name]: student.mine[name] for name in taken}):
        yield


def _tried(student, name, calls, forward, own=False, backward=None, backward_calls=()):
    """The verdict on one try of one function."""
    try:
        check(student.mine.get(name, _missing), calls, forward, own)
        if backward:
            check_cache(student.mine[name], backward, backward_calls)
    except Wrong as wrong:
        return "wrong", str(wrong), wrong.right, wrong.of
    except BaseException as error:
        line, label = _line(student, error), getattr(error, "label", "no call")
        said = f"{name}: {_words(error)}, with {label}"
        verdict = "left its limits" if isinstance(error, MemoryError) else "crashed"
        if isinstance(error, NotImplementedError):
            verdict, said = "not written", str(error)
        elif isinstance(error, TypeError) and not line:  # nothing of the student's was reached
            verdict, said = "wrong", f"{name} cannot be called as the assignment has it: {error}"
        return verdict, said + line + _failures(student, error), 0, 1
    return "passed", "", 1, 1


def _missing(*args, **options):
    raise NotImplementedError


def _words(error):
    try:
        return f"{type(error).__name__}: {error or 'no words'}"[:1000]
    except Exception:  # the student's own __str__
        return type(error).__name__


def _line(student, error):
    """The innermost line of the student's file that an error came through."""
    frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    for line in [line for file, line in frames if file == student.path][-1:]:
        return f"\n  at {student.task.file}, line {line}: {linecache.getline(student.path, line).strip()}"
    return ""


def _failures(student, error=None):
    """Which statements failed while the file was run, and what to do where an import failed."""
    said = "".join(f"\n  before that, line {line} failed: {_words(e)}" for line, e in student.failed[:3])
    if re.search(r"ImportError|ModuleNotFoundError|module 'numpy_seq2seq", said + _words(error)):
        said += f"\n  keep helpers in {student.task.file}: every other file is the teacher's"
    return said


if __name__ == "__main__":
    main(*sys.argv[1:])

# Exercises
# 1. A student's forward is wrong, and the backward is the derivative of it. Which of the two passes, and why?
# 2. A solution that is right but slow: which limit does it meet, and what would be fair?
