"""What a lecturer gets: marks for trees right, wrong and hostile, found in folders, written into files."""

import contextlib
import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from numpy_seq2seq import CHAPTERS
from numpy_seq2seq.homework import __main__ as homework, grading
from numpy_seq2seq.homework.assignment import ROOT, read
from numpy_seq2seq.homework.grading import VERDICTS, assigned, found
from numpy_seq2seq.homework.student_tree import assignment, blanked, make

from ..helpers import sampled
from .handed_in import TASKS, edited, marks, replaced, right_solutions, some, source_of, tree, with_first_line


def handed_in(folder, name, function, end=""):
    """A tree with one function of its own."""
    function = source_of(name) if function is ... else function
    return tree(folder, replaced(name, function, end=end), some(name))


def running():
    """The command lines of all processes."""
    return subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout


def pytest_in(folder, *options):
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # starts in half the time
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, env=env)


def refused(capsys, *arguments):
    """The one line on stderr of a command that ends with status 2."""
    with pytest.raises(SystemExit) as ended:
        homework.main([*map(str, arguments)])
    shown = capsys.readouterr()
    assert ended.value.code == 2 and shown.err.count("\n") == 1 and not shown.out
    return shown.err


# ---- from making a tree to its marks -----------------------------------------------------------------------


def test_a_tree_is_made_written_and_graded(tmp_path, capsys):
    names = ["softmax", "log_softmax", "lstm_cell_forward"]
    homework.main(["make", str(tmp_path / "kim"), "--functions", ",".join(names)])
    first = pytest_in(tmp_path / "kim")
    assert (
        first.returncode == 1 and "softmax is to be written" in first.stdout and first.stdout.count("\n") < 40
    )
    for path in ("activations", "cells"):
        (tmp_path / "kim" / "numpy_seq2seq" / f"{path}.py").write_text(
            read(f"numpy_seq2seq/{path}.py"), encoding="utf-8"
        )
    assert "3 passed" in pytest_in(tmp_path / "kim").stdout
    text = (tmp_path / "kim" / "ASSIGNMENT.md").read_text(encoding="utf-8")
    assert (
        "c = f c_prev + i g" in text
        and "(gx, gh, state)" in text
        and "    python -m pytest -k softmax\n" in text
    )
    capsys.readouterr()
    homework.main(["grade", str(tmp_path / "kim")])
    assert capsys.readouterr().out.startswith(
        "Tasks: 3, from ASSIGNMENT.md of 1 of 1 trees\nsoftmax: passed, 1 of 1\n"
    )


@pytest.mark.slow
def test_pytest_k_runs_the_test_of_one_function_and_says_what_grading_says(tmp_path):
    make(tmp_path, some("softmax", "log_softmax", "softmax_backward"))
    (tmp_path / "numpy_seq2seq" / "activations.py").write_text(
        read("numpy_seq2seq/activations.py").replace("return e / e.sum(axis=-1", "return e / e.sum(axis=0"),
        encoding="utf-8",
    )
    out = pytest_in(tmp_path, "-k", "softmax").stdout
    (mark,) = marks([tmp_path], some("softmax")).values()
    assert "1 failed" in out and "passed" not in out and mark.said in out and "Traceback" not in out


@pytest.mark.slow
def test_the_cache_of_a_forward_has_to_serve_a_backward_that_is_not_set(tmp_path):
    wrong = edited("gru_cell_forward", "(r, z, n, gh_n", "(z, r, n, gh_n")
    (mark,) = marks([handed_in(tmp_path / "a", "gru_cell_forward", wrong)], some("gru_cell_forward")).values()
    assert mark.verdict == "wrong" and "with its cache gru_cell_backward goes wrong" in mark.said
    both = some("gru_cell_forward", "gru_cell_backward")
    own = edited("gru_cell_backward", "(r, z, n, gh_n", "(z, r, n, gh_n")
    files = replaced("gru_cell_backward", own, replaced("gru_cell_forward", wrong))
    assert {m.verdict for m in marks([tree(tmp_path / "b", files, both)], both).values()} == {"passed"}
    graded = marks([tree(tmp_path / "c", replaced("gru_cell_forward", wrong), both)], both)
    assert [graded["c", name].verdict for name in both] == ["wrong", "passed"]


