"""Appendix E, first part. The assignment: which functions can be set as homework, read off the syntax tree.

Before this: nothing. After it: student_tree.py. It stands apart: no room outside appendix E needs it.

A task is a function. Its docstring is the assignment, and the tests that bear its name grade it. How hard
it is comes from its length, what it needs first from what its body calls; a few tables hold what the source
does not say.

Not here: blanking (student_tree.py), grading (grading.py), the command line (homework.py).
"""

import ast
import difflib
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from numpy_seq2seq import CHAPTERS

ROOMS = [chapter for chapter in CHAPTERS if chapter != "config"]  # in reading order
OTHERS = """
    sigmoid relu softmax log_softmax glorot split_heads merge_heads positions weight_gradients token_accuracy sequence_accuracy
    unchecked_loss_and_gradients sgd_step adam_init adam_step global_norm clip_by_global_norm
    warmup_cosine exponential_decay inverse_sqrt sampled_inputs evaluate generate_greedy
    generate_sample _generate generate_beam length_penalty _grow _best _collect make_source
    make_batch right_places is_held_out draw_pairs
""".split()  # besides every _forward and _backward
TEST_FILES = {  # where it is not test_ROOM.py alone
    "stacks": ("recurrent",),
    "scores": ("attention",),
    "readout": ("decoders",),
    "step_decoders": ("decoders",),
    "seq2seq": ("seq2seq", "pytorch"),
    "optim": ("optim", "pytorch"),
}
GRADED_BY = {  # where the tests that bear the name are too few, or all of them need a transcription
    "weight_gradients": ("recurrent_backward",),
    "_generate": ("generate_greedy", "generate_sample"),
    **dict.fromkeys(("_grow", "_best", "_collect"), ("generate_beam",)),
    **{f"{s}_forward": (f"{s}_forward", "whole_models") for s in ("start", "encode", "decode", "seq2seq")},
    **{f"{s}_score_forward": (f"{s}_score_forward", "reference") for s in ("dot", "scaled_dot", "additive")},
}
SETS = {
    "layers": ("layers", ""),
    "cells": ("cells", ""),
    "bptt": ("recurrent", ""),
    "attention": ("scores attention", ""),
    "loss": ("losses", ""),
    "decoders": ("decoders step_decoders", ""),
    "adam": ("optim", "adam_"),
    "optimisers": ("optim", ""),
    "transformer": ("multihead transformer", ""),
    "greedy search": ("generate", ""),
    "beam search": ("beam", ""),
    "the whole thing": (" ".join(ROOMS), ""),
}  # rooms, and how the names begin
ROOT = Path(__file__).parents[2]


class Task(NamedTuple):
    """A function that can be set."""

    name: str
    room: str
    points: int  # 1 to 3: how hard it is
    needs: tuple  # tasks to be written before it
    tests: tuple  # what the ids of its tests contain

    @property
    def file(self):
        """Where it stands, from the project's root."""
        return f"numpy_seq2seq/{self.room}.py"

    @property
    def test_files(self):
        """Where its tests are."""
        return [f"tests/test_{name}.py" for name in TEST_FILES.get(self.room, (self.room,))]


# ---- what can be set ---------------------------------------------------------------------------------------


def all_tasks():
    """Every function that can be set, in reading order: {name: Task}."""
    functions = {}
    for room in ROOMS:
        tree = ast.parse(read(f"numpy_seq2seq/{room}.py"))
        by = users(tree)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and _can_be_set(node.name):
                functions[node.name] = room, node, tree, by
    tasks = {}
    for name, (room, node, tree, by) in functions.items():
        points, needs = _points(node, tree, by), _needs(node, tree, functions)
        tasks[name] = Task(name, room, points, needs, GRADED_BY.get(name, (name,)))
    return tasks


def _can_be_set(name):
    return name.endswith(("_forward", "_backward")) or name in OTHERS


def read(path):
    """Text of a file of the project, named from its root."""
    return (ROOT / path).read_text(encoding="utf-8")


def partner(name):
    """The other one of a pair: lstm_cell_forward of lstm_cell_backward, sigmoid of sigmoid_backward."""
    if name.endswith("_backward"):
        stem = name.removesuffix("_backward")
        return (f"{stem}_forward", stem)
    return (f"{name.removesuffix('_forward')}_backward",)


