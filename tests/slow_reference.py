"""The equations of the papers again, slowly: one number at a time, in plain Python, only to be compared with.

Written from the equations and not from the package. Arrays go in and come out as nested lists; no function
knows of a batch or of a matrix product.

    cells       Elman (1990); Cho et al. (2014) with the reset after the product; Gers et al. (2000)
    scores      Luong et al. (2015); Vaswani et al. (2017); Bahdanau et al. (2015)
    norm        Ba et al. (2016), ε under the root
    Transformer Vaswani et al. (2017), the norm before each sublayer and behind the last layer
    padding     a padded step leaves the state alone, a padded memory does not exist, a padded target is not
                counted
"""

from math import cos, exp, log, sin, sqrt, tanh


def logistic(a):
    return 1 / (1 + exp(-a))


def part(vector, matrix, gate, j, size):
    """Component j of vector · matrix for one gate, whose matrix is one of several, `size` columns wide."""
    return sum(vector[k] * matrix[k][gate * size + j] for k in range(len(vector)))


# ---- cells: (x, state, p) -> state, for one sequence and one step ------------------------------------------


def rnn(x, state, p):
    (h,), H = state, len(p["Wh"])
    return ([tanh(part(x, p["Wx"], 0, j, H) + part(h, p["Wh"], 0, j, H) + p["b"][j]) for j in range(H)],)


def gru(x, state, p):
    (h,), H = state, len(p["Wh"])
    new = []
    for j in range(H):
        r = logistic(part(x, p["Wx"], 0, j, H) + p["b"][j] + part(h, p["Wh"], 0, j, H) + p["bh"][j])
        z = logistic(part(x, p["Wx"], 1, j, H) + p["b"][H + j] + part(h, p["Wh"], 1, j, H) + p["bh"][H + j])
        seen = r * (part(h, p["Wh"], 2, j, H) + p["bh"][2 * H + j])
        candidate = tanh(part(x, p["Wx"], 2, j, H) + p["b"][2 * H + j] + seen)
        new.append(z * h[j] + (1 - z) * candidate)
    return (new,)


def lstm(x, state, p):
    (h, c), H = state, len(p["Wh"])
    new_h, new_c = [], []
    for j in range(H):
        i, f, o, g = (
            squash(part(x, p["Wx"], k, j, H) + part(h, p["Wh"], k, j, H) + p["b"][k * H + j])
            for k, squash in enumerate((logistic, logistic, logistic, tanh))
        )
        new_c.append(f * c[j] + i * g)
        new_h.append(o * tanh(new_c[j]))
    return new_h, new_c


CELLS = {"rnn": rnn, "gru": gru, "lstm": lstm}


def run(cell, x, state, p, mask, reverse=False):
    """One sequence: a list of T inputs to the list of T outputs, and the state after the last step."""
    outputs = [None] * len(x)
    for t in sorted(range(len(x)), reverse=reverse):
        if mask[t]:
            state = CELLS[cell](x[t], state, p)
        outputs[t] = state[0]
    return outputs, state


# ---- attention: one query, one source ----------------------------------------------------------------------


def dot(query, memory, p):
    return sum(q * m for q, m in zip(query, memory, strict=True))


def scaled_dot(query, memory, p):
    return dot(query, memory, p) / sqrt(len(query))


def general(query, memory, p):
    return sum(m * p["Wk"][k][a] * query[a] for k, m in enumerate(memory) for a in range(len(query)))


def additive(query, memory, p):
    size = len(p["v"])
    asked = [part(query, p["Wq"], 0, a, size) for a in range(size)]
    key = [part(memory, p["Wk"], 0, a, size) for a in range(size)]
    return sum(p["v"][a] * tanh(asked[a] + key[a]) for a in range(size))


SCORES = {"dot": dot, "scaled_dot": scaled_dot, "general": general, "additive": additive}


def weigh(score, query, keys, p, mask):
    """Weights of one query; only real memories take part."""
    strength = {s: exp(SCORES[score](query, keys[s], p)) for s in range(len(keys)) if mask[s]}
    total = sum(strength.values())
    return [strength[s] / total if s in strength else 0.0 for s in range(len(keys))]


def mean(weights, values):
    return [sum(w * v[k] for w, v in zip(weights, values, strict=True)) for k in range(len(values[0]))]


def attend(score, query, memory, p, mask):
    """Context and weights of one query."""
    weights = weigh(score, query, memory, p, mask)
    return mean(weights, memory), weights


# ---- the Transformer: one sequence, a list of tokens -------------------------------------------------------


