"""The course needs no network after its set-up: the network is cut, and then the tests run.

``course.py test`` cuts it for the whole suite. The first tests prove that this cut holds, both ways
of it; the last ones look at the run they are part of.
"""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from launcher import network  # noqa: E402

# Reserved for examples (RFC 5737): nobody answers there, and nobody is disturbed.
OUTSIDE = "('192.0.2.1', 80)"
REACH_OUT = f"import socket; socket.create_connection({OUTSIDE}, timeout=3)"
LOOK_UP = "import socket; socket.getaddrinfo('example.org', 80)"
TALK_TO_MYSELF = """
import socket
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname(), timeout=5)
server.accept()[0].sendall(b"hello")
print(client.recv(5).decode())
"""


def run_here(code, wrap=(), **more):
    return subprocess.run(
        [*wrap, sys.executable, "-c", code],
        env={k: v for k, v in os.environ.items() if k != network.VARIABLE} | more,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture(scope="module")
def own_network():
    wrapped, method = network.cut([], Path(sys.executable))
    if method != network.OWN_NETWORK:
        pytest.skip("this system gives programs no network of their own (unshare)")
    return wrapped


def test_in_a_network_of_its_own_only_this_computer_is_reached(own_network):
    assert run_here(TALK_TO_MYSELF, own_network).stdout == "hello\n"
    answer = run_here(REACH_OUT, own_network)
    assert answer.returncode == 1 and "unreachable" in answer.stderr
    assert run_here(LOOK_UP, own_network).returncode == 1
    interfaces = "import socket; print([name for _, name in socket.if_nameindex()])"
    assert run_here(interfaces, own_network).stdout == "['lo']\n"


def test_several_processes_of_torch_find_each_other_without_a_network(own_network, tmp_path):
    code = f"""
import os, sys, torch.distributed as d, torch
d.init_process_group("gloo", init_method="file://{tmp_path}/meet", rank=0, world_size=1)
x = torch.ones(1); d.all_reduce(x); print(x.item())
"""
    answer = run_here(code, own_network)
    assert answer.stdout == "1.0\n", answer.stderr


@pytest.fixture
def hooked(tmp_path):
    """Return the variables under which a Python refuses the network, as an environment's would."""
    guard = ROOT / "launcher" / "refuse_network.py"
    (tmp_path / "sitecustomize.py").write_text(f"exec(open({ascii(str(guard))}).read())\n")
    return {"PYTHONPATH": str(tmp_path)}


@pytest.mark.parametrize(
    "code",
    [
        REACH_OUT,
        LOOK_UP,
        "import urllib.request as u; u.urlopen('http://192.0.2.1/', timeout=3)",
        "import socket; socket.gethostbyname('example.org')",
        "from socket import *; socket(type=SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 9))",
        "import asyncio; asyncio.run(asyncio.open_connection('192.0.2.1', 80))",
    ],
)
def test_where_python_refuses_nothing_gets_out(hooked, code):
    answer = run_here(code, **hooked)
    assert answer.returncode == 1 and "The network is cut for this run" in answer.stderr


def test_where_python_refuses_this_computer_is_still_reached(hooked):
    assert run_here(TALK_TO_MYSELF, **hooked).stdout == "hello\n"


def test_the_hook_sleeps_in_an_environment_until_it_is_asked_for(tmp_path):
    env = tmp_path / "환경 env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", env], check=True)
    python = env / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    network.install_hook(python)

    def reach_out(**more):
        variables = {k: v for k, v in os.environ.items() if k != network.VARIABLE} | more
        return subprocess.run(
            [python, "-c", LOOK_UP.replace("example.org", "192.0.2.1")],
            env=variables,
            capture_output=True,
            text=True,
        )

    assert reach_out().returncode == 0  # a numeric address is looked up without any network
    assert "The network is cut" in reach_out(**{network.VARIABLE: network.REFUSED}).stderr


def test_where_no_network_of_its_own_can_be_had_python_refuses(monkeypatch):
    monkeypatch.setattr(network.shutil, "which", lambda name: None)
    command, method = network.cut(["pytest"], Path(sys.executable))
    assert (command, method) == (["pytest"], network.REFUSED)


@pytest.fixture
def cut_now():
    if network.VARIABLE not in os.environ:
        pytest.skip("the network is not cut in this run; course.py test cuts it")


def test_this_very_run_has_no_network(cut_now):
    with pytest.raises(OSError, match="unreachable|network is cut"):
        socket.create_connection(("192.0.2.1", 80), timeout=3)


def test_a_notebooks_kernel_in_this_run_has_none_either(cut_now):
    jupyter_client = pytest.importorskip("jupyter_client")
    manager, client = jupyter_client.manager.start_new_kernel(startup_timeout=60)
    try:
        answer = client.execute_interactive(REACH_OUT, timeout=60, output_hook=lambda message: None)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert answer["content"]["status"] == "error" and answer["content"]["ename"] == "OSError"


def test_this_run_still_reaches_this_computer(cut_now):
    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=lambda: server.accept()[0].sendall(b"hello"), daemon=True).start()
    with socket.create_connection(server.getsockname(), timeout=5) as client:
        assert client.recv(5) == b"hello"
