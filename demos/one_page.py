"""Sequence to sequence with attention, the whole of it on one page. It needs NumPy and nothing else.

    python demos/one_page.py        about five seconds

The model reads a string of 1 to 8 letters and writes it backwards:

    c a t $ ──> encoder ──┬── h, the last state: one vector ────────┐
                          └── memory: one vector for each token ──┐ │
                                                                  ↓ ↓
    ^ t a c ───────────────────────────────────────────────────> decoder ──> t a c $

The encoder reads one token after the other; its state h is all that it knows so far. The decoder starts from
the last h and writes one token after the other. For each of them it also looks back at the whole memory and
takes from it what it needs now: that is attention. Without it the last h, one vector, would be all that the
decoder ever gets, however long the string is: an information bottleneck.

Read from top to bottom: 1 data, 2 layers, 3 the model, 4 training, 5 a look inside. Each forward function
stands above its backward function, which takes the same lines in the opposite order: it gets the gradients of
what forward returned, and returns the gradients of what forward got. A value that is read in two places gets
two gradients, and they are added: these lines are marked GRADIENTS MEET.

Notation: B strings in a batch, S source tokens, T target tokens, V different tokens, H size of a state, D
size of an embedding (the vector that stands for a token); (B, T, H) is the shape of an array. dX is ∂loss/∂X
and has the shape of X. A cache is what a forward function keeps for its backward function.
"""

import argparse
import zlib

import numpy as np

SYMBOLS = "_^$abcdefghijklmnopqrstuvwxyz"  # the id of a token is its place here
PAD = 0  # "_" fills up the short strings of a batch; "^" tells the decoder to begin; "$" ends a string
LONGEST, BATCH, STEPS = 8, 64, 800
V, D, H = len(SYMBOLS), 32, 64


# ---- 1. Data: strings, and arrays of token ids -------------------------------------------------------------


def is_held_out(string):
    """One string in eight is kept for the test: its checksum decides, so training never sees it."""
    return zlib.crc32(string.encode()) % 8 == 0


def draw_string(rng, held_out):
    """A random string for training, or a held-out one for the test."""
    while True:
        string = "".join(rng.choice(list(SYMBOLS[3:]), rng.integers(1, LONGEST + 1)))
        if is_held_out(string) == held_out:
            return string


def token_ids(strings):
    """One row of ids for each string; short rows are filled up with PAD."""
    longest = max(len(string) for string in strings)
    return np.array([[SYMBOLS.index(symbol) for symbol in string.ljust(longest, "_")] for string in strings])


def make_batch(strings):
    """What the encoder reads, what the decoder is told, and what the decoder should say.

        source  c a t $         inputs  ^ t a c         targets  t a c $

    The decoder is told the right letters, whatever it would have said, one step late (teacher forcing).
    """
    source = token_ids([string + "$" for string in strings])  # (B, S)
    inputs = token_ids(["^" + string[::-1] for string in strings])  # (B, T)
    targets = token_ids([string[::-1] + "$" for string in strings])  # (B, T)
    return source, inputs, targets


# ---- 2. Layers: each forward function above its backward function ------------------------------------------


