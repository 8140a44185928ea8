"""Homework: the student's tree. The package with the bodies of some functions missing, and their tests.

Before this: answers.py. After it: __main__.py.

    f set           its signature and docstring stay, its body becomes `raise NotImplementedError`
    _g of f only    a private function that nothing but set functions uses is part of the solution: gone
    exercises       at the end of a chapter with a set function: gone, some quote a line of it
    hints           2: the docstrings as they are; 1: without what a backward derives; 0: without formulas
    tests           handout/: one for each function, which compares it with the teacher's answers, as numbers
    not copied      demos, the project's own tests, README, the rest of this package

All by positions in the syntax tree: no marks in the source.

Not here: what can be set (assignment.py).
"""

import ast
import json
import lzma
import os
import pickle
import re
import textwrap
from pathlib import Path

from .answers import answers
from .assignment import ROOT, all_functions, companions, find, names_read, partner, read

HERE = "numpy_seq2seq/homework"
CHECK = ("__init__", "compare", "trial", "chance", "check")  # what compares functions with answers
COPIED = {  # into a student's tree
    **{f"{HERE}/{name}.py": f"{HERE}/{name}.py" for name in CHECK},
    **{f"tests/{name}.py": f"{HERE}/handout/{name}.py.txt" for name in ("conftest", "test_assignment")},
    "setup.cfg": f"{HERE}/handout/setup.cfg",
    "LICENSE": "LICENSE",
}

# ---- blanking ----------------------------------------------------------------------------------------------


def blanked(source, names, hints=2):
    """A chapter with the bodies of the named functions, and what only they use, taken out."""
    tree, lines = ast.parse(source), source.splitlines(keepends=True)
    if not any(find(tree, name) for name in names):
        return source
    del lines[tree.body[-1].end_lineno :]  # the exercises
    gone = companions(names_read(tree), names)
    for node in reversed(tree.body):
        if getattr(node, "name", "") in gone:
            _remove(lines, node)
        elif getattr(node, "name", "") in names:
            _blank(lines, node, hints)
    if not hints and ast.get_docstring(tree):
        kept = [part for part in ast.get_docstring(tree).split("\n\n") if not part.startswith(" ")]
        lines[: tree.body[0].end_lineno] = ['"""' + "\n\n".join(kept) + '\n"""\n']
    return "".join(lines).rstrip("\n") + "\n"


def _blank(lines, node, hints):
    """The body of one function, and the comments behind it, to NotImplementedError."""
    stop, first, doc = node.end_lineno, node.body[0], ast.get_docstring(node)
    while stop < len(lines) and re.match(r"\s*$| +#", lines[stop]):
        stop += 1
    start, end = first.lineno - 1, (first.end_lineno, first.end_col_offset)
    said = hinted(doc or "see ASSIGNMENT.md", hints, node.name)
    kept = textwrap.indent(f'"""{said}\n"""\n', "    ")
    if hints == 2 or not doc:  # as it is; columns count bytes
        line, column = end if doc else (first.lineno, first.col_offset)
        start, kept = line - 1, lines[line - 1].encode()[:column].decode().rstrip() + "\n"
    what = json.dumps(f"{node.name} is to be written: {said.split(chr(10) * 2)[0]}", ensure_ascii=False)
    body = f"    raise NotImplementedError(\n        {what}\n    )\n\n\n"
    lines[start:stop] = [kept.lstrip("\n"), body]


def _remove(lines, node):
    """One statement, the decorators and comments above it, and the blank lines behind it."""
    start, stop = min(n.lineno for n in (node, *getattr(node, "decorator_list", ()))) - 1, node.end_lineno
    while start and lines[start - 1].startswith("#") and not lines[start - 1].startswith("# --"):
        start -= 1
    while stop < len(lines) and not lines[stop].strip():
        stop += 1
    del lines[start:stop]


def hinted(doc, hints, name):
    """A docstring with all its formulas (2), without those of the way back (1), or without any (0)."""
    if hints == 2 or hints == 1 and not name.endswith("_backward"):
        return doc
    head, *sections = re.split(r"^(?=(?:Args|Returns|Raises|Units|Source)\b[^\n]*:)", doc, flags=re.MULTILINE)
    first, *others = head.strip().split("\n\n")
    tables = (part for part in others if part.startswith(" ") and " = " in part)
    formulas = next(tables, "").splitlines() if hints else ()
    forward = (re.split(r"(?<=\S)\s{2,}(?!=)", line)[0] for line in formulas)  # the first of two columns
    kept = "\n".join(line for line in forward if not re.search(r"∂|\bd[A-Za-z]+(_\w+)? *=", line))
    contract = "".join(part for part in sections if not part.startswith("Source")).rstrip()
    return "\n\n".join(part for part in (first, kept, contract) if part)


# ---- the tree ----------------------------------------------------------------------------------------------


def student_files(tasks, hints=2):
    """All files of a student's tree, {path: bytes}, where these tasks are set."""
    files = {path: (ROOT / source).read_bytes() for path, source in COPIED.items()}
    for path in sorted(f"numpy_seq2seq/{path.name}" for path in (ROOT / "numpy_seq2seq").glob("*.py")):
        names = {name for name, task in tasks.items() if task.file == path}
        files[path] = blanked(read(path), names, hints).encode()
    found = answers(all_functions(), {*tasks, *map(partner, tasks)})
    kept = {name: (task.chapter, found[name], found[partner(name)]) for name, task in tasks.items()}
    files["tests/answers.pickle.xz"] = lzma.compress(pickle.dumps(kept))
    return {**files, "ASSIGNMENT.md": assignment(tasks, hints).encode()}


def assignment(tasks, hints=2):
    """ASSIGNMENT.md: for each function where it is, what it is worth, what it has to do, how it is tested."""
    total = sum(task.points for task in tasks.values())
    parts = [read(f"{HERE}/handout/ASSIGNMENT.md").format(count=len(tasks), points=total)]
    for k, task in enumerate(tasks.values(), 1):
        node, both = find(ast.parse(read(task.file)), task.name), partner(task.name)
        head = [f"{task.file}, {task.points} point{'s' * (task.points > 1)}"]
        head += [f"after {', '.join(f'`{name}`' for name in task.needs if name in tasks)}"]
        pair = f"with `{both}` it is a pair: what the cache holds is yours to choose"
        head += [pair] if both in tasks else []
        doc = hinted(ast.get_docstring(node), hints, task.name)
        parts += [f"## {k}. `{task.name}`", "; ".join(part for part in head if part != "after ") + "."]
        parts += [f"```\n{task.name}({ast.unparse(node.args)})\n\n{doc}\n```"]
        parts += [f"    python -m pytest -k {task.name}\n"]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def make(directory, tasks, hints=2):
    """Write a student's tree.

    Returns:
        paths written, from its root.
    Raises:
        ValueError: the folder exists and is not empty, or is inside the project.
    """
    for folder in ("numpy_seq2seq", "demos", "tests"):
        if Path(os.path.realpath(directory)).is_relative_to(ROOT / folder):
            raise ValueError(f"{directory} is inside the project's {folder}/; name a folder outside it")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ValueError(f"{directory} exists and is not an empty folder; name another one")
    files = student_files(tasks, hints)
    for path, content in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(content)
    return list(files)


# Exercises
# 1. Set a function and look for traces of its body in what is left. Which of them would help you?
