"""Where everything is: the course, its own Python, the log, the learner's folder."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path


def env_python(env: Path, system: str = sys.platform) -> Path:
    """Return the Python inside an environment: the one thing that differs on Windows."""
    return env / "Scripts" / "python.exe" if system == "win32" else env / "bin" / "python"


@dataclass(frozen=True)
class Places:
    """The course's files and folders, from the folder that holds ``course.py``."""

    root: Path
    system: str = sys.platform

    @property
    def home(self) -> Path:
        """Everything the launcher makes; deleting this folder undoes the set-up."""
        return self.root / ".course"

    @property
    def env(self) -> Path:
        """The isolated environment."""
        return self.home / "env"

    @property
    def python(self) -> Path:
        """The environment's Python."""
        return env_python(self.env, self.system)

    @property
    def stamp(self) -> Path:
        """Written last: an environment without it is half-made."""
        return self.home / "env-ready.json"

    @property
    def log(self) -> Path:
        """What pip said."""
        return self.home / "setup.log"

    @property
    def guard(self) -> Path:
        """Locked while somebody sets up, so that two calls do not disturb each other."""
        return self.home / "lock"

    @property
    def lock(self) -> Path:
        """The exact versions of everything."""
        return self.root / "requirements.lock"

    @property
    def pyproject(self) -> Path:
        """The one place that names what the course needs."""
        return self.root / "pyproject.toml"


def clean_environment(places: Places, system: str = sys.platform) -> dict[str, str]:
    """Return the variables for the course's own programs, kept apart from the user's other Pythons.

    Jupyter's and IPython's settings of the user could shadow the course's kernel or its settings,
    so they live in ``.course/jupyter`` instead of the home folder.
    """
    jupyter = places.home / "jupyter"
    variables = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    variables.update(
        JUPYTER_CONFIG_DIR=str(jupyter / "config"),
        JUPYTER_DATA_DIR=str(jupyter / "data"),
        JUPYTER_RUNTIME_DIR=str(jupyter / "runtime"),
        JUPYTERLAB_SETTINGS_DIR=str(jupyter / "settings"),
        JUPYTERLAB_WORKSPACES_DIR=str(jupyter / "workspaces"),
        IPYTHONDIR=str(jupyter / "ipython"),
        PYTHONNOUSERSITE="1",
        PYTHONUTF8="1",
    )
    variables.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # waiting threads leave the cores to others
    variables["PATH"] = str(env_python(places.env, system).parent) + os.pathsep + os.environ["PATH"]
    return variables
