"""Appendix E, fourth part. Grading: each function of a student's tree alone, in the teacher's project.

Before this: transplant.py. After it: homework.py. It stands apart: no room outside appendix E needs it.

Each task is a copy of the teacher's project with one function transplanted, and a process of its own in
which the teacher's tests that bear the function's name are run.

So one mistake costs one task. Where both of a pair are set, they are transplanted together first, since the
cache is theirs to choose, and each alone if that fails.

    passed              all its tests pass
    wrong               a test says no; or the signature is another one
    not written         no such function, or NotImplementedError
    crashed             another error; a file that cannot be read; the process ended before the tests did
    timed out           the tests took too long
    left its limits     too much memory, or a function of NumPy or Python was replaced

The process has limits on time, memory and the size of files, and its children end with it. That guards
against accidents. It is **not a sandbox**: code that means harm can do what the teacher's account can do.

Not here: what is taken from the student's file (transplant.py); tables, files, progress (homework.py).
"""

import ast
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from .assignment import ROOT, partner, read
from .transplant import LARGEST, Refused, check_written, is_written, read_room, transplanted

FILE_SIZE = 16 * 2**20  # bytes that a graded process may write into one file
NOISE = re.compile(r"\s*(\+\s+(where|and)\b|Use -v|Omitting )")  # of pytest's explanations
VERDICTS = ("passed", "wrong", "not written", "crashed", "timed out", "left its limits")


class Mark(NamedTuple):
    """What one tree gets for one task."""

    tree: str
    task: str
    verdict: str  # one of VERDICTS
    points: int
    of: int
    said: str  # why; empty where passed


class Limits(NamedTuple):
    """Of the process that grades one task."""

    seconds: float = 20
    memory: int = 1024  # MB


class Bench(NamedTuple):
    """What all gradings share."""

    home: Path  # a temporary folder; in it teacher/, the project that is copied for each task
    teacher: dict  # file: (source, syntax tree)
    tasks: dict  # name: Task, of what is set
    names: list  # of all tasks
    limits: Limits
    running: set  # processes
    over: threading.Event  # set when no further one is to be started


def grade(trees, tasks, names, limits, jobs):
    """Grade trees, several tasks at a time.

    Args:
        trees:  folders.
        tasks:  {name: Task} of what is set.
        names:  of all tasks.
        limits: Limits.
        jobs:   processes at a time.
    Yields:
        Mark, in the order in which they are done: one for every tree and task.
    """
    with tempfile.TemporaryDirectory(prefix="homework-") as folder:
        _copy(Path(folder, "teacher"))
        teacher = {task.file: (source := read(task.file), ast.parse(source)) for task in tasks.values()}
        bench = Bench(Path(folder), teacher, tasks, list(names), limits, set(), threading.Event())
        pool = ThreadPoolExecutor(jobs)
        try:
            todo = []
            for tree in trees:
                rooms = {file: read_room(Path(tree), file) for file in teacher}
                todo += [
                    pool.submit(_mark, str(tree), rooms[task.file], task, bench) for task in tasks.values()
                ]
            for done in as_completed(todo):
                yield done.result()
        finally:
            bench.over.set()
            pool.shutdown(wait=False, cancel_futures=True)
            for process in bench.running.copy():  # there are such after Ctrl-C
                _end(process)
            pool.shutdown()


def _copy(to):
    """The teacher's package, tests and settings, compiled as far as they are."""
    ignored = shutil.ignore_patterns("*.md", ".*", "make_*")
    for name in ("numpy_seq2seq", "tests"):
        shutil.copytree(ROOT / name, to / name, ignore=ignored)
    shutil.copy2(ROOT / "setup.cfg", to)


def _mark(tree, room, task, bench):
    """One task of one tree; whatever happens, a mark."""
    try:
        verdict, said = _judge(room, task, bench)
    except Refused as refused:
        verdict, said = refused.args
    except Exception as error:  # of this grader or of the machine: the others are to be graded all the same
        verdict, said = "crashed", f"could not be graded: {type(error).__name__}: {error}"
    if verdict == "passed":
        return Mark(tree, task.name, verdict, task.points, task.points, "")
    said = said if task.name in said else f"{task.name}: {said}"
    return Mark(tree, task.name, verdict, 0, task.points, plain(said))


