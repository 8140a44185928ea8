"""Homework: the assignment. Which functions can be set, read off the syntax tree.

Before this: nothing. After it: compare.py.

A task is a function. Its docstring is the assignment. How hard it is comes from its length, what it needs
first from what its body calls; two tables hold what the source does not say.

Not here: how it is checked (check.py, answers.py), blanking (student_tree.py), grading (grading.py).
"""

import ast
import difflib
import importlib
import inspect
from pathlib import Path
from typing import NamedTuple

from .. import CHAPTERS

OTHERS = """make_source make_batch right_places is_held_out draw_pairs sigmoid relu softmax log_softmax glorot
    weight_gradients token_accuracy sequence_accuracy split_heads merge_heads positions causal_mask
    unchecked_loss_and_gradients sgd_step adam_init adam_step global_norm clip_by_global_norm warmup_cosine
    exponential_decay inverse_sqrt generate_greedy generate_sample _generate sampled_inputs evaluate
    generate_beam length_penalty _grow _best _collect
""".split()  # besides every _forward and _backward
SETS = {  # chapters
    "layers": ["layers"], "cells": ["cells"], "bptt": ["recurrent"], "attention": ["scores", "attention"],
    "loss": ["losses"], "decoders": ["decoders", "step_decoders"], "adam": ["optim"], "optimisers": ["optim"],
    "transformer": ["multihead", "transformer"], "greedy search": ["generate"], "beam search": ["beam"],
    "the whole thing": [*CHAPTERS],
}  # fmt: skip
ROOT = Path(__file__).parents[2]


class Task(NamedTuple):
    """A function that can be set."""

    name: str
    chapter: str
    points: int  # 1 to 3: how hard it is
    needs: tuple  # tasks to be written before it

    @property
    def file(self):
        """Where it stands, from the project's root."""
        return f"numpy_seq2seq/{self.chapter}.py"


# ---- what can be set ---------------------------------------------------------------------------------------


def all_tasks():
    """Every function that can be set, in reading order: {name: Task}."""
    trees, found = {chapter: ast.parse(read(f"numpy_seq2seq/{chapter}.py")) for chapter in CHAPTERS}, {}
    for chapter, tree in trees.items():
        functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
        pairs = ("_forward", "_backward")
        found |= {n.name: (chapter, n) for n in functions if n.name.endswith(pairs) or n.name in OTHERS}
    used, tasks = {chapter: names_read(tree) for chapter, tree in trees.items()}, {}
    for name, (chapter, node) in found.items():
        tree = trees[chapter]
        tasks[name] = Task(name, chapter, _points(node, tree, used[chapter]), _needs(node, tree, found))
    return tasks


def read(path):
    """Text of a file of the project, named from its root."""
    return (ROOT / path).read_text(encoding="utf-8")


def defined_in(chapter):
    """{name: function or class} of a chapter."""
    name = f"numpy_seq2seq.{chapter}"
    found = vars(importlib.import_module(name))
    return {key: value for key, value in found.items() if getattr(value, "__module__", "") == name}


def all_functions():
    """{name: function} of all chapters."""
    found = {name: value for chapter in CHAPTERS for name, value in defined_in(chapter).items()}
    return {name: value for name, value in found.items() if inspect.isfunction(value)}


def partner(name):
    """The other one of a pair: lstm_cell_forward of lstm_cell_backward. Nothing has that of a single one."""
    stem, _, way = name.rpartition("_")
    return f"{stem}_{'forward' if way == 'backward' else 'backward'}"


def _points(node, tree, used):
    """1 for a line or a few, 2 up to a dozen, 3 beyond; a backward at least 2. Its own helpers count."""
    helpers = companions(used, {node.name})
    gone = [*solution(node), *(n for n in tree.body if getattr(n, "name", "") in helpers)]
    lines = sum(len(ast.unparse(n).splitlines()) for n in gone)
    return max(1 + (lines > 4) + (lines > 12), 1 + node.name.endswith("_backward"))


def _needs(node, tree, functions):
    """The tasks that its body and its private helpers call; of a backward its forward, too."""
    own, todo, called = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}, [node], set()
    while todo:
        new = names_used(*todo.pop().body) - called
        called |= new
        todo += [own[name] for name in new if name.startswith("_") and name in own]
    if node.name.endswith("_backward"):
        called |= {partner(node.name), node.name.removesuffix("_backward")}
    return tuple(name for name in functions if name in called and name != node.name)


def chosen(tasks, sets=(), names=()):
    """Tasks by sets and names, each once, in reading order.

    Raises:
        ValueError: an unknown set or function, with the nearest known ones; nothing chosen.
    """
    wanted = {_known("function", name, tasks) for name in names}
    for name in [_known("set", name.replace("-", " "), SETS) for name in sets]:
        begins = "adam_" if name == "adam" else ""
        wanted |= {n for n, task in tasks.items() if task.chapter in SETS[name] and n.startswith(begins)}
    if not wanted:
        raise ValueError("nothing is set: name functions or a set (`list` shows both)")
    return {name: task for name, task in tasks.items() if name in wanted}


def _known(what, name, names):
    """The name, or ValueError with those that look like it."""
    if name in names:
        return name
    near = " or ".join(difflib.get_close_matches(name, names, n=3))
    remedy = f"did you mean {near}?" if near else "see `list`"
    raise ValueError(f"there is no {what} {name!r} to be set; {remedy}")


# ---- the syntax tree of a chapter --------------------------------------------------------------------------


def find(tree, name):
    """The last function of that name at the top of a file, or None."""
    return next((n for n in reversed(tree.body) if isinstance(n, ast.FunctionDef) and n.name == name), None)


def solution(node):
    """The statements of a function without its docstring."""
    return node.body[ast.get_docstring(node) is not None :]


def normal(node):
    """Parameters and body with numbers for the function's own names: the same for the same by other names."""
    node = ast.parse(ast.unparse(node)).body[0]
    body = ast.Module([node.args, *solution(node)], [])
    bound = [n.arg for n in ast.walk(body) if isinstance(n, ast.arg)]
    bound += [n.id for n in ast.walk(body) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    number = {name: f"_{k}" for k, name in enumerate(dict.fromkeys(bound))}
    for n in ast.walk(body):
        if isinstance(n, ast.arg):
            n.arg, n.annotation = number[n.arg], None
        elif isinstance(n, ast.Name):
            n.id = number.get(n.id, n.id)
    return ast.dump(body)


def names_used(*nodes):
    """Every name that is read below the nodes."""
    found = (n for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name))
    return {n.id for n in found if isinstance(n.ctx, ast.Load)}


def names_read(tree):
    """[(its name, every name that it reads)] of each statement at the top of a file.

    A class has no name here. It says what a record holds, and stays where its functions go.
    """
    return [(n.name if isinstance(n, ast.FunctionDef) else "", names_used(n)) for n in tree.body]


def companions(used, names):
    """Private functions, no tasks themselves, that nothing but the named ones uses, however indirectly.

    Args:
        used: names_read() of the file.
    """
    private = {name for name, _ in used if name.startswith("_")} - {*OTHERS}
    by = {name: {user for user, reads in used if name in reads and user != name} for name in private}
    gone, before = set(), None
    while gone != before:
        before = set(gone)
        gone |= {name for name, users in by.items() if users and users <= gone | set(names)}
    return gone


# Exercises
# 1. Which helpers go along when recurrent_backward is set alone, and which when recurrent_forward is set too?
# 2. Make the points from the number of names that a body uses. Which functions become easier, and are they?
