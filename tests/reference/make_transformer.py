"""Makes the frozen known answers transformer.npz, beside it, with PyTorch.

    python tests/reference/make_transformer.py

Run once, with PyTorch 2.13.0 (CPU) and NumPy 2.4.6, in float64; no test runs it. Parameters and gradients are
stored under the names of PyTorch's state dicts, as in make_models.py. Nothing here knows how numpy_seq2seq
computes: the layers are PyTorch's own modules, and autograd differentiates them.

    layer_norm  nn.LayerNorm
    attention   nn.MultiheadAttention: `self` with a causal and a padding mask, `cross` with a padding mask
    encoder     nn.TransformerEncoder, one layer and the norm behind it, with a padding mask
    decoder     nn.TransformerDecoder, the same, with a causal mask and a padding mask on the memory
    model       embeddings · √H + positions, two layers in each, output layer: logits, loss and all gradients;
                then ten steps of Adam with the β₂ and ε of Vaswani et al. (2017), section 5.3

norm_first=True, no dropout, relu. As in the paper, attention has no biases: in_proj_bias and out_proj.bias
are zero and stay zero (requires_grad=False), and the gradients stored for them are zeros. All other
parameters, those of the norms too, are drawn anew.
"""

import math

import torch
from make_models import SOURCE_LENGTHS, TARGET_LENGTHS, B, H, S, T, U, V
from make_models import loss_of, padding_mask, random_batch, save
from torch import nn

HEADS, LAYERS = 2, 2
CAUSAL = torch.ones(T, T, dtype=torch.bool).triu(1)  # True: must not be looked at


def drawn(module):
    """The module with all its parameters drawn anew, but for the biases of attention, which are zero."""
    for name, p in module.named_parameters():
        if name.endswith(("in_proj_bias", "out_proj.bias")):
            p.requires_grad_(False)
        p.data = 0.7 * torch.randn(p.shape) * p.requires_grad
    return module


def leaf(*shape):
    return torch.randn(*shape).requires_grad_()


def answers(module, y, mask=None, **inputs):
    """y, its upstream gradient dy (zero where the mask is False), and all that follows from it."""
    dy = torch.randn(y.shape) * (1 if mask is None else mask[..., None])
    (y * dy).sum().backward()
    return {
        "state_dict": module.state_dict(),
        "grads": gradients(module),
        **inputs,
        **{f"d{name}": x.grad for name, x in inputs.items() if x.requires_grad},
        **{"y": y, "dy": dy},
    }


def gradients(module):
    def of(p):
        return p.grad.clone() if p.requires_grad else torch.zeros_like(p)

    return {name: of(p) for name, p in module.named_parameters()}


def layer_norm():
    module, x = drawn(nn.LayerNorm(H)), leaf(B, T, H)
    return answers(module, module(x), x=x)


def attention(itself):
    module, x = drawn(nn.MultiheadAttention(H, HEADS, batch_first=True)), leaf(B, T, H)
    memory = x if itself else leaf(B, S, H)
    real = padding_mask(TARGET_LENGTHS, T) if itself else padding_mask(SOURCE_LENGTHS, S)
    masks = {"key_padding_mask": ~real, "attn_mask": CAUSAL if itself else None}
    y, weights = module(x, memory, memory, average_attn_weights=False, **masks)
    inputs = {"x": x, "real": real, **({} if itself else {"memory": memory})}
    return answers(module, y, **inputs) | {"weights": weights}


def stack(kind, layer, count):
    layer = layer(H, HEADS, 4 * H, dropout=0.0, norm_first=True, batch_first=True)
    extra = {"enable_nested_tensor": False} if kind is nn.TransformerEncoder else {}
    return kind(layer, count, nn.LayerNorm(H), **extra)


def encoder_stack(count):
    return stack(nn.TransformerEncoder, nn.TransformerEncoderLayer, count)


def decoder_stack(count):
    return stack(nn.TransformerDecoder, nn.TransformerDecoderLayer, count)


def encoder():
    module, x, real = drawn(encoder_stack(1)), leaf(B, S, H), padding_mask(SOURCE_LENGTHS, S)
    return answers(module, module(x, src_key_padding_mask=~real), real, x=x, real=real)


def decoder():
    module, x, memory = drawn(decoder_stack(1)), leaf(B, T, H), leaf(B, S, H)
    real = padding_mask(SOURCE_LENGTHS, S)
    y = module(x, memory, tgt_mask=CAUSAL, memory_key_padding_mask=~real)
    return answers(module, y, x=x, memory=memory, real=real)


def positions(length):
    """Section 3.5: sines in the even columns, cosines in the odd ones."""
    angle = [[t / 10000 ** (2 * (j // 2) / H) for j in range(H)] for t in range(length)]
    return torch.tensor([[(math.cos if j % 2 else math.sin)(a) for j, a in enumerate(row)] for row in angle])


class Transformer(nn.Module):
    """Vaswani et al. (2017), but the norm stands before each sublayer, and three matrices are not shared."""

    def __init__(self):
        super().__init__()
        self.source_embedding, self.target_embedding = nn.Embedding(U, H), nn.Embedding(V, H)
        self.encoder, self.decoder = encoder_stack(LAYERS), decoder_stack(LAYERS)
        self.output = nn.Linear(H, V)

    def forward(self, source, inputs):
        padded = ~padding_mask(SOURCE_LENGTHS, S)
        x = self.source_embedding(source) * math.sqrt(H) + positions(S)
        memory = self.encoder(x, src_key_padding_mask=padded)
        y = self.target_embedding(inputs) * math.sqrt(H) + positions(T)
        return self.output(self.decoder(y, memory, tgt_mask=CAUSAL, memory_key_padding_mask=padded))


def model():
    """Logits, loss and gradients; then ten steps of Adam: the loss before each, and the last parameters."""
    transformer, batch = drawn(Transformer()), random_batch()
    source, _, inputs, targets, _ = batch
    found = {"state_dict": {name: p.clone() for name, p in transformer.state_dict().items()}}
    trained = [p for p in transformer.parameters() if p.requires_grad]
    adam, losses = torch.optim.Adam(trained, lr=0.01, betas=(0.9, 0.98), eps=1e-9), []
    for _ in range(10):
        adam.zero_grad()
        logits = transformer(source, inputs)
        losses.append(loss_of(logits, targets))
        losses[-1].backward()
        found = {"logits": logits, "grads": gradients(transformer), **found}  # those of the first step stay
        adam.step()
    losses = torch.stack(losses)
    return found | {"batch": dict(enumerate(batch)), "losses": losses, "trained": transformer.state_dict()}


def main():
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    save("transformer", {
        "layer_norm": layer_norm(),
        "attention": {"self": attention(True), "cross": attention(False)},
        "encoder": encoder(),
        "decoder": decoder(),
        "model": model(),
    })  # fmt: skip


if __name__ == "__main__":
    main()
