"""Homework: the transplant. A student's module is run as it is; its functions take the teacher's place.

Before this: assignment.py. After it: answers.py, judge.py.

Not here: whether a function is right (check.py).
"""

import __future__

import ast
import contextlib
import inspect
import io
import sys
import tokenize
import types
import warnings

LARGEST = 1_000_000  # bytes of a file that a student may hand in


class Refused(Exception):
    """What is said before any function is called: (verdict, words)."""


@contextlib.contextmanager
def instead(others):
    """While it lasts, each function does what another one does, wherever it is used.

    Imports, records and default arguments keep the function itself; its code is exchanged.

    Args:
        others: {function: other}.
    """
    kept = [(f, f.__code__, f.__defaults__) for f in others]
    try:
        for f, other in others.items():
            name, scope = f"_instead_of_{f.__name__}", {}
            exec(f"def f(*args, **options): return {name}(*args, **options)", scope)
            f.__signature__ = inspect.signature(other)  # who asks is told the right parameters
            f.__globals__[name], f.__code__, f.__defaults__ = other, scope["f"].__code__, None
        yield
    finally:
        for f, f.__code__, f.__defaults__ in kept:
            vars(f).pop("__signature__", None)


def original(function):
    """A copy that stays what the function is now."""
    parts = function.__code__, function.__globals__, function.__name__, function.__defaults__
    return types.FunctionType(*parts)


def module_of(path, file, name):
    """Run a student's file as the module of that name, statement by statement, in the teacher's package.

    A statement that fails is skipped, so that scratch code at the end of a file costs nothing.

    Returns:
        the module, its syntax tree, and [(line, error)] of the statements that failed.
    """
    tree, flags, failed = _parsed(path, file), 0, []
    module, package = types.ModuleType(name), sys.modules[name.rpartition(".")[0]]
    module.__file__, module.__package__, sys.modules[name] = path, package.__name__, module
    setattr(package, name.rpartition(".")[2], module)
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            flags |= sum(getattr(__future__, alias.name).compiler_flag for alias in statement.names)
        try:
            exec(compile(ast.Module([statement], []), path, "exec", flags, dont_inherit=True), vars(module))
        except BaseException as error:
            failed.append((statement.lineno, error))
    return module, tree, failed


def _parsed(path, file):
    """The syntax tree of a student's file; raises Refused, with the line, where there is none."""
    with open(path, "rb") as opened:
        data = opened.read(LARGEST + 1)
    try:
        if len(data) > LARGEST:
            raise ValueError(f"it has more than {LARGEST:,} bytes")
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise SyntaxError("the file is saved as UTF-16; save it as UTF-8")
        with contextlib.suppress(SyntaxError):  # an encoding that nobody knows: said below
            data.decode(tokenize.detect_encoding(io.BytesIO(data).readline)[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(data, path)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        said = f"{file}, line {line}: this is no {error.encoding}; save the file as UTF-8"
    except SyntaxError as error:
        said = f"{file}, line {error.lineno or 1}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        said = f"{file} cannot be read: {type(error).__name__}: {error}"
    raise Refused("crashed", f"{said} (Python {sys.version_info[0]}.{sys.version_info[1]})")


# Exercises
# 1. A student calls his helper like one of the teacher's functions in this file. Whose is used, and by whom?
