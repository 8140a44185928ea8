"""The bug zoo: defects as they are really made, each a small edit of the real source.

    with at_large(DEFECTS["future_dropped"]):
        ...                                     recurrent_backward now forgets the future, wherever it is used

A defect says which text of which function becomes which other. So it can be shown as a difference, be let
loose and caught again, or be handed in as a student's homework. Those of a forward bring their backward
along, as an automatic differentiation would: `also` holds the further edits.

Not here: how an edit gets in and out (edits.py), what notices it (detectors.py, training.py), the
table (bug_zoo.py).
"""

from .edits import Defect, Edit, OutdatedDefect, at_large, difference, edited_sources, student_source

__all__ = [
    "DEFECTS", "Defect", "Edit", "OutdatedDefect",
    "at_large", "difference", "edited_sources", "student_source",
]

# ---- gradients that are not the derivative of their forward ------------------------------------------------

BACKWARD = (
    Defect(
        "future_dropped", "recurrent", "recurrent_backward", "(dstate[0] + dh[t], *dstate[1:])",
        "(dh[t], *dstate[1:])",
        "The gradient that comes back from step t+1 is forgotten: h_t learns from its own output alone.",
        "hand-written BPTT in which dh_next is computed, and never added to dh",
    ),
    Defect(
        "bias_over_wrong_axis", "layers", "affine_backward", "dy.sum(axis=0)", "dy.sum(axis=1)",
        "The bias gradient is summed over its units, not over the batch.",
        "code moved between (features, batch), as some courses have it, and (batch, features)",
    ),
    Defect(
        "bias_axis_forgotten", "layers", "affine_backward", "dy.sum(axis=0)", "dy.sum()",
        "The bias gradient is summed over everything: one number, broadcast in silence to every bias.",
        "logistic regression has one output and rightly says db = np.sum(dz); the line is then copied",
    ),
    Defect(
        "tanh_at_the_wrong_place", "cells", "lstm_cell_backward", "tanh_backward(dh * o, tanh_c)",
        "tanh_backward(dh * o, f * c_prev + i * g)",
        "1 − c² for 1 − tanh²(c): the derivative is written with the output and is given the input.",
        "functions dtanh(y) that expect the output, called with the input; both conventions are in use",
    ),
    Defect(
        "gates_swapped_in_backward", "cells", "lstm_cell_backward", "[da_i, da_f, da_o, da_g]",
        "[da_f, da_i, da_o, da_g]",
        "Input and forget gate get one another's gradient; every shape is right.",
        "backward passes that take the gates in another order than the forward pass has them in its matrix",
    ),
    Defect(
        "reset_gate_forgotten", "cells", "gru_cell_backward", "[da_r, da_z, da_n * r]", "[da_r, da_z, da_n]",
        "What flows back through the recurrent product does not pass the reset gate.",
        "a GRU derived from an LSTM, where the gradients of both products are one array",
    ),
    Defect(
        "Wd_not_transposed", "readout", "readout_backward", '(da @ params["Wd"].T)', '(da @ params["Wd"])',
        "The gradient goes back through Wd and not its transpose; Wd is square, so nothing breaks.",
        "hidden-to-hidden layers: all other missing transposes are stopped by their shapes",
    ),
    Defect(
        "recurrent_Wh_not_transposed", "recurrent", "step_backward", "dgh @ Wh_T", "dgh @ Wh_T.T",
        "The same in the recurrence: with one gate Wh is square, with several it is not.",
        "simple recurrent networks written by hand",
    ),
    Defect(
        "embedding_rows_counted_once", "layers", "embedding_backward",
        "dE[present] = np.add.reduceat(rows_of(dx)[order], starts, axis=0)",
        "dE[ids] += rows_of(dx)",
        "A token that occurs several times in a batch keeps one of its gradients.",
        "NumPy: a[ids] += d adds once per distinct id; np.add.at is there for this reason",
    ),
    Defect(
        "query_path_forgotten", "decoders", "luong_backward", "dh + dq", "dh",
        "The decoder's state gets no gradient for having been the query.",
        "attention derived by hand: a value that is read twice, and one of its two gradients",
    ),
    Defect(
        "keys_path_forgotten", "readout", "source_backward", "dsource.memory + dmemory", "dsource.memory",
        "The encoder's states get a gradient as values and none as keys.",
        "attention derived by hand: the context is a weighted mean, and the weights depend on the memory too",
    ),
    Defect(
        "one_direction_forgotten", "stacks", "directions_backward", "dx = dx + dx_k", "dx = dx_k",
        "Both directions read the embeddings; only the last one's gradient arrives.",
        "two-way layers written by hand; `=` for `+=` where gradients meet",
    ),
    Defect(
        "feeding_gradient_cut", "step_decoders", "luong_feeding_backward", "(dout[:, t] + dout_next)",
        "(dout[:, t])",
        "Input feeding forward, but no gradient back from step t+1 to the output of step t.",
        "decoders that detach what they feed back",
    ),
    Defect(
        "keys_of_one_step", "step_decoders", "bahdanau_backward", "dkeys += dkeys_t", "dkeys = dkeys_t",
        "Every step reads the same keys, but only the first step's gradient is kept.",
        "loops over time with `=` where the gradients of shared things have to be added up",
    ),
    Defect(
        "softmax_like_a_sigmoid", "activations", "softmax_backward",
        "y * (dy - (dy * y).sum(axis=-1, keepdims=True))", "y * (1 - y) * dy",
        "Only the diagonal of the Jacobian: raising one score no longer lowers the others.",
        "answers to `what is the derivative of softmax` that say s (1 − s)",
    ),
    Defect(
        "loss_and_gradient_disagree", "losses", "cross_entropy_backward", "(dloss / count)",
        "(dloss / len(mask))",
        "The loss is a mean over tokens, its gradient a mean over sequences.",
        "training code that divides once by the number of tokens and once by the batch size",
    ),
    Defect(
        "gradient_from_padding", "recurrent", "recurrent_backward",
        "_where_real(real[t], dstate, nothing)", "dstate",
        "The forward pass skips padded steps, the backward pass does not.",
        "masks added later, to the forward pass",
    ),
    Defect(
        "upstream_overwritten", "cells", "lstm_cell_backward", "dc = dc + tanh_backward(",
        "dc += tanh_backward(",
        "Backward adds into the gradient that it was given.",
        "`+=` in place of `= … +`: with NumPy the first one writes into the caller's array",
    ),
    Defect(
        "cache_overwritten", "cells", "lstm_cell_forward", "c = f * c_prev + i * g",
        "c = np.multiply(f, c_prev, out=c_prev)\n    c += i * g",
        "The memory is updated in place, so the cache of every step holds a later c than the one it needs.",
        "cells that save memory with out=, or keep one array for the state of all steps",
    ),
    Defect(
        "epsilon_in_the_softmax", "attention", "masked_softmax_forward", "(total + (total == 0))",
        "(total + 1e-10)",
        "A small number under the sum, against division by zero; the weights no longer sum to one.",
        "attention layers that add K.epsilon() or a smaller number to the sum of the exponentials",
    ),
    Defect(
        "mask_of_1e_minus_9", "attention", "masked_softmax_forward", "scores, -np.inf)", "scores, 1e-9)",
        "1e-9 for −1e9: padding gets the score zero, and with it a share of the attention.",
        "masked_fill(mask == 0, 1e-9) stands in many public copies of scaled dot-product attention",
    ),
)

