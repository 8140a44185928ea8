"""The laboratory's measures find what was put there, on strings that were not trained on."""

import json
import re
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from demos.bottleneck import __main__ as bottleneck
from demos.bottleneck import experiments, interventions, measures, models
from demos.bottleneck.claims import find_claims
from demos.bottleneck.experiments import EXPERIMENTS, LONG, disjoint
from demos.bottleneck.figures import SEEDS
from demos.bottleneck.models import MODELS, Laboratory
from demos.bottleneck.terminal import told
from demos.bottleneck.texts import LANGUAGES, read_texts
from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.config import Config
from numpy_seq2seq.data import UNK, Vocabulary, make_batch
from numpy_seq2seq.layers import embedding_forward
from numpy_seq2seq.recurrent import recurrent_forward
from numpy_seq2seq.seq2seq import (
    decode_forward, encode_forward, parameter_count, seq2seq_forward, seq2seq_init,
)
from numpy_seq2seq.tasks import is_held_out

FIGURES = Path(bottleneck.__file__).parents[1] / "figures"
VOCABULARY = Vocabulary("abcdef")


def model(decoder="luong", seed=0, cell="rnn", **choices):
    config = Config(len(VOCABULARY), len(VOCABULARY), 5, 8, cell, decoder, dtype="float64", **choices)
    return seq2seq_init(np.random.default_rng(seed), config), config


def batch(count=7, length=4, seed=0):
    rng = np.random.default_rng(seed)
    strings = ["".join(rng.choice(list("abcdef"), length)) for _ in range(count)]
    return make_batch([(s, s[::-1]) for s in strings], VOCABULARY, VOCABULARY)


# ---- measures ----------------------------------------------------------------------------------------------


def test_probe_finds_exactly_the_letters_that_the_vector_holds():
    rng = np.random.default_rng(0)
    letters = rng.integers(0, 6, (900, 8))
    mixed = np.linalg.qr(rng.normal(size=(24, 24)))[0]
    held = np.eye(6)[letters[:, [1, 4, 7]]].reshape(900, 18)
    vectors = np.concatenate([held, rng.normal(size=(900, 6))], axis=1) @ mixed
    found = measures.probe(vectors[:600], letters[:600], vectors[600:], letters[600:]).values
    assert (found[[1, 4, 7]] == 1).all() and (np.abs(found[[0, 2, 3, 5, 6]] - 1 / 6) < 0.09).all()


def test_probe_knows_nothing_of_noise_and_does_not_learn_its_test():
    rng = np.random.default_rng(1)
    vectors, letters = rng.normal(size=(600, 40)), rng.integers(0, 6, (600, 5))
    found = measures.probe(vectors[:300], letters[:300], vectors[300:], letters[300:]).values
    assert (np.abs(found - 1 / 6) < 0.1).all()


def test_strings_to_learn_from_and_to_ask_about_are_disjoint():
    learn, ask = disjoint(batch(60, 2), 20)
    asked = {row.tobytes() for row in ask.source}
    assert len(ask.source) == 20 and 0 < len(learn.source) < 40
    assert not asked & {row.tobytes() for row in learn.source}


def test_probe_of_the_experiment_is_asked_about_strings_that_it_did_not_learn_from(tmp_path, monkeypatch):
    """Vectors of noise, a longer one than there are strings: a probe could know by heart what it has seen."""

    def noise(batch, *_):
        return np.array([np.random.default_rng(zlib.crc32(row)).normal(size=300) for row in batch.source])

    monkeypatch.setattr(experiments, "fixed_vector", noise)
    monkeypatch.setattr(experiments, "gradient_map", lambda *_: SimpleNamespace(values=np.zeros((21, 21))))
    lab = Laboratory(tmp_path, 0, 2, "rnn", 8, (4, 8), 50)
    runs = dict.fromkeys(experiments.dilution_models(lab), SimpleNamespace(params=None, config=None))
    assert experiments.dilution(lab, runs)["probe"].values.mean() < 0.1


@pytest.mark.parametrize("cell", CELLS)
def test_fixed_vector_is_all_that_the_decoder_needs(cell):
    params, config = model("fixed", cell=cell)
    strings = batch()
    vector = measures.fixed_vector(strings, params, config)
    state = tuple(np.split(vector, CELLS[cell].states, axis=1))
    _, source, _ = encode_forward(strings.source, strings.source_mask, params, config)
    logits = decode_forward(strings.inputs, state, source, params, config)[0]
    np.testing.assert_array_equal(logits, seq2seq_forward(strings, params, config)[0])


