"""Trees as students hand them in, made of the teacher's own files. Not a test."""

import ast
import functools
import inspect
import textwrap
from pathlib import Path
from types import SimpleNamespace

from numpy_seq2seq.homework import grading
from numpy_seq2seq.homework.answers import answers
from numpy_seq2seq.homework.assignment import all_functions, all_tasks, chosen, find, partner, read, solution

TASKS = all_tasks()
FUNCTIONS = all_functions()


def right_solutions():
    """[(function, case, what stands in its place, what stands at the end of the file)]"""
    text = (Path(__file__).parent / "right_solutions.txt").read_text(encoding="utf-8")
    for part in text.split("\n==== ")[1:]:
        head, _, code = part.partition("\n")
        name, _, case = head.partition(": ")
        code, _, end = code.partition("----\n")
        yield name, case, source_of(name) if code.strip() == "..." else code, end


def some(*names):
    return chosen(TASKS, names=names)


def source_of(name):
    return textwrap.dedent(inspect.getsource(FUNCTIONS[name]))


def edited(name, old, new):
    """Source of a function with a text, which occurs in it once, replaced."""
    source = source_of(name)
    assert source.count(old) == 1, (
        f"{old!r} occurs {source.count(old)} times in {name}; bring the edit up to date"
    )
    return source.replace(old, new)


def replaced(name, function, files=(), end=""):
    """{file: text} in which a function, and what stands before it, takes the place of what is there."""
    source = dict(files).get(TASKS[name].file) or read(TASKS[name].file)
    node, lines = find(ast.parse(source), name), source.splitlines()
    lines[node.lineno - 1 : node.end_lineno] = [textwrap.dedent(function)]
    return {**dict(files), TASKS[name].file: "\n".join([*lines, textwrap.dedent(end)])}


def with_first_line(name, line):
    """{file: text} in which the body of a function begins with another line."""
    source = read(TASKS[name].file)
    lines, first = source.splitlines(), solution(find(ast.parse(source), name))[0]
    lines.insert(first.lineno - 1, textwrap.indent(line, " " * first.col_offset))
    return {TASKS[name].file: "\n".join(lines)}


def tree(folder, files=(), tasks=TASKS):
    """A tree with the files of these tasks as the teacher has them, but for some: {path: text}."""
    for path in {task.file for task in tasks.values()}:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(dict(files).get(path, read(path)), encoding="utf-8")
    return folder


@functools.cache
def stored():
    """Answers that were made already: at first, all at once, those of what most tests ask for."""
    often = ("softmax", "sigmoid", "log_softmax", "rnn_cell_forward", "lstm_cell_forward", "gru_cell_forward",
             "step_forward", "adam_step", "right_places", "dropout_forward", "embedding_forward")
    return answers(FUNCTIONS, {*often, *map(partner, often)})


def stored_answers(functions, names):
    """What answers() gives, made once for each function."""
    if new := set(names) - stored().keys():
        stored().update(answers(functions, new))
    return stored()


def marks(trees, tasks, **given):
    """{(name of the tree's folder, task): mark}"""
    given = SimpleNamespace(**{"seconds": 60, "memory": 1024, "jobs": 2, "partial": False, **given})
    graded = grading.grade({Path(t).name: Path(t) for t in trees}, tasks, given)
    return {(m.student, m.task): m for m in graded}
