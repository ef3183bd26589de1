"""Shamir's secret sharing: a number cut into parts, any ``threshold`` of which give it back.

The secret is the height at x = 0 of a random curve of degree threshold - 1 over a prime field; the
parts are its heights at x = 1, 2, ... Fewer parts than the threshold fit every secret equally well
(Shamir, Communications of the ACM 1979;22:612).
"""

from collections.abc import Mapping

import numpy as np

PRIME = 2**521 - 1  # a Mersenne prime, larger than any seed or key that is shared here


def split(secret: int, parts: int, threshold: int, random: np.random.Generator) -> dict[int, int]:
    """Parts 1..parts of a secret in 0..PRIME-1. Raises ValueError for an impossible threshold."""
    if not 0 <= secret < PRIME:
        raise ValueError("A secret must be a whole number from 0 to 2^521 - 2.")
    if not 1 <= threshold <= parts:
        raise ValueError(f"{threshold} of {parts} parts is not possible.")
    curve = [secret, *(random_number(random) for _ in range(threshold - 1))]
    return {x: _height(curve, x) for x in range(1, parts + 1)}


def join(parts: Mapping[int, int]) -> int:
    """The secret from at least ``threshold`` parts {x: height}; from fewer, some other number."""
    if not parts:
        raise ValueError("Without parts there is no secret.")
    secret = 0
    for x, height in parts.items():
        above, below = 1, 1
        for other in parts:
            if other != x:
                above = above * -other % PRIME
                below = below * (x - other) % PRIME
        secret = (secret + height * above * pow(below, -1, PRIME)) % PRIME
    return secret


def random_number(random: np.random.Generator, below: int = PRIME) -> int:
    """A whole number from 0 to below - 1; 64 spare bits make all of them equally likely."""
    return int.from_bytes(random.bytes(below.bit_length() // 8 + 9), "big") % below


def _height(curve: list[int], x: int) -> int:
    value = 0
    for coefficient in reversed(curve):
        value = (value * x + coefficient) % PRIME
    return value
