"""How the zoo's defects get into the code and out again. The defects themselves: defects.py.

    edited_sources   the source of the functions that a defect touches, with the defect in it
    student_source   the same of one function, as a student would hand it in
    difference       what changes, to be shown
    at_large         a context in which the defect is in force
"""

import contextlib
import difflib
import functools
import importlib
import inspect
from typing import NamedTuple


class Edit(NamedTuple):
    """In a function of a module of numpy_seq2seq, a text that occurs just once, and what takes its place."""

    module: str
    function: str
    old: str
    new: str


class Defect(NamedTuple):
    """A named mistake. Module, function, old, new are its first edit, mostly its only one."""

    name: str
    module: str
    function: str
    old: str
    new: str
    sentence: str  # what is wrong, in one sentence
    seen: str  # in what kind of place it is made
    also: tuple[Edit, ...] = ()

    @property
    def edits(self):
        return (Edit(*self[1:5]), *self.also)


class OutdatedDefect(ValueError):
    """The text that a defect replaces is no longer in the source exactly once."""


def original(module, function):
    """The function itself, by its names."""
    return getattr(importlib.import_module(f"numpy_seq2seq.{module}"), function)


@functools.cache
def source_of(module, function):
    """Its source text, read once: a file that is edited meanwhile no longer fits what was imported."""
    return inspect.getsource(original(module, function))


def edited_sources(defect):
    """Source text of every function that a defect touches, with the defect in it: {(module, function): text}.

    Raises:
        OutdatedDefect: an edit whose old text is not found exactly once.
    """
    sources = {}
    for edit in defect.edits:
        place = edit.module, edit.function
        source = sources.get(place) or source_of(*place)
        if source.count(edit.old) != 1:
            raise OutdatedDefect(
                f"defect {defect.name}: {edit.old!r} occurs {source.count(edit.old)} times in "
                f"{'.'.join(place)}, not once; bring the edit up to date with the source"
            )
        sources[place] = source.replace(edit.old, edit.new)
    return sources


def student_source(defect):
    """Source text of the function that the defect is named in, as a student would hand it in."""
    return edited_sources(defect)[defect.module, defect.function]


def difference(defect):
    """What the defect changes, as lines of a unified difference without its head."""
    lines = []
    for (module, function), new in edited_sources(defect).items():
        old = source_of(module, function)
        changes = list(difflib.unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm=""))[2:]
        kept = ["    " + line for line in changes if not line.startswith("@@")]
        lines += [f"{module}.py, {function}", *kept]
    return lines


@contextlib.contextmanager
def swapped(functions):
    """Functions that take over the body of others, {(module, function): function}, until the context ends.

    The code object is exchanged and not the name, so that whoever has imported the function already, the
    records CELLS, SCORES and DECODERS too, runs the other body.
    """
    kept = []
    try:
        for place, other in functions.items():
            function = original(*place)
            kept.append((function, function.__code__, function.__defaults__, function.__kwdefaults__))
            function.__code__, function.__defaults__ = other.__code__, other.__defaults__
            function.__kwdefaults__ = other.__kwdefaults__
        yield
    finally:
        for function, code, defaults, keyword_defaults in kept:
            function.__code__, function.__defaults__ = code, defaults
            function.__kwdefaults__ = keyword_defaults


def at_large(defect):
    """A context in which a defect is in force everywhere. Of two defects of one function, one at a time.

    Raises:
        OutdatedDefect: as edited_sources.
    """
    functions = {}
    for (module, function), source in edited_sources(defect).items():
        namespace = dict(vars(importlib.import_module(f"numpy_seq2seq.{module}")))
        exec(compile(source, f"<{defect.name}>", "exec", dont_inherit=True), namespace)
        functions[module, function] = namespace[function]
    return swapped(functions)
