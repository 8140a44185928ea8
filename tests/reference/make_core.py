"""Makes the frozen known answers beside it: rnn, gru, lstm, attention and cross_entropy (.npz), with PyTorch.

    python tests/reference/make_core.py

Run once, with PyTorch 2.13.0 (CPU) and NumPy 2.4.6, in float64; no test runs it and only this file imports
torch. Everything is stored in the layout of numpy_seq2seq:

    weights     transposed, (D, GH) where PyTorch has (GH, D)
    LSTM gates  i f o g where PyTorch has i f g o; RNN and GRU (r z n) alike
    biases      RNN, LSTM: the sum of PyTorch's two is b; GRU: b_ih is b, b_hh is bh
    padding     outputs after the end are zero in PyTorch, and carry the state here: compare real steps only

A name in a file is a path: `one.params.layer0.Wx` is an input, `one.grads.layer0.Wx` its gradient for the
upstream gradients `one.dh` (zero on padding) and `one.dstate.0`.
"""

import pathlib

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

HERE = pathlib.Path(__file__).parent
B, T, S, D, H = 4, 7, 5, 2, 3
CELLS = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
SCORES = ("dot", "scaled_dot", "general", "additive")


def save(name, answers):
    arrays = {key: a.detach().numpy() if isinstance(a, torch.Tensor) else a for key, a in answers.items()}
    np.savez_compressed(HERE / f"{name}.npz", **arrays)


def leaf(*shape):
    return torch.randn(*shape).requires_grad_()


def padding_mask(lengths, longest):
    return torch.arange(longest) < torch.tensor(lengths)[:, None]


# ---- recurrent layers --------------------------------------------------------------------------------------


def our_layout(cell, values):
    """One direction's PyTorch weights, or the gradients of them, in our order of gates and axes."""

    def gates(a):
        blocks = a.chunk({"rnn": 1, "gru": 3, "lstm": 4}[cell])
        return torch.cat([blocks[k] for k in (0, 1, 3, 2)] if cell == "lstm" else blocks)

    Wx, Wh, b, bh = map(gates, values)
    return {"Wx": Wx.T, "Wh": Wh.T, **({"b": b, "bh": bh} if cell == "gru" else {"b": b + bh})}


def recurrent(cell, directions):
    """A layer over sequences of length 7, 3, 1 and 5; one direction starts anywhere, two start at zero."""
    layer = CELLS[cell](D, H, batch_first=True, bidirectional=directions == 2)
    lengths, x = [T, 3, 1, 5], leaf(B, T, D)
    mask = padding_mask(lengths, T)
    start = [leaf(1, B, H) for _ in range(1 + (cell == "lstm"))] if directions == 1 else []
    packed = pack_padded_sequence(x, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
    h, state = layer(packed, (tuple(start) if cell == "lstm" else start[0]) if start else None)
    h, _ = pad_packed_sequence(h, batch_first=True, total_length=T)
    state = [torch.cat(list(s), dim=1) for s in (state if cell == "lstm" else (state,))]

    dh, dstate = torch.randn(h.shape) * mask[..., None], [torch.randn(s.shape) for s in state]
    ((h * dh).sum() + sum((s * ds).sum() for s, ds in zip(state, dstate))).backward()
    answers = {"x": x, "mask": mask, "h": h, "dh": dh, "dx": x.grad}
    for k, (s, ds) in enumerate(zip(state, dstate)):
        answers |= {f"state.{k}": s, f"dstate.{k}": ds}
    for k, s in enumerate(start):
        answers |= {f"start.{k}": s[0], f"dstart.{k}": s.grad[0]}
    for name, weights in zip(("layer0", "layer0_reverse"), layer.all_weights):
        answers |= {f"params.{name}.{n}": a for n, a in our_layout(cell, weights).items()}
        # PyTorch's two biases stand in one sum, so that each of them has the gradient of our one b
        grads = [w.grad for w in weights]
        if cell != "gru":
            grads[3] = torch.zeros_like(grads[3])
        answers |= {f"grads.{name}.{n}": a for n, a in our_layout(cell, grads).items()}
    return answers


# ---- attention ---------------------------------------------------------------------------------------------


def attention(score):
    """Masked attention from its definition; the gradients are autograd's."""
    Q, M, A = {"general": (H, H + 1, H), "additive": (H, H + 1, H - 1)}.get(score, (H, H, H))
    queries, memory, mask = leaf(B, T, Q), leaf(B, S, M), padding_mask([S, 2, 1, 3], S)
    params = {"Wm": leaf(M, A)} if score in ("general", "additive") else {}
    if score == "additive":
        params |= {"Wq": leaf(Q, A), "v": leaf(A)}
    keys = torch.einsum("bsm,ma->bsa", memory, params["Wm"]) if "Wm" in params else memory
    if score == "additive":
        asked = torch.einsum("btq,qa->bta", queries, params["Wq"])
        scores = torch.einsum("btsa,a->bts", torch.tanh(asked.unsqueeze(2) + keys.unsqueeze(1)), params["v"])
    else:
        scores = torch.einsum("bta,bsa->bts", queries, keys) / (A**0.5 if score == "scaled_dot" else 1)
    weights = torch.softmax(scores.masked_fill(~mask.unsqueeze(1), -torch.inf), dim=2)
    context = torch.einsum("bts,bsm->btm", weights, memory)

    dcontext = torch.randn(context.shape)
    (context * dcontext).sum().backward()
    answers = {"queries": queries, "memory": memory, "mask": mask, "context": context, "weights": weights}
    answers |= {"dcontext": dcontext, "dqueries": queries.grad, "dmemory": memory.grad}
    for name, a in params.items():
        answers |= {f"params.{name}": a, f"grads.{name}": a.grad}
    return answers


def cross_entropy():
    V = 7
    logits, mask = (3 * torch.randn(B, T, V)).requires_grad_(), padding_mask([T, 3, 1, 5], T)
    targets = torch.randint(1, V, (B, T)) * mask  # id 0 is padding
    loss = torch.nn.functional.cross_entropy(logits.reshape(-1, V), targets.reshape(-1), ignore_index=0)
    loss.backward()
    return {"logits": logits, "targets": targets, "mask": mask, "loss": loss, "dlogits": logits.grad}


def prefixed(parts):
    return {f"{prefix}.{key}": a for prefix, answers in parts.items() for key, a in answers.items()}


def main():
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    for cell in CELLS:
        save(cell, prefixed({"one": recurrent(cell, 1), "two": recurrent(cell, 2)}))
    save("attention", prefixed({score: attention(score) for score in SCORES}))
    save("cross_entropy", cross_entropy())


if __name__ == "__main__":
    main()