# ---- forwards that are wrong together with their backward --------------------------------------------------

FORWARD = (
    Defect(
        "mask_ignored_in_state", "recurrent", "recurrent_forward", "_padded_steps(mask, len(x))",
        "_padded_steps(None, len(x))",
        "The recurrence runs on over the padding, and the last state is the padding's.",
        "encoders that take outputs[:, -1], or call a layer on padded rows without packing or a mask",
    ),
    Defect(
        "padded_rows_flipped", "recurrent", "recurrent_forward", "_padded_steps(mask, len(x))",
        "_padded_steps(None if reverse else mask, len(x))",
        "The backward direction begins with the padding.",
        "bidirectional encoders that flip the padded array and not each sequence at its own length",
    ),
    Defect(
        "mask_ignored_in_attention", "attention", "masked_softmax_forward", "if mask is not None:",
        "if False:",
        "Padding is attended to like everything else.",
        "well-known translation tutorials, which attend to all encoder positions of a padded batch",
        (Edit("attention", "visible", "if mask is None or", "if True or"),),
    ),
    Defect(
        "mask_ignored_in_loss", "losses", "cross_entropy_forward", "log_p = log_softmax(logits[mask])",
        "mask = np.ones_like(mask)\n    log_p = log_softmax(logits[mask])",
        "The model is also graded on saying PAD after the end.",
        "a cross-entropy called without ignore_index or sample weights",
    ),
    Defect(
        "loss_averaged_over_padding", "losses", "cross_entropy_forward", "max(int(mask.sum()), 1)",
        "mask.size",
        "Padding adds nothing to the sum of the losses, but it is counted in the number they are divided by.",
        "`loss *= mask` followed by a mean over the whole array; often copied from translation tutorials",
    ),
    Defect(
        "gates_swapped", "cells", "lstm_cell_forward", "a_i, a_f, a_o, a_g =", "a_f, a_i, a_o, a_g =",
        "The first block of the matrix is taken for the forget gate, the second for the input gate.",
        "weights moved between frameworks that keep their gates in different orders (i f g o, i f o g, …)",
        (Edit("cells", "lstm_cell_backward", "[da_i, da_f, da_o, da_g]", "[da_f, da_i, da_o, da_g]"),),
    ),
    Defect(
        "update_gate_inverted", "cells", "gru_cell_forward", "h = n + z * (h_prev - n)",
        "h = h_prev + z * (n - h_prev)",
        "z and 1 − z have changed places.",
        "papers differ: Cho et al. (2014) keep z of the past, Chung et al. (2014) keep 1 − z",
        (
            Edit("cells", "gru_cell_backward", "dn = dh * (1 - z)\n", "dn = dh * z\n"),
            Edit("cells", "gru_cell_backward", "dz = dh * (h_prev - n)\n", "dz = dh * (n - h_prev)\n"),
            Edit("cells", "gru_cell_backward", "dh_prev = dh * z\n", "dh_prev = dh * (1 - z)\n"),
        ),
    ),
    Defect(
        "cell_state_dropped", "readout", "start_forward", "if config.attention_only:",
        "start = (start[0], *(np.zeros_like(s) for s in start[1:]))\n    if config.attention_only:",
        "The decoder starts from the encoder's h, but its c is zero.",
        "code written for a GRU and given an LSTM",
        (Edit("readout", "start_backward", "return dstart if",
              "dstart = (dstart[0], *(np.zeros_like(d) for d in dstart[1:]))\n    return dstart if"),),
    ),
    Defect(
        "future_read", "decoders", "luong_forward", 'params["decoder"], CELLS[config.cell])',
        'params["decoder"], CELLS[config.cell], reverse=True)',
        "The decoder reads the right answer from its end: it knows every token that it should predict.",
        "bidirectional=True set on a decoder; a causal mask that is missing or transposed",
    ),
    Defect(
        "inputs_not_shifted", "data", "make_batch", "pad([[BOS] + t for t in encoded])",
        "pad([[BOS] + (t + [EOS])[1:] for t in encoded])",
        "The decoder is told the very token that it has to say, from the second one on.",
        "inputs that are a copy of the targets, whose first column then becomes BOS",
    ),
    Defect(
        "attends_to_itself", "decoders", "luong_forward",
        'h, source.keys, source.memory, params["attention"], source.mask,',
        'h, h, h, params["attention"], None,',
        "Attention never reads the encoder: the decoder looks at its own states, later ones too.",
        "self-attention without a causal mask, put where the decoder should look at the source",
        (
            Edit("decoders", "luong_forward", "attention_cache, readout_cache)",
                 "attention_cache, readout_cache, source)"),
            Edit("decoders", "luong_backward", "readout_cache = cache", "readout_cache, source = cache"),
            Edit("decoders", "luong_backward", "dh + dq", "dh + dq + dkeys + dmemory"),
            Edit("decoders", "luong_backward", "Source(dmemory, dkeys, None)",
                 "Source(np.zeros_like(source.memory), np.zeros_like(source.keys), None)"),
        ),
    ),
    Defect(
        "keys_and_values_of_two_sides", "decoders", "luong_forward", "h, source.keys, source.memory,",
        "h, source.keys, h,",
        "Keys from the encoder, values from the decoder: place s of the source fetches step s of the answer.",
        "three arguments of one shape in a row; different lengths raise, equal ones let the future through",
        (
            Edit("decoders", "luong_backward", "dh + dq", "dh + dq + dmemory"),
            Edit("decoders", "luong_backward", "Source(dmemory, dkeys, None)",
                 "Source(np.zeros_like(dkeys), dkeys, None)"),
        ),
    ),
    Defect(
        "scaled_by_wrong_size", "scores", "scaled_dot_score_forward", "queries.shape[-1] ** -0.5",
        "queries.shape[-2] ** -0.5",
        "Scores are divided by the root of the number of queries, not of their size.",
        "an axis counted from the wrong end; while generating, the number of queries is 1",
        (Edit("scores", "scaled_dot_score_backward", "dqueries.shape[-1] ** -0.5",
              "dqueries.shape[-2] ** -0.5"),),
    ),
    Defect(
        "softmax_over_queries", "attention", "masked_softmax_forward",
        "total = e.sum(axis=-1, keepdims=True)", "total = e.sum(axis=-2, keepdims=True)",
        "Weights sum to one over the queries, not over the memories.",
        "softmax with an implicit or a wrong dim; the shapes are the same either way",
        (
            Edit("attention", "masked_softmax_forward", "scores.max(axis=-1,", "scores.max(axis=-2,"),
            Edit("attention", "masked_softmax_backward", "return softmax_backward(dweights, cache)",
                 "return cache * (dweights - (dweights * cache).sum(axis=-2, keepdims=True))"),
        ),
    ),
    Defect(
        "softmax_not_shifted", "attention", "masked_softmax_forward",
        "np.exp(scores - scores.max(axis=-1, keepdims=True, initial=lowest))",
        "np.exp(scores)",
        "exp without subtracting the maximum: right until a score passes 88 in float32, 709 in float64.",
        "the formula as the paper prints it, typed in",
    ),
    Defect(
        "log_of_softmax", "activations", "log_softmax",
        "return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))",
        "return np.log(np.exp(shifted) / np.exp(shifted).sum(axis=-1, keepdims=True))",
        "The logarithm of a probability that may have been rounded to zero.",
        "a softmax layer followed by -np.log(p[target]), with or without a small number added",
    ),
    Defect(
        "dropout_left_on", "layers", "dropout_forward",
        "if rng is None or rate == 0:\n        return x, None",
        "if rate == 0:\n        return x, None\n    rng = rng or np.random.default_rng()",
        "Numbers are dropped while evaluating too.",
        "evaluation loops without model.eval(); layers called with training=True for good",
    ),
    Defect(
        "dropout_not_rescaled", "layers", "dropout_forward", "(rng.random(x.shape) >= rate) / (1 - rate)",
        "(rng.random(x.shape) >= rate) * 1.0",
        "What survives is not divided by 1 − p, and evaluation does not multiply by it either.",
        "dropout as the first paper has it, of which only the training half was written",
    ),
    Defect(
        "only_positive_weights", "layers", "glorot", "rng.uniform(-limit, limit,", "rng.uniform(0, limit,",
        "Initial weights are all positive.",
        "np.random.rand (uniform from 0 to 1) taken for np.random.randn",
    ),
)

