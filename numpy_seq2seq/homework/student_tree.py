"""Appendix E, second part. The student's tree: the project with the bodies of some functions missing.

Before this: assignment.py. After it: transplant.py. It stands apart: no room outside appendix E needs it.

    f set           its signature and docstring stay, its body becomes `raise NotImplementedError`
    _g of f only    a private function that nothing but set functions uses is part of the solution: gone
    exercises       at the end of a room with a set function: gone, some quote a line of it
    tests           those of the rooms set; transcriptions (tests/slow_reference.py, functions named slow…)
                    and the tests that need them stay with the teacher, who grades with all of them
    not copied      README, .git, appendix E, the demos' collection of faults

All by positions in the syntax tree: no marks in the source.

Not here: what can be set (assignment.py).
"""

import ast
import configparser
import io
import json
from pathlib import Path

from .assignment import ROOT, companions, has_docstring, names_used, partner, read, users

TEACHERS = {f"{name}.py" for name in ("homework", "assignment", "student_tree", "transplant", "grading")}

# ---- blanking ----------------------------------------------------------------------------------------------


def blanked(source, names):
    """A room with the bodies of the named functions, and what only they use, taken out."""
    tree, lines = ast.parse(source), source.splitlines(keepends=True)
    gone, end = companions(users(tree), names), tree.body[-1].end_lineno
    if any(getattr(node, "name", "") in names for node in tree.body):
        del lines[end:]  # the exercises
    for node in reversed(tree.body):
        if getattr(node, "name", "") in gone:
            remove(lines, node)
        elif getattr(node, "name", "") in names:
            _blank(lines, node)
    return "".join(lines).rstrip("\n") + "\n"


def _blank(lines, node):
    """The body of one function, and the comments behind it, to NotImplementedError."""
    stop = node.end_lineno
    while stop < len(lines) and (
        not lines[stop].strip() or lines[stop][0] == " " and lines[stop].strip()[0] == "#"
    ):
        stop += 1
    first = node.body[0]
    line, column = (
        (first.end_lineno, first.end_col_offset) if has_docstring(node) else (first.lineno, first.col_offset)
    )
    kept = lines[line - 1].encode()[:column].decode().rstrip()  # columns count bytes
    what = (ast.get_docstring(node) or "see ASSIGNMENT.md").split("\n\n")[0].replace("\n", " ")
    text = json.dumps(f"{node.name} is to be written: {what}", ensure_ascii=False)
    indent = " " * (node.col_offset + 4)
    lines[line - 1 : stop] = [
        *([f"{kept}\n"] if kept else []),
        f"{indent}raise NotImplementedError(\n",
        f"{indent}    {text}\n",
        f"{indent})\n",
    ]
    lines.insert(line + 2 + bool(kept), "\n\n")


def remove(lines, node):
    """One statement, the decorators and comments above it, and the blank lines behind it."""
    start, stop = min(n.lineno for n in (node, *getattr(node, "decorator_list", ()))) - 1, node.end_lineno
    while start and lines[start - 1].startswith("#") and not lines[start - 1].startswith("# --"):
        start -= 1
    while stop < len(lines) and not lines[stop].strip():
        stop += 1
    del lines[start:stop]


# ---- the tree ----------------------------------------------------------------------------------------------


def student_files(tasks, names):
    """All files of a student's tree: {path: bytes}.

    Args:
        tasks: {name: Task} of what is set.
        names: of all tasks; how they are found in the ids of tests.
    """
    files = {
        path: (ROOT / path).read_bytes()
        for path in ("LICENSE", "pyproject.toml", ".gitignore")
        if (ROOT / path).exists()
    }
    for path in _sources("numpy_seq2seq", "*.py"):
        if path.name not in TEACHERS:
            text = blanked(read(path), {name for name, task in tasks.items() if task.file == path.as_posix()})
            files[path.as_posix()] = text.encode()
    demos = [p for p in _sources("demos", "**/*.py") if p.parts[1] != "bug_zoo"]
    files |= {p.as_posix(): (ROOT / p).read_bytes() for p in demos}
    files |= {p.as_posix(): (ROOT / p).read_bytes() for p in _sources("tests/reference", "*.npz")}
    files |= {path: text.encode() for path, text in _tests(tasks).items()}
    words = list(dict.fromkeys(word for task in tasks.values() for word in task.tests))
    files["setup.cfg"] = _settings(words).encode()
    return {**files, "ASSIGNMENT.md": assignment(tasks).encode()}


