"""The server learns the sum of all updates, and nothing about any one of them.

Bonawitz 2017 (CCS, doi:10.1145/3133956.3133982) in outline. Each pair of hospitals agrees on a
secret; from it both make the same row of random numbers, which one adds and the other subtracts.
Each adds a row of its own as well. Parts of all secrets lie with the other hospitals (Shamir), so
that the sum of those who answered can still be had when somebody does not.

Left out: signatures, the encryption of the parts on their way, and protection against a server that
lies about who dropped out. Keys come from a seeded generator so that lessons repeat; a hospital
takes them from its operating system (module ``secrets``).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from course_lib.federated.client import Update
from course_lib.federated.privacy.secret_sharing import join, random_number, split
from course_lib.federated.server import Aggregate, State, TooFewAnswers
from course_lib.federated.weights import Weights, as_vector, from_vector

Words = NDArray[np.uint64]
BITS = 32  # behind the binary point: steps of 2e-10
LIMIT = 2.0**23  # so that 256 hospitals cannot overflow 64 bits

# Diffie-Hellman group 14 of RFC 3526: a prime of 2048 bits, with the generator 2.
GROUP = int(
    "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08"
    "798e3404ddef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637"
    "ed6b0bff5cb6f406b7edee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf0598"
    "da48361c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb9ed529077096966d670c354e"
    "4abc9804f1746c08ca18217c32905e462e36ce3be39e772c180e86039b2783a2ec07a28fb5c55df06f4c52"
    "c9de2bcbf6955817183995497cea956ae515d2261898fa051015728e5a8aacaa68ffffffffffffffff",
    16,
)


class Keys(NamedTuple):
    """private: kept, and cut into parts for the others; public: told to everyone."""

    private: int
    public: int


class SecureSum(NamedTuple):
    """total: the sum of those who answered. masked: all that the server saw of each, (P,) words."""

    total: NDArray[np.float64]
    masked: dict[str, Words]


def new_keys(random: np.random.Generator) -> Keys:
    """A pair of keys: the public one is 2^private in the group, which nobody can undo."""
    private = random_number(random, 2**256)
    return Keys(private, pow(2, private, GROUP))


def common_secret(private: int, other_public: int) -> bytes:
    """What two hospitals both know and nobody else: (2^a)^b = (2^b)^a (Diffie-Hellman)."""
    together = pow(other_public, private, GROUP)
    return hashlib.sha256(together.to_bytes(256, "big")).digest()


def random_words(secret: bytes, count: int) -> Words:
    """count numbers of 64 bits that only who knows the secret can tell from chance (SHAKE-256)."""
    return np.frombuffer(hashlib.shake_256(secret).digest(8 * count), dtype="<u8").astype(np.uint64)


def to_words(values: ArrayLike) -> Words:
    """Real numbers as whole ones modulo 2^64, in steps of 2^-32: their sums are exact.

    Raises ValueError for numbers that are not finite or reach 2^23.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if not np.isfinite(numbers).all() or (np.abs(numbers) >= LIMIT).any():
        raise ValueError("Secure aggregation takes finite numbers below 2^23 in size.")
    return np.round(numbers * 2.0**BITS).astype(np.int64).astype(np.uint64)


def from_words(words: Words) -> NDArray[np.float64]:
    """The reverse; the upper half of the words stands for negative numbers."""
    return words.astype(np.int64).astype(np.float64) / 2.0**BITS


def masked(values: ArrayLike, me: int, private: int, publics: Mapping[int, int], own: int) -> Words:
    """What hospital ``me`` sends: its numbers, plus its own row, plus or minus one row per pair.

    publics: number of each hospital -> public key; own: the secret of its own row.
    """
    words = to_words(values)
    others = {k: key for k, key in publics.items() if k != me}
    return words + own_mask(own, len(words)) + pair_masks(me, private, others, len(words))


def own_mask(own: int, count: int) -> Words:
    """A hospital's own row (count,)."""
    return random_words(own.to_bytes(66, "big"), count)


def pair_masks(me: int, private: int, others: Mapping[int, int], count: int) -> Words:
    """The sum of a hospital's rows with others: added towards higher numbers, else subtracted."""
    total = np.zeros(count, dtype=np.uint64)
    for number, public in others.items():
        row = random_words(common_secret(private, public), count)
        total = total + row if me < number else total - row
    return total


def secure_sum(
    values: Mapping[str, ArrayLike | None], threshold: int, random: np.random.Generator
) -> SecureSum:
    """Run the protocol: the sum of the rows (P,) of all hospitals that answered.

    values: None for a hospital that exchanged keys and then fell silent. threshold: parts that
    bring a secret back, at least more than half, else a server could ask two halves for two
    secrets. Raises TooFewAnswers if fewer hospitals answered.
    """
    names = list(values)
    if not len(names) / 2 < threshold <= len(names):
        raise ValueError(f"The threshold must be above half of {len(names)} and at most all.")
    number = {name: k for k, name in enumerate(names, start=1)}
    keys = {number[name]: new_keys(random) for name in names}
    own = {k: random_number(random, 2**256) for k in keys}
    private_parts = {k: split(keys[k].private, len(names), threshold, random) for k in keys}
    own_parts = {k: split(own[k], len(names), threshold, random) for k in keys}
    publics = {k: pair.public for k, pair in keys.items()}
    sent = {
        name: masked(row, number[name], keys[number[name]].private, publics, own[number[name]])
        for name, row in values.items()
        if row is not None
    }
    if len(sent) < threshold:
        raise TooFewAnswers(f"{len(sent)} hospitals answered; to unmask the sum takes {threshold}.")
    here = [number[name] for name in sent]
    helpers = here[:threshold]  # only survivors can tell their parts
    total = _sum(sent.values())
    for k in here:
        total = total - own_mask(_told(own_parts[k], helpers), len(total))
    for k in set(keys) - set(here):
        left = {one: publics[one] for one in here}
        total = total + pair_masks(k, _told(private_parts[k], helpers), left, len(total))
    return SecureSum(from_words(total), sent)


def secure_fedavg(
    threshold: int, random: np.random.Generator, asked: Sequence[str] = ()
) -> Aggregate:
    """``server.fedavg`` by a server that sees only masked numbers.

    Every hospital sends N_k * w_k and N_k. asked: names that exchanged keys; who is missing among
    the updates has fallen silent. Such a server cannot screen single updates (``robust``) either.
    """

    def aggregate(
        weights: Weights, updates: Sequence[Update], state: State
    ) -> tuple[Weights, State]:
        rows: dict[str, NDArray | None] = dict.fromkeys(asked)
        for update in updates:
            row = update.cases * as_vector(update.weights).double().numpy()
            rows[update.name] = np.append(row, update.cases)
        total = secure_sum(rows, threshold, random).total
        return from_vector(torch.from_numpy(total[:-1] / total[-1]), weights), state

    return aggregate


def _told(parts: Mapping[int, int], helpers: Sequence[int]) -> int:
    return join({k: parts[k] for k in helpers})


def _sum(rows: Iterable[Words]) -> Words:
    return np.sum(list(rows), axis=0, dtype=np.uint64)
