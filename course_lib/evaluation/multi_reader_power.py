"""How many readers and cases does a reader study need? From a pilot, before the study.

Hillis, Obuchowski and Berbaum, Acad Radiol 2011;18:129: the errors of the AUCs shrink with the
number of cases, what readers differ in does not; so beyond some point only more readers help.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import f, ncf

from course_lib.evaluation.multi_reader import ErrorCovariances, ReaderStudy


@dataclass(frozen=True)
class Pilot:
    """What planning needs from a pilot of two methods: covariances for ``cases`` cases."""

    cases: int
    covariances: ErrorCovariances
    reader_method: float
    """Variance between readers of what they gain (half that of the difference), without error."""


def pilot_of(study: ReaderStudy, cases: int) -> Pilot:
    """Planning figures of an analysed study with that many cases."""
    c = study.covariances
    noise = c.error - c.cov1 - max(c.cov2 - c.cov3, 0.0)
    return Pilot(cases, c, max(study.ms_interaction - noise, 0.0))


def power_of_study(
    pilot: Pilot, difference: float, readers: int, cases: int, alpha: float = 0.05
) -> float:
    """Power to show a true ``difference`` of two mean AUCs, for other readers and other cases.

    The future cases are mixed as in the pilot. Raises ValueError for fewer than 2 readers.
    """
    if readers < 2 or cases < 1:
        raise ValueError("Planning needs at least 2 readers and a case.")
    c, share = pilot.covariances, pilot.cases / cases
    shared = max(c.cov2 - c.cov3, 0.0) * share
    interaction = pilot.reader_method + max((c.error - c.cov1) * share - shared, 0.0)
    noise = interaction + readers * shared
    if difference == 0:
        return alpha  # nothing to find: only false alarms
    if noise == 0:
        return 1.0
    df2 = noise**2 / (interaction**2 / (readers - 1)) if interaction > 0 else np.inf
    df2 = min(float(df2), 1e6)  # beyond that F no longer changes, and its series gets slow
    centre = readers * difference**2 / (2 * noise)
    return float(ncf.sf(f.isf(alpha, 1, df2), 1, df2, centre))
