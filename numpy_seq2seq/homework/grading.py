"""Homework: grading. Finds the trees of a class, starts one process for each task, and collects the marks.

Before this: judge.py, which runs in those processes. After it: reports.py.

    passed              every call gives what the teacher's function gives
    wrong               one does not; or the signature is another one
    not written         no such function or file, or NotImplementedError
    crashed             another error; a file that cannot be read; the process ended by itself
    timed out           the task took too long
    left its limits     too much memory, a file outside the tree, a function of NumPy or Python replaced

Nothing that a student has written is run, parsed, or read without a limit outside of those processes. They
have limits on time, memory and the size of files, and their children end with them. That guards against
accidents. It is **not a sandbox**: code that means harm can do what the teacher's account can do.

Not here: what a verdict is made of (judge.py, check.py); tables and files (reports.py).
"""

import itertools
import json
import math
import os
import pickle
import re
import secrets
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from .answers import answers
from .assignment import CHAPTERS, ROOT, all_functions, partner
from .transplant import LARGEST

VERDICTS = ("passed", "wrong", "not written", "crashed", "timed out", "left its limits")
DEEPEST = 2  # folders between what is named and the package


class Mark(NamedTuple):
    """What one student gets for one task."""

    student: str
    task: str
    verdict: str  # one of VERDICTS
    points: float
    of: int
    said: str  # why; empty where passed
    identical: bool  # to the published solution, but for names


class Bench(NamedTuple):
    """What all gradings share."""

    folder: Path  # a temporary one
    given: object  # seconds, memory (MB), jobs, partial
    running: set  # processes; None in it: no further one is to be started


# ---- the trees ---------------------------------------------------------------------------------------------


def found(places):
    """Students' trees in what was named: trees, or folders that hold some.

    Returns:
        {student: folder}, and a line for each place that holds none.
    """
    named, problems = {}, []
    for path in map(Path, places):
        trees = _trees(path, DEEPEST) if path.is_dir() else []
        what = "no folder numpy_seq2seq is in it" if path.is_dir() else "there is no such folder"
        closed = [p for p in _below(path) if os.path.isdir(p) and not os.access(p, os.R_OK | os.X_OK)]
        problems += [f"{plain(str(p))}: it may not be read" for p in closed]
        problems += [] if trees or closed else [f"{plain(str(path))}: {what} (is it still packed?)"]
        for tree in trees:
            name = path.resolve().name if len(trees) == 1 else tree.relative_to(path).parts[0]
            named.setdefault(tree.resolve(), (plain(name), tree))
    count = Counter(name for name, _ in named.values())
    return {name if count[name] == 1 else plain(str(tree)): tree for name, tree in named.values()}, problems


def _trees(path, depth):
    """The folder itself if the package or a chapter is in it, else those below; links are not followed."""
    chapters = (path / f"{chapter}.py" for chapter in CHAPTERS)
    if os.path.isdir(path / "numpy_seq2seq") or any(map(os.path.isfile, chapters)):
        return [path]
    below = [p for p in _below(path) if depth and p.name[0] not in "._" and not p.is_symlink()]
    return [tree for p in below if os.path.isdir(p) for tree in _trees(p, depth - 1)]


def _below(path):
    """What is in a folder, sorted; nothing where it may not be read."""
    try:
        return sorted(path.iterdir())
    except OSError:
        return []


def _inside(tree, path):
    return path.resolve().is_relative_to(tree.resolve())


def assigned(trees, tasks):
    """The tasks that ASSIGNMENT.md of most of the trees names, so that one changed list changes nothing.

    Returns:
        {name: Task}, and how many trees name just these; all tasks, and 0, where no tree has a list.
    """
    lists = Counter()
    for path in (tree / "ASSIGNMENT.md" for tree in trees):
        if path.is_file() and _inside(path.parent, path) and os.access(path, os.R_OK):
            with open(path, "rb") as file:
                text = file.read(LARGEST).decode(errors="replace")
            named = frozenset(re.findall(r"^## \d+\. `(\w+)`", text, re.MULTILINE)).intersection(tasks)
            lists.update([named] if named else [])
    most, count = lists.most_common(1)[0] if lists else (tasks.keys(), 0)
    return {name: task for name, task in tasks.items() if name in most}, count


