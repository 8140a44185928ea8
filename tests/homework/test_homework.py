"""Appendix E: a student's tree holds the assignment and no solution; each function gets its due."""

import ast
import inspect
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from demos.bug_zoo.defects import DEFECTS, OPTIONS, edited_sources
from demos.bug_zoo.edits import original
from numpy_seq2seq.homework import assignment, grading, __main__ as homework, student_tree
from numpy_seq2seq.homework.assignment import ROOT, all_tasks, chosen, read, solution
from numpy_seq2seq.homework.grading import VERDICTS, Limits, grade
from numpy_seq2seq.homework.student_tree import blanked
from numpy_seq2seq.homework.transplant import find

TASKS = all_tasks()
JOBS = os.cpu_count() or 1


def tree(folder, files=(), tasks=TASKS):
    """A tree with the files of these tasks as the teacher has them, but for some: {path: text}."""
    for path in {task.file for task in tasks.values()}:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(dict(files).get(path, read(path)), encoding="utf-8")
    return folder


def replaced(name, function, files=()):
    """{file: text} in which a function, and what stands before it, takes the place of what is there."""
    source = dict(files).get(TASKS[name].file) or read(TASKS[name].file)
    node = find(ast.parse(source), name)
    lines = source.splitlines()
    lines[node.lineno - 1 : node.end_lineno] = [textwrap.dedent(function)]
    return {TASKS[name].file: "\n".join(lines)}


def with_first_line(name, line):
    """{file: text} in which the body of a function begins with another line."""
    source = read(TASKS[name].file)
    lines, first = source.splitlines(), solution(find(ast.parse(source), name))[0]
    lines.insert(first.lineno - 1, textwrap.indent(line, " " * first.col_offset))
    return {TASKS[name].file: "\n".join(lines)}


def marks(trees, tasks, seconds=60, memory=1024):
    """{(name of the tree's folder, task): mark}"""
    return {(Path(m.tree).name, m.task): m for m in grade(trees, tasks, TASKS, Limits(seconds, memory), JOBS)}


def some(*names):
    return chosen(TASKS, names=names)


def pytest_in(folder, *options):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # starts in half the time
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, env=env)


def sampled(cases, sample):
    """All cases; the default run looks at the sample only."""
    return [pytest.param(case, marks=() if case in sample else pytest.mark.slow) for case in cases]


# ---- what can be set ---------------------------------------------------------------------------------------


def test_every_forward_and_backward_of_the_rooms_can_be_set():
    for room in assignment.ROOMS:
        names = [
            n.name for n in ast.parse(read(f"numpy_seq2seq/{room}.py")).body if isinstance(n, ast.FunctionDef)
        ]
        assert not {name for name in names if name.endswith(("_forward", "_backward"))} - TASKS.keys()
    assert len(TASKS) >= 40 and not set(assignment.OTHERS) - TASKS.keys()
    assert {task.points for task in TASKS.values()} == {1, 2, 3}


def test_a_backward_needs_its_forward_and_nothing_needs_itself_however_far():
    assert {"step_backward", "recurrent_forward"} <= set(TASKS["recurrent_backward"].needs)
    reached = {name: set(task.needs) for name, task in TASKS.items()}
    for _ in TASKS:
        reached = {name: needs.union(*(reached[n] for n in needs)) for name, needs in reached.items()}
    assert not [name for name, needs in reached.items() if name in needs]


@pytest.mark.parametrize("name", assignment.SETS)
def test_a_set_is_not_empty_and_known_by_its_name_with_a_hyphen(name):
    assert chosen(TASKS, [name.replace(" ", "-")]) == chosen(TASKS, [name])


@pytest.mark.parametrize(
    "options, said",
    (
        (["--set", "bpt"], "no set 'bpt' to be set; did you mean bptt?"),
        (["--functions", "lstm_cel_backward"], "did you mean lstm_cell_backward"),
        (["--functions", "xyzzy"], "see `list`"),
        ([], "nothing is set"),
    ),
)
def test_make_refuses_what_it_does_not_know(tmp_path, capsys, options, said):
    with pytest.raises(SystemExit) as ended:
        homework.main(["make", str(tmp_path / "new"), *options])
    assert ended.value.code == 2 and said in capsys.readouterr().err and not (tmp_path / "new").exists()


