"""The bug zoo: defects as they are really made, each a few small edits of the real source (defects.txt).

    with at_large(DEFECTS["future_dropped"]):
        ...                                     recurrent_backward now forgets the future, wherever it is used

So a defect can be shown as a difference, be let loose and caught again, or be handed in as a student's
homework. Those of a forward bring their backward along, as an automatic differentiation would.

    edited_sources   the source of the functions that a defect touches, with the defect in it
    student_source   the same of one function, as a student would hand it in
    difference       what changes, to be shown
    at_large         a context in which the defect is in force

Not here: what notices it (detectors.py, training.py), the table (__main__.py).
"""

import difflib
import functools
import importlib
import inspect
import re
from pathlib import Path
from typing import NamedTuple

from numpy_seq2seq.homework.transplant import instead


class Edit(NamedTuple):
    """In a function of a module of numpy_seq2seq, a text that occurs just once, and what takes its place."""

    module: str
    function: str
    old: str
    new: str


class Defect(NamedTuple):
    """A named mistake."""

    kind: str  # what stands behind # above it in defects.txt
    name: str
    sentence: str  # what is wrong, in one sentence
    seen: str  # in what kind of place it is made
    edits: tuple[Edit, ...]

    @property
    def module(self):
        """Where its first edit is, mostly its only one."""
        return self.edits[0].module

    @property
    def function(self):
        return self.edits[0].function


def read_edits(text):
    """The edits in a block of defects.txt or a file like it."""
    def unmarked(lines):
        return "\n".join(line[2:] for line in lines.splitlines())

    for found in re.finditer(r"^(?:(\w+)\.)?(\w+)\n((?:- .*\n)+)((?:\+ .*\n)*)", text + "\n", re.MULTILINE):
        module, function, old, new = found.groups()
        yield Edit(module, function, unmarked(old), unmarked(new))


def _read_defects(text):
    for section in text.split("\n# ")[1:]:
        title, *blocks = section.strip().split("\n\n")
        for block in blocks:
            name, sentence, seen, edits = block.split("\n", 3)
            yield Defect(title.split(":")[0], name, sentence.strip(), seen.strip(), tuple(read_edits(edits)))


DEFECTS = {d.name: d for d in _read_defects(Path(__file__).with_suffix(".txt").read_text("utf-8"))}


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


def at_large(defect):
    """A context in which a defect is in force everywhere. Of two defects of one function, one at a time.

    Raises:
        OutdatedDefect: as edited_sources.
    """
    functions = {}
    for (module, function), source in edited_sources(defect).items():
        namespace = dict(vars(importlib.import_module(f"numpy_seq2seq.{module}")))
        exec(compile(source, f"<{defect.name}>", "exec", dont_inherit=True), namespace)
        functions[original(module, function)] = namespace[function]
    return instead(functions)
