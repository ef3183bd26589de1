"""Flower's own simulation: the hospitals are processes on this computer, managed by Ray.

Ray takes seconds to start and gigabytes of memory; it pays off for many clients and long rounds.
"""

import logging
import warnings
from pathlib import Path
from typing import Any

import course_lib
from course_lib.federated.engine.flower import ClientApp, ServerApp


class BusyComputer(RuntimeError):
    """Ray gave up while it was starting: its own limit of 15 to 30 seconds is fixed."""


RAY = 'Ray is not installed. In the course\'s folder run: pip install -e ".[engine-simulation]"'


def simulate(server: ServerApp, client: ClientApp, hospitals: int, cpus: int = 2) -> None:
    """Run both apps in Flower's simulation, and end Ray's processes afterwards.

    cpus: as many hospitals learn at the same time, one core each. Offline: Ray stays on the
    loopback interface and reports nothing. Raises ImportError where Ray is missing, BusyComputer
    where it cannot start in its own time, and whatever the server app raised.
    """
    try:
        import ray
    except ImportError as error:
        raise ImportError(RAY) from error
    from flwr.simulation import run_simulation

    logging.getLogger("flwr").setLevel(logging.ERROR)
    try:
        _start_ray(ray, cpus)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Flower prefers its command line for this
            run_simulation(server, client, hospitals, backend_config=_backend())
    finally:
        ray.shutdown()


def _start_ray(ray: Any, cpus: int, attempts: int = 3) -> None:
    """Start Ray; on a busy computer its own time limit of some seconds may be too short."""
    root = str(Path(course_lib.__file__).parents[1])
    for attempt in range(attempts):
        try:
            ray.init(
                num_cpus=cpus,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                _node_ip_address="127.0.0.1",
                runtime_env={"env_vars": {"PYTHONPATH": root, "OMP_NUM_THREADS": "1"}},
            )
            return
        except Exception as error:  # Ray raises plain Exceptions here
            ray.shutdown()
            if attempt + 1 == attempts:
                reason = f"Ray did not start in {attempts} attempts; is this computer busy?"
                raise BusyComputer(reason) from error


def _backend() -> Any:
    return {"client_resources": {"num_cpus": 1, "num_gpus": 0}}