def _judge(room, task, bench):
    if isinstance(room, Refused):
        raise room
    source, teacher = bench.teacher[task.file]
    check_written(room, teacher, task)
    pair = [
        name
        for name in partner(task.name)
        if name in bench.tasks and is_written(room, teacher, bench.tasks[name])
    ]
    attempts = [[task.name, *pair], [task.name]] if pair else [[task.name]]
    said = []
    for names in attempts:
        changed = transplanted(source, teacher, room, names, bench.tasks)
        verdict = ("passed", "") if changed is None else _run(changed, task, bench)
        if verdict[0] == "passed":
            return verdict
        said.append(verdict)
    return max(said, key=lambda verdict: "gradients are wrong" in verdict[1])  # else the first


# ---- one process for one task ------------------------------------------------------------------------------


def _run(source, task, bench):
    """Verdict of the tests on the teacher's project with one file changed."""
    longer = [n for n in bench.names if n not in task.tests and any(test in n for test in task.tests)]
    with tempfile.TemporaryDirectory(dir=bench.home) as folder:
        project = Path(folder) / "project"
        shutil.copytree(bench.home / "teacher", project)
        (project / task.file).write_text(source, encoding="utf-8")
        job = {
            "file": str(project / task.file),
            "names": task.tests,
            "others": longer,
            "seconds": bench.limits.seconds,
            "memory": bench.limits.memory * 2**20,
            "file_size": FILE_SIZE,
            "result": f"{folder}/{secrets.token_hex(8)}.json",
            "nonce": secrets.token_hex(16),
        }
        failures = 6 if task.name.endswith("_backward") else 1  # one of them may explain a gradient
        status = _process(project, [*task.test_files, f"--maxfail={failures}"], job, bench)
        return _verdict(job, status, bench.limits)


def _process(project, arguments, job, bench):
    """Exit status of pytest, or None when it took too long. Its children end with it."""
    foreign = ("PYTHON", "PYTEST", "HYPOTHESIS")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    environment |= {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL")}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "HOMEWORK_JOB": json.dumps(job)}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # starts in half the time
    options = "-p numpy_seq2seq.homework.plugin -p no:cacheprovider --capture=no --tb=no".split()
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    command = [sys.executable, "-m", "pytest", *options, *arguments]
    process = subprocess.Popen(command, cwd=project, env=environment, start_new_session=True, **streams)
    bench.running.add(process)
    try:
        return process.wait(0 if bench.over.is_set() else job["seconds"])
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


def _verdict(job, status, limits):
    """From the file that the process has written, if it has."""
    if status is None or status == -getattr(signal, "SIGXCPU", 0):
        return "timed out", f"its tests took longer than {limits.seconds:g} seconds"
    try:
        with open(job["result"], encoding="utf-8") as file:
            report = json.loads(file.read(LARGEST))
    except (OSError, ValueError):
        report = {}
    if not isinstance(report, dict) or report.get("nonce") != job["nonce"]:
        how = f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        return "crashed", f"the process ended before its tests did ({how})"
    if report["replaced"]:
        return "left its limits", f"replaces {', '.join(report['replaced'])}"
    if report["failure"] is not None:
        return _of_failure(report["failure"], limits)
    if not 0 < report["selected"] == report["passed"]:
        return "crashed", f"{report['passed']} of {report['selected']} tests came to an end"
    return "passed", ""


def _of_failure(failure, limits):
    kinds, words = failure["kinds"], failure["words"].strip()
    line = f"\n  at: {failure['line']}" if failure["line"] else ""
    test = f"{failure['test']}: " if failure["test"] else ""
    if "NotImplementedError" in kinds:
        return "not written", words
    if "MemoryError" in kinds:
        return "left its limits", f"more than {limits.memory} MB of memory{line}"
    if "GradientError" in kinds:
        return "wrong", words.removeprefix("backward: ")
    if "read-only" in words:
        return "wrong", f"{test}writes into an array that it was given{line}"
    if {"AssertionError", "Failed", "Warning"} & set(kinds):
        return "wrong", f"{test}{words}"
    return "crashed", f"{test}{kinds[0]}: {words}{line}"


def plain(text, lines=12, columns=160):
    """A few lines without control characters: what a student's code says may be anything."""
    said = [line for line in text.splitlines() if line.strip() and not NOISE.match(line)]
    kept = ["".join(c if c.isprintable() else "�" for c in line[:columns]) for line in said]
    return "\n".join(kept[:lines] + ["…"] * (len(kept) > lines))


# Exercises
# 1. A student's forward is wrong, and his backward is the derivative of it. Which of the two passes, and why?
# 2. A solution that is right but slow: which limit does it meet, and what would be fair?