# ---- the Transformer ---------------------------------------------------------------------------------------

TRANSFORMER = (
    Defect(
        "norm_gradient_without_means", "layers", "layer_norm_backward", "(dn - shift - n * scale) / σ",
                                                                          "dn / σ",
        "Mean and deviation are treated as constants, although they depend on the input.",
        "layer normalisation derived by hand: the direct path, and not the two through μ and σ",
    ),
    Defect(
        "skip_gradient_forgotten", "transformer", "feed_forward_backward", "return dy + dx, grads",
        "return dx, grads",
        "The gradient goes through the sublayer, and not past it.",
        "residual connections written by hand: x is read twice, once by the sum",
    ),
    Defect(
        "asked_path_forgotten", "transformer", "self_backward", "dn + dn_asked", "dn",
        "A token gets its gradient as a query, and not as a key and a value.",
        "self-attention made of cross-attention: one array in three arguments",
    ),
    Defect(
        "memory_of_one_layer", "transformer", "transformer_open_backward", "dmemory = dmemory + dmemory_k",
        "dmemory = dmemory_k",
        "Every decoder layer reads the memory; the gradient of one of them arrives.",
        "`=` for `+=` in a loop over layers",
    ),
    Defect(
        "kept_gradient_dropped", "transformer", "self_backward", "if dkept is not None:", "if False:",
        "Keys and values that a later part reads get no gradient from it.",
        "a cache for generation, detached, and then used in training on long texts cut into parts",
    ),
    Defect(
        "relu_lets_all_through", "activations", "relu_backward", "dy * (y > 0)", "dy * (y >= 0)",
        "The gradient passes where relu gave 0.",
        "a mask taken from the output with >= in place of the input with >",
    ),
    Defect(
        "scaled_by_all_heads", "multihead", "multihead_forward",
        'split_heads(project(x, params["Wq"]), heads)',
        'split_heads(project(x, params["Wq"]), heads) * heads**-0.5',
        "Scores are divided by √H and not by √(H / heads).",
        "d_model for d_k; with one head there is no difference",
        (Edit("multihead", "multihead_backward", "rows_of(merge_heads(dq))",
              "rows_of(merge_heads(dq)) * heads**-0.5"),),
    ),
    Defect(
        "heads_split_by_reshape", "multihead", "split_heads",
        "np.ascontiguousarray(a.reshape(B, T, heads, H // heads).transpose(0, 2, 1, 3))",
        "a.reshape(B, heads, T, H // heads)",
        "A head gets some of the tokens whole, and not a part of every token.",
        "view(batch, heads, time, size), which has the right shape, without the transpose before it",
        (Edit("multihead", "merge_heads", "a.transpose(0, 2, 1, 3).reshape", "a.reshape"),),
    ),
    Defect(
        "causal_mask_off_by_one", "transformer", "causal_mask", "<= t + np.arange(T)[:, None]",
        "<= t + 1 + np.arange(T)[:, None]",
        "Each token may look at the next one, which is the answer.",
        "triu(…, diagonal=2), or a mask made before the inputs are shifted",
    ),
    Defect(
        "causal_mask_inverted", "transformer", "causal_mask", "<= t + np.arange(T)[:, None]",
        ">= t + np.arange(T)[:, None]",
        "Each token looks at itself and at what is still to come.",
        "True means `allowed` in one library and `forbidden` in the other; triu for tril",
    ),
    Defect(
        "causal_mask_missing", "transformer", "transformer_forward", "[None, None] if T > 1 else None",
        "[None, None] if False else None",
        "The decoder looks at the whole answer while it learns to say it.",
        "a layer that needs is_causal=True, or its mask, in every call",
    ),
    Defect(
        "padding_masked_on_queries", "transformer", "transformer_encoder_forward", "mask[:, None, None], []",
        "mask[:, None, :, None], []",
        "Padding may not ask, but everybody may look at padding.",
        "a mask that is unsqueezed at the wrong place; with sources of one length nobody notices",
    ),
    Defect(
        "cross_keys_from_the_decoder", "transformer", "cross_forward",
        "out, weights, attention_cache = multihead_forward(n,",
        'source, (k, v, own) = (k, v), keys_values_forward(n, params[f"{name}_keys"], heads)\n'
        "    out, weights, attention_cache = multihead_forward(n,",
        "Cross-attention takes keys and values from the decoder: the source is not read.",
        "attention(x, x, x, source_mask) copied from the self-attention two lines above",
        (
            Edit("transformer", "cross_forward", "(name, norm_cache,", "(source, own, name, norm_cache,"),
            Edit("transformer", "cross_backward", "name, norm_cache, attention_cache, dropout_cache =",
                 "source, own, name, norm_cache, attention_cache, dropout_cache ="),
            Edit("transformer", "cross_backward", "dx, dnorm =",
                 "dn_asked, dkeys = keys_values_backward(dk, dv, own)\n"
                 "    dk, dv, dn = *map(np.zeros_like, source), dn + dn_asked\n    dx, dnorm ="),
            Edit("transformer", "cross_backward", "name: dqueries}",
                 'name: dqueries, f"{name}_keys": dkeys}'),
        ),
    ),
    Defect(
        "positions_start_again", "transformer", "transformer_forward", "embedded_forward(x, t, True,",
        "embedded_forward(x, 0, True,",
        "While generating, every token stands at position 0.",
        "positions made from the length of the input, which is 1 when there is a cache",
    ),
    Defect(
        "cache_not_appended", "transformer", "self_forward", "weights, (k, v),",
        "weights, (k[:, :, t:], v[:, :, t:]),",
        "Keys and values of the last token take the place of all earlier ones.",
        "caches for generation: `cache = k` for `cache = concat(cache, k)`",
    ),
    Defect(
        "cache_shared_in_the_beam", "beam", "_grow", "live._replace(state=state,",
        "live._replace(state=tree_map(lambda a: a[np.searchsorted(live.sentence, live.sentence)], state),",
        "All hypotheses of a sentence go on from the state of its first one.",
        "a cache that is expanded to the beam as a view, and then written",
    ),
    Defect(
        "embedding_not_scaled", "transformer", "embedded_forward", "y = x * x.shape[2] ** 0.5", "y = x * 1",
        "Positions are √H times too loud beside the tokens.",
        "section 3.4 of the paper says it in half a sentence",
        (Edit("transformer", "embedded_backward", " * dy.shape[2] ** 0.5", ""),),
    ),
    Defect(
        "norm_over_tokens", "layers", "layer_norm_forward", "D = x.shape[-1]",
        "x = x.swapaxes(-1, -2)\n    D = x.shape[-1]",
        "Each number is normalised over the tokens, and not each token over its numbers.",
        "batch normalisation under another name; axis=1 of (batch, time, size)",
        (
            Edit("layers", "layer_norm_forward", "n /= σ", "n = (n / σ).swapaxes(-1, -2)"),
            Edit("layers", "layer_norm_backward", "dn = dy * g",
                 "dn, n = (dy * g).swapaxes(-1, -2), n.swapaxes(-1, -2)"),
            Edit("layers", "layer_norm_backward", "D = n.shape[-1]", "D = n.shape[-2]"),
            Edit("layers", "layer_norm_backward", "(dn - shift - n * scale) / σ",
                 "((dn - shift - n * scale) / σ).swapaxes(-1, -2)"),
        ),
    ),
    Defect(
        "variance_with_n_minus_1", "layers", "layer_norm_forward", "/ D + EPSILON", "/ (D - 1) + EPSILON",
        "The variance is that of a sample: the sum of squares over D − 1.",
        "std() of some libraries; np.var(ddof=1)",
        (Edit("layers", "layer_norm_backward", "dn, n)[..., None] / D", "dn, n)[..., None] / (D - 1)"),),
    ),
    Defect(
        "norm_epsilon_outside_root", "layers", "layer_norm_forward", "/ D + EPSILON)", "/ D) + EPSILON",
        "√var + ε for √(var + ε).",
        "`(x - mean) / (std + eps)` stands in many annotated Transformers",
        (Edit("layers", "layer_norm_backward", "n * scale", "n * scale * σ / (σ - EPSILON)"),),
    ),
    Defect(
        "positions_in_training_only", "transformer", "embedded_forward", "if with_positions:",
        "if with_positions and rng is not None:",
        "Positions are added where dropout is on, and nowhere else.",
        "a layer of positions with dropout inside, both skipped while evaluating",
    ),
    Defect(
        "sines_beside_cosines", "transformer", "positions",
        "np.stack([np.sin(angle), np.cos(angle)], axis=2).reshape(T, H)",
        "np.concatenate([np.sin(angle), np.cos(angle)], axis=1)",
        "All sines first, then all cosines: harmless, until weights come from elsewhere.",
        "the form of a well-known library; the paper has them in turn",
    ),
    Defect(
        "mean_over_padding", "transformer", "transformer_encoder_forward",
        "share = (mask / mask.sum(axis=1, keepdims=True))", "share = (np.ones_like(mask) / mask.shape[1])",
        "The one vector of a source is the mean of its memories and of those of the padding.",
        "mean pooling: output.mean(dim=1) of a padded batch",
    ),
    Defect(
        "masked_after_the_softmax", "attention", "masked_softmax_forward",
        "weights = e / (total + (total == 0))",
        "weights = e / (total + (total == 0)) * (1 if mask is None else mask)",
        "The weights of padding are set to zero, but it has taken part in the sum.",
        "softmax(scores) * mask, without dividing again",
        (
            Edit("attention", "masked_softmax_forward", "scores = np.where(mask, scores, -np.inf)", "pass"),
            Edit("attention", "masked_softmax_forward", "return weights, weights",
                 "return weights, (e / (total + (total == 0)), mask)"),
            Edit("attention", "masked_softmax_backward", "return softmax_backward(dweights, cache)",
                 "return softmax_backward(dweights * (1 if cache[1] is None else cache[1]), cache[0])"),
        ),
    ),
)