def test_make_refuses_a_folder_that_is_not_empty(tmp_path, capsys):
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(SystemExit):
        homework.main(["make", str(tmp_path), "--set", "adam"])
    assert "not an empty folder" in capsys.readouterr().err and [p.name for p in tmp_path.iterdir()] == [
        "mine"
    ]


def test_make_writes_nothing_into_the_project():
    for folder in ("numpy_seq2seq", "demos/old", "tests/x/y"):
        with pytest.raises(ValueError, match="inside the project"):
            student_tree.make(ROOT / folder, some("softmax"), TASKS)
        assert folder == "numpy_seq2seq" or not (ROOT / folder).exists()


def test_list_names_every_function_and_every_set(capsys):
    homework.main(["list"])
    shown = capsys.readouterr().out
    assert not TASKS.keys() - set(shown.split()) and not [
        name for name in assignment.SETS if f"\n  {name} " not in shown
    ]


# ---- the student's tree ------------------------------------------------------------------------------------


def test_a_blanked_function_keeps_signature_and_docstring_and_says_what_to_write():
    f = '@x\ndef f(a, b=1):\n    """Écris é.\n\n    More.\n    """; return a\n    # secret\n'
    source = f"import x\n\n\n{f}\n\ndef g(): return 1\n\n\n# Exercises\n"
    text = blanked(source, {"f", "g"})
    f, g = (find(ast.parse(text), name) for name in "fg")
    assert (
        ast.get_docstring(f) == "Écris é.\n\nMore." and ast.unparse(f.args) == "a, b=1" and f.decorator_list
    )
    assert "f is to be written: Écris é." in ast.unparse(f.body[1]) and len(f.body) == 2
    assert ast.unparse(g.body[0]).startswith("raise NotImplementedError")
    assert not re.search("secret|return|Exercises", text)


def test_helpers_go_with_the_last_function_that_uses_them():
    source = (
        "def _h(): return 1\n\n\ndef _k(): return _h()\n\n\ndef f(): return _k()\n\n\ndef g(): return _h()\n"
    )
    one, both = blanked(source, {"f"}), blanked(source, {"f", "g"})
    assert "_k" not in one and "def _h" in one and "_h" not in both


def traces(source):
    """Two lines of code that follow each other, or the only one of a function: not anywhere by chance."""
    lines = [line.strip() for line in source.splitlines() if line.strip() and line.strip()[0] != "#"]
    return {pair for pair in zip(lines, lines[1:]) if len("".join(pair)) > 50}


def solutions(tasks):
    """Traces of the bodies of all tasks, and of the helpers that only they use."""
    found = set()
    for file in {task.file for task in tasks.values()}:
        source = read(file)
        tree, names = ast.parse(source), {name for name in tasks if tasks[name].file == file}
        helpers = assignment.companions(assignment.users(tree), names)
        for node in tree.body:
            if getattr(node, "name", "") in names | helpers:
                body = solution(node)
                found |= traces("\n".join(source.splitlines()[body[0].lineno - 1 : node.end_lineno]))
    return found


@pytest.mark.parametrize("name", sampled(assignment.SETS, ("bptt", "beam search", "the whole thing")))
def test_no_solution_is_anywhere_in_the_tree(name):
    tasks = chosen(TASKS, [name])
    files = {
        path: content.decode(errors="ignore")
        for path, content in student_tree.student_files(tasks, TASKS).items()
    }
    kept = set().union(*(traces(files[f"numpy_seq2seq/{room}.py"]) for room in assignment.ROOMS))
    secret = solutions(tasks) - (set() if name == "the whole thing" else kept)  # neighbours look alike
    assert len(secret) > 5
    assert not {(path, trace) for path, text in files.items() for trace in traces(text) & secret}
    assert not [
        path for path in files if re.search(r"zoo|README|\.git/|homework|grading|assignment\.py", path)
    ]
    assert "slow_adam" not in str(files)


