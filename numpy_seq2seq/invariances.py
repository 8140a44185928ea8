"""Appendix: invariances. What must change nothing, whatever the model: the other half of the proof.

A gradient check (gradcheck.py) says whether backward is the derivative of forward. It cannot say whether
forward is right: a wrong forward has a gradient that fits it. These functions find many of those. Each one
looks at a whole model, at its loss, its logits, what it writes, and every gradient:

    padding_changes_nothing             nor whatever stands on padding; padding gets no gradient
    batch_is_the_mean_of_its_pairs      no pair depends on its neighbours
    generator_changes_dropout_alone     without dropout, random numbers change nothing
    no_token_moves_an_earlier_output    causality
    every_source_token_is_read
    step_by_step_is_teacher_forcing     generation computes what training does
    writing_carries_on_from_reading     the encoder's last state arrives whole
    … and those of symmetries.py: the order of pairs, of heads, of tokens without positions, shifted scores

    >>> for invariance in INVARIANCES:
    ...     invariance(params, config, batch)          # doctest: +SKIP

All have the same arguments: float64 params of config, far from zero, and a ragged data.Batch. They return
nothing, at once where they say nothing about such a model, and raise Violated if something moved.

Not here: whether the numbers are those of the papers (the worked examples in the docstrings, tests/).
"""

from dataclasses import replace

import numpy as np

from .activations import log_softmax
from .beam import generate_beam
from .cells import CELLS
from .data import BOS, EOS, PAD, UNK, Batch
from .generate import generate_greedy
from .layers import affine_forward, embedding_forward
from .readout import readout_forward
from .recurrent import recurrent_forward, zero_state
from .seq2seq import decode_backward, decode_forward, encode_forward, seq2seq_backward, seq2seq_forward
from .symmetries import SYMMETRIES, Violated, flat_gradients, outcome, same
from .training import evaluate
from .trees import tree_map

LIMIT = 6  # tokens of an answer that a model writes by itself


def one_by_one(batch):
    """Each pair of a batch as a batch of its own, without padding."""
    for b, (source, target) in enumerate(zip(batch.source_mask, batch.target_mask)):
        yield Batch(*(a[b : b + 1, real] for a, real in zip(batch, (source, source, target, target, target))))


def _written(batch, params, config):
    """What the model writes by itself, greedily, and the beam's answers to each source."""
    ask = batch.source, batch.source_mask, params, config
    return generate_greedy(*ask, LIMIT), generate_beam(*ask, width=3, max_length=LIMIT)


# ---- the batch ---------------------------------------------------------------------------------------------


def padding_changes_nothing(params, config, batch):
    """More padding behind every sequence, and other ids on it: the same loss, gradients, and evaluation."""
    before, figures = outcome(batch, params, config), evaluate(params, config, batch, LIMIT)[:3]
    for side in ("source", "target"):
        of_padding = before[f"gradient of {side}_embedding.E"][PAD]
        same(f"gradient of PAD in the {side}", of_padding, np.zeros_like(of_padding))
    for columns, ids in ((2, 1), PAD), ((1, 3), UNK):
        wider = Batch(*(
            np.pad(a, ((0, 0), (0, columns[k > 1])), constant_values=False if a.dtype == bool else ids)
            for k, a in enumerate(batch)
        ))
        same("with more padding", outcome(wider, params, config), before)
        same("evaluation with more padding", evaluate(params, config, wider, LIMIT)[:3], figures)


def batch_is_the_mean_of_its_pairs(params, config, batch):
    """Loss and gradients are means over tokens: those of a batch are the weighted means of its pairs'."""
    logits, weights, _ = seq2seq_forward(batch, params, config)
    (written, _), beams = _written(batch, params, config)
    total = {}
    for b, pair in enumerate(one_by_one(batch)):
        source, target = batch.source_mask[b], batch.target_mask[b]
        share = target.sum() / batch.target_mask.sum()
        for name, a in outcome(pair, params, config).items():
            total[name] = total.get(name, 0) + share * a
        alone, looked, _ = seq2seq_forward(pair, params, config)
        same("logits of a pair alone", alone[0], logits[b, target])
        if weights is not None:
            same("attention of a pair alone", looked[0], weights[b][target][:, source])
        (own, _), (beam,) = _written(pair, params, config)
        same("tokens written in the batch", written[b], np.pad(own[0], (0, written.shape[1] - own.shape[1])))
        same("beam of a pair alone", [answer[:3] for answer in beam], [answer[:3] for answer in beams[b]])
    same("mean of the pairs", total, outcome(batch, params, config))