def test_partial_credit_is_the_share_of_outputs_that_are_right(tmp_path):
    chosen = "_where_real(real[t], dstate_prev, dstate)"
    wrong = edited("recurrent_backward", f"dstate = {chosen}", "dstate = dstate_prev")
    wrong = edited("affine_backward", "rows_of(x).T @ dy", "2 * rows_of(x).T @ dy")
    trees = [handed_in(tmp_path, "affine_backward", wrong)]
    (mark,) = marks(trees, some("affine_backward"), partial=True).values()
    assert (mark.verdict, mark.points, mark.of) == ("wrong", 1.3, 2) and "right: grads.b, x" in mark.said
    assert [m.points for m in marks(trees, some("affine_backward")).values()] == [0]


@pytest.mark.slow
def test_the_published_solution_is_told_also_under_other_names(tmp_path):
    own = source_of("lstm_cell_forward").replace("tanh_c", "t").replace("c_prev", "before")
    (mark,) = marks([handed_in(tmp_path / "a", "lstm_cell_forward", own)], some("lstm_cell_forward")).values()
    assert mark.identical and mark.points == mark.of
    own = edited("lstm_cell_forward", "c = f * c_prev + i * g", "c = i * g + f * c_prev")
    (mark,) = marks([handed_in(tmp_path / "b", "lstm_cell_forward", own)], some("lstm_cell_forward")).values()
    assert not mark.identical and mark.points == mark.of


@pytest.mark.slow
@pytest.mark.parametrize("chapters, parts", [(["losses"], 2), (CHAPTERS, 1)])
def test_what_is_blanked_is_not_written_and_nothing_else_is_lost(tmp_path, chapters, parts):
    """Every second function of a chapter, then the others; all functions of all chapters."""
    tasks = {name: task for name, task in TASKS.items() if task.chapter in chapters}
    for k in range(parts):
        gone = list(tasks)[k::parts]
        files = {file: blanked(read(file), gone) for file in {task.file for task in tasks.values()}}
        graded = marks([tree(tmp_path / str(k), files, tasks)], tasks)
        wanted = {name: "not written" if name in gone else "passed" for name in tasks}
        assert {m.task: m.verdict for m in graded.values()} == wanted


def test_the_project_itself_can_be_graded_and_is_told_who_judges(capsys):
    homework.main(["grade", str(ROOT), f"{ROOT}/", f"{ROOT}/tests/..", "--functions", "softmax"])
    shown = capsys.readouterr()
    assert (
        shown.out == f"softmax: passed, 1 of 1\n{ROOT.name}: 1 of 1\n"
        and "its own code is the judge" in shown.err
    )


# ---- right solutions ---------------------------------------------------------------------------------------

SAMPLE = ("a list that grows", "scratch that needs a file")
RIGHT = [right for right in right_solutions() if right[1] != "a cache of its own"]


@pytest.mark.parametrize(
    "name, case, function, end",
    [pytest.param(*r, id=r[1], marks=() if r[1] in SAMPLE else pytest.mark.slow) for r in RIGHT],
)
def test_a_right_solution_gets_full_marks(tmp_path, name, case, function, end):
    folder = tree(tmp_path, replaced(name, function, end=end), some(name))
    (mark,) = marks([folder], some(name)).values()
    assert mark.points == mark.of, mark.said


def test_a_pair_may_choose_its_cache_and_bring_helpers_along(tmp_path):
    files, names = {}, []
    for name, _, function, _ in (right for right in right_solutions() if right[1] == "a cache of its own"):
        files, names = replaced(name, function, files), [*names, name]
    graded = marks([tree(tmp_path, files, some(*names))], some(*names))
    assert {m.task: (m.verdict, m.said) for m in graded.values()} == dict.fromkeys(names, ("passed", ""))


@pytest.mark.slow
def test_annotations_of_the_future_and_type_checking(tmp_path):
    text = read("numpy_seq2seq/activations.py").replace(
        "import numpy as np\n",
        "from __future__ import annotations\nfrom typing import TYPE_CHECKING\nimport numpy as np\n"
        "if TYPE_CHECKING:\n    from numpy.typing import NDArray\n",
        1,
    )
    text = text.replace("def softmax(x)", "def softmax(x: NDArray) -> NDArray")
    (mark,) = marks(
        [tree(tmp_path, {TASKS["softmax"].file: text}, some("softmax"))], some("softmax")
    ).values()
    assert mark.verdict == "passed", mark.said


# ---- what a student is told --------------------------------------------------------------------------------

