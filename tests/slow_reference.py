"""The equations of the papers again, slowly: one number at a time, in plain Python, only to be compared with.

Written from the equations and not from the package. Arrays go in and come out as nested lists; here no
function knows of a batch, of a matrix product, or of more than one time step.

    cells       Elman (1990); Cho et al. (2014) with the reset after the product; Gers et al. (2000)
    scores      Luong et al. (2015); Vaswani et al. (2017); Bahdanau et al. (2015)
    padding     a padded step leaves the state alone, a padded memory does not exist, a padded target is not
                counted
"""

from math import exp, log, sqrt, tanh


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


def attend(score, query, memory, p, mask):
    """Context and weights of one query; only real memories take part."""
    real = [s for s in range(len(memory)) if mask[s]]
    strength = {s: exp(SCORES[score](query, memory[s], p)) for s in real}
    total = sum(strength.values())
    weights = [strength[s] / total if s in strength else 0.0 for s in range(len(memory))]
    return [sum(weights[s] * memory[s][k] for s in real) for k in range(len(memory[0]))], weights


# ---- loss --------------------------------------------------------------------------------------------------


def cross_entropy(logits, targets, mask):
    """Mean over the real tokens of a batch of −log p[target]."""
    surprises = []
    for sequence, wanted, real in zip(logits, targets, mask, strict=True):
        for scores, target, counts in zip(sequence, wanted, real, strict=True):
            if counts:
                surprises.append(log(sum(exp(s) for s in scores)) - scores[target])
    return sum(surprises) / len(surprises)
