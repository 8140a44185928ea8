"""Runs in the process that grades one task: limits, choice of the tests, verdict into a file. Not a test.

numpy_seq2seq.grading starts `python -m pytest -p numpy_seq2seq.homework.plugin` with a job in the environment:

    file      path of the module with the student's functions
    names     what the id of a test has to contain
    others    longer names that contain one of those: they do not count
    seconds, memory (bytes), file_size (bytes)
    result    path of the file that gets the verdict, when all tests are through; nonce goes into it
"""

import builtins
import json
import linecache
import math
import os
import signal
import traceback
from pathlib import Path

import numpy as np
from hypothesis import Phase, settings

JOB = json.loads(os.environ.pop("HOMEWORK_JOB", "{}"))
MOST = 24  # tests of one function; there are up to 1000, most of them one test for many models
WATCHED = (builtins, math, np, np.linalg, np.random, np.testing)  # who replaces these fools the tests
REPORT = {"selected": 0, "passed": 0, "failure": None}


def set_limits():
    try:
        import resource
    except ImportError:  # not a POSIX system: then there is the limit on time alone
        return
    seconds = int(JOB["seconds"]) + 1
    limits = {"AS": (JOB["memory"],) * 2, "CPU": (seconds, seconds + 1), "FSIZE": (JOB["file_size"],) * 2}
    for name, limit in limits.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), limit)
    signal.alarm(seconds + 1)  # when nobody is left to end it
    os.register_at_fork(after_in_child=lambda: os._exit(1))  # a second self would run all the tests again


def known():
    return {(m.__name__, name): value for m in WATCHED for name, value in vars(m).items() if name != "_"}


if JOB:
    set_limits()
    phases = (Phase.explicit, Phase.generate)
    settings.register_profile("grading", database=None, deadline=None, derandomize=True, phases=phases)
    settings.load_profile("grading")
    BEFORE = known()


def bears_a_name(test):
    """Whether the id has a name of this task in it that is no part of a longer name."""
    for other in sorted(JOB["others"], key=len, reverse=True):
        test = test.replace(other, "")
    return any(name in test for name in JOB["names"])


def spread(tests, count):
    """So many of them, evenly spread, the first and the last among them."""
    return [
        tests[k] for k in sorted({round(x) for x in np.linspace(0, len(tests) - 1, min(count, len(tests)))})
    ]


def pytest_collection_modifyitems(items):
    """The tests of this task; of a test for many models a few."""
    variants = {}
    for item in items:
        if bears_a_name(item.nodeid.split("::", 1)[1]) and not item.get_closest_marker("slow"):
            variants.setdefault(item.nodeid.split("[")[0], []).append(item)
    each = max(2, MOST // max(len(variants), 1))
    chosen = [item for tests in variants.values() for item in spread(tests, each)]
    items[:] = chosen
    REPORT["selected"] = len(items)


def pytest_runtest_logreport(report):
    REPORT["passed"] += report.when == "call" and report.passed


def pytest_exception_interact(node, call):
    """Keep the first failure, or the first that explains a gradient."""
    new, old = failure(call.excinfo.value, getattr(node, "originalname", None)), REPORT["failure"]
    if old is None or "GradientError" in new["kinds"] and "GradientError" not in old["kinds"]:
        REPORT["failure"] = new
    if "GradientError" in new["kinds"]:
        node.session.shouldstop = "explained"


def pytest_keyboard_interrupt(excinfo):
    REPORT["failure"] = REPORT["failure"] or failure(excinfo.value, None)  # also when we stop ourselves


def failure(error, test):
    """What went wrong: kinds of the error, its words, the test, the line."""
    while error.__cause__ is not None and type(error).__name__ == "CollectError":
        error = error.__cause__
    try:
        words = str(error)
    except Exception:
        words = ""
    kinds = [kind.__name__ for kind in type(error).__mro__]
    return {"kinds": kinds, "words": words[:4000], "test": test, "line": line_of(error)}


def line_of(error):
    """The innermost line of the student's file, as far as an error came through it."""
    frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    own = [place for place in frames if place[0] == JOB["file"]]
    return linecache.getline(*own[-1]).strip()[:200] if own else ""


def pytest_sessionfinish():
    """Write the verdict. A process that ends before has none, whatever its exit status."""
    after = known()
    replaced = [".".join(key) for key, value in BEFORE.items() if after.get(key) is not value]
    Path(JOB["result"]).write_text(
        json.dumps({**REPORT, "replaced": replaced[:3], "nonce": JOB["nonce"]}), encoding="utf-8"
    )