def _points(node, tree, by):
    """1 for a line or a few, 2 up to a dozen, 3 beyond; a backward at least 2. Its own helpers count."""
    along = companions(by, {node.name})
    gone = [n for n in tree.body if getattr(n, "name", "") in along]
    lines = sum(len(ast.unparse(n).splitlines()) for n in (*solution(node), *gone))
    return max(1 + (lines > 4) + (lines > 12), 1 + node.name.endswith("_backward"))


def _needs(node, tree, functions):
    """The tasks that its body and its private helpers call; of a backward its forward, too."""
    own, todo, called = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}, [node], set()
    while todo:
        new = names_used(*todo.pop().body) - called
        called |= new
        todo += [own[name] for name in new if name.startswith("_") and name in own]
    if node.name.endswith("_backward"):
        called |= set(partner(node.name))
    return tuple(name for name in functions if name in called and name != node.name)


def chosen(tasks, sets=(), names=()):
    """Tasks by sets and names, each once, in reading order.

    Raises:
        ValueError: an unknown set or function, with the nearest known ones; nothing chosen.
    """
    wanted = set()
    for name in sets:
        rooms, begins = SETS[known("set", name.replace("-", " "), SETS)]
        starts = tuple(begins.split()) or ("",)
        wanted |= {n for n, task in tasks.items() if task.room in rooms.split() and n.startswith(starts)}
    wanted |= {known("function", name, tasks) for name in names}
    if not wanted:
        raise ValueError("nothing is set: name functions or a set (`list` shows both)")
    return {name: task for name, task in tasks.items() if name in wanted}


def known(what, name, names):
    """The name, or ValueError with those that look like it."""
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, n=3)
    raise ValueError(
        f"there is no {what} {name!r} to be set; "
        + (f"did you mean {' or '.join(near)}?" if near else "see `list`")
    )


# ---- the syntax tree of a room -----------------------------------------------------------------------------


def has_docstring(node):
    """Whether a function, class or file has one."""
    return ast.get_docstring(node, clean=False) is not None


def solution(node):
    """The statements of a function without its docstring."""
    return node.body[has_docstring(node) :]


def names_used(*nodes):
    """Every name that is read below the nodes."""
    return {
        n.id
        for node in nodes
        for n in ast.walk(node)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
    }


def users(tree):
    """{private function: names of what uses it} at the top of a file."""
    private = {n.name for n in tree.body if isinstance(n, ast.FunctionDef) and n.name.startswith("_")}
    by = {name: set() for name in private}
    for node in tree.body:
        own = getattr(node, "name", "")
        for used in (names_used(node) & private) - {own}:
            by[used].add(own)
    return by


def companions(by, names):
    """Private functions, no tasks themselves, that nothing but the named ones uses, however indirectly."""
    gone, before = set(), None
    while gone != before:
        before = set(gone)
        gone |= {
            name
            for name, used_by in by.items()
            if name not in OTHERS and used_by and used_by <= gone | set(names)
        }
    return gone


# ---- what a class was set ----------------------------------------------------------------------------------


def assigned(trees, tasks):
    """The tasks that ASSIGNMENT.md of most of the trees names, so that one changed list changes nothing.

    Returns:
        {name: Task}, and how many trees name just these; all tasks, and 0, where no tree has a list.
    """
    lists = Counter()
    for tree in trees:
        path = Path(tree) / "ASSIGNMENT.md"
        try:
            text = path.read_bytes()[:1_000_000].decode(errors="replace") if path.is_file() else ""
        except OSError:
            text = ""
        named = set(re.findall(r"^## \d+\. `(\w+)`", text, re.MULTILINE)) & tasks.keys()
        lists.update([frozenset(named)] if named else [])
    most, count = lists.most_common(1)[0] if lists else (tasks.keys(), 0)
    return {name: task for name, task in tasks.items() if name in most}, count


def check_clone():
    """Raise ValueError unless the tests stand beside the package."""
    if not (ROOT / "tests" / "homework").exists():
        raise ValueError(
            "homework needs a clone of the project: there are no tests beside the installed package"
        )


# Exercises
# 1. Which helpers go along when recurrent_backward is set alone, and which when recurrent_forward is set too?
# 2. Make the points from the number of names that a body uses. Which functions become easier, and are they?
