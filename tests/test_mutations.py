"""Tests of the tests: does each check notice what it is there for?

The mistakes that people make are in the bug zoo (demos/bug_zoo), and tests/demos/test_zoo.py holds that
somebody notices each of them. Here: an error of a thousandth in any backward of the package is noticed.
"""

import pathlib
import re
import textwrap

import pytest

import numpy_seq2seq
from demos.bug_zoo.defects import Defect, Edit, at_large, source_of
from demos.bug_zoo.detectors import DETECTORS, ask
from demos.bug_zoo.matrix import runs

from .helpers import sampled

BACKWARDS = {
    name: path.stem
    for path in sorted(pathlib.Path(numpy_seq2seq.__file__).parent.glob("*.py"))
    for name in re.findall(r"^def ([a-z]\w*_backward)\(", path.read_text(encoding="utf-8"), re.MULTILINE)
}


def slightly_larger(tree):
    if isinstance(tree, dict):
        return {name: slightly_larger(branch) for name, branch in tree.items()}
    if isinstance(tree, tuple):
        return getattr(tree, "_make", tuple)([slightly_larger(branch) for branch in tree])
    return tree if tree is None else tree * 1.001


def slightly_off(name):
    """The defect that all that a function returns is a thousandth too large."""
    source = source_of(BACKWARDS[name], name)
    wrapped = (
        f"def {name}(*arguments):\n{textwrap.indent(source, '    ')}\n"
        "    from tests.test_mutations import slightly_larger\n\n"
        f"    return slightly_larger({name}(*arguments))\n"
    )
    return Defect("", name, "", "", (Edit(BACKWARDS[name], name, source, wrapped),))


@pytest.mark.parametrize("name", sampled(BACKWARDS, *list(BACKWARDS)[::9]))
def test_a_thousandth_is_noticed_in_any_gradient(name):
    defect = slightly_off(name)
    looks = [look for look in DETECTORS[1].looks if runs(look, defect)]
    with at_large(defect):
        assert ask(looks)
