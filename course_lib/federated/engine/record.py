"""The server's memory on disk: after every round all that it needs to go on."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from course_lib.federated.objectives import Objective
from course_lib.federated.rounds import FederatedPlan, Progress
from course_lib.federated.weights import weights_of
from course_lib.learning.checkpoint import CheckpointError, load_checkpoint, save_checkpoint

FILE = "server.pt"


def remembered(
    model: nn.Module, plan: FederatedPlan, objective: Objective, folder: Path | str | None
) -> Progress:
    """Where the federation stood; the beginning if there is no folder, or nothing in it.

    Raises CheckpointError if the folder belongs to a federation with other settings.
    """
    path = None if folder is None else Path(folder) / FILE
    if path is None or not path.exists():
        return Progress(weights_of(model), [], {})
    kept = load_checkpoint(path)
    if kept.get("settings") != _settings(plan, objective):
        raise CheckpointError(
            f"{path} belongs to another federation; name another folder, or delete it."
        )
    return Progress(kept["weights"], kept["rows"], kept["state"])


def remember(
    now: Progress, plan: FederatedPlan, objective: Objective, folder: Path | str | None
) -> None:
    """Write the state of the federation; the file is at every moment the old or the new one."""
    if folder is None:
        return
    path = Path(folder) / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"weights": now.weights, "rows": now.rows, "state": dict(now.state)}
    save_checkpoint(path, {"settings": _settings(plan, objective), **content})


def _settings(plan: FederatedPlan, objective: Objective) -> dict[str, Any]:
    """What must agree for a run to go on; more rounds may be added."""
    settings = asdict(plan)
    settings.pop("rounds")
    return {**settings, "objective": objective.name, "lam": objective.lam}