def test_make_writes_a_tree_whose_tests_fail_until_the_bodies_are_written(tmp_path, capsys):
    names = ["lstm_cell_forward", "adam_step"]
    homework.main(["make", str(tmp_path / "t"), "--functions", ",".join(names)])
    before = pytest_in(tmp_path / "t")
    assert (
        before.returncode == 1 and " passed" not in before.stdout and "NotImplementedError" in before.stdout
    )
    for name in names:
        (tmp_path / "t" / TASKS[name].file).write_text(read(TASKS[name].file), encoding="utf-8")
    after = pytest_in(tmp_path / "t")
    assert after.returncode == 0, after.stdout
    text = (tmp_path / "t" / "ASSIGNMENT.md").read_text(encoding="utf-8")
    assert "c = f c_prev + i g" in text and "v̂ = v / (1 − β₂ᵗ)" in text and "(gx, gh, state)" in text


@pytest.mark.slow
@pytest.mark.parametrize("name", ("bptt", "beam search"))
def test_the_tests_of_a_set_fail_until_it_is_written(tmp_path, name):
    tasks = chosen(TASKS, [name])
    student_tree.make(tmp_path / "t", tasks, TASKS)
    before = pytest_in(tmp_path / "t", "-x")
    assert before.returncode == 1 and "NotImplementedError" in before.stdout
    tree(tmp_path / "t", tasks=tasks)
    assert pytest_in(tmp_path / "t").returncode == 0


# ---- grading: what needs no process ------------------------------------------------------------------------


def test_the_untouched_tree_gets_full_marks(capsys, tmp_path):
    homework.main(["grade", str(ROOT), "--json", str(tmp_path / "a"), "--csv", str(tmp_path / "b")])
    total = sum(task.points for task in TASKS.values())
    assert f"{ROOT}: {total} of {total}" in capsys.readouterr().out
    assert {mark["verdict"] for mark in json.loads((tmp_path / "a").read_text(encoding="utf-8"))} == {
        "passed"
    }
    assert len((tmp_path / "b").read_text(encoding="utf-8").splitlines()) == 1 + len(TASKS)


@pytest.mark.parametrize("name", sampled(TASKS, ("softmax", "lstm_cell_backward", "generate_beam")))
def test_a_function_blanked_alone_is_not_written_and_the_only_one(tmp_path, name):
    file = TASKS[name].file
    own_room = {n: task for n, task in TASKS.items() if task.file == file}  # no other file is changed
    graded = marks([tree(tmp_path, {file: blanked(read(file), {name})}, own_room)], own_room)
    assert {m.task: m.verdict for m in graded.values() if m.verdict != "passed"} == {name: "not written"}
    assert graded[tmp_path.name, name].points == 0


def test_one_student_named_three_ways_is_graded_once(capsys):
    homework.main(["grade", str(ROOT), f"{ROOT}/", f"{ROOT}/tests/..", "--functions", "softmax"])
    assert capsys.readouterr().out == f"softmax: passed, 1 of 1\n{ROOT}: 1 of 1\n"


@pytest.mark.parametrize(
    "options, said",
    (
        (["nowhere"], "'nowhere' is not a folder"),
        ([str(ROOT / "LICENSE")], "is not a folder"),
        ([""], "is not a folder"),
        ([str(ROOT), "--seconds", "inf"], "--seconds must be from"),
        ([str(ROOT), "--memory", "50"], "--memory must be from 300"),
        ([str(ROOT), "--json", str(ROOT / "numpy_seq2seq/optim.py")], "would write over"),
        ([str(ROOT), "--csv", str(ROOT / "tests")], "would write over"),
        ([str(ROOT), "--json", "nowhere/x.json"], "no folder"),
    ),
)
def test_grade_refuses_what_cannot_be_meant(options, said, capsys):
    with pytest.raises(SystemExit) as ended:
        homework.main(["grade", *options, "--functions", "softmax"])
    shown = capsys.readouterr()
    assert ended.value.code == 2 and said in shown.err and shown.err.count("\n") == 1 and not shown.out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full disk at hand")