SAID = {
    "a helper in another file": (
        "from .helpers import half\ndef sigmoid(x):\n    return half(x)",
        "crashed", "No module named 'numpy_seq2seq.helpers'\n  keep helpers in numpy_seq2seq/activations.py",
    ),
    "an own assert": (
        "def sigmoid(x):\n    assert x.ndim == 7, 'mine'\n    return x",
        "crashed", "AssertionError: mine, with three axes\n  at numpy_seq2seq/activations.py, line",
    ),
    "another signature": ("def sigmoid(a, b): return a", "wrong", "cannot be called as the assignment"),
    "pass": ("def sigmoid(x): pass", "not written", "returns nothing"),
    "no function": ("def sigmoyd(x): return x", "not written", "there is no sigmoid in numpy_seq2seq/act"),
    "no number": ("def sigmoid(x): return 'σ'", "wrong", "result must be float64 (2, 3, 4), got str 'σ'"),
    "no array": ("def sigmoid(x): return x.tolist()", "wrong", "must be float64 (2, 3, 4), got a list of 2"),
    "an error on the way": ("T = {}['no']\ndef sigmoid(x): return T[x]", "crashed", "before that,"),
}  # fmt: skip


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=() if c == "a helper in another file" else pytest.mark.slow) for c in SAID]
)
def test_what_is_said_of_a_solution(tmp_path, case):
    function, verdict, words = SAID[case]
    (mark,) = marks([handed_in(tmp_path, "sigmoid", function)], some("sigmoid")).values()
    assert mark.verdict == verdict and words in mark.said, mark.said


FILES = {
    "no file": (None, "not written", "there is no file numpy_seq2seq/cells.py"),
    "no Python": (
        b"x = 1\ndef f(:\n",
        "crashed",
        "numpy_seq2seq/cells.py, line 2: invalid syntax (Python 3.",
    ),
    "newer Python": (
        b"x = 1\nmatch x:\n  case 1 |: pass\n",
        "crashed",
        "numpy_seq2seq/cells.py, line 3: invalid syntax (Python 3.",
    ),
    "UTF-16": (
        "x = 1\n".encode("utf-16"),
        "crashed",
        "line 1: the file is saved as UTF-16; save it as UTF-8",
    ),
    "not UTF-8": (
        "x = 1\ny = 2\n# 김민수\n".encode("cp949"),
        "crashed",
        "line 3: this is no utf-8; save the file as UTF-8",
    ),
    "binary": (b"\0\1\2", "crashed", "numpy_seq2seq/cells.py"),
    "huge": (b"#" * 1_100_000, "crashed", "more than 1,000,000 bytes"),
    "deep": (b"(" * 900_000, "crashed", "numpy_seq2seq/cells.py"),
    "a long sum": (b"x = 1" + b"+1" * 300_000, None, "numpy_seq2seq/cells.py"),
}


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=() if c == "no Python" else pytest.mark.slow) for c in FILES]
)
def test_a_file_that_cannot_be_read_costs_its_own_tasks(tmp_path, case):
    data, verdict, said = FILES[case]
    tasks = some("rnn_cell_forward", "softmax")
    folder, cells = tree(tmp_path, (), tasks), tmp_path / "numpy_seq2seq" / "cells.py"
    cells.unlink() if data is None else cells.write_bytes(data)
    graded = marks([folder], tasks, seconds=20)
    assert graded[folder.name, "softmax"].verdict == "passed"
    mark = graded[folder.name, "rnn_cell_forward"]
    assert mark.verdict in ([verdict] if verdict else VERDICTS[2:]) and said in mark.said, mark


# ---- solutions that misbehave ------------------------------------------------------------------------------

