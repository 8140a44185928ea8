"""The laboratory's measures find what was put there; its sentences say what the figures say, either way."""

import json

import numpy as np
import pytest

from demos import bottleneck
from demos.lab import interventions, measures
from demos.lab.experiments import EXPERIMENTS, LENGTHS, LONG, TRAINED, _disjoint
from demos.lab.measures import Grid, places
from demos.lab.models import Laboratory
from demos.lab.sentences import TOLD, bands, correlation, fades, find, percent, rank_correlation, room
from demos.lab.terminal import told
from numpy_seq2seq.config import Config
from numpy_seq2seq.data import UNK, Vocabulary, make_batch
from numpy_seq2seq.seq2seq import encode_forward, parameter_count, seq2seq_forward, seq2seq_init

VOCABULARY = Vocabulary("abcdef")


def model(decoder="luong", seed=0, **choices):
    config = Config(len(VOCABULARY), len(VOCABULARY), 5, 8, "rnn", decoder, dtype="float64", **choices)
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
    learn, ask = _disjoint(batch(60, 2), 20)
    asked = {row.tobytes() for row in ask.source}
    assert len(ask.source) == 20 and 0 < len(learn.source) < 40
    assert not asked & {row.tobytes() for row in learn.source}


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


# ---- sentences ---------------------------------------------------------------------------------------------


def said_of(name, grids):
    return " ".join(find(name, grids).sentences)


def test_rank_correlation_and_correlation():
    assert rank_correlation([3, 2, 1], [1, 2, 3]) == pytest.approx(-1)
    assert rank_correlation([1, 8, 9], [1, 2, 3]) == pytest.approx(1)
    shared = rank_correlation([1, 1, 2, 2], [1, 2, 3, 4])  # ranks 1.5, 1.5, 3.5, 3.5
    assert shared == pytest.approx(4 / np.sqrt(20))
    assert correlation([1, 1, 1], [1, 2, 3]) == 0


def test_percent_never_says_all_or_nothing_of_what_is_not():
    assert [percent(x) for x in (0, 0.001, 0.5, 0.997, 1)] == ["0%", "0.1%", "50%", "99.7%", "100%"]


def length_grids(**exact):
    decoders = ("fixed", "peeky", "luong", "bahdanau")
    rows = [[exact[d](n) for n in LENGTHS] for d in decoders]
    axis = "decoder", list(decoders)
    return {
        "exact": Grid(np.array(rows, float), (axis, ("length", list(LENGTHS)))),
        "parameters": Grid(np.array([100, 110, 108, 120]), (axis,)),
    }


def test_length_says_what_was_found():
    all_right, to_ten, none = (lambda n: n <= LONG), (lambda n: n <= 10), (lambda n: 0)
    said = said_of("length", length_grids(fixed=to_ten, peeky=to_ten, luong=all_right, bahdanau=all_right))
    for words in (
        "luong writes 100%",
        "the fixed vector 0%",
        "removes the bottleneck",
        "at length 12",
        "is no gain",
        "no cure for lengths never seen",
        "8% more parameters",
    ):
        assert words in said
    said = said_of("length", length_grids(fixed=all_right, peeky=none, luong=all_right, bahdanau=lambda n: 1))
    for words in (
        "no clear difference",
        "at least half of the strings of every length",
        "a model holds out there too",
    ):
        assert words in said
    assert "removes" not in said


def position_grids(reverse, free, lstm, copied):
    fixed = [[reverse, free], [lstm, lstm], [copied, copied]]
    values = np.array([[pair, np.full((2, LONG), 0.99)] for pair in fixed])
    tasks = "task", ["reverse", "reverse, lstm", "copy, lstm"]
    axes = (tasks, ("decoder", ["fixed", "luong"]), ("running", ["forced", "free"]), places("position", LONG))
    return {"accuracy": Grid(values, axes)}


def test_position_says_what_was_found():
    falling, flat = np.linspace(1, 0.1, LONG), np.full(LONG, 0.5)
    bent = np.abs(np.linspace(-0.8, 0.4, LONG))
    said = said_of("position", position_grids(falling, falling / 2, bent, falling))
    for words in (
        "falls throughout",
        "(rank correlation with position -1.00)",
        "another 50% of the letters",
        "bends up again",
        "right in 99% or more",
        "age is not all",
    ):
        assert words in said
    said = said_of("position", position_grids(flat, flat, falling, flat))
    for words in ("No clear fall (", "hardly anything more is lost", "falls too", "no clear fall"):
        assert words in said


