"""Which letter comes next? The two-layer LSTM of federated learning's text benchmark.

Source: LEAF (Caldas 2018, arXiv:1812.01097), task Shakespeare: 80 characters in, the 81st out, 80
different characters; embedding of 8 numbers, two layers of 256 units.

Letters cannot be mixed, but shares of letters can: "0.9 a and 0.1 b" has the embedding
0.9 e(a) + 0.1 e(b), because an embedding is linear in the shares. So mixing shares is mixing
embedded vectors, exactly, and an average of shares stays right while the embedding learns.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# The 80 that LEAF knows, in its order.
CHARACTERS = "\n !\"&'(),-.0123456789:;>?ABCDEFGHIJKLMNOPQRSTUVWXYZ[]abcdefghijklmnopqrstuvwxyz}"


class CharLSTM(nn.Module):
    """Text to logits (B, vocabulary) of the next character; 819,920 weights as in LEAF.

    (PyTorch keeps two biases per gate where LEAF's TensorFlow keeps one: 2,048 more weights.)
    The layers are stepped one character at a time: the fused layer of PyTorch cannot tell how its
    output moves with its input (forward mode), which FedMix asks for.
    """

    def __init__(self, vocabulary: int = 80, embedding: int = 8, hidden: int = 256) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.lower = nn.LSTMCell(embedding, hidden)
        self.upper = nn.LSTMCell(hidden, hidden)
        self.output = nn.Linear(hidden, vocabulary)

    def forward(self, text: Tensor) -> Tensor:
        """Tokens (B, T) of integers, or shares of the characters (B, T, vocabulary)."""
        return self.from_embeddings(self.embed(text))

    def embed(self, text: Tensor) -> Tensor:
        """Embedded vectors (B, T, embedding); ValueError for another shape or unknown tokens."""
        known = self.embedding.num_embeddings
        if text.dim() == 2 and not text.is_floating_point():
            if text.numel() and not 0 <= int(text.min()) <= int(text.max()) < known:
                raise ValueError(f"Tokens must lie between 0 and {known - 1}.")
            return self.embedding(text)
        if text.dim() == 3 and text.shape[2] == known and text.is_floating_point():
            return text @ self.embedding.weight
        raise ValueError(
            f"Give tokens (batch, length) or shares (batch, length, {known}), not "
            f"{tuple(text.shape)} of {text.dtype}."
        )

    def from_embeddings(self, vectors: Tensor) -> Tensor:
        """Vectors (B, T, embedding) to logits (B, vocabulary), after the last character."""
        start = vectors.new_zeros(len(vectors), self.lower.hidden_size)
        below, above = (start, start), (start, start)
        for vector in vectors.unbind(1):
            below = self.lower(vector, below)
            above = self.upper(below[0], above)
        return self.output(above[0])


def tokens(text: str) -> Tensor:
    """The numbers (T,) of a text's characters; ValueError names a character LEAF does not know."""
    unknown = sorted(set(text) - set(CHARACTERS))
    if unknown:
        raise ValueError(f"The character {unknown[0]!r} is not among LEAF's {len(CHARACTERS)}.")
    return torch.tensor([CHARACTERS.index(letter) for letter in text], dtype=torch.long)


def shares_of(tokens: Tensor, vocabulary: int = 80) -> Tensor:
    """Tokens (B, T) as shares of the characters (B, T, vocabulary): all 0 but for one 1."""
    return F.one_hot(tokens, vocabulary).float()