def plain(text, lines=30, columns=400):
    """A few lines without control characters: what a student's code or folder says may be anything."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    said = [line[:columns] for line in text.splitlines() if line.strip()]
    said = ["".join(c if c.isprintable() else "�" for c in line) for line in said]
    return "\n".join(said[:lines] + ["…"] * (len(said) > lines))


# ---- marks -------------------------------------------------------------------------------------------------


def grade(trees, tasks, given):
    """Grade trees, several tasks at a time.

    Args:
        trees: {student: folder}.
        tasks: {name: Task} of what is set.
        given: seconds, memory (MB) for one task; jobs at a time; partial: the share of right outputs counts.
    Yields:
        Mark, in the order in which they are done: one for each student and task.
    """
    with tempfile.TemporaryDirectory(prefix="homework-") as folder:
        bench = Bench(Path(folder), given, set())
        right = answers(all_functions(), {*tasks, *map(partner, tasks)})
        for name, task in tasks.items():
            same_file = [other for other in tasks if tasks[other].chapter == task.chapter]
            known = task, same_file, right[name], right[partner(name)]
            (bench.folder / name).write_bytes(pickle.dumps(known))
        pool = ThreadPoolExecutor(given.jobs)
        try:
            todo = itertools.product(trees.items(), tasks.values())
            for done in as_completed([pool.submit(_mark, *tree, task, bench) for tree, task in todo]):
                yield done.result()
        finally:
            bench.running.add(None)
            pool.shutdown(wait=False, cancel_futures=True)
            for process in bench.running - {None}:  # there are such after Ctrl-C
                _end(process)
            pool.shutdown()


def _mark(student, tree, task, bench):
    """One task of one student; whatever happens, a mark."""
    report = {"right": 0, "of": 1, "identical": False}
    try:
        report |= _judged(tree, task, bench)
    except Exception as error:  # of this grader or of the machine: the others are to be graded all the same
        report |= {"verdict": "crashed", "said": f"could not be graded: {type(error).__name__}: {error}"}
    verdict, said, share = report["verdict"], report["said"], float(report["verdict"] == "passed")
    if bench.given.partial and verdict == "wrong":
        share = report["right"] / report["of"]
    points = math.floor(10 * share * task.points) / 10
    points = int(points) if points.is_integer() else points
    said = plain(said if not said or task.name in said else f"{task.name}: {said}")
    return Mark(student, task.name, verdict, points, task.points, said, report["identical"])


def _judged(tree, task, bench):
    """What the process of one task has to report, or what is to be said without one."""
    package = tree / "numpy_seq2seq" if (tree / "numpy_seq2seq").is_dir() else tree
    path = package / f"{task.chapter}.py"
    if not path.is_file():
        return {"verdict": "not written", "said": f"there is no file {task.file}"}
    if not _inside(tree, path):
        return {"verdict": "left its limits", "said": f"{task.file} is a link that leads out of the tree"}
    with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
        result, given = f"{folder}/{secrets.token_hex(8)}.json", bench.given
        arguments = path.resolve(), bench.folder / task.name, result, given.seconds, given.memory
        status = _process([*map(str, arguments)], folder, bench)
        if status is None or status in [-getattr(signal, name, 0) for name in ("SIGXCPU", "SIGALRM")]:
            return {"verdict": "timed out", "said": f"it took longer than {given.seconds:g} seconds"}
        how = f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        try:
            with open(result, encoding="utf-8") as file:
                report = json.loads(file.read(LARGEST))
        except (OSError, ValueError):
            return {"verdict": "crashed", "said": f"the process ended before it could grade anything ({how})"}
        return {**report, "said": report["said"] + f" ({how})" * report["said"].startswith("Python ended")}


def _process(arguments, folder, bench):
    """Exit status of the judge, or None when it took too long. Its children end with it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment |= {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL")}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT)}
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    command = [sys.executable, "-m", "numpy_seq2seq.homework.judge", *arguments]
    process = subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True, **streams)
    bench.running.add(process)
    try:
        return process.wait(0 if None in bench.running else bench.given.seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end(process)
        bench.running.discard(process)


def _end(process):
    """Kill a process and all of its group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)  # the group outlives its leader as long as it has members
    except (AttributeError, ProcessLookupError, PermissionError):
        pass
    process.kill()
    process.wait()


# Exercises
# 1. Grade your own clone: `grade .`. Whose code is run, and whose is judged?
