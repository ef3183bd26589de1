"""Many files in one web message (multipart), and which kinds a caller accepts (RFC 2046, 7231)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message

# Any string that cannot be part of a DICOM file by chance.
BOUNDARY = "9c1f0f5be08c4d2fa39d8e1b5c7a64d3"


class BadMessage(ValueError):
    """A web message that does not follow its own rules, with the reason in one sentence."""


@dataclass(frozen=True)
class Media:
    """A media type with its parameters, such as ``multipart/related; type="application/dicom"``.

    inner: what a multipart message carries; the type itself for anything else.
    """

    name: str
    parameters: dict[str, str]

    @property
    def inner(self) -> str:
        """The type of the parts of a multipart message, or of the message."""
        if self.name == "multipart/related":
            return self.parameters.get("type", "*/*").lower()
        return self.name


def media(text: str) -> Media:
    """Parse one media type."""
    message = Message()
    message["content-type"] = text
    given = message.get_params() or []
    parameters = {str(name).lower(): str(value) for name, value in given[1:]}
    return Media(str(given[0][0]).lower() if given else "", parameters)


def accepted(header: str) -> list[Media]:
    """The media types of an Accept header, the most wanted first; ``*/*`` if it is empty."""
    parts = re.findall(r'(?:[^,"]|"[^"]*")+', header) or ["*/*"]
    found = [media(part.strip()) for part in parts if part.strip()]
    return sorted(found or [media("*/*")], key=_quality, reverse=True)  # stable: order counts


def _quality(wanted: Media) -> float:
    try:
        return float(wanted.parameters.get("q", "1"))
    except ValueError:
        return 0.0


def part(content: bytes, kind: str) -> bytes:
    """One part of a multipart message, its opening line included."""
    return f"\r\n--{BOUNDARY}\r\nContent-Type: {kind}\r\n\r\n".encode() + content


def ending() -> bytes:
    """The line that closes a multipart message; without it the message was cut off."""
    return f"\r\n--{BOUNDARY}--\r\n".encode()


def multipart_type(kind: str) -> str:
    """Content-Type of a message whose parts are of `kind`."""
    return f'multipart/related; type="{kind}"; boundary={BOUNDARY}'


def joined(contents: Iterable[bytes], kind: str) -> bytes:
    """A whole multipart message."""
    return b"".join(part(content, kind) for content in contents) + ending()


def parts(body: bytes, boundary: str) -> list[tuple[str, bytes]]:
    """(Content-Type, content) of each part of a multipart message.

    Raises:
        BadMessage: the closing line is missing (the message was cut off), or a part has no header.
    """
    sections = (b"\r\n" + body).split(b"\r\n--" + boundary.encode())
    if len(sections) < 2 or not sections[-1].startswith(b"--"):
        raise BadMessage("The message ends before its closing boundary: it was cut off.")
    found = []
    for section in sections[1:-1]:
        header, blank_line, content = section.partition(b"\r\n\r\n")
        if not blank_line:
            raise BadMessage("A part of the message has no blank line after its header.")
        kind = re.search(rb"(?im)^content-type:\s*(.+?)\s*$", header)
        found.append((kind.group(1).decode("latin-1") if kind else "", content))
    return found
