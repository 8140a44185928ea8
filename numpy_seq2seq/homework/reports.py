"""Homework: reports. Marks as text, JSON, CSV, one text for each student, and as Gradescope wants them.

Before this: grading.py. After it: __main__.py.

Not here: how marks are made (grading.py).
"""

import contextlib
import csv
import io
import json
import os
from collections import Counter
from pathlib import Path

from ..show import table
from .grading import VERDICTS


def result(marks):
    """Marks as text: of one student each task, explained; of a class a line for each student, each task."""
    students, tasks = _grouped(marks, "student"), _grouped(marks, "task")
    text = "".join(map(feedback, students.values()))
    if len(students) > 1:
        rows = [(student, _points(own), *_counts(own)) for student, own in students.items()]
        by_task = [(task, *_counts(own)) for task, own in tasks.items()]
        text = f"{table(('student', 'points', *VERDICTS), rows)}\n\n{table(('task', *VERDICTS), by_task)}\n"
    same = [f"{student}: {names}" for student, own in students.items() if (names := _identical(own))]
    note = "\n  ".join(["Identical to the published solution, but for names:", *same]) if same else ""
    return (text + note).rstrip()


def feedback(marks):
    """What one student is told."""
    lines = []
    for m in marks:
        lines.append(f"{m.task}: {m.verdict}, {m.points} of {m.of}")
        lines += [f"  {line}" for line in m.said.splitlines()]
    return "\n".join([*lines, f"{marks[0].student}: {_points(marks)}", ""])


def _grouped(marks, field):
    groups = {}
    for mark in marks:
        groups.setdefault(getattr(mark, field), []).append(mark)
    return groups


def _sum(marks):
    return round(sum(m.points for m in marks), 1)


def _points(marks):
    return f"{_sum(marks)} of {sum(m.of for m in marks)}"


def _identical(marks):
    return ", ".join(m.task for m in marks if m.identical)


def _counts(marks):
    counts = Counter(mark.verdict for mark in marks)
    return [counts[verdict] or "" for verdict in VERDICTS]


# ---- files -------------------------------------------------------------------------------------------------


def as_json(marks):
    """All that is known of every mark."""
    return json.dumps([mark._asdict() for mark in marks], indent=2, ensure_ascii=False) + "\n"


def as_csv(marks):
    """A row for each student: the folder's name, the points, those of each task, what is as published."""
    tasks, text = list(_grouped(marks, "task")), io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["student", "points", "of", *tasks, "identical"])
    for student, own in _grouped(marks, "student").items():
        points = {m.task: m.points for m in own}
        name = "'" * (student[0] in "=+-@") + student  # else a spreadsheet takes it for a formula
        each = (points.get(task, "") for task in tasks)
        writer.writerow([name, _sum(own), sum(m.of for m in own), *each, _identical(own)])
    return text.getvalue()


def as_gradescope(marks):
    """results.json of an autograder: https://gradescope-autograders.readthedocs.io/en/latest/specs/"""
    tests = [
        {"name": m.task, "score": m.points, "max_score": m.of, "output": m.said or m.verdict}
        | {"status": "passed" if m.verdict == "passed" else "failed", "output_format": "text"}
        for m in marks
    ]
    return json.dumps({"tests": tests}, indent=2, ensure_ascii=False) + "\n"


FORMATS = {  # option: how, suffix, what
    "json": (as_json, ".json", "all marks"),
    "csv": (as_csv, ".csv", "a row for each student"),
    "gradescope": (as_gradescope, ".json", "results.json of one student"),
}


@contextlib.contextmanager
def files(given):
    """A function that writes what is asked for, each file whole or not at all.

    Raises:
        ValueError, OSError: before anything is graded, where it cannot be written or something would be lost.
    """
    asked, beside = {n: Path(os.path.realpath(p)) for n in FORMATS if (p := getattr(given, n))}, {}
    for name, path in asked.items():
        kind = path.is_file() and (path.suffix == FORMATS[name][1] or not path.stat().st_size)
        if path.exists() and not kind or [*asked.values()].count(path) > 1:
            raise ValueError(f"--{name} would write over {getattr(given, name)}; give another name")
        if not path.parent.is_dir():
            raise ValueError(f"--{name}: there is no folder {path.parent}")

    def write(path, text):
        beside[path] = path.with_name(f".{path.name}.{os.getpid()}")
        beside[path].write_text(text, encoding="utf-8")

    def write_all(marks):
        for name, path in asked.items():
            write(path, FORMATS[name][0](marks))
        for student, own in _grouped(marks, "student").items() if given.feedback else ():
            name = student.replace("%", "%25").replace(os.sep, "%2F")  # x/s and x_s are two students
            write(given.feedback / f"{name}.txt", feedback(own))
        for path, place in beside.items():
            os.replace(place, path)

    try:
        if given.feedback:
            given.feedback.mkdir(exist_ok=True)
            if not os.access(given.feedback, os.W_OK | os.X_OK):
                raise ValueError(f"--feedback: nothing may be written into {given.feedback}")
        for path in asked.values():
            write(path, "")
        yield write_all
    finally:
        for place in beside.values():
            place.unlink(missing_ok=True)


# Exercises
# 1. Your university wants a row for each student and task. Where does that format go?
