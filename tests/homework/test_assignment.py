"""What can be set, by name and by set, and what a student's tree holds of it."""

import ast
import re
import subprocess
import sys

import pytest

from numpy_seq2seq import CHAPTERS
from numpy_seq2seq.homework import __main__ as homework, student_tree
from numpy_seq2seq.homework.assignment import (
    OTHERS, ROOT, SETS, chosen, companions, find, names_read, normal, read,
)
from numpy_seq2seq.homework.student_tree import blanked, hinted

from ..helpers import sampled
from .handed_in import FUNCTIONS, TASKS, some


def test_every_forward_and_backward_of_the_chapters_can_be_set():
    assert not {name for name in FUNCTIONS if name.endswith(("_forward", "_backward"))} - TASKS.keys()
    assert len(TASKS) >= 90 and not set(OTHERS) - TASKS.keys()
    assert {task.points for task in TASKS.values()} == {1, 2, 3}
    assert list(dict.fromkeys(task.chapter for task in TASKS.values())) == [
        c for c in CHAPTERS if c != "config"
    ]


def test_a_backward_needs_its_forward_and_nothing_needs_itself_however_far():
    assert {"step_backward", "recurrent_forward"} <= set(TASKS["recurrent_backward"].needs)
    reached = {name: set(task.needs) for name, task in TASKS.items()}
    for _ in TASKS:
        reached = {name: needs.union(*(reached[n] for n in needs)) for name, needs in reached.items()}
    assert not [name for name, needs in reached.items() if name in needs]


@pytest.mark.parametrize("name", SETS)
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


@pytest.mark.parametrize("name", sampled(SETS, "beam search"))
def test_the_tests_of_a_set_can_be_started(tmp_path, name):
    """Before anything is written: no test fails to begin, each is asked."""
    homework.main(["make", str(tmp_path / "new"), "--set", name])
    command = [sys.executable, "-m", "pytest", "--collect-only"]
    said = subprocess.run(command, cwd=tmp_path / "new", capture_output=True, text=True, check=True).stdout
    assert all(f"test[{task}]" in said for task in chosen(TASKS, [name]))


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
            student_tree.make(ROOT / folder, some("softmax"))
        assert folder == "numpy_seq2seq" or not (ROOT / folder).exists()


def test_list_names_every_function_and_every_set(capsys):
    homework.main(["list"])
    shown = capsys.readouterr().out
    assert not TASKS.keys() - set(shown.split()) and not [
        name for name in SETS if f"\n  {name} " not in shown
    ]


# ---- blanking ----------------------------------------------------------------------------------------------


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


def test_a_set_and_functions_are_set_together_and_adam_alone_is_a_set():
    both = chosen(TASKS, ["adam"], ["softmax"])
    assert {"softmax", "adam_init", "adam_step"} == both.keys()
    assert {"adam_step", "cross_entropy_forward"} < chosen(TASKS, ["adam", "loss"]).keys()


def test_make_gives_all_hints_unless_fewer_are_asked_for(tmp_path, capsys):
    sizes = []
    for hints in (["--hints", "0"], ["--hints", "1"], ["--hints", "2"], []):
        homework.main(["make", str(tmp_path / str(len(sizes))), "--functions", "lstm_cell_backward", *hints])
        sizes.append((tmp_path / str(len(sizes)) / "numpy_seq2seq/cells.py").stat().st_size)
    none, some_, all_, usual = sizes
    assert none < some_ < all_ == usual


def test_hints_take_away_what_a_backward_derives_and_then_all_formulas():
    doc = ast.get_docstring(find(ast.parse(read("numpy_seq2seq/cells.py")), "lstm_cell_backward"))
    some_, none = (hinted(doc, hints, "lstm_cell_backward") for hints in (1, 0))
    assert hinted(doc, 2, "lstm_cell_backward") == doc
    assert (
        "h = o tanh(c)" in some_
        and "do = dh tanh(c)" not in some_
        and "Returns:" in some_
        and ">>>" not in some_
    )
    assert "tanh" not in none and "Backward of lstm_cell_forward" in none and "dgx, dgh:" in none
    forward = ast.get_docstring(find(ast.parse(read("numpy_seq2seq/cells.py")), "lstm_cell_forward"))
    assert hinted(forward, 1, "lstm_cell_forward") == forward
    none = hinted(forward, 0, "lstm_cell_forward")
    assert (
        "σ" not in none and "f c_prev" not in none and "gx:" in none and "blocks in the order i f o g" in none
    )


@pytest.mark.parametrize("hints", (0, 1))
def test_no_hinted_docstring_of_a_backward_names_a_gradient_with_a_formula(hints):
    for chapter in {task.chapter for task in TASKS.values()}:
        file = f"numpy_seq2seq/{chapter}.py"
        names = {name for name in TASKS if TASKS[name].chapter == chapter}
        blank = ast.parse(blanked(read(file), names, hints))
        for name in names:
            doc = ast.get_docstring(find(blank, name)).partition("Returns:")[0]
            if name.endswith("_backward"):
                assert not re.search(r"\bd\w+ *(\+=|=)|∂|Σ.*\bd", doc), (name, doc)


# ---- nothing leaks -----------------------------------------------------------------------------------------


def bodies(path, text):
    """(path, name, normal form) of every function and lambda in a file."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            yield path, node.name, normal(node)
        elif isinstance(node, ast.Lambda):
            written = ast.parse(f"def _(): return {ast.unparse(node.body)}").body[0]
            written.args = node.args
            yield path, "a lambda", normal(written)


@pytest.mark.slow
def test_no_body_of_a_set_function_stands_in_its_tree_under_another_name(monkeypatch):
    monkeypatch.setattr(student_tree, "answers", lambda functions, names: {name: [] for name in names})
    files = {
        path: text.decode()
        for path, text in student_tree.student_files(some("softmax")).items()
        if path.endswith(".py")
    }
    files |= {task.file: read(task.file) for task in TASKS.values()}
    there = [body for path, text in files.items() for body in bodies(path, text)]
    for name, task in TASKS.items():
        own = normal(find(ast.parse(files[task.file]), name))
        along = companions(names_read(ast.parse(files[task.file])), {name})
        twins = {other for path, other, body in there if body == own and other not in along} - {name}
        assert not twins - ALIKE.get(name, set()), (name, twins)


ALIKE = {}  # {function: functions that say the same}: where that is no help, or cannot be otherwise


@pytest.mark.parametrize("name", ("bptt", "beam search", "transformer"))
def test_a_tree_holds_the_package_the_check_and_nothing_else_of_the_project(monkeypatch, name):
    monkeypatch.setattr(student_tree, "answers", lambda functions, names: {name: [] for name in names})
    tasks = chosen(TASKS, [name])
    files = student_tree.student_files(tasks)
    copied = r"numpy_seq2seq/(homework/(__init__|compare|trial|chance|check)|\w+)\.py"
    other = [path for path in files if not re.fullmatch(copied, path)]
    assert sorted(other) == [
        "ASSIGNMENT.md",
        "LICENSE",
        "setup.cfg",
        "tests/answers.pickle.xz",
        "tests/conftest.py",
        "tests/test_assignment.py",
    ]