def test_marks_that_cannot_be_written_are_still_shown(capsys):
    with pytest.raises(SystemExit) as ended:
        homework.main(["grade", str(ROOT), "--functions", "softmax", "--json", "/dev/full"])
    shown = capsys.readouterr()
    assert ended.value.code == 2 and "No space left" in shown.err and "softmax: passed" in shown.out


def test_a_star_import_is_told(tmp_path):
    files = replaced("sigmoid", "from numpy import *\ndef sigmoid(x):\n    return 1 / (1 + exp(-x))")
    graded = marks([tree(tmp_path, files, some("sigmoid"))], some("sigmoid"))
    said = graded[tmp_path.name, "sigmoid"].said
    assert "`import *` is not taken along; import exp by its name" in said


UNREADABLE = {
    "no file": (None, "not written", "there is no file numpy_seq2seq/cells.py"),
    "no Python": ("x = 1\ndef f(:\n", "crashed", "numpy_seq2seq/cells.py, line 2"),
    "binary": ("\0\1\2", "crashed", "numpy_seq2seq/cells.py"),
    "huge": ("#" * 1_100_000, "crashed", "1,100,000 bytes"),
    "deep": ("(" * 900_000, "crashed", "numpy_seq2seq/cells.py"),
    "no function": ("x = 1\n", "not written", "no function rnn_cell_forward"),
    "another signature": (
        "def rnn_cell_forward(gx, gh): return gx\n",
        "wrong",
        "assignment has (gx, gh, state)",
    ),
    "pass": ("def rnn_cell_forward(gx, gh, state): pass\n", "not written", "still to be written"),
}


@pytest.mark.parametrize("text, verdict, said", UNREADABLE.values(), ids=list(UNREADABLE))
def test_a_file_that_cannot_be_graded_costs_its_own_tasks(tmp_path, text, verdict, said):
    tasks = some("rnn_cell_forward", "softmax")
    folder = tree(tmp_path, {"numpy_seq2seq/cells.py": text or ""}, tasks)
    if text is None:
        (folder / "numpy_seq2seq" / "cells.py").unlink()
    graded = marks([folder], tasks)
    assert graded[folder.name, "softmax"].verdict == "passed"
    mark = graded[folder.name, "rnn_cell_forward"]
    assert mark.verdict == verdict and said in mark.said


def test_a_tree_that_is_not_there_does_not_stop_the_others(tmp_path):
    tasks = some("softmax")
    graded = marks([tmp_path / "none", tree(tmp_path / "there", (), tasks)], tasks)
    assert [graded[name, "softmax"].verdict for name in ("none", "there")] == ["not written", "passed"]


def test_the_assignment_of_most_trees_counts(tmp_path):
    for k, names in enumerate((["softmax", "adam_step"], ["softmax", "adam_step"], ["softmax"])):
        (tmp_path / str(k)).mkdir()
        (tmp_path / str(k) / "ASSIGNMENT.md").write_text(
            student_tree.assignment(some(*names)), encoding="utf-8"
        )
    trees = [tmp_path / "0", tmp_path / "1", tmp_path / "2", tmp_path / "none"]
    assert assignment.assigned(trees, TASKS) == (some("softmax", "adam_step"), 2)
    assert assignment.assigned(trees[3:], TASKS) == (TASKS, 0)


def test_what_a_student_says_is_shown_plainly():
    shown = grading.plain("\x1b[2J\a one\n\n" + "x" * 1000 + "\n" * 3 + "y\n" * 50)
    assert "\x1b" not in shown and "\a" not in shown and shown.endswith("…") and len(shown) < 2000


# ---- grading: solutions that are right ---------------------------------------------------------------------

