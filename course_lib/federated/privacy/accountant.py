"""How much privacy noise has bought: epsilon, from Renyi differential privacy.

Rates, noise and steps in, epsilon out, for the Gaussian mechanism on random samples (Mironov 2019,
arXiv:1908.10530, section 3.3, whole orders) and the conversion of Canonne 2020 (arXiv:2004.00010,
proposition 12). The tests compare with Opacus.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaln, logsumexp

ORDERS = tuple(range(2, 65)) + (80, 96, 128, 192, 256, 512)


def renyi(noise: float, rate: float, order: int) -> float:
    """Renyi divergence of one step: how differently it can come out with and without one case.

    noise: standard deviation in units of the clipping norm; rate: chance of a case to be in the
    step; order: a whole number from 2. noise 0 gives infinity.
    """
    if noise < 0 or not 0 < rate <= 1 or order < 2:
        raise ValueError("noise >= 0, a rate above 0 up to 1 and a whole order from 2 are needed.")
    if noise == 0:
        return float("inf")
    if rate == 1:
        return order / (2 * noise**2)
    k = np.arange(order + 1)
    binomial = gammaln(order + 1) - gammaln(k + 1) - gammaln(order - k + 1)
    chances = binomial + k * np.log(rate) + (order - k) * np.log1p(-rate)
    return float(logsumexp(chances + (k * k - k) / (2 * noise**2)) / (order - 1))


def epsilon(
    noise: float, rate: float, steps: int, delta: float, orders: Sequence[int] = ORDERS
) -> float:
    """The epsilon of (epsilon, delta)-privacy after so many steps; the best of all orders."""
    if not 0 < delta < 1 or steps < 1:
        raise ValueError("delta must lie between 0 and 1, and there must be at least one step.")
    a = np.array(orders, dtype=float)
    spent = steps * np.array([renyi(noise, rate, order) for order in orders])
    values = spent + np.log1p(-1 / a) - (np.log(delta) + np.log(a)) / (a - 1)
    return float(max(0.0, values.min()))


def noise_for(wanted: float, rate: float, steps: int, delta: float) -> float:
    """The least noise whose epsilon is at most ``wanted``. ValueError if it lies above 1000."""
    if not wanted > 0:
        raise ValueError(f"epsilon must be above 0, not {wanted}.")
    if epsilon(1000.0, rate, steps, delta) > wanted:
        raise ValueError(f"No reasonable noise reaches an epsilon of {wanted}.")
    found = brentq(
        lambda log: epsilon(float(np.exp(log)), rate, steps, delta) - wanted,
        np.log(0.05), np.log(1000.0), xtol=1e-6,
    )  # fmt: skip
    return float(np.exp(found) * (1 + 1e-5))  # on the safe side