def layer_norm(x, p):
    """One vector: mean 0, variance 1, then scaled by g and shifted by b."""
    mu = sum(x) / len(x)
    sigma = sqrt(sum((a - mu) ** 2 for a in x) / len(x) + 1e-5)
    return [p["g"][k] * (a - mu) / sigma + p["b"][k] for k, a in enumerate(x)]


def multihead(x, memory, p, keys, heads, mask):
    """Section 3.2.2: what one token x learns from the memories, and the weights of each head."""
    A, joined, weights = len(x) // heads, [], []
    for i in range(heads):
        query = [part(x, p["Wq"], i, j, A) for j in range(A)]
        key, value = ([[part(m, keys[W], i, j, A) for j in range(A)] for m in memory] for W in ("Wk", "Wv"))
        weights.append(weigh("scaled_dot", query, key, {}, mask))  # equation 1
        joined += mean(weights[-1], value)
    return [part(joined, p["Wo"], 0, j, len(x)) for j in range(len(x))], weights


def feed_forward(x, inner, outer):
    """Equation 2: max(0, x W_1 + b_1) W_2 + b_2."""
    size, H = len(inner["b"]), len(outer["b"])
    hidden = [max(0.0, part(x, inner["W"], 0, j, size) + inner["b"][j]) for j in range(size)]
    return [part(hidden, outer["W"], 0, j, H) + outer["b"][j] for j in range(H)]


def position(t, H):
    """Section 3.5: entry 2i is sin(t / 10000^(2i/H)), entry 2i + 1 the cosine of the same."""
    return [(cos if j % 2 else sin)(t / 10000 ** ((j - j % 2) / H)) for j in range(H)]


def placed(x, told=True):
    """Sections 3.4 and 3.5: embeddings times √H, plus positions, unless they are not told."""
    H = len(x[0])
    return [[a * sqrt(H) + told * P for a, P in zip(token, position(t, H))] for t, token in enumerate(x)]


def plus(x, y):
    return [a + b for a, b in zip(x, y, strict=True)]


def fed(x, p, name):
    """x + feed_forward(norm(x)), token by token."""
    norm, inner, outer = (p[f"{name}_feed_{what}"] for what in ("norm", "in", "out"))
    return [plus(token, feed_forward(layer_norm(token, norm), inner, outer)) for token in x]


def encoder_layer(x, p, name, heads, mask):
    """Every token asks all real tokens."""
    n = [layer_norm(token, p[f"{name}_self_norm"]) for token in x]
    parts = p[f"{name}_self"], p[f"{name}_self_keys"], heads
    return fed([plus(token, multihead(asks, n, *parts, mask)[0]) for token, asks in zip(x, n)], p, name)


def decoder_layer(x, memory, p, name, heads, mask):
    """Every token asks itself and those before it, then the memory; returns the weights on the memory too."""
    n = [layer_norm(token, p[f"{name}_self_norm"]) for token in x]
    parts, written, weights = (p[f"{name}_self"], p[f"{name}_self_keys"], heads), [], []
    for t, token in enumerate(x):
        token = plus(token, multihead(n[t], n[: t + 1], *parts, [True] * (t + 1))[0])
        asks = layer_norm(token, p[f"{name}_cross_norm"])
        context, looked = multihead(asks, memory, p[f"{name}_cross"], p[f"{name}_cross_keys"], heads, mask)
        written.append(plus(token, context))
        weights.append(looked)
    return fed(written, p, name), weights


def transformer_encoder(x, p, heads, layers, mask, told):
    """Section 3.1: embedded source tokens to memories."""
    x = placed(x, told)
    for k in range(1, layers + 1):
        x = encoder_layer(x, p, f"encoder_{k}", heads, mask)
    return [layer_norm(token, p["encoder_norm"]) for token in x]


def transformer_decoder(x, memory, p, heads, layers, mask):
    """Section 3.1: what the output layer reads for each target token, and the last layer's weights."""
    x = placed(x)
    for k in range(1, layers + 1):
        x, weights = decoder_layer(x, memory, p, f"decoder_{k}", heads, mask)
    return [layer_norm(token, p["decoder_norm"]) for token in x], weights


# ---- loss --------------------------------------------------------------------------------------------------


def cross_entropy(logits, targets, mask):
    """Mean over the real tokens of a batch of −log p[target]."""
    surprises = []
    for sequence, wanted, real in zip(logits, targets, mask, strict=True):
        for scores, target, counts in zip(sequence, wanted, real, strict=True):
            if counts:
                surprises.append(log(sum(exp(s) for s in scores)) - scores[target])
    return sum(surprises) / len(surprises)