LSTM_BY_LOOPS = """
from numpy import tanh as squash
HALF = 0.5
def _logistic(a):
    return HALF * (1 + squash(HALF * a))
def _gates(a):
    return [function(block) for function, block in zip([_logistic] * 3 + [squash], np.split(a, 4))]
def lstm_cell_forward(gx, gh, state):
    rows = []
    for a, b, c_prev in zip(gx, gh, state[1]):
        i, f, o, g = _gates(a + b)
        c = f * c_prev + i * g
        rows.append((o * squash(c), c, i, f, o, g))
    h, c, *gates = (np.array(column).reshape(state[1].shape) for column in zip(*rows))
    return (h, c), {"gates": tuple(gates), "c": (state[1], c)}
"""
LSTM_OF_ITS_CACHE = """
def lstm_cell_backward(dstate, cache):
    (dh, dc), (i, f, o, g), (c_prev, c) = dstate, cache["gates"], cache["c"]
    t = np.tanh(c)
    dc = dc + dh * o * (1 - t**2)
    di, df, do, dg = dc * g, dc * c_prev, dh * t, dc * i
    da = np.hstack([di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g**2)])
    return da, da.copy(), (0 * dh, f * dc)
"""
RIGHT = {
    "dot_score_forward": """
        def dot_score_forward(queries, keys, params):
            return np.einsum("bta,bsa->bts", queries, keys), (queries, keys)
        """,
    "softmax": """
        import numpy
        def softmax(x):
            e = numpy.exp(x - numpy.max(x, -1)[..., None])
            return e / e.sum(-1)[..., None]
        """,
    "embedding_backward": """
        def embedding_backward(dx, cache):
            ids, (V, D) = cache
            onehot = np.eye(V, dtype=dx.dtype)[ids.reshape(-1)]
            return {"E": onehot.T @ dx.reshape(-1, D)}
        """,
    "adam_step": """
        def adam_step(params, grads, state, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8, decay=0.0):
            state["t"] += 1
            for layer in params:
                for name, theta in params[layer].items():
                    m, v, g = state["m"][layer][name], state["v"][layer][name], grads[layer][name]
                    m[...] = beta1 * m + (1 - beta1) * g
                    v[...] = beta2 * v + (1 - beta2) * g**2
                    theta *= 1 - learning_rate * decay
                    step = m / (1 - beta1 ** state["t"]) / (np.sqrt(v / (1 - beta2 ** state["t"])) + epsilon)
                    theta -= learning_rate * step
        """,
    "sigmoid": """
        calls = 0
        def sigmoid(x):
            global calls, last
            calls += 1
            last = calls
            return 0.5 + 0.5 * np.tanh(x / 2)
        """,
    "global_norm": """
        from numpy import *
        def global_norm(grads):
            from math import sqrt as root
            total = 0.0
            for arrays in grads.values():
                for g in arrays.values():
                    total += float((abs(g) ** 2).sum())
            return root(total)
        """,
}


@pytest.mark.slow
def test_other_right_solutions_pass(tmp_path):
    files = {}
    for name, function in RIGHT.items():
        files |= replaced(name, function, files)
    graded = marks([tree(tmp_path, files, some(*RIGHT))], some(*RIGHT))
    assert {m.task: (m.verdict, m.said) for m in graded.values()} == dict.fromkeys(
        some(*RIGHT), ("passed", "")
    )


@pytest.mark.slow
def test_a_pair_may_choose_its_cache_and_bring_helpers_along(tmp_path):
    tasks = some("lstm_cell_forward", "lstm_cell_backward")
    files = replaced("lstm_cell_backward", LSTM_OF_ITS_CACHE, replaced("lstm_cell_forward", LSTM_BY_LOOPS))
    graded = marks([tree(tmp_path, files, tasks)], tasks)
    assert {m.task: (m.verdict, m.said) for m in graded.values()} == dict.fromkeys(tasks, ("passed", ""))


# ---- grading: solutions that are wrong ---------------------------------------------------------------------


