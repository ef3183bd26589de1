"""Opening a conversation as a client, and what its answers mean."""

import contextlib
from collections.abc import Iterable, Iterator

from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext, build_role

from course_lib.dicom.pacs.network import QUICK, Node, PacsError

TIMEOUT_S = 30
PENDING = (0xFF00, 0xFF01)
SOME_FAILED = 0xB000


@contextlib.contextmanager
def associate(
    node: Node,
    contexts: list[PresentationContext],
    calling: str,
    roles: Iterable[str] = (),
    handlers: Iterable[tuple] = (),
) -> Iterator[Association]:
    """An open association; released at the end, aborted if the block fails.

    Args:
        roles: SOP classes of which this side receives objects (needed for C-GET).

    Raises:
        PacsError: nobody listens, a name is wrong, or no context was accepted.
    """
    entity = AE(calling)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = TIMEOUT_S
    entity.connection_timeout = 5
    association = entity.associate(
        node.host,
        node.port,
        contexts=contexts,
        ae_title=node.ae_title,
        ext_neg=[build_role(name, scp_role=True) for name in roles],
        evt_handlers=[*QUICK, *handlers],
    )
    if not association.is_established:
        raise PacsError(_why_refused(association, node, calling))
    try:
        yield association
    except BaseException:
        association.abort()
        raise
    association.release()


def _why_refused(association: Association, node: Node, calling: str) -> str:
    answer = association.acceptor.primitive
    if association.is_rejected and answer is not None:
        return f"{node} refused {calling}: {answer.reason_str.lower().rstrip('.')}."
    if association.is_aborted and association.rejected_contexts:
        return f"{node} accepts none of the proposed services or kinds of objects."
    return f"Nobody answers as {node}: is it running, and is the port right?"


def pending(status: Dataset, what: str, partly: bool = False) -> bool:
    """True while more is to come, False at the end; PacsError for a refusal.

    With `partly` an end at which some objects failed (0xB000) is accepted; the caller counts.
    """
    if status.get("Status") in PENDING:
        return True
    if not (partly and status.get("Status") == SOME_FAILED):
        require_success(status, what)
    return False


def require_success(answer: Dataset, what: str) -> None:
    """PacsError with the status and its comment unless the answer is a success."""
    if "Status" not in answer:
        raise PacsError(f"The connection broke during the {what}.")
    if answer.Status != 0x0000:
        comment = f" ({answer.ErrorComment})" if answer.get("ErrorComment") else ""
        raise PacsError(
            f"The {what} ended with status 0x{answer.Status:04X}{comment}.", answer.Status
        )
