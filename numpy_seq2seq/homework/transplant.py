"""Appendix E, third part. The transplant: a student's function in the place of the teacher's.

Before this: student_tree.py. After it: grading.py. It stands apart: no room outside appendix E needs it.

    the student's file      is read, never run: only its syntax tree is looked at
    handed in               the function, and from the same file what it uses and the teacher's file has not:
                            helpers, imports, constants
    transplanted            in the place of the teacher's function, inside a function of its own, so that no
                            name of the student's reaches another function

Not here: running it (grading.py).
"""

import ast
import builtins
import copy
import warnings

from .assignment import names_used, solution

LARGEST = 1_000_000  # bytes of a student's file


class Refused(Exception):
    """What a student's file says already without being run: (verdict, words)."""


# ---- the student's file ------------------------------------------------------------------------------------


def read_room(tree, file):
    """Syntax tree of a student's file, or Refused."""
    path = tree / file
    if not tree.is_dir():
        return Refused("not written", f"{tree} is not a folder")
    try:
        if not path.is_file():
            return Refused("not written", f"there is no file {file}")
        if path.stat().st_size > LARGEST:
            return Refused(
                "crashed", f"{file} has {path.stat().st_size:,} bytes; more than {LARGEST:,} are not read"
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(path.read_bytes())
    except SyntaxError as error:
        return Refused("crashed", f"{file}, line {error.lineno}: {error.msg}")
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        return Refused("crashed", f"{file} cannot be read: {type(error).__name__}: {error}")


def find(tree, name):
    """The last function of that name at the top of a file, or None."""
    return next((n for n in reversed(tree.body) if isinstance(n, ast.FunctionDef) and n.name == name), None)


def check_written(room, teacher, task):
    """Raise Refused unless the function is there, has a body, and the signature of the assignment."""
    node = find(room, task.name)
    if node is None:
        raise Refused("not written", f"there is no function {task.name} in {task.file}")
    if _is_blank(node):
        raise Refused(
            "not written", f"{task.file}, line {node.lineno}: the body of {task.name} is still to be written"
        )
    right, got = (_signature(n) for n in (find(teacher, task.name), node))
    if got != right:
        raise Refused("wrong", f"{task.name} has the signature ({got}); the assignment has ({right})")


def is_written(room, teacher, task):
    """Whether check_written lets it pass."""
    try:
        check_written(room, teacher, task)
    except Refused:
        return False
    return True


def _is_blank(node):
    """Nothing but a docstring, `pass`, `...` or raise NotImplementedError."""

    def says_nothing(n):
        if isinstance(n, ast.Raise) and n.exc is not None:
            return "NotImplementedError" in names_used(n)
        return isinstance(n, ast.Pass) or isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)

    return all(says_nothing(n) for n in solution(node)[:1])


def _signature(node):
    """Names and defaults, without annotations."""
    arguments = copy.deepcopy(node.args)
    for a in ast.walk(arguments):
        if isinstance(a, ast.arg):
            a.annotation = None
    return ast.unparse(arguments)


def definitions(tree):
    """{name: statement} of what the top of a file defines; each import by itself; of several the last."""
    found = {}
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                single = (
                    ast.Import([alias])
                    if isinstance(node, ast.Import)
                    else ast.ImportFrom(node.module, [alias], node.level)
                )
                found[(alias.asname or alias.name).split(".")[0]] = ast.copy_location(single, node)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found[node.name] = node
        else:
            bound = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
            imported = [
                a.asname or a.name
                for n in ast.walk(node)
                if isinstance(n, (ast.Import, ast.ImportFrom))
                for a in n.names
            ]
            found |= dict.fromkeys([*bound, *imported], node)
    return found


def _same(a, b):
    """Whether two definitions say the same, their docstrings aside."""
    return a is not None and b is not None and _dump(a) == _dump(b)


def _dump(node):
    parts = (
        [node.args, *node.decorator_list, *solution(node)] if isinstance(node, ast.FunctionDef) else [node]
    )
    return [ast.dump(part) for part in parts]


# ---- transplanting -----------------------------------------------------------------------------------------


def handed_in(student, teacher, names, tasks):
    """What goes along with the named functions: {name: statement of the student's file}, in its order.

    A public name that the teacher's file has, or another task, is the teacher's; so is whatever is unchanged.
    """
    ours, theirs = definitions(teacher), definitions(student)
    taken, todo = set(), list(names)
    while todo:
        name = todo.pop()
        taken.add(name)
        for used in (names_used(theirs[name]) | _globals(theirs[name])) & theirs.keys() - taken:
            imported = isinstance(theirs[used], (ast.Import, ast.ImportFrom))
            own = (
                used not in ours
                or (used.startswith("_") and used not in tasks or imported)
                and not _same(theirs[used], ours[used])
            )
            if own:
                todo.append(used)
    return {name: node for name, node in theirs.items() if name in taken}


def transplanted(source, teacher, student, names, tasks):
    """The teacher's file with the student's functions in the place of its own; None where they are the same.

    In the place of the first of them stands a function that defines all that was handed in and returns them.
    """
    along = handed_in(student, teacher, names, tasks)
    ours = definitions(teacher)
    if all(_same(node, ours.get(name)) for name, node in along.items()):
        return None
    places = [node for node in teacher.body if getattr(node, "name", "") in names]
    statements = sorted({id(n): n for n in along.values()}.values(), key=lambda n: n.lineno)
    _check_star_imports(student, statements, ours)
    statements = [_Nonlocal(along).visit(copy.deepcopy(n)) for n in statements]
    targets = ", ".join(node.name for node in places)
    closure = ast.parse(f"def _handed_in():\n    return {targets}").body[0]
    closure.body[:0] = statements
    text = ast.unparse(ast.fix_missing_locations(closure)) + f"\n\n\n{targets} = _handed_in()\n"
    lines = source.splitlines(keepends=True)
    for node in reversed(places):
        lines[node.lineno - 1 : node.end_lineno] = [text] if node is places[0] else []
    return "".join(lines)


def _globals(node):
    """The names that a `global` below the node declares."""
    return {name for n in ast.walk(node) if isinstance(n, ast.Global) for name in n.names}


class _Nonlocal(ast.NodeTransformer):
    """`global x` of a name that goes along, which is no global any more: it becomes `nonlocal x`."""

    def __init__(self, along):
        self.along = along

    def visit_Global(self, node):
        own, others = ([n for n in node.names if (n in self.along) == goes] for goes in (True, False))
        return [kind(names) for kind, names in ((ast.Nonlocal, own), (ast.Global, others)) if names]


def _check_star_imports(student, statements, ours):
    """Raise Refused if a name may come from `import *`, which cannot stand in a function and is not taken along."""
    stars = [n for n in student.body if isinstance(n, ast.ImportFrom) and n.names[0].name == "*"]
    if not stars:
        return
    nodes = [n for statement in statements for n in ast.walk(statement)]
    known = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    known |= {n.arg for n in nodes if isinstance(n, ast.arg)}
    known |= {(getattr(n, "asname", None) or n.name).split(".")[0] for n in nodes if getattr(n, "name", None)}
    known |= {n.rest for n in nodes if isinstance(n, ast.MatchMapping)}
    unknown = names_used(*statements) - known - ours.keys() - definitions(student).keys() - set(dir(builtins))
    if unknown:
        line, name = stars[0].lineno, min(unknown)
        raise Refused("crashed", f"line {line}: `import *` is not taken along; import {name} by its name")


# Exercises
# 1. A student calls his helper like one of the teacher's that he has not changed. Whose is used, and by whom?