def softmax(a):
    """Any numbers to probabilities, along the last axis. The maximum cancels out; it keeps exp small."""
    e = np.exp(a - a.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def weight_gradient(x, dy):
    """dW = Σ xᵀ dy for y = x W. W is used at every place (b, t); the gradients of all places are added."""
    return (x.transpose(0, 2, 1) @ dy).sum(axis=0)  # a product for each string b, and their sum


def embedding_backward(dx, ids, params):
    """dE for x = E[ids], rows of a table. A row used in many places gets the sum of their gradients."""
    dE = np.zeros_like(params["E"])
    np.add.at(dE, ids, dx)
    return {"E": dE}


def recurrent_forward(x, h, params, mask):
    """Read one token after the other: x (B, T, D), from state h (B, H). Returns all states and the last one.

        h_t = tanh(x_t Wx + h_{t−1} Wh + b)         at padding (mask is False) h stays as it is
    """
    gx = x @ params["Wx"] + params["b"]  # (B, T, H): does not wait for h, so all steps at once
    states = [h]
    for t in range(x.shape[1]):
        h = np.where(mask[:, t, None], np.tanh(gx[:, t] + h @ params["Wh"]), h)  # (B, H)
        states.append(h)
    states = np.stack(states, axis=1)  # (B, T + 1, H): h_0 before the first token, then one for each
    return states[:, 1:], h, (x, states, params, mask)


def recurrent_backward(dh_all, dh, cache):
    """Backpropagation through time, last step first. dh_all (B, T, H) is for all states, dh for the last.

        h_t = tanh(a_t)                             da_t = dh_t (1 − h_t²)
        a_t = x_t Wx + h_{t−1} Wh + b               dh_{t−1} = da_t Whᵀ,  dx_t = da_t Wxᵀ
                                                    dWx = Σ x_tᵀ da_t,  dWh = Σ h_{t−1}ᵀ da_t,  db = Σ da_t
        h_t = h_{t−1}  at padding                   dh_{t−1} = dh_t
    """
    x, states, params, mask = cache
    h_prev, h = states[:, :-1], states[:, 1:]  # (B, T, H): h_{t−1} and h_t for every t
    da = np.zeros_like(h)
    for t in reversed(range(x.shape[1])):
        # GRADIENTS MEET: h_t is read by step t + 1 (dh) and by whoever looks at all states (dh_all)
        dh_t = dh + dh_all[:, t]  # (B, H)
        da[:, t] = mask[:, t, None] * dh_t * (1 - h[:, t] ** 2)
        dh = np.where(mask[:, t, None], da[:, t] @ params["Wh"].T, dh_t)  # of h_{t−1}
    grads = {"Wx": weight_gradient(x, da), "Wh": weight_gradient(h_prev, da), "b": da.sum(axis=(0, 1))}
    return da @ params["Wx"].T, dh, grads


def attention_forward(queries, memory, mask):
    """Each query q_t (a state of the decoder) weighs all memories m_s and takes their weighted mean.

        e_ts = q_t · m_s                            the scores: how well memory s fits query t
        α_t  = softmax(e_t)                         the weights: where to look; they sum to 1
        c_t  = Σ_s α_ts m_s                         the context: made fresh for every step
    """
    scores = np.where(mask[:, None], queries @ memory.transpose(0, 2, 1), -np.inf)  # (B, T, S), −∞ at padding
    weights = softmax(scores)  # (B, T, S), 0 at padding
    return weights @ memory, weights, (queries, memory, weights)  # (B, T, H), (B, T, S)


def attention_backward(dcontext, cache):
    """The same three lines, last one first.

        c_t  = Σ_s α_ts m_s                         dα_ts = dc_t · m_s,  dm_s = Σ_t α_ts dc_t
        α_t  = softmax(e_t)                         de_ts = α_ts (dα_ts − Σ_j α_tj dα_tj)
        e_ts = q_t · m_s                            dq_t = Σ_s de_ts m_s,  dm_s = Σ_t de_ts q_t

    The middle one is Σ_j dα_tj ∂α_tj/∂e_ts, with ∂α_tj/∂e_ts = α_tj (δ_js − α_ts); δ_js is 1 where j = s,
    else 0.
    """
    queries, memory, weights = cache
    dweights = dcontext @ memory.transpose(0, 2, 1)  # (B, T, S)
    dscores = weights * (dweights - (weights * dweights).sum(axis=2, keepdims=True))  # (B, T, S)
    # GRADIENTS MEET: m_s is read by the mean and by the score
    dmemory = weights.transpose(0, 2, 1) @ dcontext + dscores.transpose(0, 2, 1) @ queries  # (B, S, H)
    return dscores @ memory, dmemory  # (B, T, H), (B, S, H)


# ---- 3. The model: an encoder, a decoder, a loss -----------------------------------------------------------


def seq2seq_init(rng):
    """Random parameters, scaled so that the numbers after a product are about as large as those before it."""

    def matrix(rows, columns):
        return rng.standard_normal((rows, columns)) / np.sqrt(rows)

    return {
        "source_embedding": {"E": matrix(V, D)},
        "encoder": {"Wx": matrix(D, H), "Wh": matrix(H, H), "b": np.zeros(H)},
        "target_embedding": {"E": matrix(V, D)},
        "decoder": {"Wx": matrix(D, H), "Wh": matrix(H, H), "b": np.zeros(H)},
        "readout": {"Wd": matrix(H, H), "Wc": matrix(H, H)},
        "output": {"W": matrix(H, V), "b": np.zeros(V)},
    }


def encode_forward(source, params):
    """Token ids (B, S) to the memory (B, S, H), the state after each token, and the last state (B, H)."""
    x = params["source_embedding"]["E"][source]  # (B, S, D)
    memory, h, recurrent_cache = recurrent_forward(x, np.zeros((len(x), H)), params["encoder"], source != PAD)
    return memory, h, (source, recurrent_cache, params)


def encode_backward(dmemory, dh, cache):
    """Both gradients go back through the same recurrence, into the encoder's parameters."""
    source, recurrent_cache, params = cache
    dx, _, grads = recurrent_backward(dmemory, dh, recurrent_cache)
    return {"source_embedding": embedding_backward(dx, source, params["source_embedding"]), "encoder": grads}


def decode_forward(inputs, h_0, memory, source_mask, params):
    """The tokens that the decoder is told (B, T) to a score (logit) for each token that could come next.

        h_t      = tanh(x_t Wx + h_{t−1} Wh + b)    h_0 is the encoder's last state, the fixed vector
        c_t      = attention(h_t, memory)           without c_t, h_0 is all that is known of the source
        out_t    = tanh(h_t Wd + c_t Wc)
        logits_t = out_t W + b

    recurrent_forward wants a mask. Here it changes no real step, since padding comes last.
    """
    x = params["target_embedding"]["E"][inputs]  # (B, T, D)
    h, _, recurrent_cache = recurrent_forward(x, h_0, params["decoder"], inputs != PAD)  # (B, T, H)
    context, weights, attention_cache = attention_forward(h, memory, source_mask)  # (B, T, H), (B, T, S)
    out = np.tanh(h @ params["readout"]["Wd"] + context @ params["readout"]["Wc"])  # (B, T, H)
    logits = out @ params["output"]["W"] + params["output"]["b"]  # (B, T, V)
    return logits, weights, (inputs, recurrent_cache, h, context, attention_cache, out, params)


def decode_backward(dlogits, cache):
    """The same four lines, last one first.

        logits_t = out_t W + b                      dout_t = dlogits_t Wᵀ
        out_t    = tanh(a_t)                        da_t = dout_t (1 − out_t²)
        a_t      = h_t Wd + c_t Wc                  dh_t = da_t Wdᵀ,  dc_t = da_t Wcᵀ
        c_t      = attention(h_t, memory)           more dh_t,  dmemory
        h_t      = tanh(x_t Wx + h_{t−1} Wh + b)    dx_t, dh_0
    """
    inputs, recurrent_cache, h, context, attention_cache, out, params = cache
    grads = {"output": {"W": weight_gradient(out, dlogits), "b": dlogits.sum(axis=(0, 1))}}
    da = (dlogits @ params["output"]["W"].T) * (1 - out**2)  # (B, T, H): dout_t (1 − out_t²)
    grads["readout"] = {"Wd": weight_gradient(h, da), "Wc": weight_gradient(context, da)}
    dqueries, dmemory = attention_backward(da @ params["readout"]["Wc"].T, attention_cache)
    # GRADIENTS MEET: h_t is read by the readout (Wd) and, as the query, by the attention
    dh = da @ params["readout"]["Wd"].T + dqueries  # (B, T, H)
    dx, dh_0, grads["decoder"] = recurrent_backward(dh, np.zeros_like(dh[:, 0]), recurrent_cache)
    grads["target_embedding"] = embedding_backward(dx, inputs, params["target_embedding"])
    return dh_0, dmemory, grads


def loss_and_gradients(source, inputs, targets, params):
    """Mean surprise at the right tokens, and its gradient for every parameter. Guessing costs ln V = 3.37.

        p = softmax(logits)
        L = −(1/N) Σ log p[target]                  dlogits = (p − onehot(target)) / N      N: without padding

    since −log p[k] = log Σ_j exp(logit_j) − logit_k, whose derivative by logit_j is p_j − (1 where j = k).
    """
    memory, h, encode_cache = encode_forward(source, params)
    logits, _, decode_cache = decode_forward(inputs, h, memory, source != PAD, params)
    p, onehot, real = softmax(logits), np.eye(V)[targets], targets != PAD  # (B, T, V), (B, T, V), (B, T)
    loss = -np.log((p * onehot).sum(axis=2)[real]).mean()
    dlogits = (p - onehot) * real[:, :, None] / real.sum()  # (B, T, V): zero at padding
    dh, dmemory, grads = decode_backward(dlogits, decode_cache)
    return loss, {**encode_backward(dmemory, dh, encode_cache), **grads}


# ---- 4. Training: Adam, with clipping ----------------------------------------------------------------------


def arrays(tree):
    """All arrays of the parameters, or of their gradients, in one list, in the same order. They are no
    copies: whoever writes into one changes the parameters."""
    return [tree[layer][name] for layer in sorted(tree) for name in sorted(tree[layer])]


def clip_by_global_norm(grads, max_norm=1.0):
    """Shorten the gradient, in place, if it is longer than max_norm: all arrays are one long vector. Along a
    recurrence it can become very long ("explode"), and one such step would undo many."""
    norm = np.sqrt(sum((g**2).sum() for g in arrays(grads)))
    for g in arrays(grads):
        g *= min(1, max_norm / norm)


def adam_step(params, grads, state, t, rate):
    """Step t = 1, 2 … of Adam, in place.

        m ← 0.9 m + 0.1 g,  v ← 0.999 v + 0.001 g²          running means of the gradient and of its square
        m̂ = m / (1 − 0.9ᵗ),  v̂ = v / (1 − 0.999ᵗ)           both began at zero: this makes up for it
        θ ← θ − rate · m̂ / (√v̂ + ε)                         θ is any parameter
    """
    for theta, g, (m, v) in zip(arrays(params), arrays(grads), state):
        m += 0.1 * (g - m)
        v += 0.001 * (g**2 - v)
        theta -= rate * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)