HOSTILE = {
    "prints": ('print("\\x1b[2Jgarbage" * 10**5)', "passed", ""),
    "speaks in its error": ('raise ValueError("\\x1b[2J" + "x" * 10**6)', "crashed", "ValueError: �[2Jxxx"),
    "sleeps": ("import time\ntime.sleep(99)", "timed out", "longer than 4 seconds"),
    "counts for ever": ("while True: pass", "timed out", "longer than 4 seconds"),
    "ends": ("import os\nos._exit(0)", "crashed", "Python ended while numpy_seq2seq/cells.py was"),
    "exits": ("raise SystemExit(0)", "crashed", "SystemExit"),
    "interrupts": ("raise KeyboardInterrupt", "crashed", "KeyboardInterrupt"),
    "kills": ("import os\nos.kill(os.getpid(), 11)", "crashed", "signal SIGSEGV"),
    "forks": ("import os\nos.fork()", "passed", ""),
    "leaves a child": (f'import os\nos.system("sleep 98.{os.getpid()} &")', "passed", ""),
    "leaves a thread": (
        "import threading as t, time\nif t.active_count() < 2: t.Thread(target=time.sleep, args=[9]).start()",
        "passed", "",
    ),
    "fills memory": ("hoard = [bytearray(10**8) for _ in range(100)]", "left its limits", "MemoryError"),
    "replaces NumPy's": (
        "np.allclose = np.testing.assert_allclose = lambda *a, **k: True\ngx = gx + 1",
        "left its limits", "replaces numpy.allclose, numpy.testing.assert_allclose",
    ),
    "imports what is not there": ("import torch_of_mine", "crashed", "No module named 'torch_of_mine'"),
    "recurs": ("return lstm_cell_forward(gx, gh, state)", "crashed", "RecursionError"),
    "asks the teacher": (
        "from numpy_seq2seq.cells import CELLS\nreturn CELLS['lstm'].forward(gx, gh, state)",
        "crashed", "Error",
    ),
    "is not ready": ("raise NotImplementedError", "not written", "lstm_cell_forward"),
}  # fmt: skip


@pytest.mark.parametrize("case", sampled(HOSTILE, "ends"))
def test_who_misbehaves_is_found_out_and_costs_the_neighbour_nothing(tmp_path, case):
    line, verdict, said = HOSTILE[case]
    tasks = some("lstm_cell_forward", "rnn_cell_forward")
    seconds = 4 if verdict == "timed out" else 60
    graded = marks(
        [tree(tmp_path, with_first_line("lstm_cell_forward", line), tasks)], tasks, seconds=seconds
    )
    mark = graded[tmp_path.name, "lstm_cell_forward"]
    assert mark.verdict == verdict and said in mark.said and len(mark.said) < 3000, mark
    assert graded[tmp_path.name, "rnn_cell_forward"].verdict == "passed"
    assert f"98.{os.getpid()}" not in running()


@pytest.mark.slow
@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
def test_a_grading_that_is_stopped_leaves_nothing_behind(tmp_path, number):
    files = with_first_line("sigmoid", "__import__('time').sleep(98)")
    folder = tree(tmp_path / "t", files, some("sigmoid"))
    (tmp_path / "temporary").mkdir()
    command = [
        sys.executable,
        "-m",
        "numpy_seq2seq.homework",
        "grade",
        str(folder),
        "--functions",
        "sigmoid,softmax",
        "--jobs",
        "1",
    ]
    env = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    usual = lambda: [signal.signal(s, signal.SIG_DFL) for s in (signal.SIGINT, signal.SIGHUP)]  # noqa: E731
    with subprocess.Popen(command, cwd=ROOT, env=env, preexec_fn=usual, **streams) as process:
        while not any((tmp_path / "temporary").iterdir()):
            time.sleep(0.1)
        time.sleep(1)  # now the task sleeps
        process.send_signal(number)
        process.send_signal(number)
        out, error = process.communicate(timeout=20)
    assert process.returncode == 130 and b"stopped after 0 of 2" in error
    assert not list((tmp_path / "temporary").iterdir())
    assert str(tmp_path) not in running()


# ---- folders as people have them ---------------------------------------------------------------------------


def test_trees_are_found_one_level_too_deep_in_a_class_and_as_single_files(tmp_path):
    tasks = some("softmax")
    tree(tmp_path / "class" / "kim" / "homework-main", (), tasks)
    tree(tmp_path / "class" / "lee", (), tasks)
    (tmp_path / "class" / "__MACOSX" / "kim").mkdir(parents=True)
    (tmp_path / "class" / "park").mkdir()
    (tmp_path / "class" / "park" / "activations.py").write_text(
        read("numpy_seq2seq/activations.py"), encoding="utf-8"
    )
    assert {n: p.name for n, p in found([tmp_path / "class"])[0].items()} == {
        "kim": "homework-main",
        "lee": "lee",
        "park": "park",
    }
    one = found(
        [
            tmp_path / "class" / "kim",
            tmp_path / "class" / "lee" / "numpy_seq2seq",
            tmp_path / "class" / "kim" / ".",
        ]
    )[0]
    assert list(one) == ["kim", "numpy_seq2seq"]
    assert marks([tmp_path / "class" / "park"], tasks)["park", "softmax"].verdict == "passed"


