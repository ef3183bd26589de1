"""One SuperLink and several SuperNodes as processes of their own, over TLS on this computer.

    python -m course_lib.federated.engine.deployment --clients 3 --rounds 3

Everything is as between hospitals, except that all addresses are 127.0.0.1: the server shows a
certificate, every hospital has a process with a folder of its own, and only messages are exchanged.
docs/federation.md says what changes when the hospitals are real.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

import course_lib
from course_lib.federated.client import Client, LocalPlan
from course_lib.federated.engine.certificates import Certificates, make_certificates
from course_lib.federated.engine.deployed import config_of, save_cases
from course_lib.federated.engine.flower import INSTALL, QUIET
from course_lib.federated.engine.processes import Programs, free_ports
from course_lib.federated.engine.server_app import Patience
from course_lib.federated.rounds import FILE, FederatedPlan, History, Row
from course_lib.federated.tasks import digits_task
from course_lib.learning.checkpoint import load_checkpoint

HOST = "127.0.0.1"
APPS = "course_lib.federated.engine.deployed"
DIGITS_NET = "course_lib.federated.engine.networks:digits_net"


class Trouble(NamedTuple):
    """What goes wrong at one hospital, to be tried out.

    late_in: the round in which it sleeps late_by seconds before it learns. dies_after: the round
    after which its programs are ended as by a power cut.
    """

    late_in: int | None = None
    late_by: float = 0.0
    dies_after: int | None = None


def deploy(
    clients: Sequence[Client],
    plan: FederatedPlan,
    network: str = DIGITS_NET,
    test: Client | None = None,
    folder: Path | str | None = None,
    patience: Patience | None = None,
    trouble: Mapping[str, Trouble] | None = None,
    on_round: Callable[[Row], None] | None = None,
    limit: float = 600,
) -> History:
    """Federate over real processes; arguments and result as in federated.rounds.federate.

    network: who makes it, "course_lib.module:function"; its first weights come from plan.seed.
    folder: for everything that is written; the same folder again goes on where the server stood.
    limit: seconds for the whole; TimeoutError afterwards. No process is left, whatever happens.
    """
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="federation_") as place:
            return deploy(clients, plan, network, test, place, patience, trouble, on_round, limit)
    if not clients:
        raise ValueError("A deployment needs at least one hospital.")
    folder, patience = Path(folder).resolve(), patience or Patience(120, 120)
    trouble = dict(trouble or {})
    port, *ports = free_ports(1 + len(clients))
    papers = make_certificates(folder / "certificates")
    _prepare(folder, clients, test, config_of(plan, network), patience, port, papers)
    end = time.monotonic() + limit
    with Programs(folder / "logs", _environment(folder)) as programs:
        programs.start("server", _superlink(port, papers))
        programs.wait_for("server", lambda: "Uvicorn running" in programs.log("server"), 60)
        for k, client in enumerate(clients):
            own = trouble.get(client.name, Trouble())
            programs.start(f"hospital_{k}", _supernode(folder, k, port, ports[k], papers, own))
        programs.start("run", [_program("flwr"), "run", str(folder / "app"), "course", "--stream"])
        _watch(programs, folder / "server", plan.rounds, clients, trouble, on_round, end)
    kept = load_checkpoint(folder / "server" / FILE)
    return History(kept["weights"], kept["rows"])


def _prepare(
    folder: Path,
    clients: Sequence[Client],
    test: Client | None,
    config: dict,
    patience: Patience,
    port: int,
    papers: Certificates,
) -> None:
    """Write what each program needs: the hospitals' cases, the app, where the server is."""
    for name in ("logs", "home", "app", "server"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for k, client in enumerate(clients):
        (folder / f"hospital_{k}").mkdir(exist_ok=True)
        save_cases(folder / f"hospital_{k}" / "cases.npz", client)
    if test is not None:
        save_cases(folder / "server" / "test.npz", test)
    config |= {
        "hospitals": len(clients),
        "folder": str(folder / "server"),
        "test": str(folder / "server" / "test.npz") if test is not None else "",
        "meeting": float(patience.meeting),
        "answer": float(patience.answer or 0),
    }
    (folder / "app" / "pyproject.toml").write_text(_app_toml(config), encoding="utf-8")
    (folder / "home" / "config.toml").write_text(
        f'[superlink]\ndefault = "course"\n\n[superlink.course]\naddress = "{HOST}:{port}"\n'
        f"root-certificates = {json.dumps(str(papers.authority))}\n",
        encoding="utf-8",
    )


def _app_toml(config: dict) -> str:
    """The app that is sent to the hospitals: two names of this library, and the configuration."""
    values = "\n".join(f"{name} = {json.dumps(value)}" for name, value in config.items())
    return (
        '[project]\nname = "course-federation"\nversion = "1.0.0"\n'
        'description = "Federated learning in the course"\nlicense = "Apache-2.0"\n'
        "dependencies = []\n\n"
        '[tool.flwr.app]\npublisher = "course"\n\n'
        f'[tool.flwr.app.components]\nserverapp = "{APPS}:server"\nclientapp = "{APPS}:hospital"\n'
        f"\n[tool.flwr.app.config]\n{values}\n"
    )


def _environment(folder: Path) -> dict[str, str]:
    """Where the programs find Flower and this library; each is content with one thread."""
    own = {"FLWR_HOME": str(folder / "home"), "OMP_NUM_THREADS": "1"}
    paths = [str(Path(course_lib.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    own["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    own["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**QUIET, **own}


def _superlink(port: int, papers: Certificates) -> list[str]:
    return [
        _program("flower-superlink"), "--host", HOST, "--port", str(port),
        "--ssl-ca-certfile", str(papers.authority), "--ssl-certfile", str(papers.server),
        "--ssl-keyfile", str(papers.server_key), "--disable-runtime-dependency-installation",
    ]  # fmt: skip


def _supernode(
    folder: Path, k: int, server: int, port: int, papers: Certificates, trouble: Trouble
) -> list[str]:
    cases = json.dumps(str(folder / f"hospital_{k}" / "cases.npz"))
    own = f"partition-id={k} cases={cases}"
    if trouble.late_in is not None:
        own += f" late-in-round={trouble.late_in} late-by={float(trouble.late_by)}"
    return [
        _program("flower-supernode"), "--superlink", f"{HOST}:{server}", "--host", HOST,
        "--port", str(port), "--root-certificates", str(papers.authority), "--node-config", own,
    ]  # fmt: skip


def _watch(
    programs: Programs,
    place: Path,
    rounds: int,
    clients: Sequence[Client],
    trouble: Mapping[str, Trouble],
    on_round: Callable[[Row], None] | None,
    end: float,
) -> None:
    """Follow the rounds until the last one; tell them on, and let die who shall."""
    seen = len(_rows(place))
    while seen < rounds:
        more = partial(_more_rows, place, seen)
        programs.wait_for("run", more, end - time.monotonic())
        for row in _rows(place)[seen:]:
            seen += 1
            for k, client in enumerate(clients):
                if trouble.get(client.name, Trouble()).dies_after == row["round"]:
                    programs.kill(f"hospital_{k}")
            if on_round:
                on_round(row)


def _rows(place: Path) -> list[Row]:
    """The rounds that the server has finished; its file is always whole."""
    path = place / FILE
    return load_checkpoint(path)["rows"] if path.exists() else []


def _more_rows(place: Path, than: int) -> bool:
    return len(_rows(place)) > than


def _program(name: str) -> str:
    """A program of Flower's, from the environment that this Python belongs to."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is missing; install Flower again: {INSTALL}")
    return found


def sentence(row: Row) -> str:
    """A round in words."""
    came = len(row["asked"]) - len(row["dropped"])
    lost = "; ".join(f"{name}: {reason}" for name, reason in row["dropped"].items())
    text = f"round {row['round']}: {came} of {len(row['asked'])} answers"
    text += f", {row['accuracy']:.1%} of the test cases right"
    return text + (f" (left out: {lost})" if lost else "")


def main(arguments: Sequence[str] | None = None) -> None:
    """Digits at a few hospitals, as real processes, with a bar that shows the rounds."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--clients", type=int, default=3, help="hospitals (default: 3)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (default: 3)")
    parser.add_argument("--folder", help="keep everything here; the same folder again goes on")
    chosen = parser.parse_args(arguments)
    task = digits_task(0)
    parts = np.array_split(np.arange(len(task.inputs)), chosen.clients)
    clients = [
        Client(f"hospital {k + 1}", task.inputs[part], task.targets[part])
        for k, part in enumerate(parts)
    ]
    plan = FederatedPlan(chosen.rounds, local=LocalPlan(epochs=2, learning_rate=0.1))
    done = len(_rows(Path(chosen.folder) / "server")) if chosen.folder else 0
    with tqdm(total=chosen.rounds, initial=done, desc="rounds") as bar:

        def show(row: Row) -> None:
            bar.write(sentence(row))
            bar.update()

        deploy(clients, plan, test=task.test, folder=chosen.folder, on_round=show)


if __name__ == "__main__":
    main()
