"""What crosses the wire: weights, plans and updates as records of a Flower message.

A message holds named records: arrays (the weights), numbers (cases, loss) and settings (the plan).
A record for films does not exist; nothing in this file takes a client's inputs.
"""

from dataclasses import asdict
from typing import NamedTuple

from course_lib.federated.client import LocalPlan, Pool, Update
from course_lib.federated.engine.flower import (
    ArrayRecord,
    ConfigRecord,
    MetricRecord,
    RecordDict,
)
from course_lib.federated.objectives import (
    Objective,
    fedmix,
    global_mix,
    local_mix,
    naive_mix,
    plain,
)
from course_lib.federated.weights import Weights

OBJECTIVES = {"LocalMix": local_mix, "NaiveMix": naive_mix, "GlobalMix": global_mix}


class Line(NamedTuple):
    """One entry of a message: its record, its name, what it is, and bytes of the values alone."""

    record: str
    name: str
    what: str
    bytes: int


def task_records(
    weights: Weights, plan: LocalPlan, objective: Objective, seed: int, number: int
) -> RecordDict:
    """What the server sends to a client at the start of round ``number``."""
    settings = {key: value for key, value in asdict(plan).items() if value is not None}
    settings |= {"seed": seed, "round": number, "objective": objective.name, "lam": objective.lam}
    return RecordDict({"weights": ArrayRecord(weights), "plan": ConfigRecord(settings)})


def plan_of(records: RecordDict) -> LocalPlan:
    """The local plan in a server's message."""
    settings = records.config_records["plan"]
    size = settings.get("batch_size")
    return LocalPlan(
        epochs=int(settings["epochs"]),  # type: ignore[arg-type]
        batch_size=None if size is None else int(size),  # type: ignore[arg-type]
        learning_rate=float(settings["learning_rate"]),  # type: ignore[arg-type]
        mu=float(settings["mu"]),  # type: ignore[arg-type]
    )


def objective_of(name: str, lam: float) -> Objective:
    """The objective by its name. Raises ValueError for an unknown one."""
    if name == "plain":
        return plain()
    if name.startswith("FedMix"):
        return fedmix(lam, taylor="without" not in name)
    if name not in OBJECTIVES:
        raise ValueError(
            f"There is no objective {name!r}; known: plain, FedMix, {', '.join(OBJECTIVES)}."
        )
    return OBJECTIVES[name](lam)


def update_records(update: Update) -> RecordDict:
    """What a client answers: its weights, how many cases, its loss, its name."""
    numbers = MetricRecord({"cases": update.cases, "loss": float(update.loss)})
    return RecordDict(
        {
            "weights": ArrayRecord(update.weights),
            "numbers": numbers,
            "who": ConfigRecord({"name": update.name}),
        }
    )


def update_of(records: RecordDict) -> Update:
    """The update in a client's answer."""
    numbers = records.metric_records["numbers"]
    return Update(
        weights_in(records),
        int(numbers["cases"]),  # type: ignore[arg-type]
        float(numbers["loss"]),  # type: ignore[arg-type]
        str(records.config_records["who"]["name"]),
    )


def weights_in(records: RecordDict) -> Weights:
    """The weights in a message, as tensors."""
    return dict(records.array_records["weights"].to_torch_state_dict())


def pool_record(pool: Pool) -> ArrayRecord:
    """Averages and their labels: the only inputs that a message of FedMix carries."""
    return ArrayRecord({"inputs": pool.inputs, "targets": pool.targets})


def pool_in(record: ArrayRecord) -> Pool:
    """The reverse of ``pool_record``."""
    arrays = record.to_torch_state_dict()
    return Pool(arrays["inputs"], arrays["targets"])


def size_of(records: RecordDict) -> int:
    """Bytes of a message's records, as Flower counts them: values with their names."""
    return sum(record.count_bytes() for record in records.values())


def contents(records: RecordDict) -> list[Line]:
    """Every entry of a message, to be shown."""
    lines = []
    for name, arrays in records.array_records.items():
        for key, array in arrays.items():
            shape = " x ".join(map(str, array.shape)) or "one number"
            lines.append(Line(name, key, f"{array.dtype} {shape}", len(array.data)))
    for name, numbers in records.metric_records.items():
        lines += [Line(name, key, str(value), 8) for key, value in numbers.items()]
    for name, settings in records.config_records.items():
        for key, setting in settings.items():
            size = len(setting) if isinstance(setting, str) else 8
            lines.append(Line(name, key, str(setting), size))
    return lines