@pytest.mark.parametrize("decoder", ("fixed", "luong"))
def test_gradient_map_is_the_numeric_gradient(decoder):
    params, config = model(decoder)
    strings = batch(3)
    wanted, h = np.zeros((3, 5, 5, 5)), 1e-5  # string, output, source, embedding

    def log_p(table):
        unique = strings._replace(source=np.arange(15).reshape(3, 5))
        logits, _, _ = seq2seq_forward(unique, {**params, "source_embedding": {"E": table}}, config)
        shifted = logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))
        return np.take_along_axis(shifted, strings.targets[..., None], axis=2)[..., 0]

    table = params["source_embedding"]["E"][strings.source].reshape(15, 5)
    for row, unit in np.ndindex(15, 5):
        step = np.zeros_like(table)
        step[row, unit] = h
        difference = (log_p(table + step) - log_p(table - step)) / (2 * h)
        wanted[row // 5, :, row % 5, unit] = difference[row // 5]
    squares = (wanted**2).sum(axis=3)
    shares = (squares / squares.sum(axis=2, keepdims=True)).mean(axis=0)
    np.testing.assert_allclose(measures.gradient_map(strings, params, config).values, shares, atol=1e-7)


def test_gradient_map_of_a_model_that_reads_one_place_has_one_column():
    """The recurrence cut (Wh = 0), the state does not carry; the memory of one place alone is masked in."""
    params, config = model("luong", attention_only=True)
    params["encoder"]["Wh"][:] = 0
    strings = batch()
    strings = strings._replace(source_mask=np.arange(5) == np.full((7, 1), 2))
    shares = measures.gradient_map(strings, params, config).values
    np.testing.assert_allclose(shares, np.tile(np.arange(5) == 2, (5, 1)).astype(float), atol=1e-12)


@pytest.mark.parametrize("factor", (0.5, 1, 2))
def test_a_change_is_multiplied_at_every_step(factor):
    """A state that is near zero and only multiplied: its Jacobian over t steps is factor^t times the
    identity."""
    params, config = model("fixed")
    params["encoder"] = {name: np.zeros_like(a) for name, a in params["encoder"].items()}
    params["encoder"]["Wh"] = factor * np.eye(8)
    norms = measures.jacobian_norms(batch(3), params, config)
    np.testing.assert_allclose(norms.at(state="h"), factor ** np.arange(1.0, 5))


@pytest.mark.parametrize("cell", CELLS)
def test_norms_are_those_of_the_numeric_jacobian(cell):
    params, config = model("fixed", cell=cell)
    strings, h = batch(2), 1e-5
    x, _ = embedding_forward(strings.source, params["source_embedding"])
    parts, H = CELLS[cell].states, config.hidden_size

    def last_state(x, start):
        state = tuple(np.split(start, parts, axis=1))
        return np.concatenate(recurrent_forward(x, state, params["encoder"], CELLS[cell])[1], axis=1)

    for t in (1, 3):
        wanted = np.zeros((2, parts * H, parts * H))
        for unit, step in enumerate(h * np.eye(parts * H)):
            start = np.tile(step, (2, 1))
            wanted[:, :, unit] = (last_state(x[:, :t], start) - last_state(x[:, :t], -start)) / (2 * h)
        norms = measures.jacobian_norms(strings, params, config).at(step=t)
        for k in range(parts):
            block = wanted[:, k * H : (k + 1) * H, k * H : (k + 1) * H]
            assert norms[k] == pytest.approx(np.sqrt((block**2).sum(axis=(1, 2)) / H).mean(), rel=1e-6)


def test_tokens_with_unchanged_weights_are_the_tokens_of_the_model():
    for score in ("dot", "general", "additive"):
        params, config = model(score=score)
        unchanged = interventions.tokens_with(lambda weights: weights, batch(), params, config)
        np.testing.assert_array_equal(unchanged, measures.tokens_forced(batch(), params, config))


def test_changes_of_a_map():
    weights = np.array([[[0.1, 0.6, 0.3]]])
    np.testing.assert_allclose(interventions.uniform(weights), [[[1 / 3, 1 / 3, 1 / 3]]])
    np.testing.assert_array_equal(interventions.arg_max(weights), [[[0, 1, 0]]])
    np.testing.assert_array_equal(interventions.shifted(weights), [[[0.3, 0.1, 0.6]]])


def test_uniform_weights_are_the_scores_of_a_query_of_zeros():
    """Dot scores of a decoder whose state is zero are all equal: changing such a map changes nothing."""
    params, config = model(attention_only=True)
    for name in ("Wx", "Wh", "b"):
        params["decoder"][name][:] = 0
    as_it_is, arg_max, uniform, _ = interventions.changed_weights(batch(40), params, config).values
    assert as_it_is == uniform


def test_alignment_of_planted_maps():
    right = np.tile([3, 2, 1, 0], (5, 1))
    sharp = measures.alignment(np.eye(6)[right], right)
    np.testing.assert_array_equal(sharp.values, [[1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0]])
    flat = measures.alignment(np.full((5, 4, 8), 1 / 8), right)
    np.testing.assert_allclose(flat.at(measure="entropy"), 3)
    assert flat.at(measure="aligned").tolist() == [0, 0, 0, 1]  # the first of equals is place 0
    assert flat.at(measure="within one place").tolist() == [0, 0, 1, 1]


def test_accuracy_by_position_sees_the_planted_error(monkeypatch):
    strings = batch(10)
    wrong = strings.targets.copy()
    wrong[:3, 1] = UNK
    monkeypatch.setattr(measures, "tokens_forced", lambda *_: strings.targets)
    monkeypatch.setattr(measures, "tokens_free", lambda *_: wrong)
    grid = measures.accuracy_by_position(strings, None, None)
    np.testing.assert_allclose(grid.at(running="forced"), [1, 1, 1, 1])
    np.testing.assert_allclose(grid.at(running="free"), [1, 0.7, 1, 1])
    assert measures.exact_match(strings, None, None) == pytest.approx(0.7)


def test_swapped_memories_by_what_is_swapped():
    """With its keys an exchange is a change of order, which attention does not see."""
    params, config = model()
    params["encoder"]["Wh"][:] = 0  # a memory is then its letter's alone
    swap = interventions.swapped_memories(batch(30), params, config, (0, 3), np.tile([3, 2, 1, 0], (30, 1)))
    assert not swap.at(swapped="values and keys", what="changed").any()
    assert swap.at(swapped="values", what="changed").max() > 0


def test_swapped_memories_leaves_strings_out_that_have_one_letter_at_both_places():
    params, config = model()
    params["encoder"]["Wh"][:] = 0
    strings, right = batch(30), np.tile([3, 2, 1, 0], (30, 1))
    same = strings.source.copy()
    same[:, 3] = same[:, 0]
    more = type(strings)(*(np.concatenate([a, a]) for a in strings))
    more = more._replace(source=np.concatenate([strings.source, same]))
    alone = interventions.swapped_memories(strings, params, config, (0, 3), right).values
    together = interventions.swapped_memories(more, params, config, (0, 3), np.tile(right, (2, 1))).values
    np.testing.assert_array_equal(together, alone)
    assert alone.max() > 0


def test_decoding_shows_what_the_model_computed():
    params, config = model()
    one = batch(1)
    shown = measures.decoding(one, params, config, VOCABULARY)
    powers = np.exp(shown["scores"].values)
    softmax = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(softmax, shown["weights"].values, atol=1e-12)
    _, source, _ = encode_forward(one.source, one.source_mask, params, config)
    mean = shown["weights"].values @ source.memory[0]
    np.testing.assert_allclose(mean, shown["context"].values, atol=1e-12)
    writes = [label.split(" ")[1] for label in shown["tokens"].axes[0][1]]
    assert writes == shown["tokens"].values[:, 0].tolist()


# ---- the program -------------------------------------------------------------------------------------------


def test_quick_run_tells_all_and_goes_on_from_kept_models(tmp_path, capsys):
    path, kept = tmp_path / "figures.json", tmp_path / "kept"
    arguments = ["--quick", "--steps", "2", "--hidden", "8", "--models", str(kept), "--json", str(path)]
    assert bottleneck.main([*arguments, "--only", "length"]) == 0
    shown, models = capsys.readouterr().out, {p: p.read_bytes() for p in kept.glob("*.npz")}
    figures = json.loads(path.read_text())["findings"]["length"]
    assert len(models) == len(MODELS) and all(claim["claim"] in shown for claim in figures["claims"])
    assert bottleneck.main([*arguments, "--only", "length", "--language", "ko"]) == 0
    again = capsys.readouterr().out
    assert "s left" not in again and {p: p.read_bytes() for p in kept.glob("*.npz")} == models
    in_korean = json.loads(path.read_text())["findings"]["length"]
    assert in_korean["exact"] == figures["exact"] and all(c["claim"] in again for c in in_korean["claims"])
    told = [[(c["measured"], c["needed"], c["held"]) for c in f["claims"]] for f in (figures, in_korean)]
    assert told[0] == told[1]


@pytest.mark.slow
def test_figures_are_written_and_nothing_else(tmp_path, capsys):
    arguments = ["--quick", "--steps", "1", "--hidden", "4", "--models", str(tmp_path / "kept")]
    drawn = tmp_path / "drawn"
    drawn.mkdir()
    assert bottleneck.main([*arguments, "--figures", str(drawn)]) == 0
    assert {p.name for p in drawn.iterdir()} == {p.name for p in FIGURES.glob("*.svg")}
    assert len(list((tmp_path / "kept").iterdir())) == 2 * SEEDS


@pytest.mark.parametrize(
    "arguments, said",
    (
        (["--only", "lenght"], "--only must be one of length, position"),
        (["--language", "de"], "--language must be one of en, ko; got 'de'"),
        (["--hidden", "6"], "--hidden must be a multiple of 4"),
        (["--full", "--quick"], "leave one of them out"),
        (["--full", "--steps", "3"], "leave --steps 3 out"),
        (["--figures", "nowhere"], "--figures: there is no folder nowhere"),
        (["--figures", ".", "--only", "length"], "leave --only out"),
    ),
)
def test_wrong_options_are_told_before_any_work(arguments, said, tmp_path):
    with pytest.raises(ValueError, match=re.escape(said)):
        bottleneck.main([*arguments, "--models", str(tmp_path / "kept")])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("cell", ("rnn", "gru", "lstm"))
def test_the_fixed_vector_is_given_as_many_parameters(cell, tmp_path):
    lab = Laboratory(tmp_path, 0, 2, cell, 64, (16, 64), 12)
    configs = lab._config("luong", 64, cell=cell), lab._config("fixed", lab.matched[cell], cell=cell)
    counts = [parameter_count(seq2seq_init(np.random.default_rng(0), config)) for config in configs]
    assert 0.9 < counts[0] / counts[1] < 1.1 and lab.matched[cell] >= 64


@pytest.mark.slow
def test_every_experiment_runs_and_is_drawn(tmp_path, capsys):
    lab = Laboratory(tmp_path, 0, 2, "rnn", 8, (4, 8), 12)
    lab.plan(EXPERIMENTS.values())
    for name, experiment in EXPERIMENTS.items():
        grids = lab.run(experiment)
        for grid in grids.values():
            assert grid.values.shape == tuple(len(labels) for _, labels in grid.axes)
        for language in LANGUAGES:
            text = read_texts(language)
            finding = bottleneck.Finding(name, grids, find_claims(name, grids, text))
            assert all(claim.text in told(finding, text) for claim in finding.claims)
    assert set(lab.models) == lab.planned


def test_models_are_trained_on_other_strings_than_they_are_asked_about(tmp_path, monkeypatch):
    drawn = []

    def fit(name, config, draw, *others, **options):
        drawn.append(draw(np.random.default_rng(0)))
        return SimpleNamespace(stopped=0)

    monkeypatch.setattr(models, "fit", fit)
    lab = Laboratory(tmp_path, 0, 2, "rnn", 8, (4, 8), 50)
    lab.plan(EXPERIMENTS.values())
    for task in ("reverse", "first"):
        lab.model(task, "luong", {})
    learnt, asked = drawn, [lab.strings("reverse", n, 50) for n in (2, 5, LONG)]
    for batches, held_out in ((learnt, False), (asked, True)):
        strings = {"".join(lab.vocabulary.decode(row)) for batch in batches for row in batch.source}
        assert len(strings) > 60 and {is_held_out(string) for string in strings} == {held_out}


def test_held_out_strings_are_the_same_for_every_model(tmp_path):
    lab, other = (Laboratory(tmp_path, seed, 2, "rnn", 8, (4, 8), 12) for seed in (0, 1))
    np.testing.assert_array_equal(lab.strings("reverse", 5).source, lab.strings("copy", 5).source)
    assert not np.array_equal(lab.strings("reverse", 5).source, other.strings("reverse", 5).source)