def dilution_grids(found, fixed, luong):
    cells = "cell", ["rnn", "gru", "lstm"]
    maps = np.array([[fixed, luong]] * 3)
    axes = (cells, ("decoder", ["fixed", "luong"]), places("output", LONG + 1), places("source", LONG + 1))
    return {
        "probe": Grid(np.array([found] * 3), (cells, places("place", LONG))),
        "gradient": Grid(maps, axes),
    }


def test_dilution_says_what_was_found():
    fade = np.tile(np.exp(np.arange(LONG + 1) / 3.0), (LONG + 1, 1))
    band = np.eye(LONG + 1)[[*range(LONG - 1, -1, -1), LONG]]
    flat = np.full((LONG + 1, LONG + 1), 1 / (LONG + 1))
    grids = dilution_grids(np.linspace(0.05, 0.9, LONG), fade, band)
    assert all(c == pytest.approx(-1) for c in fades(grids["gradient"]).values())
    assert all((share == 1).all() for share in bands(grids["gradient"]).values())
    said = said_of("dilution", grids)
    for words in (
        "in 90% of the strings",
        "read first in 5%",
        "hardly finds what was read first",
        "It fades with the distance",
        "A bright band",
    ):
        assert words in said
    partly = dilution_grids(np.linspace(0.4, 0.9, LONG), flat, flat)
    assert "still found, in part" in find("dilution", partly).sentences[0]
    said = said_of("dilution", dilution_grids(np.full(LONG, 0.9), flat, flat))
    for words in ("No clear loss", "does not fade clearly", "not as bright"):
        assert words in said


def capacity_grids(share):
    tasks = ("reverse", "sort", "first", "last")
    bits = np.array([[n * (4.7, 2, 0, 0)[k] + (0, 0, 4.7, 4.7)[k] for n in TRAINED] for k in range(4)])
    fixed = [[share(task, n) for n in TRAINED] for task in tasks]
    values = np.array([[[row, row], np.ones((2, len(TRAINED)))] for row in fixed], float)
    axis, over = ("task", list(tasks)), ("length", TRAINED)
    axes = (axis, ("decoder", ["fixed", "luong"]), ("hidden", [16, 64]), over)
    return {"exact": Grid(values, axes), "bits": Grid(bits, (axis, over))}


def test_capacity_says_what_was_found():
    grids = capacity_grids(lambda task, n: task in ("first", "last") or n <= 10)
    held = {"reverse": 47, "sort": 20, "first": 4.7, "last": 4.7}
    assert room(grids["exact"], grids["bits"], "fixed", 64) == pytest.approx(held)
    assert "what the answer needs decides" in said_of("capacity", grids)
    assert "bits do not explain it" in said_of("capacity", capacity_grids(lambda task, n: 0))
    assert "Bits are not all" in said_of("capacity", capacity_grids(lambda task, n: task == "last"))


