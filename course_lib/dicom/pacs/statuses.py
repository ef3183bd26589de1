"""The outcomes that the standard names, as numbers (PS3.4, annexes B and C; PS3.7, annex C)."""

from pydicom.dataset import Dataset

SUCCESS = 0x0000
PENDING, PENDING_SOME_KEYS_IGNORED = 0xFF00, 0xFF01
CANCELLED = 0xFE00
OUT_OF_RESOURCES = 0xA700
DOES_NOT_MATCH = 0xA900
CANNOT_UNDERSTAND = 0xC000
CLASH = 0xC111  # of the range "cannot understand"; ours for a UID that names another object


def refused(status: int, reason: str) -> Dataset:
    """A status with its reason in words (Error Comment, at most 64 characters), if there is one."""
    answer = Dataset()
    answer.Status = status
    if reason:
        answer.ErrorComment = reason.encode("ascii", "replace").decode()[:64]
    return answer
