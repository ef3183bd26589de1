"""Refuse, in this Python, every connection to another computer (see ``network.py``).

Run at the start of a Python whose environment asks for it, also in every notebook's kernel.
"""


def _refuse_network() -> None:
    import socket
    import sys

    own = {"localhost", "0.0.0.0", "::", "", socket.gethostname()}

    def is_here(host: object) -> bool:
        name = host.decode() if isinstance(host, bytes) else host
        return name is None or (
            isinstance(name, str) and (name in own or name.startswith(("127.", "::1")))
        )

    def look(event: str, values: tuple) -> None:
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            address = values[1]
            # A path is a local socket; no address means that it is connected already.
            host = address[0] if isinstance(address, tuple) else None
        elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
            host = values[0]
        else:
            return
        if not is_here(host):
            raise OSError(f"The network is cut for this run; refused to reach {host!r}.")

    sys.addaudithook(look)


_refuse_network()
