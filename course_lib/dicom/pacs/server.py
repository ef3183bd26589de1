"""The archive's door to the DICOM network: who may call, by which name, from where."""

import threading
from collections.abc import Mapping
from functools import partial
from socketserver import TCPServer

from pynetdicom import AE, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    PatientRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelGet,
    PatientRootQueryRetrieveInformationModelMove,
    StorageCommitmentPushModel,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)
from pynetdicom.transport import ThreadedAssociationServer

from course_lib.dicom.pacs import commitment, network, services
from course_lib.dicom.pacs.archive import Archive
from course_lib.dicom.pacs.network import Node
from course_lib.dicom.pacs.statuses import SUCCESS
from course_lib.dicom.pacs.store_lane import accepted, on_store_lane

SERVICES = [
    Verification,
    PatientRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelMove,
    StudyRootQueryRetrieveInformationModelMove,
    PatientRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelGet,
    StorageCommitmentPushModel,
]
LOOK_EVERY_S = 0.05  # whether it was told to stop
UNIT_BYTES = 1 << 17  # of one message on the wire: large images come in few pieces


class PromptServer(ThreadedAssociationServer):
    """pynetdicom's server, which here stops within the blink of an eye."""

    def shutdown(self) -> None:
        """Take no more callers, and give the port back."""
        TCPServer.shutdown(self)
        self.server_close()

    def service_actions(self) -> None:
        """Nothing: collecting garbage at every look would cost more than it brings."""


class DicomServer:
    """An `Archive` on the DICOM network, in threads of its own; stop it, or use ``with``.

    Args:
        archive: where objects are kept. It is not closed with the server.
        ae_title: the name by which it must be called; other names are refused.
        port: 0 takes a free one.
        destinations: AE title -> Node, the only places to which C-MOVE sends.
        callers: AE titles that may call; empty for anyone.
        host: this computer's own address. Any other needs `public`.
        associations: how many callers are served at a time; further ones are refused, not queued.
        timeout_s: a silent caller is dropped after this time.

    Raises:
        ValueError: `host` can be reached from outside and `public` is not set.
        OSError: the port is taken.
    """

    def __init__(
        self,
        archive: Archive,
        ae_title: str = "ARCHIVE",
        port: int = 0,
        destinations: Mapping[str, Node] | None = None,
        callers: tuple[str, ...] = (),
        host: str = "127.0.0.1",
        public: bool = False,
        associations: int = 10,
        timeout_s: float = 60,
    ) -> None:
        if not public:
            network.require_loopback(host)
        self.archive = archive
        self.destinations = dict(destinations or {})
        entity = AE(ae_title)
        entity.require_called_aet = True
        entity.require_calling_aet = list(callers)
        entity.maximum_associations = associations
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = timeout_s
        entity.maximum_pdu_size = UNIT_BYTES
        entity.supported_contexts = network.storage_contexts()
        for context in entity.supported_contexts:
            context.scu_role, context.scp_role = True, True  # in C-GET the caller receives
        for service in SERVICES:
            entity.add_supported_context(service, network.PLAIN)
        self.server = entity.make_server(
            (host, port), evt_handlers=self._handlers(), server_class=PromptServer
        )
        self._thread = threading.Thread(
            target=self.server.serve_forever, args=(LOOK_EVERY_S,), daemon=True
        )
        self._thread.start()
        self.node = Node(ae_title, self.server.server_address[1], host)

    def __enter__(self) -> "DicomServer":
        return self

    def __exit__(self, *_error) -> None:
        self.stop()

    def stop(self) -> None:
        """End all conversations and give the port back."""
        self.server.shutdown()
        self._thread.join()
        for association in list(self.server.active_associations):
            association.abort()

    def _handlers(self) -> list[tuple]:
        handlers: list[tuple] = [
            (evt.EVT_C_ECHO, lambda event: SUCCESS),
            (evt.EVT_C_STORE, services.store, [self.archive]),
            (evt.EVT_C_FIND, services.find, [self.archive]),
            (evt.EVT_C_MOVE, services.move, [self.archive, self.destinations]),
            (evt.EVT_C_GET, services.get, [self.archive]),
            (evt.EVT_N_ACTION, commitment.requested, [self.archive, self.destinations]),
        ]
        lane = (evt.EVT_CONN_OPEN, on_store_lane, [partial(services.keep, self.archive)])
        return [*network.QUICK, lane, (evt.EVT_PDU_SENT, accepted), *handlers]