def handed_in(defect):
    """The tasks that a defect touches, and the files with it in them."""
    sources, files = edited_sources(defect), {}
    for (module, function), new in sources.items():
        path = f"numpy_seq2seq/{module}.py"
        files[path] = files.get(path, read(path)).replace(inspect.getsource(original(module, function)), new)
    return some(*(function for _, function in sources)), files


def assert_wrong(defect, mark):
    assert mark.points == 0 and mark.verdict in ("wrong", "crashed") and defect.function in mark.said, mark
    if mark.verdict == "crashed":  # shapes that do not fit raise before a test can say no
        assert "\n  at: " in mark.said
    elif defect.function.endswith("_backward"):
        faulty = re.search(r"^  [\w.]+(\[\d+\])*\[[\d, ]+\]: backward says", mark.said, re.MULTILINE)
        assert faulty or re.search("must return a gradient of|writes into", mark.said), mark


def test_a_wrong_backward_is_told_the_array_and_the_gate(tmp_path):
    tasks, files = handed_in(DEFECTS["reset_gate_forgotten"])
    (mark,) = marks([tree(tmp_path, files, tasks)], tasks).values()
    assert_wrong(DEFECTS["reset_gate_forgotten"], mark)
    assert "right: gx, state[0]" in mark.said and "by gate: r right, z right, n wrong" in mark.said


@pytest.mark.slow
def test_defects_of_the_zoo_handed_in_are_marked_wrong(tmp_path):
    """Every third one; all of them take a minute. Twice also with a backward that fits the wrong forward: then the forward is at fault."""
    some_of_them = [d for d in DEFECTS.values() if d.function in TASKS and d not in OPTIONS][::3]
    by_tasks, defects = {}, {defect.name: defect for defect in some_of_them}
    for name, defect in defects.items():
        tasks, files = handed_in(defect)
        if name not in ("gates_swapped", "cell_state_dropped"):
            tasks = some(defect.function)
        by_tasks.setdefault(tuple(tasks), []).append(tree(tmp_path / name, files, tasks))
    graded = {}
    for names, trees in by_tasks.items():
        graded |= marks(trees, some(*names))
    for name, defect in defects.items():
        assert_wrong(defect, graded[name, defect.function])


# ---- grading: solutions that misbehave ---------------------------------------------------------------------

HOSTILE = {
    "prints": ('print("\\x1b[2Jgarbage" * 10**5)', "passed", ""),
    "speaks in its error": ('raise ValueError("\\x1b[2J" + "x" * 10**6)', "crashed", "ValueError: �[2Jxxx"),
    "sleeps": ("import time\ntime.sleep(99)", "timed out", "longer than 4 seconds"),
    "counts for ever": ("while True: pass", "timed out", "longer than 4 seconds"),
    "ends": ("import os\nos._exit(0)", "crashed", "ended before its tests did (exit status 0)"),
    "exits": ("raise SystemExit(0)", "crashed", "SystemExit"),
    "interrupts": ("raise KeyboardInterrupt", "crashed", "KeyboardInterrupt"),
    "forks": ("import os\nos.fork()", "passed", ""),
    "leaves a child": ('import os\nos.system("sleep 98.7654 &")', "passed", ""),
    "fills memory": (
        "hoard = [bytearray(10**8) for _ in range(100)]",
        "left its limits",
        "more than 1024 MB",
    ),
    "replaces NumPy's": (
        "np.allclose = np.testing.assert_allclose = lambda *a, **k: True\ngx = gx + 1",
        "left its limits",
        "replaces numpy.allclose, numpy.testing.assert_allclose",
    ),
    "imports what is not there": ("import torch_of_mine", "crashed", "No module named 'torch_of_mine'"),
    "recurs": ("return lstm_cell_forward(gx, gh, state)", "crashed", "RecursionError"),
    "is not ready": ("raise NotImplementedError", "not written", "lstm_cell_forward"),
}


