"""The archive's door to the web (DICOMweb): search, fetch and store over HTTP (PS3.18)."""

import asyncio
import logging
import threading

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from course_lib.dicom.pacs import network
from course_lib.dicom.pacs.archive import Archive
from course_lib.dicom.pacs.web_base import ROOT, Nothing
from course_lib.dicom.pacs.web_retrieve import RETRIEVE
from course_lib.dicom.pacs.web_search import SEARCH
from course_lib.dicom.pacs.web_store import STORE
from course_lib.dicom.pacs.web_uri import WADO_URI

LOG = logging.getLogger(__name__)
MOST_BYTES_SENT = 1 << 30  # of one request


class WebServer:
    """An `Archive` on the web, in a thread of its own; stop it, or use ``with``.

    Args:
        archive: it is not closed with the server.
        port: 0 takes a free one.
        host: this computer's own address. Any other needs `public`.

    Raises:
        ValueError: `host` can be reached from outside and `public` is not set.
        OSError: the port is taken.
    """

    def __init__(
        self, archive: Archive, port: int = 0, host: str = "127.0.0.1", public: bool = False
    ) -> None:
        if not public:
            network.require_loopback(host)
        sockets = bind_sockets(port, host)
        self.address = f"http://{host}:{sockets[0].getsockname()[1]}"
        self.web_url, self.wado_url = self.address + ROOT, self.address + "/wado"
        self._application = Application(
            [*STORE, *SEARCH, *RETRIEVE, *WADO_URI],
            default_handler_class=Nothing,
            archive=archive,
            address=self.address,
            any_host=public,
            log_function=lambda handler: None,
        )
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._thread = threading.Thread(target=self._run, args=(sockets,), daemon=True)
        self._thread.start()

    def __enter__(self) -> "WebServer":
        return self

    def __exit__(self, *_error) -> None:
        self.stop()

    def stop(self) -> None:
        """Close all connections and give the port back."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join(5)

    def _run(self, sockets: list) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve(sockets))
        self._loop.close()

    async def _serve(self, sockets: list) -> None:
        server = HTTPServer(
            self._application, max_body_size=MOST_BYTES_SENT, max_buffer_size=MOST_BYTES_SENT
        )
        server.add_sockets(sockets)
        await self._stopped.wait()
        server.stop()
        await server.close_all_connections()
