"""One server and three hospitals as real processes over TLS; one is late, then dies."""

import socket
import ssl
import sys
import tomllib

import psutil
import pytest
import torch

pytest.importorskip("flwr", reason="Flower is optional: pip install -e '.[engine]'")

from course_lib.federated.client import Client, LocalPlan
from course_lib.federated.engine import processes
from course_lib.federated.engine.certificates import handshake, make_certificates
from course_lib.federated.engine.deployed import (
    config_of,
    find_network,
    load_cases,
    plan_in,
    save_cases,
)
from course_lib.federated.engine.deployment import DIGITS_NET, Trouble, deploy
from course_lib.federated.engine.server_app import Patience
from course_lib.federated.rounds import FederatedPlan, federate
from course_lib.federated.tasks import digits_task

PLAN = FederatedPlan(2, local=LocalPlan(2, 10, 0.1), seed=11)


def certificate_shown(port: int, authority: str | None) -> dict:
    """What the server shows to a visitor who trusts this authority (None: those of the system)."""
    context = ssl.create_default_context(cafile=authority)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
    ):
        return secure.getpeercert() or {}


def test_real_processes_over_tls_give_the_plain_loops_weights(tmp_path):
    """About a minute: every message starts a Python of its own, as Flower does it."""
    task = digits_task(68)
    clients = [
        Client(f"hospital {k}", task.inputs[90 * k : 90 * k + 60 + 9 * k],
               task.targets[90 * k : 90 * k + 60 + 9 * k])
        for k in range(3)
    ]  # fmt: skip
    shown = []

    def look(row):
        if row["round"] == 1:
            settings = tomllib.loads((tmp_path / "home" / "config.toml").read_text())
            course = settings["superlink"]["course"]
            port = int(course["address"].split(":")[1])
            shown.append(certificate_shown(port, course["root-certificates"]))
            with pytest.raises(ssl.SSLCertVerificationError):
                certificate_shown(port, None)

    history = deploy(
        clients, PLAN, test=task.test, folder=tmp_path, patience=Patience(150, 25),
        trouble={"hospital 2": Trouble(late_in=1, late_by=600, dies_after=1)}, on_round=look,
    )  # fmt: skip
    dropped = history.column("dropped")
    assert dropped[0]["hospital 2"] == "no answer in time"
    assert "hospital 2" in dropped[1]
    direct = federate(  # with the same absences, whoever else a busy computer made late
        find_network(DIGITS_NET, PLAN.seed),
        clients,
        PLAN,
        faults=lambda number, u: None if u.name in dropped[number - 1] else u,
        progress=False,
    )
    for name, value in direct.weights.items():
        torch.testing.assert_close(history.weights[name], value, rtol=0, atol=1e-6)
    assert shown[0]["subjectAltName"] == (("DNS", "localhost"), ("IP Address", "127.0.0.1"))
    # Not all children of the tests: a browser may be among them, which starts others as it likes.
    assert not [p for p in psutil.process_iter(["environ"]) if belongs_to(p, str(tmp_path))]


def belongs_to(process: psutil.Process, folder: str) -> bool:
    return str((process.info["environ"] or {}).get("FLWR_HOME", "")).startswith(folder)


def test_programs_are_ended_with_their_children_even_after_an_error(tmp_path):
    script = "import subprocess,time; subprocess.Popen(['sleep','300'], start_new_session=True)"
    with (
        pytest.raises(TimeoutError, match="parent: not ready after 2 s"),
        processes.Programs(tmp_path, {}) as programs,
    ):
        programs.start("parent", [sys.executable, "-c", script + "; time.sleep(300)"])
        kin = []
        while len(kin) < 2:
            kin = processes.family(programs.running["parent"].pid)
        programs.wait_for("parent", lambda: False, 2)
    assert not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in kin)


def test_a_program_that_ends_too_early_shows_its_last_words(tmp_path):
    with (
        pytest.raises(ChildProcessError, match=r"ended too early:\nno cases here"),
        processes.Programs(tmp_path, {}) as programs,
    ):
        programs.start("hospital", ["echo", "no cases here"])
        programs.wait_for("hospital", lambda: False, 10)


def test_ports_are_free_different_and_not_handed_out_by_the_system():
    ports = processes.free_ports(4)
    assert len(set(ports)) == 4
    assert all(processes.FIRST_PORT <= port < processes.LAST_PORT for port in ports)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ports[0]))
        taken.listen()
        assert ports[0] not in processes.free_ports(4)


def test_the_servers_key_is_readable_by_its_owner_only(tmp_path):
    papers = make_certificates(tmp_path)
    assert papers.server_key.stat().st_mode & 0o077 == 0
    assert b"PRIVATE" not in papers.authority.read_bytes() + papers.server.read_bytes()
    with pytest.raises(ValueError, match="at least one name"):
        make_certificates(tmp_path, ())


def test_a_visitor_checks_the_authority_and_the_name(tmp_path):
    papers, strangers = make_certificates(tmp_path / "ours"), make_certificates(tmp_path / "other")
    assert handshake(papers, papers.authority) == ""
    assert handshake(papers, papers.authority, "localhost") == ""
    assert "mismatch" in handshake(papers, papers.authority, "127.0.0.2")
    assert handshake(papers, strangers.authority) != ""


def test_cases_come_back_as_they_were(tmp_path):
    client = Client("St. Mary", torch.randn(3, 1, 8, 8), torch.tensor([1, 0, 2]))
    save_cases(tmp_path / "cases.npz", client)
    again = load_cases(tmp_path / "cases.npz")
    assert again.name == client.name
    assert torch.equal(again.inputs, client.inputs) and torch.equal(again.targets, client.targets)
    with pytest.raises(FileNotFoundError, match="check this hospital's node-config"):
        load_cases(tmp_path / "other.npz")


def test_a_plan_survives_the_run_configuration():
    plan = FederatedPlan(4, 0.5, LocalPlan(3, None, 0.2, 0.01), 9)
    assert plan_in(config_of(plan, DIGITS_NET)) == plan


def test_a_message_cannot_name_any_function():
    with pytest.raises(ValueError, match="not a network of this course"):
        find_network("os:getcwd", 0)
    with pytest.raises(ValueError, match="does not make a network"):
        find_network("course_lib.federated.objectives:plain", 0)