def generator_changes_dropout_alone(params, config, batch):
    """Without dropout a generator changes nothing, and without a generator dropout changes nothing."""
    plain, dropped = (replace(config, dropout=rate) for rate in (0.0, 0.4))
    before = outcome(batch, params, plain)
    same("with a generator", outcome(batch, params, plain, np.random.default_rng(0)), before)
    same("with dropout and no generator", outcome(batch, params, dropped), before)
    if outcome(batch, params, dropped, np.random.default_rng(0))["loss"] == before["loss"]:
        raise Violated("dropout with a generator changes nothing")


# ---- time --------------------------------------------------------------------------------------------------


def no_token_moves_an_earlier_output(params, config, batch):
    """Another input at j moves the output at j and none before, and nothing that the model writes alone."""
    logits, _, cache = seq2seq_forward(batch, params, config)
    written = evaluate(params, config, batch, LIMIT).tokens
    for j in range(1, logits.shape[1]):
        inputs = batch.inputs.copy()
        inputs[:, j] = 1 + inputs[:, j] % (config.target_vocabulary - 1)  # another one, and not PAD
        other = batch._replace(inputs=inputs)
        moved = np.abs(seq2seq_forward(other, params, config)[0] - logits).max(axis=2)
        same(f"outputs before input {j}, which was changed", moved[:, :j], np.zeros_like(moved[:, :j]))
        if not moved[:, j].all():
            raise Violated(f"input {j} does not move output {j}")
        same("tokens written to the same source", evaluate(params, config, other, LIMIT).tokens, written)
    first = np.zeros_like(logits)
    first[:, 0] = np.arange(config.target_vocabulary)
    dE = np.delete(seq2seq_backward(first, cache)["target_embedding"]["E"], BOS, axis=0)
    same("gradient of later tokens from the first output", dE, np.zeros_like(dE))


def every_source_token_is_read(params, config, batch):
    """Another token at any place of the source moves the logits."""
    logits, _, _ = seq2seq_forward(batch, params, config)
    for s in range(batch.source.shape[1]):
        source = batch.source.copy()
        source[:, s] = 1 + source[:, s] % (config.source_vocabulary - 1)
        other, _, _ = seq2seq_forward(batch._replace(source=source), params, config)
        moved, real = (other != logits).any(axis=(1, 2)), batch.source_mask[:, s]
        if (moved != real).any():
            raise Violated(f"source token {s} moves {moved.sum()} sources; {real.sum()} have one")


def step_by_step_is_teacher_forcing(params, config, batch):
    """One token at a time, in two parts, greedily, or in a beam: all compute what training does at once."""
    start, source, _ = encode_forward(batch.source, batch.source_mask, params, config)
    logits, weights, last, _ = decode_forward(batch.inputs, start, source, params, config)
    state = start
    for t in range(logits.shape[1]):
        step, looked, state, _ = decode_forward(batch.inputs[:, t : t + 1], state, source, params, config)
        same(f"logits of step {t}", step[:, 0], logits[:, t])
        if weights is not None:
            same(f"attention of step {t}", looked[:, 0], weights[:, t])
    same("state after the last step", state, last)
    _two_parts_are_the_whole(params, config, batch, start, source)
    _generation_is_teacher_forcing(params, config, batch)