def test_a_place_without_a_tree_is_one_line_and_stops_nobody(tmp_path, capsys):
    tree(tmp_path / "kim", (), some("softmax"))
    (tmp_path / "lee.zip").write_bytes(b"PK")
    (tmp_path / "park").mkdir()
    (tmp_path / "park" / "homework.zip").write_bytes(b"PK")
    (tmp_path / "\x1b[2J").mkdir()
    places = [tmp_path / name for name in ("kim", "lee.zip", "park", "nobody", "\x1b[2J")]
    with pytest.raises(SystemExit) as ended:
        homework.main(["grade", *map(str, places), "--functions", "softmax"])
    shown = capsys.readouterr()
    assert ended.value.code == 2 and "softmax: passed" in shown.out and "\x1b" not in shown.err
    lines = (
        "lee.zip: there is no such folder (is it",
        "park: no folder numpy_seq2seq is in it (is it still packed?)",
    )
    for line in (*lines, "nobody: there is no such folder", "[2J: no folder numpy_seq2seq is in it"):
        assert shown.err.count(line) == 2
    assert "is it still packed?" in refused(capsys, "grade", tmp_path / "lee.zip")


def test_a_link_out_of_the_tree_is_refused(tmp_path):
    tree(tmp_path / "lee", (), some("softmax"))
    (tmp_path / "kim").mkdir()
    (tmp_path / "kim" / "numpy_seq2seq").symlink_to(tmp_path / "lee" / "numpy_seq2seq")
    (tmp_path / "park" / "numpy_seq2seq").mkdir(parents=True)
    (tmp_path / "park" / "numpy_seq2seq" / "activations.py").symlink_to(
        ROOT / "numpy_seq2seq" / "activations.py"
    )
    graded = marks([tmp_path / name for name in ("kim", "park", "lee")], some("softmax"))
    assert [m.verdict for m in sorted(graded.values())] == ["left its limits", "passed", "left its limits"]


def test_the_assignment_of_most_trees_counts(tmp_path):
    for k, names in enumerate((["softmax", "adam_step"], ["softmax", "adam_step"], ["softmax"])):
        (tmp_path / str(k)).mkdir()
        (tmp_path / str(k) / "ASSIGNMENT.md").write_text(assignment(some(*names)), encoding="utf-8")
    with open(tmp_path / "huge", "wb") as file:
        file.truncate(10**12)
    trees = [tmp_path / "0", tmp_path / "1", tmp_path / "2", tmp_path / "none"]
    assert assigned(trees, TASKS) == (some("softmax", "adam_step"), 2)
    assert assigned(trees[3:], TASKS) == (TASKS, 0)
    (tmp_path / "2" / "ASSIGNMENT.md").unlink()
    os.rename(tmp_path / "huge", tmp_path / "2" / "ASSIGNMENT.md")
    assert assigned(trees[2:], TASKS) == (TASKS, 0)


# ---- marks in files ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def a_class(tmp_path_factory):
    """Three students, one of them with a name that no UTF-8 is, and what was written of them."""
    folder = tmp_path_factory.mktemp("class")
    names = (
        os.fsencode(folder / "=kim"),
        os.fsencode(folder) + b"/\xb1\xe8\xb9\xce",
        os.fsencode(folder / "lee"),
    )
    for name in names:
        tree(Path(os.fsdecode(name)), (), some("softmax", "log_softmax"))
    file = Path(os.fsdecode(names[2])) / "numpy_seq2seq" / "activations.py"
    file.write_text(
        read("numpy_seq2seq/activations.py").replace("return e /", "return 2 * e /"), encoding="utf-8"
    )
    (folder / "marks.json").write_text("[]")
    files = {"--json": "marks.json", "--csv": "marks.csv", "--feedback": "told"}
    options = [part for option, name in files.items() for part in (option, str(folder / name))]
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO(), "utf-8")) as shown:
        homework.main(["grade", *map(os.fsdecode, names), "--functions", "softmax,log_softmax", *options])
    shown.seek(0)
    return folder, shown.read()


