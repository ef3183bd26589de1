"""What both ends of a DICOM conversation need: addresses, contexts, quick sockets, errors."""

import ipaddress
import socket
from dataclasses import dataclass

from pydicom.uid import (
    JPEG2000,
    UID,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)
from pynetdicom import AllStoragePresentationContexts, evt
from pynetdicom.presentation import PresentationContext, build_context

PLAIN: list[str | UID] = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
COMPRESSED: list[str | UID] = [
    RLELossless, JPEGLossless, JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless,
    JPEGBaseline8Bit, JPEGLSNearLossless, JPEG2000,
]  # fmt: skip
STORAGE_CLASSES = [str(context.abstract_syntax) for context in AllStoragePresentationContexts]
MOST_CONTEXTS = 128  # their numbers are the odd ones up to 255 (PS3.8, 9.3.2.2)


class PacsError(RuntimeError):
    """A request that the other side refused or did not answer, with the reason in one sentence.

    status: the DICOM status that came back, or None if the conversation ended before one came.
    """

    def __init__(self, reason: str, status: int | None = None) -> None:
        self.status = status
        super().__init__(reason)


@dataclass(frozen=True)
class Node:
    """A program on the DICOM network: its name (AE title, at most 16 characters) and address."""

    ae_title: str
    port: int
    host: str = "127.0.0.1"

    def __str__(self) -> str:
        return f"{self.ae_title} at {self.host}:{self.port}"


def free_port(host: str = "127.0.0.1") -> int:
    """A port on which nobody listens at the moment."""
    with socket.create_server((host, 0)) as taken:
        return taken.getsockname()[1]


def require_loopback(host: str) -> None:
    """Raise ValueError unless `host` is this computer's own address, which no other can reach."""
    try:
        own = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        own = False
    if not own:
        raise ValueError(
            f"An archive on {host} could be reached from outside, and DICOM asks for no password. "
            "Use 127.0.0.1, or say public=True if you mean it."
        )


def storage_contexts() -> list[PresentationContext]:
    """Every storage class in every encoding that the archive keeps: what a receiver accepts."""
    return [build_context(name, PLAIN + COMPRESSED) for name in STORAGE_CLASSES]


def contexts_for(objects: set[tuple[str, str]]) -> list[PresentationContext]:
    """What a sender proposes for (SOP class, transfer syntax) pairs.

    Plain objects can be sent in either plain encoding; a compressed one only as it is, and so it
    has a proposal of its own.

    Raises:
        PacsError: more than 128 proposals; send the objects in several parts.
    """
    compressed = [(name, syntax) for name, syntax in objects if UID(syntax).is_compressed]
    plain = {name for name, syntax in objects if not UID(syntax).is_compressed}
    contexts = [build_context(name, PLAIN) for name in sorted(plain)]
    contexts += [build_context(name, syntax) for name, syntax in sorted(compressed)]
    if len(contexts) > MOST_CONTEXTS:
        reason = f"An association has room for {MOST_CONTEXTS} kinds of objects, not for"
        raise PacsError(f"{reason} {len(contexts)}; send them in several parts.")
    return contexts


def quick(event: evt.Event) -> None:
    """On a new connection: send small messages at once instead of collecting them.

    Without this each image waits about 40 ms for an acknowledgement (Nagle's algorithm on one side,
    delayed acknowledgements on the other).
    """
    connection = event.assoc.dul.socket
    if connection and connection.socket:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def acknowledge(event: evt.Event) -> None:
    """On every message: confirm at once, so that a sender that collects is not kept waiting."""
    connection = event.assoc.dul.socket
    if hasattr(socket, "TCP_QUICKACK") and connection and connection.socket:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


QUICK: list[tuple] = [(evt.EVT_CONN_OPEN, quick), (evt.EVT_DATA_RECV, acknowledge)]
