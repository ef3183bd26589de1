"""A real archive in place of ours: starts Orthanc, a free DICOM server, where it is installed.

Orthanc is a separate program under the GPL. It is given a folder, free ports and a configuration,
and is stopped by its process number when the lesson ends.
"""

import contextlib
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from course_lib.dicom.pacs.network import Node, PacsError, free_port

PLUGIN = "*OrthancDicomWeb.*"
PLUGIN_FOLDERS = (
    "/usr/share/orthanc/plugins",
    "/usr/lib/orthanc",
    "/usr/local/share/orthanc/plugins",
    "/opt/homebrew/share/orthanc/plugins",
    "C:/Program Files/Orthanc Server/Plugins",
)
START_S, STOP_S = 20, 10
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # past any proxy


class NotInstalled(RuntimeError):
    """Orthanc, or its plugin for web services, is not on this computer."""


class OrthancServer:
    """A running Orthanc on this computer; stop it, or use ``with``.

    Only the callers in `known` are served, and only from this computer: Orthanc listens on all
    addresses, so that it must be told to turn others away.

    Raises:
        NotInstalled: with a sentence that says what is missing.
        PacsError: it does not answer within 20 seconds; its log is quoted.
    """

    def __init__(self, folder: str | Path, ae_title: str, known: Mapping[str, Node]) -> None:
        program, plugin = find_orthanc()
        self.folder = Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.node = Node(ae_title, free_port())
        http = free_port()
        self.address = f"http://127.0.0.1:{http}"
        self.web_url, self.wado_url = f"{self.address}/dicom-web", f"{self.address}/wado"
        written = self.folder / "orthanc.json"
        settings = configuration(self.folder, self.node, http, known, plugin)
        written.write_text(json.dumps(settings, indent=1), encoding="utf-8")
        self._log = open(self.folder / "orthanc.log", "wb")  # noqa: SIM115 (closed by stop)
        self.process = subprocess.Popen(
            [program, str(written)],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TCP_NODELAY": "1"},  # or every image waits 40 ms
        )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> "OrthancServer":
        return self

    def __exit__(self, *_error) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process that was started here, and wait until it is gone."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_S)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._log.close()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(urllib.error.URLError, OSError):
                DIRECT.open(f"{self.address}/system", timeout=1).close()
                return
            time.sleep(0.05)
        log = (self.folder / "orthanc.log").read_text(encoding="utf-8", errors="replace")
        raise PacsError(f"Orthanc did not start. The end of its log: {log[-400:].strip()}")


def configuration(
    folder: Path, node: Node, http_port: int, known: Mapping[str, Node], plugin: str
) -> dict:
    """Orthanc's settings: everything in `folder`, strict names, nobody from outside."""
    turn_strangers_away = {
        f"DicomAlwaysAllow{service}": False for service in ("Echo", "Find", "Get", "Move", "Store")
    }
    return {
        "StorageDirectory": str(folder),
        "IndexDirectory": str(folder),
        "HttpPort": http_port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomAet": node.ae_title,
        "DicomPort": node.port,
        "DefaultEncoding": "Utf8",
        "DicomCheckCalledAet": True,
        "DicomCheckModalityHost": True,
        **turn_strangers_away,
        "DicomModalities": {
            title: {"AET": other.ae_title, "Host": other.host, "Port": other.port}
            | {f"Allow{service}": True for service in ("Echo", "Find", "Get", "Move", "Store")}
            | {"AllowStorageCommitment": True}
            for title, other in known.items()
        },
        "Plugins": [plugin],
        "DicomWeb": {
            "Enable": True,
            "Root": "/dicom-web/",
            "EnableWado": True,
            "WadoRoot": "/wado",
        },
    }


def find_orthanc() -> tuple[str, str]:
    """Paths of the program and of its DICOMweb plugin. Raises NotInstalled."""
    program = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise NotInstalled(
            "Orthanc is not installed on this computer; the embedded archive does the same: "
            'open_archive("embedded").'
        )
    for folder in PLUGIN_FOLDERS:
        found = sorted(Path(folder).glob(PLUGIN))
        if found:
            return program, str(found[0])
    raise NotInstalled(
        "Orthanc is installed, its DICOMweb plugin is not; install it (orthanc-dicomweb), or use "
        'open_archive("embedded").'
    )