def hostile(folder, name):
    """A tree with one function that misbehaves, and tests of its own that are content."""
    files = with_first_line("lstm_cell_forward", HOSTILE[name][0])
    files |= with_first_line("sgd_step", "assert True")
    folder = tree(folder / name, files, some("lstm_cell_forward", "sgd_step"))
    (folder / "tests").mkdir()
    for test in ("cells", "optim"):
        (folder / "tests" / f"test_{test}.py").write_text("def test_lstm_cell_forward_sgd_step(): pass\n")
    return folder


def assert_own_mark_only(name, graded):
    mark, (_, verdict, said) = graded[name, "lstm_cell_forward"], HOSTILE[name]
    assert mark.verdict == verdict and said in mark.said and len(mark.said) < 3000, (name, mark)
    assert "98.7654" not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout


def test_a_process_that_ends_with_status_0_has_not_passed_and_its_neighbour_has(tmp_path):
    graded = marks([hostile(tmp_path, "ends")], some("lstm_cell_forward", "sgd_step"))
    assert_own_mark_only("ends", graded)
    assert graded["ends", "sgd_step"].verdict == "passed"


@pytest.mark.slow
@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM))
def test_a_grading_that_is_stopped_leaves_nothing_behind(tmp_path, number):
    files = with_first_line("sigmoid", "__import__('time').sleep(98.7654)")
    folder = tree(tmp_path / "t", files, some("sigmoid"))
    (tmp_path / "temporary").mkdir()
    command = [sys.executable, "-m", "numpy_seq2seq.homework", "grade", str(folder), "--functions", "sigmoid,softmax"]
    env = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as grading_:
        time.sleep(3)
        grading_.send_signal(number)
        out, error = grading_.communicate(timeout=10)
    assert grading_.returncode == 130 and b"stopped after 1 of 2" in error and b"softmax: passed" in out
    assert not list((tmp_path / "temporary").iterdir())
    assert str(tmp_path) not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout


@pytest.mark.slow
@pytest.mark.parametrize("in_time", (True, False))
def test_who_misbehaves_is_found_out(tmp_path, in_time):
    names = [name for name, case in HOSTILE.items() if (case[1] != "timed out") == in_time]
    graded = marks(
        [hostile(tmp_path, name) for name in names], some("lstm_cell_forward"), seconds=60 if in_time else 4
    )
    for name in names:
        assert_own_mark_only(name, graded)


# ---- the teacher's own tests -------------------------------------------------------------------------------


@pytest.mark.slow
def test_every_function_has_tests_and_the_teacher_passes_all_of_them_in_one_process(tmp_path, monkeypatch):
    """What `grade` runs for each function by itself, here for all of them together."""
    from numpy_seq2seq.homework import plugin as plugin

    files = sorted({file for task in TASKS.values() for file in task.test_files})
    collected = pytest_in(ROOT, "--collect-only", *files).stdout.split()
    for task in TASKS.values():
        others = [
            name for name in TASKS if name not in task.tests and any(test in name for test in task.tests)
        ]
        monkeypatch.setattr(plugin, "JOB", {"names": task.tests, "others": others})
        own = [test for test in collected if test.split("::")[0] in task.test_files]
        assert [test for test in own if plugin.bears_a_name(test.split("::", 1)[1])], task
    everything = assignment.Task("all", "cells", 0, (), tuple(TASKS))
    monkeypatch.setattr(assignment.Task, "test_files", property(lambda task: files))
    grading._copy(tmp_path / "teacher")
    bench = grading.Bench(tmp_path, {}, {}, [], Limits(100), set(), threading.Event())
    assert grading._run(read("numpy_seq2seq/cells.py"), everything, bench) == ("passed", "")


def test_help_says_that_this_is_no_sandbox(capsys):
    with pytest.raises(SystemExit) as ended:
        homework.main(["grade", "--help"])
    said = capsys.readouterr().out
    assert ended.value.code == 0 and "NOT A SANDBOX" in said and not [v for v in VERDICTS if v not in said]


def test_homework_needs_a_clone(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(assignment, "ROOT", tmp_path)
    with pytest.raises(SystemExit) as ended:
        homework.main(["list"])
    assert ended.value.code == 2 and capsys.readouterr().err.count("\n") == 1