def training_grids(short, long, gains):
    exact = np.zeros((2, 2, len(LENGTHS)))
    exact[1, 0, : len(TRAINED)], exact[0, 1, : len(TRAINED)] = short, long
    reading = np.array([[[0.3, 0], [0.3 + gains[0], 0]], [[0.9, 0], [0.9 + gains[1], 0]]])
    axis, what = ("decoder", ["fixed", "luong"]), ("what", ["letters", "exact"])
    return {
        "exact": Grid(exact, (axis, ("trained up to", [LONG // 2, LONG]), ("length", list(LENGTHS)))),
        "reading": Grid(reading, (axis, ("source", ["as it is", "reversed"]), what)),
    }


def test_training_says_what_was_found():
    said = said_of("training", training_grids(0.6, 0.4, (0.5, 0.01)))
    for words in ("60% of the strings", ": more. (", "from 30% to 80%", "does not need it"):
        assert words in said
    said = said_of("training", training_grids(0.4, 0.6, (0, 0)))
    assert ": fewer: short" in said and "does not set the two apart" in said


def mechanism_grids(weights, swap, both=((0, 0), (0, 0)), looked=((0.99, 1, 0.2), (0.1, 0.9, 4.0))):
    models, measure = ("model", ["reverse", "last"]), ("measure", ["aligned", "within one place", "entropy"])
    swapped, outputs = ("swapped", ["values", "values and keys"]), ("outputs", ["aligned", "others"])
    return {
        "weights": Grid(np.array(weights), (models, ("weights", list(interventions.CHANGES)))),
        "alignment": Grid(np.array(looked), (models, measure)),
        "swap": Grid(np.array([swap, both]), (swapped, outputs, ("what", ["changed", "exchanged"]))),
    }


def test_mechanism_says_what_was_found():
    needed, idle, unable, nothing = (1, 1, 0.1, 0), (1, 1, 1, 1), (0.1,) * 4, ((0, 0), (0, 0))
    said = said_of("mechanism", mechanism_grids([needed, idle], [[1, 0.97], [0.01, 0]]))
    for words in (
        "97% of the two letters",
        "The map is the mechanism",
        "knows no order",
        "Not to be trusted: last.",
    ):
        assert words in said
    assert "misleading" not in said
    said = said_of("mechanism", mechanism_grids([needed, needed], [[1, 0.2], [0.5, 0]], ((1, 1), (0, 0))))
    for words in ("not the whole mechanism", "letter that is written: reverse.", "yet misleading: last."):
        assert words in said
    said = said_of("mechanism", mechanism_grids([needed, needed], nothing, looked=((1, 1, 0), (1, 1, 0))))
    assert "pointing at the letter that is written: reverse, last." in said
    said = said_of("mechanism", mechanism_grids([unable] * 2, nothing))
    assert "No model here is right often enough" in said


# ---- the program -------------------------------------------------------------------------------------------


def test_quick_run_tells_all_and_goes_on_from_kept_models(tmp_path, capsys):
    path, kept = tmp_path / "figures.json", tmp_path / "kept"
    arguments = ["--quick", "--steps", "2", "--hidden", "8", "--models", str(kept), "--json", str(path)]
    assert bottleneck.main([*arguments, "--only", "length"]) == 0
    shown, models = capsys.readouterr().out, {p: p.read_bytes() for p in kept.glob("*.npz")}
    figures = json.loads(path.read_text())["findings"]["length"]
    assert len(models) == 4 and all(word in shown for word in figures["sentences"][0].split())
    assert bottleneck.main([*arguments, "--only", "length"]) == 0
    again = capsys.readouterr().out
    assert "s left" not in again and {p: p.read_bytes() for p in kept.glob("*.npz")} == models
    assert json.loads(path.read_text())["findings"]["length"] == figures


@pytest.mark.parametrize("cell", ("rnn", "gru", "lstm"))
def test_the_fixed_vector_is_given_as_many_parameters(cell, tmp_path):
    lab = Laboratory(tmp_path, 0, 2, cell, 64, (16, 64), 12)
    configs = lab._config("luong", 64, cell=cell), lab._config("fixed", lab.matched(cell), cell=cell)
    counts = [parameter_count(seq2seq_init(np.random.default_rng(0), config)) for config in configs]
    assert 0.9 < counts[0] / counts[1] < 1.1 and lab.matched(cell) >= 64


@pytest.mark.slow
def test_every_experiment_runs_and_is_drawn(tmp_path, capsys):
    lab = Laboratory(tmp_path, 0, 2, "rnn", 8, (4, 8), 12)
    lab.plan(EXPERIMENTS.values())
    assert EXPERIMENTS.keys() == TOLD.keys()
    for name, experiment in EXPERIMENTS.items():
        finding = find(name, lab.run(experiment))
        for grid in finding.grids.values():
            assert grid.values.shape == tuple(len(labels) for _, labels in grid.axes)
        assert all(sentence.split()[0] in told(finding) for sentence in finding.sentences)
    assert set(lab.models) == lab.planned


def test_held_out_strings_are_the_same_for_every_model(tmp_path):
    lab, other = (Laboratory(tmp_path, seed, 2, "rnn", 8, (4, 8), 12) for seed in (0, 1))
    np.testing.assert_array_equal(lab.strings("reverse", 5).source, lab.strings("copy", 5).source)
    assert not np.array_equal(lab.strings("reverse", 5).source, other.strings("reverse", 5).source)