def train(rng, steps=STEPS):
    """Learn from random strings, new ones at every step. On the way, show how a held-out word is written."""
    params = seq2seq_init(rng)
    state = [(np.zeros_like(a), np.zeros_like(a)) for a in arrays(params)]
    for t in range(1, steps + 1):
        strings = [draw_string(rng, held_out=False) for _ in range(BATCH)]
        loss, grads = loss_and_gradients(*make_batch(strings), params)
        clip_by_global_norm(grads)
        adam_step(params, grads, state, t, rate=0.003 * (1 - t / steps))  # the rate falls to zero
        if t % 40 == 0:
            print(f"step {t:3}   loss {loss:.3f}   encoder -> {generate_greedy(['encoder'], params)[0][0]}")
    return params


# ---- 5. A look inside: answers, and where the model looked -------------------------------------------------


def generate_greedy(strings, params):
    """Write the most probable token, tell it to the decoder, and so on. Weights are (B, T, S).

    To keep the code short, the decoder starts anew in every round. It could keep its state and take one step.
    """
    source = token_ids([string + "$" for string in strings])
    memory, h, _ = encode_forward(source, params)
    inputs = token_ids(["^" for _ in strings])  # (B, 1), and one column more in each round
    for _ in range(LONGEST + 1):
        logits, weights, _ = decode_forward(inputs, h, memory, source != PAD, params)
        inputs = np.hstack([inputs, logits[:, -1:].argmax(axis=2)])
    return ["".join(SYMBOLS[k] for k in row[1:]).split("$")[0] for row in inputs], weights


