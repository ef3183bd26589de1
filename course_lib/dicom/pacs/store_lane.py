"""The quick lane: receives objects on associations that were opened for nothing but storing.

pynetdicom negotiates and then hands over. What follows is so plain that it fits on a page, and one
thread that waits for bytes is several times quicker than a general machine that looks every
millisecond whether something has happened. On the wire (PS3.8, 9.3; PS3.7, 9.3.1):

    sender    P-DATA  command: "C-STORE, message 7, class ..., instance ..."
              P-DATA  data set, in as many pieces as the receiver's buffer asks for
    receiver  P-DATA  command: "answer to message 7: success"
              ...
    sender    RELEASE-RQ
    receiver  RELEASE-RP
"""

import contextlib
import io
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.pdu import A_ASSOCIATE_AC

from course_lib.dicom.pacs.network import STORAGE_CLASSES

STORAGE = frozenset(STORAGE_CLASSES)
P_DATA, RELEASE_RQ, RELEASE_RP, ABORT = 4, 5, 6, 7
C_STORE_RQ, C_STORE_RSP = 0x0001, 0x8001
IS_COMMAND, IS_LAST = 1, 2
NO_DATA_SET = 0x0101
MOST_BYTES = 1 << 32  # of one message; longer ones end the association
MOST_UNIT_BYTES = 1 << 20  # of one unit; the server agrees to an eighth of it
SOP_CLASS, COMMAND, MESSAGE_ID, ANSWERED_ID = 0x0002, 0x0100, 0x0110, 0x0120
DATA_SET_TYPE, STATUS, COMMENT, SOP_INSTANCE = 0x0800, 0x0900, 0x0902, 0x1000

# Keeps one object (sop_class, sop_instance, transfer_syntax, data set); gives status and comment.
Keep = Callable[[str, str, str, bytes], tuple[int, str]]


class Broken(ConnectionError):
    """The other side broke the rules or went away in the middle of a message."""


@dataclass
class Message:
    """The pieces of one message as they come in."""

    command: io.BytesIO = field(default_factory=io.BytesIO)
    data: io.BytesIO = field(default_factory=io.BytesIO)
    fields: dict[int, bytes] = field(default_factory=dict)


class StoreLane(Association):
    """An association that serves itself once it turns out to be for storing only."""

    keep: Keep

    def _run_reactor(self) -> None:
        if not self.only_stores():
            super()._run_reactor()
            return
        connection = self._take_over()
        contexts = self.accepted_contexts
        syntaxes = {c.context_id or 0: str(c.transfer_syntax[0]) for c in contexts}
        try:
            released = receive_objects(connection, syntaxes, self.keep)
        except (OSError, struct.error, KeyError):
            released = False
            _abort(connection)
        self.is_established = False
        self.is_released, self.is_aborted = released, not released
        evt.trigger(self, evt.EVT_RELEASED if released else evt.EVT_ABORTED, {})
        self.kill()

    def only_stores(self) -> bool:
        """True if nothing but storing was agreed on."""
        classes = {str(context.abstract_syntax) for context in self.accepted_contexts}
        return bool(classes) and classes <= STORAGE

    def _take_over(self) -> socket.socket:
        """The socket, once pynetdicom's own reader has stopped (see `accepted`)."""
        self.dul.join()
        assert self.dul.socket is not None and self.dul.socket.socket is not None
        connection = self.dul.socket.socket
        connection.settimeout(self.network_timeout)
        return connection


def on_store_lane(event: evt.Event, keep: Keep) -> None:
    """On a new connection: let its association use the lane."""
    event.assoc.__class__ = StoreLane
    cast(StoreLane, event.assoc).keep = keep


def accepted(event: evt.Event) -> None:
    """After the answer to the caller went out: no byte more is for pynetdicom's reader."""
    if isinstance(event.pdu, A_ASSOCIATE_AC) and cast(StoreLane, event.assoc).only_stores():
        event.assoc.dul._kill_thread = True


def receive_objects(connection: socket.socket, syntaxes: dict[int, str], keep: Keep) -> bool:
    """Serve C-STORE until the sender releases (True) or aborts (False).

    Raises:
        Broken: the sender went away or sent something else.
    """
    message = Message()
    with connection.makefile("rb", buffering=1 << 16) as stream:
        while True:
            kind, body = _next_unit(cast(BinaryIO, stream), connection)
            if kind == RELEASE_RQ:
                connection.sendall(struct.pack(">BxI4x", RELEASE_RP, 4))
                return True
            if kind == ABORT:
                return False
            if kind != P_DATA:
                raise Broken(f"unit of kind {kind} after negotiation")
            for context, flags, piece in _pieces(body):
                if _complete(message, flags, piece):
                    _answer(connection, context, syntaxes[context], message, keep)
                    message = Message()


