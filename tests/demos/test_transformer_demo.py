"""The Transformer in the programs: it takes the place of any encoder and decoder, and the road leads there."""

import json
from argparse import Namespace

import pytest

from demos import copy_task, reverse_task, shared
from demos.answer import __main__ as answer
from demos.dates import __main__ as dates
from demos.shared import training
from demos.translate import __main__ as translate
from numpy_seq2seq import Config

PROGRAMS = {"reverse": reverse_task, "copy": copy_task, "dates": dates, "answer": answer, "translate": translate}
TRANSFORMER = ["--encoder", "transformer", "--decoder", "transformer", "--heads", "2", "--layers", "1"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_take_the_transformer_in_place_of_the_recurrent_model(name, tmp_path, capsys):
    path = tmp_path / "result.json"
    assert PROGRAMS[name].main(["--quick", "--steps", "2", *TRANSFORMER, "--json", str(path)]) == 0
    result = json.loads(path.read_text())
    assert (result["encoder"], result["decoder"]) == ("transformer", "transformer")
    assert result["fixed"]["encoder"] == "transformer"  # the same encoder, and one vector


def test_what_is_usual_gives_way_and_what_was_asked_for_is_never_ignored():
    none = dict.fromkeys(("cell", "score", "directions", "heads", "layers"))
    usual = {"cell": "gru", "directions": 2, "embedding_size": 16, "dropout": 0.1}

    def config(**asked):
        asked = {**none, "encoder": "recurrent", "decoder": "luong", "usual": usual, **asked}
        return Config(9, 9, hidden_size=8, **shared.choices(Namespace(**asked)))

    plain, transformer = config(), config(encoder="transformer", decoder="transformer", heads=2)
    assert (plain.cell, plain.directions, plain.layers, plain.embedding_size) == ("gru", 2, 1, 16)
    assert (transformer.cell, transformer.directions, transformer.layers, transformer.heads) == (None, 1, 2, 2)
    assert transformer.embedding_size == 8 and transformer.dropout == plain.dropout == 0.1
    for refused in ({"heads": 2}, {"encoder": "transformer", "directions": 2}, {"decoder": "fixed", "score": "dot"}):
        with pytest.raises(ValueError, match="would be ignored"):
            config(**refused)


def test_a_transformer_learns_at_a_pace_of_its_own():
    recurrent, mixed = Config(9, 9), Config(9, 9, encoder="transformer")
    for config, peak, warmup in ((recurrent, 0.5, 7), (mixed, training.TRANSFORMER_PEAK, training.TRANSFORMER_WARMUP)):
        rate, _ = training.pace(config, 1000, peak=0.5, warmup=7)
        assert rate(warmup) == peak > max(rate(warmup - 1), rate(warmup + 1))
