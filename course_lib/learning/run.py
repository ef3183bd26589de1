"""The state of a training run: what it has reached, kept in memory and, if wanted, in a folder.

A folder holds ``run.pt`` (all that is needed to go on), ``best.pt`` (the weights to use) and
``history.csv``. Each is replaced as a whole at the end of an epoch, ``run.pt`` last: it alone says
how far the run has come, so a process killed at any moment loses at most the epoch it was in.
"""

import csv
import io
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric
from torch import Tensor, nn

from course_lib.data.files import remove_leftovers, write_whole
from course_lib.learning.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from course_lib.learning.plan import Plan, epochs_without_gain, stale_epochs


class Run:
    """A run in progress. Made for a folder that holds one already, it takes that one up again.

    Raises CheckpointError when the folder holds a damaged run, or one of another plan, model or
    number of cases.
    """

    def __init__(
        self,
        folder: Path | str | None,
        plan: Plan,
        model: nn.Module,
        optimiser: Any,
        cases: tuple[int, int],
        fabric: Fabric,
    ):
        self.folder = None if folder is None else Path(folder)
        self.plan, self.model, self.optimiser, self.fabric = plan, model, optimiser, fabric
        self.identity = {**asdict(plan), "training_cases": cases[0], "validation_cases": cases[1]}
        self.history: list[dict[str, float]] = []
        self.best: dict[str, Tensor] = {}
        if self.folder is not None and (self.folder / "run.pt").exists():
            self._resume(load_checkpoint(self.folder / "run.pt"))

    def validation_losses(self) -> list[float]:
        """Validation loss of every epoch so far."""
        return [row["validation_loss"] for row in self.history]

    def has_stalled(self) -> bool:
        """True when the plan's patience is used up, or its rate has been halved often enough."""
        patience, losses = self.plan.patience, self.validation_losses()
        if patience is not None and epochs_without_gain(losses) >= patience:
            return True
        if self.plan.schedule != "halving" or not losses:
            return False
        rate = self.history[-1]["learning_rate"]
        return rate < self.plan.lowest_rate and self._is_stale()

    def _is_stale(self) -> bool:
        rates = [row["learning_rate"] for row in self.history]
        return stale_epochs(self.validation_losses(), rates) >= self.plan.halve_after

    def end_epoch(self, train_loss: float, validation_loss: float, seconds: float) -> None:
        """Enter an epoch in the history, keep its weights if they are the best, write it all."""
        self.history.append(
            {
                "epoch": len(self.history) + 1,
                "train_loss": train_loss,
                "validation_loss": validation_loss,
                "learning_rate": self.optimiser.param_groups[0]["lr"],
                "seconds": round(seconds, 2),
            }
        )
        gained = epochs_without_gain(self.validation_losses()) == 0
        if gained:
            self.best = {key: value.cpu().clone() for key, value in self.model.state_dict().items()}
        self._lower_rate(gained)
        if self.folder is not None and self.fabric.is_global_zero:
            self._write(self.folder, gained)
        self.fabric.barrier()

    def _lower_rate(self, gained: bool) -> None:
        """Divide the learning rate when the plan's schedule says so."""
        factor = 1.0
        if self.plan.schedule == "plateau" and not gained:
            factor = 0.1
        elif self.plan.schedule == "halving" and self._is_stale() and not self.has_stalled():
            factor = 0.5
        for group in self.optimiser.param_groups:
            group["lr"] *= factor

    def restore_best(self) -> None:
        """Put the weights of the best epoch back into the model."""
        if self.best:
            self.model.load_state_dict(self.best)

    def _write(self, folder: Path, gained: bool) -> None:
        remove_leftovers(folder)
        if gained:
            save_checkpoint(folder / "best.pt", {"model": self.best})
        write_whole(folder / "history.csv", lambda file: file.write(_table(self.history)))
        save_checkpoint(
            folder / "run.pt",
            {
                "identity": self.identity,
                "history": self.history,
                "model": self.model.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "best": self.best,
            },
        )

    def _resume(self, saved: dict[str, Any]) -> None:
        self._refuse_another_run(saved.get("identity", {}))
        try:
            self.model.load_state_dict(saved["model"])
        except RuntimeError as error:
            raise CheckpointError(
                f"{self.folder} holds the run of another model; choose another folder. ({error})"
            ) from error
        self.optimiser.load_state_dict(saved["optimiser"])
        self.history, self.best = saved["history"], saved["best"]

    def _refuse_another_run(self, saved: dict[str, Any]) -> None:
        usual = asdict(Plan())  # a setting that is younger than the run had its usual value
        before = {key: saved.get(key, usual.get(key)) for key in self.identity}
        differing = {key for key in self.identity if before[key] != self.identity[key]}
        if self.plan.schedule != "cosine":  # a longer run is the same run, unless its rate ends
            differing.discard("epochs")
        differing -= {"patience", "workers"}
        if differing:
            changes = ", ".join(
                f"{key} {before[key]} there, {self.identity[key]} now" for key in sorted(differing)
            )
            raise CheckpointError(
                f"{self.folder} holds a run with other settings ({changes}); "
                "choose another folder or delete it."
            )


def _table(history: list[dict[str, float]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(history[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    return text.getvalue().encode()