def _two_parts_are_the_whole(params, config, batch, start, source):
    """Cut after two tokens; on the way back the gradient of the state is handed to the first part."""
    both = batch.inputs[:, :2], batch.inputs[:, 2:]
    logits, _, last, cache = decode_forward(batch.inputs, start, source, params, config)
    first, _, middle, first_cache = decode_forward(both[0], start, source, params, config)
    second, _, end, second_cache = decode_forward(both[1], middle, source, params, config)
    same("logits in two parts", np.concatenate([first, second], axis=1), logits)
    dlogits = np.cos(np.arange(logits.size)).reshape(logits.shape)
    dstart, dsource, grads = decode_backward(dlogits, tree_map(np.zeros_like, last), cache)
    dmiddle, dsource2, grads2 = decode_backward(dlogits[:, 2:], tree_map(np.zeros_like, end), second_cache)
    dstart1, dsource1, grads1 = decode_backward(dlogits[:, :2], dmiddle, first_cache)
    same("gradient of the start in two parts", dstart1, dstart)
    same("gradient of the source in two parts", _sum(dsource1, dsource2), dsource)
    same("in two parts", _sum(flat_gradients(grads1), flat_gradients(grads2)), flat_gradients(grads))


def _sum(a, b):
    if isinstance(a, dict):
        return {name: a[name] + b[name] for name in a}
    return tuple(map(_sum, a, b)) if isinstance(a, tuple) else None if a is None else a + b


def _generation_is_teacher_forcing(params, config, batch):
    def told(tokens, pair):
        """Logits and attention of the model that is told these tokens one after another."""
        inputs = np.concatenate([np.full((len(tokens), 1), BOS), tokens[:, :-1]], axis=1)
        return seq2seq_forward(pair._replace(inputs=inputs), params, config)[:2]

    (tokens, looked), beams = _written(batch, params, config)
    logits, weights = told(tokens, batch)
    ended = np.cumsum(tokens == EOS, axis=1) - (tokens == EOS) > 0
    best = np.where(ended, PAD, EOS + logits[:, :, EOS:].argmax(axis=2))
    same("tokens and attention of greedy", (tokens, looked), (best, weights))
    for pair, answers in zip(one_by_one(batch), beams):
        for answer in answers:
            logits, weights = told(answer.tokens[None], pair)
            total = log_softmax(logits)[0, np.arange(len(answer.tokens)), answer.tokens].sum()
            same("log probability of a beam's answer", answer.log_probability, total)
            if weights is not None:
                wider = ((0, 0), (0, batch.source.shape[1] - pair.source.shape[1]))
                same("attention of a beam's answer", answer.weights, np.pad(weights[0], wider))


def writing_carries_on_from_reading(params, config, batch):
    """`fixed` with the encoder's own parameters is one recurrence over source and target."""
    if (config.encoder, config.decoder, config.layers, config.directions) != ("recurrent", "fixed", 1, 1):
        return
    if config.reverse_source or config.attention_only:
        return
    params, cell = {**params, "decoder": params["encoder"]}, CELLS[config.cell]
    for pair in one_by_one(batch):
        x, _ = embedding_forward(pair.source, params["source_embedding"])
        y, _ = embedding_forward(pair.inputs, params["target_embedding"])
        start = zero_state(cell, 1, config.hidden_size, config.dtype)
        h, _, _ = recurrent_forward(np.concatenate([x, y], axis=1), start, params["encoder"], cell)
        out, _ = readout_forward(h[:, x.shape[1] :], None, params["readout"])
        logits = affine_forward(out, params["output"])[0]
        same("logits behind one recurrence", seq2seq_forward(pair, params, config)[0], logits)


INVARIANCES = (
    padding_changes_nothing,
    batch_is_the_mean_of_its_pairs,
    generator_changes_dropout_alone,
    no_token_moves_an_earlier_output,
    every_source_token_is_read,
    step_by_step_is_teacher_forcing,
    writing_carries_on_from_reading,
    *SYMMETRIES,
)

# Exercises
# 1. Which of these does a bag-of-words encoder (the mean of the embeddings) keep, and which does it lack?
# 2. Write one for beam search: which change of its arguments must not change which answers it finds?