def _next_unit(stream: BinaryIO, connection: socket.socket) -> tuple[int, bytes]:
    """Kind and body of the next protocol data unit."""
    header = stream.read(6)
    if hasattr(socket, "TCP_QUICKACK"):  # or a sender that collects waits for us: 40 ms each
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
    if len(header) < 6:
        raise Broken("the connection ended without a release")
    kind, length = struct.unpack(">BxI", header)
    if length > MOST_UNIT_BYTES:
        raise Broken("a unit longer than any that was agreed on")
    body = stream.read(length)
    if len(body) < length:
        raise Broken("the connection ended within a message")
    return kind, body


def _pieces(body: bytes):
    """(context, flags, content) of every presentation data value in a P-DATA unit."""
    at = 0
    while at < len(body):
        length, context, flags = struct.unpack_from(">IBB", body, at)
        if length < 2 or at + 4 + length > len(body):
            raise Broken("a piece that is longer than its unit")
        yield context, flags, body[at + 6 : at + 4 + length]
        at += 4 + length


def _complete(message: Message, flags: int, piece: bytes) -> bool:
    """Add a piece; True once command and data set are whole."""
    if message.data.tell() + len(piece) > MOST_BYTES:
        raise Broken("a message larger than any image")
    (message.command if flags & IS_COMMAND else message.data).write(piece)
    if not flags & IS_LAST:
        return False
    if flags & IS_COMMAND:
        message.fields = decode_command(message.command.getvalue())
        return _number(message.fields, DATA_SET_TYPE) == NO_DATA_SET
    return True


def _answer(
    connection: socket.socket, context: int, syntax: str, message: Message, keep: Keep
) -> None:
    fields = message.fields
    if _number(fields, COMMAND) != C_STORE_RQ or SOP_INSTANCE not in fields:
        raise Broken("not a request to store")
    sop_class, instance = (_text(fields, name) for name in (SOP_CLASS, SOP_INSTANCE))
    status, comment = keep(sop_class, instance, syntax, message.data.getvalue())
    answer = {
        SOP_CLASS: fields[SOP_CLASS],
        COMMAND: struct.pack("<H", C_STORE_RSP),
        ANSWERED_ID: fields[MESSAGE_ID],
        DATA_SET_TYPE: struct.pack("<H", NO_DATA_SET),
        STATUS: struct.pack("<H", status),
        COMMENT: comment.encode("ascii", "replace")[:64],
        SOP_INSTANCE: fields[SOP_INSTANCE],
    }
    content = encode_command({k: v for k, v in answer.items() if v})
    unit = struct.pack(">IBB", len(content) + 2, context, IS_COMMAND | IS_LAST) + content
    connection.sendall(struct.pack(">BxI", P_DATA, len(unit)) + unit)


def decode_command(content: bytes) -> dict[int, bytes]:
    """Element number -> value of a command set: group 0000, implicit little endian (PS3.7, 6.3)."""
    found, at = {}, 0
    while at < len(content):
        group, element, length = struct.unpack_from("<HHI", content, at)
        if group != 0 or at + 8 + length > len(content):
            raise Broken("a damaged command")
        found[element] = content[at + 8 : at + 8 + length]
        at += 8 + length
    return found


def encode_command(fields: dict[int, bytes]) -> bytes:
    """The opposite of `decode_command`: elements in order, even lengths, the total in front."""
    elements = b""
    for element, value in sorted(fields.items()):
        value += b"\0" * (len(value) % 2)
        elements += struct.pack("<HHI", 0, element, len(value)) + value
    return struct.pack("<HHII", 0, 0, 4, len(elements)) + elements


def _number(fields: dict[int, bytes], element: int) -> int:
    return struct.unpack("<H", fields[element])[0]


def _text(fields: dict[int, bytes], element: int) -> str:
    return fields[element].rstrip(b"\0 ").decode("ascii", "replace")


def _abort(connection: socket.socket) -> None:
    """Tell the sender that its association is over (A-ABORT by the service provider)."""
    with contextlib.suppress(OSError):  # it may have gone
        connection.sendall(struct.pack(">BxI2xBB", ABORT, 4, 2, 0))
