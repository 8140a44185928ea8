"""The teacher's answers are made once for all tests of homework."""

from unittest import mock

import pytest

from numpy_seq2seq.homework import grading, student_tree

from .handed_in import stored_answers


@pytest.fixture(scope="package", autouse=True)
def answers_made_once():
    with mock.patch.object(grading, "answers", stored_answers):
        with mock.patch.object(student_tree, "answers", stored_answers):
            yield
