"""Replacements that are always the same for the same original, and betray nothing without the key.

A plain hash is not enough: whoever knows how patient numbers look can hash all of them and compare.
A keyed hash (HMAC, RFC 2104) cannot be tried out without the key. Keep the key and studies that are
de-identified next year still fall together with today's; destroy it and nobody can go back.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from datetime import date, timedelta

STANDARD_UIDS = "1.2.840.10008."  # defined by DICOM itself: classes, syntaxes; they name no one


class Pseudonyms:
    """Replacements of patient numbers, UIDs and dates under one secret key."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise ValueError("A key needs at least 16 random bytes; make one with os.urandom(32).")
        self._key = key

    def _secret(self, kind: str, value: str) -> bytes:
        """32 bytes that depend on the key, the kind of value and the value."""
        return hmac.new(self._key, f"{kind}\x1f{value}".encode(), hashlib.sha256).digest()

    def patient(self, patient_id: str) -> str:
        """A patient's pseudonym, such as S3F9A2C7B11D0 (48 bits: no collision in practice)."""
        return f"S{self._secret('patient', patient_id)[:6].hex().upper()}"

    def uid(self, old: str) -> str:
        """Another UID for this one; UIDs that DICOM itself defines stay."""
        if not old or old.startswith(STANDARD_UIDS):
            return old
        return f"2.25.{uuid.UUID(bytes=self._secret('uid', old)[:16], version=4).int}"

    def weeks(self, patient_id: str) -> int:
        """How many weeks this patient's dates move back: 52 to 571, the same for all studies.

        Whole weeks keep intervals and days of the week; nothing else of the calendar is left.
        """
        return 52 + int.from_bytes(self._secret("dates", patient_id)[:4], "big") % 520

    def date(self, old: date, patient_id: str) -> date:
        """The date moved back by the patient's number of weeks."""
        return old - timedelta(weeks=self.weeks(patient_id))