# ---- training, writing, grading: no gradient comes by here -------------------------------------------------

AROUND = (
    Defect(
        "adam_beta1_twice", "optim", "adam_step", "v += (1 - beta2) * (g * g - v)",
        "v += (1 - beta1) * (g * g - v)",
        "The mean of the squares forgets as fast as the mean: β₁ in both.",
        "the line for m copied for v, and one of the two changes forgotten",
    ),
    Defect(
        "adam_not_corrected", "optim", "adam_step",
        'correction1, correction2 = 1 - beta1 ** state["t"], 1 - beta2 ** state["t"]',
        "correction1 = correction2 = 1",
        "m and v begin at zero and nobody undoes it: with the usual β the first step is 3 times too long.",
        "Adam from memory; some well-known trainers leave the correction out on purpose",
    ),
    Defect(
        "adam_epsilon_inside_root", "optim", "adam_step", "(np.sqrt(v / correction2) + epsilon)",
        "np.sqrt(v / correction2 + epsilon)",
        "√(v̂ + ε) for √v̂ + ε: with ε = 1e-8, gradients below 1e-4 hardly move anything.",
        "RMSProp is often written with ε inside; the same number then means its root",
    ),
    Defect(
        "decay_through_the_moments", "optim", "adam_step", "m += (1 - beta1) * (g - m)",
        "g = g + decay * theta\n            m += (1 - beta1) * (g - m)",
        "Weight decay is added to the gradient, so Adam divides it by the gradient's usual size.",
        "L2 regularisation under the name of weight decay, the state of affairs before AdamW",
        (Edit("optim", "adam_step", "if decay:", "if False:"),),
    ),
    Defect(
        "clipping_by_array", "optim", "clip_by_global_norm",
        "                g *= max_norm / norm",
        "                g *= min(1, max_norm / max(math.sqrt(float(np.vdot(g, g))), 1e-30))",
        "Each array is clipped by its own norm: the gradient's direction turns.",
        "the option clipnorm of Keras does this; its global_clipnorm is the other one",
    ),
    Defect(
        "wrong_BOS", "generate", "_generate", "np.full(len(source), BOS)", "np.full(len(source), EOS)",
        "Writing starts with another token than in training.",
        "decoding loops that start with 0, or with the end token",
    ),
    Defect(
        "state_not_carried", "generate", "_generate", "logits, weight, state, _ = decode_forward",
        "logits, weight, _, _ = decode_forward",
        "Every step of writing starts from the encoder's state again.",
        "inference loops that throw away the new state, or never feed it back",
    ),
    Defect(
        "finished_rows_go_on", "generate", "_generate",
        "np.where(finished, PAD, EOS + choose(logits[:, 0, EOS:]))",
        "EOS + choose(logits[:, 0, EOS:])",
        "A sentence goes on after its EOS for as long as the batch has an unfinished one.",
        "batched greedy loops; graders that stop at the first EOS never see it",
    ),
    Defect(
        "temperature_upside_down", "generate", "generate_sample",
        "z + temperature * rng.gumbel(size=z.shape)",
        "z * temperature + rng.gumbel(size=z.shape)",
        "Logits are multiplied by the temperature: cold is wild and hot is greedy.",
        "samplers; at temperature 1, where they are tried first, there is no difference",
    ),
    Defect(
        "length_penalty_upside_down", "beam", "_collect", "float(log_p / penalty)", "float(log_p * penalty)",
        "A logarithm is negative: multiplied by the penalty, long answers are pushed down.",
        "beam searches that swap costs and log probabilities, where the same factor does the opposite",
    ),
    Defect(
        "beam_state_not_reordered", "beam", "_grow", "weights=weights), row)",
        "weights=weights), row)\n"
        "    parents = parents._replace(state=tree_map(lambda s: s[np.arange(len(row)) % len(s)], state))",
        "Hypotheses take over their parents' tokens, but keep the state of whoever stood in their row.",
        "caches and states that beam search forgets to reorder; reported again and again in large libraries",
    ),
    Defect(
        "teacher_forcing_at_test", "training", "evaluate",
        "tokens, weights = generate_greedy(batch.source, batch.source_mask, params, config, max_length)",
        "tokens, weights = EOS + logits[:, :, EOS:].argmax(axis=2), None",
        "The model is graded on what it says when it is told the right beginning.",
        "evaluation that reuses the training step; its token accuracy is not that of the model's own words",
    ),
    Defect(
        "accuracy_counts_padding", "losses", "token_accuracy", "(predicted == targets)[mask].mean()",
        "(predicted == targets).mean()",
        "PAD said where PAD stands counts as a right token.",
        "accuracy = (prediction == target).mean() on padded batches",
    ),
)