def attention_map(weights, source, output):
    """A row for each token written, a column for each token read; the darker, the more weight."""
    rows = ("".join(" .:*#"[round(4 * w)] * 3 for w in row) for row in weights[:, : len(source)])
    return "\n".join(["    " + "  ".join(source), *(f"{token} |{row}|" for token, row in zip(output, rows))])


def main():
    parser = argparse.ArgumentParser(description="A model with attention learns to write strings backwards.")
    parser.add_argument("--seed", type=int, choices=range(10), default=0, help="same seed, same numbers")
    rng = np.random.default_rng(parser.parse_args().seed)
    params = train(rng)
    strings = ["encoder", *(draw_string(rng, held_out=True) for _ in range(999))]
    answers, weights = generate_greedy(strings, params)
    exact = np.mean([answer == string[::-1] for string, answer in zip(strings, answers)])
    print(f"\n{exact:.1%} of {len(strings)} held-out strings are entirely right, for example:")
    print(*(f"    {string} -> {answer}" for string, answer in zip(strings[:5], answers)), sep="\n")
    print("\nWhere it looked (across) while it wrote the first of them (down):\n")
    print(attention_map(weights[0], strings[0] + "$", answers[0] + "$"))


if __name__ == "__main__":
    main()

# Try it
# 1. What does attention buy? Set LONGEST to 16 and train. Then take c_t out of decode_forward, with all that
#    belongs to it in decode_backward (dmemory is zeros now), and train again. Which letters go wrong first?
# 2. Take out `+ dqueries`. The gradient is wrong. Does the model still learn? How would you notice?
# 3. Make it copy in place of reverse: three lines change. What will the map look like? Guess, then look.
#
# The same functions, with more choices and more care, are in the package numpy_seq2seq. Read on there:
# recurrent.py, attention.py, decoders.py, seq2seq.py, optim.py, generate.py.