def _sources(folder, pattern):
    """Files below a folder, named from the root; nothing that a run has left behind."""
    paths = (path.relative_to(ROOT) for path in sorted((ROOT / folder).glob(pattern)) if path.is_file())
    return [path for path in paths if "__pycache__" not in path.parts and not path.name.startswith(".")]


def _tests(tasks):
    """Test files of the rooms set and what they import, without transcriptions of the solution."""
    reference = read("tests/slow_reference.py")
    functions = {node.name for node in ast.parse(reference).body if isinstance(node, ast.FunctionDef)}
    files = {"tests/slow_reference.py": blanked(reference, functions)}  # its tables name what is known
    todo = [
        "tests/__init__.py",
        "tests/helpers.py",
        "tests/models.py",
        *(path for task in tasks.values() for path in task.test_files),
    ]
    while todo:
        path = todo.pop()
        if path not in files:
            files[path] = _without_transcriptions(read(path))
            modules = [
                n.module
                for n in ast.walk(ast.parse(files[path]))
                if isinstance(n, ast.ImportFrom) and n.level == 1
            ]
            todo += [f"tests/{module}.py" for module in modules if module]
    return files


def _without_transcriptions(source):
    """A test file without functions that say slowly what a set function says, and without their callers."""
    tree, lines = ast.parse(source), source.splitlines(keepends=True)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    gone, before = {"slow_reference", *(n.name for n in functions if n.name.startswith("slow"))}, None
    while gone != before:
        before = set(gone)
        gone |= {node.name for node in functions if names_used(*node.body) & gone}
    for node in reversed(functions):
        if node.name in gone:
            remove(lines, node)
    return "".join(lines)


def _settings(words):
    """setup.cfg, with which `pytest` runs the tests that belong to the assignment."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read_string(read("setup.cfg"))
    for name in ("long_description", "long_description_content_type"):
        settings.remove_option("metadata", name)
    settings["tool:pytest"]["addopts"] += f' -k "{" or ".join(words)}"'
    text = io.StringIO()
    settings.write(text)
    return text.getvalue()


def assignment(tasks):
    """ASSIGNMENT.md: for each function where it is, what it is worth, what it has to do, how it is tested."""
    total = sum(task.points for task in tasks.values())
    parts = [_HEAD.format(count=len(tasks), s="s" * (len(tasks) > 1), total=total)]
    for k, task in enumerate(tasks.values(), 1):
        node = next(n for n in ast.parse(read(task.file)).body if getattr(n, "name", "") == task.name)
        first = [f"`{name}`" for name in task.needs if name in tasks]
        both = [name for name in partner(task.name) if name in tasks]
        parts.append(
            f"## {k}. `{task.name}`\n\n{task.file}, {task.points} point{'s' * (task.points > 1)}"
            + (f"; after {', '.join(first)}" if first else "")
            + (f". With `{both[0]}` it is a pair: what the cache holds is yours to choose" if both else "")
            + f".\n\n```\n{task.name}({ast.unparse(node.args)})\n\n{ast.get_docstring(node)}\n```\n\n"
            + f"    python -m pytest -k \"{' or '.join(task.tests)}\"\n"
        )
    return "\n".join(parts)


_HEAD = """# Assignment

{count} function{s} to be written, {total} points. Each raises NotImplementedError now and says what it has
to do. Write them in this order; do not change their signatures. Helper functions and imports go into the
same file.

    python -m pip install "numpy>=1.26" "pytest>=8" "hypothesis>=6.100"
    python -m pytest                    the tests of this assignment
    python -m pytest -x -k NAME         those of one function, up to the first that fails

A wrong gradient is explained: which array, which gate, which time step.
`numpy_seq2seq.gradcheck.check_pair` says the same at a prompt; for a cell give it `gates=`, the letters of
its gates, and `unused=("state[0]",)` where h_prev enters through gh alone. Each function is graded alone,
with everything else right, by these tests and some more. """


def make(directory, tasks, names):
    """Write a student's tree.

    Returns:
        paths written, from its root.
    Raises:
        ValueError: the folder exists and is not empty, or the tests are not here.
    """
    directory = Path(directory)
    for folder in ("numpy_seq2seq", "demos", "tests"):
        if ROOT / folder in (directory.resolve(), *directory.resolve().parents):
            raise ValueError(f"{directory} is inside the project's {folder}/; name a folder outside it")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ValueError(f"{directory} exists and is not an empty folder; name another one")
    files = student_files(tasks, names)
    for path, content in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(content)
    return list(files)


# Exercises
# 1. Set a function and look for traces of its body in what is left. Which of them would help you?