# ---- options that change nothing, in forward and backward alike --------------------------------------------


def ignored(option, module, function, old, new, *also):
    sentence = f"The option `{option}` changes nothing: it is ignored in {function}."
    seen = "options that are handed through many functions and lost in one"
    return Defect(f"{option.replace(' ', '_')}_ignored", module, function, old, new, sentence, seen, also)


OPTIONS = (
    ignored("unk", "data", "make_source", "vocabulary, unk)])", "vocabulary, False)])"),
    ignored("unk of targets", "data", "make_batch", "target_vocabulary, unk)\n    targets",
            "target_vocabulary, False)\n    targets"),
    ignored("alphabet", "tasks", "draw_pairs", "_draw(rng, lengths, alphabet,",
            "_draw(rng, lengths, LETTERS,"),
    ignored("lengths", "tasks", "draw_pairs", "_draw(rng, lengths,", "_draw(rng, (1, 10),"),
    ignored("held_out", "tasks", "draw_pairs", "alphabet, held_out)", "alphabet, False)"),
    ignored("dtype", "layers", "glorot", ".astype(dtype)", ""),
    ignored("rate", "layers", "dropout_forward", "if rng is None or rate == 0:", "if True:"),
    ignored("dropout between", "stacks", "stack_forward", "dropout_forward(x, dropout, rng)", "(x, None)"),
    ignored("embedding dropout", "transformer", "embedded_forward",
            "return dropout_forward(y, config.dropout, rng)", "return y, None"),
    ignored("self dropout", "transformer", "self_forward", "dropout_forward(out, rate, rng)", "(out, None)"),
    ignored("cross dropout", "transformer", "cross_forward", "dropout_forward(out, rate, rng)",
            "(out, None)"),
    ignored("feed dropout", "transformer", "feed_forward_forward", "dropout_forward(out, rate, rng)",
            "(out, None)"),
    ignored("output dropout", "seq2seq", "decode_forward", "dropout_forward(out, config.dropout, rng)",
            "(out, None)"),
    ignored("reverse", "recurrent", "recurrent_forward", "x = time_first(x)",
            "reverse = False\n    x = time_first(x)"),
    ignored("reverse_source", "encoders", "recurrent_encoder_forward", "config.reverse_source", "False"),
    ignored("attention_only", "readout", "start_forward", "if config.attention_only:",
            "if False:",
            Edit("readout", "start_forward", "(len(state), config.attention_only)", "(len(state), False)")),
    ignored("source_positions", "transformer", "transformer_encoder_forward",
            "embedded_forward(x, 0, config.source_positions,", "embedded_forward(x, 0, True,"),
    ignored("heads", "multihead", "split_heads", "B, T, H = a.shape", "heads = 1\n    B, T, H = a.shape"),
    ignored("score of luong", "decoders", "luong_forward", "SCORES[config.score]", 'SCORES["dot"]'),
    ignored("score of luong_feeding", "step_decoders", "luong_feeding_forward", "SCORES[config.score]",
            'SCORES["dot"]'),
    ignored("score of bahdanau", "step_decoders", "bahdanau_forward", "SCORES[config.score]",
            'SCORES["dot"]'),
    ignored("smoothing", "losses", "cross_entropy_forward", "log_p = log_softmax(",
            "smoothing = 0.0\n    log_p = log_softmax("),
    ignored("beta1", "optim", "adam_step", 'state["t"] += 1', 'beta1 = 0.9\n    state["t"] += 1'),
    ignored("beta2", "optim", "adam_step", 'state["t"] += 1', 'beta2 = 0.999\n    state["t"] += 1'),
    ignored("epsilon", "optim", "adam_step", 'state["t"] += 1', 'epsilon = 1e-8\n    state["t"] += 1'),
    ignored("decay", "optim", "adam_step", "if decay:", "if False:"),
    ignored("max_norm", "optim", "clip_by_global_norm", "if norm > max_norm:", "if False:"),
    ignored("warmup of cosine", "optim", "warmup_cosine", "if step <= warmup:", "if False:"),
    ignored("steps of cosine", "optim", "warmup_cosine", "(step - warmup) / (steps - warmup)",
            "(step - warmup) / 1000"),
    ignored("warmup of inverse_sqrt", "optim", "inverse_sqrt", "min(step / warmup, math.sqrt(warmup / step))",
            "min(step / 100, math.sqrt(100 / step))"),
    ignored("rate of decay", "optim", "exponential_decay", "peak * rate **", "peak * 0.999 **"),
    ignored("schedule", "training", "_steps", "= schedule(step)", "= schedule(1)"),
    ignored("clip", "training", "_steps", "clip_by_global_norm(grads, clip)",
            "clip_by_global_norm(grads, 1.0)"),
    ignored("update", "training", "_steps", "            update(params,", "            adam_step(params,"),
    ignored("rng of train", "training", "_steps", "config, rng, smoothing)", "config, None, smoothing)"),
    ignored("smoothing of train", "training", "_steps", "config, rng, smoothing)", "config, rng, 0.0)"),
    ignored("start", "training", "train", "range(start + 1,", "range(1,"),
    ignored("step of forcing", "training", "_steps", "teacher_forcing(step)", "teacher_forcing(1)"),
    ignored("teacher_forcing", "training", "_steps", "if teacher_forcing:", "if False:"),
    ignored("probability", "training", "sampled_inputs", ".shape) < probability)", ".shape) < 1)"),
    ignored("max_length", "generate", "answer_limit", "if max_length is None:", "if True:"),
    ignored("own length", "generate", "answer_limit", "2 * mask.sum(axis=1) + 10",
            "np.full(len(mask), 2 * mask.shape[1] + 10)"),
    ignored("max_length of evaluate", "training", "evaluate", "params, config, max_length)",
            "params, config)"),
    ignored("temperature", "generate", "generate_sample", "temperature * rng", "rng"),
    ignored("top_k", "generate", "generate_sample", "if top_k is None:\n            return",
            "if True:\n            return"),
    ignored("width", "beam", "generate_beam", "np.full(len(source), width)", "np.full(len(source), 5)"),
    ignored("alpha", "beam", "generate_beam", "over), alpha,", "over), 0.0,"),
)
EVERY = (*BACKWARD, *FORWARD, *TRANSFORMER, *AROUND, *OPTIONS)
DEFECTS = {defect.name: defect for defect in EVERY}