def test_all_marks_as_json_and_a_row_for_each_student_as_csv(a_class):
    folder, _ = a_class
    rows = list(csv.DictReader((folder / "marks.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["student"] for row in rows] == ["'=kim", "\\xb1\\xe8\\xb9\\xce", "lee"]
    assert [(row["points"], row["of"], row["softmax"], row["log_softmax"]) for row in rows] == [
        *[("2", "2", "1", "1")] * 2,
        ("1", "2", "0", "1"),
    ]
    kept = json.loads((folder / "marks.json").read_text(encoding="utf-8"))
    assert [m["verdict"] for m in kept].count("wrong") == 1 and set(kept[0]) == set(grading.Mark._fields)


def test_each_student_gets_a_text(a_class):
    told = {path.name: path.read_text(encoding="utf-8") for path in (a_class[0] / "told").iterdir()}
    assert set(told) == {"=kim.txt", "\\xb1\\xe8\\xb9\\xce.txt", "lee.txt"}
    assert told["lee.txt"].startswith("softmax: wrong, 0 of 1\n  softmax: 1 of 1 outputs wrong") and told[
        "lee.txt"
    ].endswith("lee: 1 of 2\n")
    assert not [path for path in a_class[0].iterdir() if path.name.startswith(".")]


def test_a_class_is_shown_by_student_and_by_task(a_class):
    parts = "student           points  passed  wrong", "\nlee               1 of 2  ", "\nlog_softmax       3"
    for part in parts:
        assert part in a_class[1]


def test_gradescope_and_a_status_for_github_classroom(tmp_path, capsys):
    folder = handed_in(tmp_path / "kim", "softmax", edited("softmax", "return e /", "return 2 * e /"))
    with pytest.raises(SystemExit) as ended:
        given = ["--functions", "softmax,sigmoid", "--strict", "--gradescope", str(tmp_path / "results.json")]
        homework.main(["grade", str(folder), *given])
    _, test = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["tests"]
    assert ended.value.code == 1 and test["output"].startswith("softmax: 1 of 1 outputs wrong")
    wanted = {"name": "softmax", "score": 0, "max_score": 1, "status": "failed"}
    assert {name: test[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    "options, said",
    (
        (["nowhere"], "nowhere: there is no such folder"),
        ([ROOT / "LICENSE"], "there is no such folder"),
        ([ROOT, "--seconds", "inf"], "--seconds: must be from 0.1 to 86,400, got inf"),
        ([ROOT, "--memory", "50"], "--memory: must be from 300"),
        ([ROOT, "--json", ROOT / "numpy_seq2seq/optim.py"], "would write over"),
        ([ROOT, "--csv", ROOT / "tests"], "would write over"),
        ([ROOT, "--json", "/dev/full"], "would write over"),
        ([ROOT, "--json", "nowhere/x.json"], "no folder"),
        ([ROOT, "--json", "x.json", "--gradescope", "./x.json"], "would write over"),
    ),
)
def test_grade_refuses_what_cannot_be_meant_before_it_begins(options, said, capsys):
    assert said in refused(capsys, "grade", *options, "--functions", "softmax")


@pytest.mark.slow
def test_marks_that_cannot_be_written_are_told_before_and_shown_after(tmp_path, capsys, monkeypatch):
    folder, closed = tree(tmp_path / "kim", (), some("softmax")), tmp_path / "closed"
    closed.mkdir(mode=0o500)
    if os.getuid():
        assert "denied" in refused(
            capsys, "grade", folder, "--functions", "softmax", "--json", closed / "x.json"
        )
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("No space left")))
    (tmp_path / "marks.json").write_text("old")
    with pytest.raises(SystemExit):
        homework.main(
            ["grade", str(folder), "--functions", "softmax", "--json", str(tmp_path / "marks.json")]
        )
    shown = capsys.readouterr()
    assert (
        "softmax: passed" in shown.out
        and "No space left" in shown.err
        and (tmp_path / "marks.json").read_text() == "old"
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["closed", "kim", "marks.json"]


def test_what_a_student_says_is_shown_plainly():
    shown = grading.plain("\x1b[2J\a one\n\n" + "x" * 1000 + "\n" * 3 + "y\n" * 50)
    assert "\x1b" not in shown and "\a" not in shown and shown.endswith("…") and len(shown) < 2000


def test_help_says_that_this_is_no_sandbox_and_where_to_run_it(capsys):
    for command in ((), ("grade",)):
        with pytest.raises(SystemExit):
            homework.main([*command, "--help"])
    said = capsys.readouterr().out
    assert (
        "NOT A SANDBOX" in said
        and "from your own clone" in said
        and not [v for v in VERDICTS if v not in said]
    )


def test_students_whose_names_are_alike_get_a_text_each(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for student in (names := ("x/s", "y/s", "x_s")):
        handed_in(tmp_path / student, "softmax", edited("softmax", "return e /", "return 2 * e /"))
    homework.main(["grade", *names, "--functions", "softmax", "--feedback", "told"])
    assert {path.name for path in (tmp_path / "told").iterdir()} == {"x%2Fs.txt", "y%2Fs.txt", "x_s.txt"}
