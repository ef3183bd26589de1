"""Federation by message gives the same bits as the plain loop, and survives whoever fails."""

import subprocess
import sys

import numpy as np
import pytest
import torch

pytest.importorskip("flwr", reason="Flower is optional: pip install -e '.[engine]'")

from course_lib.federated.client import Client, LocalPlan
from course_lib.federated.engine.averages import exchange_averages
from course_lib.federated.engine.client_app import app_for
from course_lib.federated.engine.flower import INSTALL, Message
from course_lib.federated.engine.inline_grid import InlineGrid
from course_lib.federated.engine.messages import contents, objective_of, size_of, task_records
from course_lib.federated.engine.networks import digits_net
from course_lib.federated.engine.server_app import Patience, ask_accuracy, meet, serve
from course_lib.federated.faults import SPOILS, liars
from course_lib.federated.mafl import client_averages, joined
from course_lib.federated.objectives import fedmix, plain
from course_lib.federated.robust import krum, median
from course_lib.federated.rounds import FederatedPlan, client_seed, federate
from course_lib.federated.server import unweighted
from course_lib.learning.checkpoint import CheckpointError

CLASSES = 10


@pytest.fixture(scope="module")
def hospitals() -> list[Client]:
    """Five hospitals with 20, 24, ... pretended digits: a bright row per class, and noise."""
    random = np.random.default_rng(68)
    clients = []
    for k in range(5):
        targets = torch.from_numpy(random.integers(0, CLASSES, 20 + 4 * k))
        inputs = torch.from_numpy(random.normal(0, 0.3, (len(targets), 1, 8, 8))).float()
        inputs[torch.arange(len(targets)), 0, targets % 8] += 1 + targets[:, None] / 8
        clients.append(Client(f"hospital {k}", inputs, targets))
    return clients


@pytest.fixture
def model() -> torch.nn.Module:
    torch.manual_seed(0)
    return digits_net()


PLAN = FederatedPlan(3, fraction=0.6, local=LocalPlan(2, 8, 0.1, mu=0.1), seed=5)
ALL = FederatedPlan(2, local=LocalPlan(1, 8, 0.1), seed=5)


def same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def inline(hospitals, model, plan, faults=None, delay=None, **options):
    grid = InlineGrid(app_for(hospitals, model, faults), len(hospitals), delay)
    return serve(grid, model, plan, len(hospitals), **options), grid


@pytest.mark.parametrize("aggregate", [unweighted, median])
def test_messages_change_no_bit(hospitals, model, aggregate):
    test = hospitals[0]._replace(name="test")
    direct = federate(model, hospitals, PLAN, aggregate=aggregate, test=test, progress=False)
    by_message, _ = inline(hospitals, model, PLAN, aggregate=aggregate, test=test)
    assert same(direct.weights, by_message.weights)
    for name in ("accuracy", "loss", "asked", "dropped", "bytes_up", "bytes_down"):
        assert direct.column(name) == by_message.column(name)


def test_fedmix_needs_two_messages_more_and_gives_the_same_bits(hospitals, model):
    seeds = [client_seed(7, 0, k) for k in range(5)]
    pool = joined(
        client_averages(client, 5, CLASSES, seed)
        for client, seed in zip(hospitals, seeds, strict=True)
    )
    direct = federate(model, hospitals, ALL, fedmix(0.1), pool=pool, progress=False)
    by_message, grid = inline(
        hospitals, model, ALL, objective=fedmix(0.1), before=exchange_averages(5, CLASSES, 7)
    )
    assert same(direct.weights, by_message.weights)
    kinds = {crossing.kind for crossing in grid.crossings}
    assert kinds == {"query.hello", "query.averages", "query.pool", "train"}


def test_objectives_survive_the_wire():
    for name in ("plain", "LocalMix", "NaiveMix", "GlobalMix", "FedMix", "FedMix without Taylor"):
        assert objective_of(name, 0.1).name == name
    with pytest.raises(ValueError, match="no objective 'FedMagic'"):
        objective_of("FedMagic", 0.1)


def test_a_message_weighs_what_flower_writes(hospitals, model):
    from flwr.common.serde import recorddict_to_proto

    records = task_records(model.state_dict(), LocalPlan(), plain(), 1, 1)
    written = len(recorddict_to_proto(records).SerializeToString())
    assert size_of(records) == pytest.approx(written, rel=0.1)
    assert sum(line.bytes for line in contents(records)) == pytest.approx(written, rel=0.1)


def test_no_message_carries_a_film(hospitals, model):
    seen = []
    app = app_for(hospitals, model)

    class Listening(InlineGrid):
        def _answer(self, message: Message) -> Message:
            reply = super()._answer(message)
            seen.extend([message, reply])
            return reply

    serve(Listening(app, 5), model, ALL, 5)
    arrays = [set(record) for m in seen for record in m.content.array_records.values()]
    assert arrays and all(names == set(model.state_dict()) for names in arrays)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("gone", "its program failed: NoAnswer"),
        ("NaN", "NaN or infinity"),
        ("wrong shape", "shape"),
    ],
)
def test_a_failing_hospital_is_left_out_and_named(hospitals, model, kind, reason):
    def faults(sent):
        return lambda number, update: (
            SPOILS[kind](update) if update.name == "hospital 3" else update
        )

    history, _ = inline(hospitals, model, ALL, faults)
    without = federate(
        model,
        hospitals,
        ALL,
        faults=lambda number, update: None if update.name == "hospital 3" else update,
        progress=False,
    )
    for row in history.rows:
        assert list(row["dropped"]) == ["hospital 3"]
        assert reason in row["dropped"]["hospital 3"]
    assert same(history.weights, without.weights)


def test_a_late_answer_is_not_waited_for(hospitals, model):
    def delay(hospital, number):
        return 90.0 if hospital == 1 and number == "1" else 0.0

    history, grid = inline(hospitals, model, ALL, delay=delay, patience=Patience(60, 30))
    assert history.column("dropped") == [{"hospital 1": "no answer in time"}, {}]
    assert sum(c.way == "up" and c.kind == "train" for c in grid.crossings) == 9


@pytest.mark.parametrize("aggregate", [median, krum(1)])
def test_one_liar_steers_the_mean_but_not_a_robust_aggregation(hospitals, model, aggregate):
    def faults(sent):
        return liars(["hospital 2"], sent, -20.0)

    def distance(**options):
        history, _ = inline(hospitals, model, ALL, options.pop("faults", None), **options)
        gaps = [history.weights[n] - honest.weights[n] for n in honest.weights]
        return float(sum(gap.square().sum() for gap in gaps)) ** 0.5

    honest, _ = inline(hospitals, model, ALL)
    assert distance(faults=faults) > 10 * distance(faults=faults, aggregate=aggregate)


def test_a_server_killed_in_a_round_goes_on_with_that_round(hospitals, model, tmp_path):
    whole, _ = inline(hospitals, model, PLAN)

    class PowerCut(Exception):
        pass

    def cut(row, weights):
        raise PowerCut

    with pytest.raises(PowerCut):
        inline(hospitals, model, PLAN, folder=tmp_path, on_round=cut)
    again, grid = inline(hospitals, model, PLAN, folder=tmp_path)
    assert same(whole.weights, again.weights)
    assert [row["round"] for row in again.rows] == [1, 2, 3]
    assert {c.round for c in grid.crossings if c.kind == "train"} == {"2", "3"}
    with pytest.raises(CheckpointError, match="another federation"):
        inline(hospitals, model, ALL, folder=tmp_path)


def test_a_restarted_hospital_is_met_again(hospitals, model):
    grid = InlineGrid(app_for(hospitals, model), 5)

    def restart(row, weights):
        if 2 in grid._contexts:
            grid._contexts[99] = grid._contexts.pop(2)

    serve(grid, model, ALL, 5, on_round=restart)
    assert [c.hospital for c in grid.crossings if c.kind == "query.hello"][-1] == 98


def test_hospitals_that_never_come_are_counted(hospitals, model):
    grid = InlineGrid(app_for(hospitals, model), 3)
    with pytest.raises(TimeoutError, match="3 of 5 hospitals connected within 0.1 s"):
        serve(grid, model, ALL, 5, patience=Patience(0.1, 1))


def test_an_answer_that_cannot_be_read_is_left_out(hospitals, model):
    class Odd(InlineGrid):
        def _answer(self, message: Message) -> Message:
            reply = super()._answer(message)
            if message.metadata.dst_node_id == 4 and message.metadata.message_type == "train":
                del reply.content["numbers"]
            return reply

    history = serve(Odd(app_for(hospitals, model), 5), model, ALL, 5)
    assert "cannot be read" in history.rows[0]["dropped"]["hospital 3"]


def test_hospitals_need_names_and_numbers_of_their_own(hospitals, model):
    twins = [hospitals[0], hospitals[0], *hospitals[2:]]
    with pytest.raises(ValueError, match="name of its own"):
        inline(twins, model, ALL)
    grid = InlineGrid(app_for(hospitals, model), 5)
    with pytest.raises(ValueError, match="between 0 and 2"):
        serve(grid, model, ALL, 3)


def test_each_hospital_measures_its_own_accuracy(hospitals, model):
    from course_lib.federated.client import accuracy

    grid = InlineGrid(app_for(hospitals, model), 5)
    weights = model.state_dict()
    asked = ask_accuracy(grid, weights, meet(grid, 5, Patience()).values())
    assert asked == {c.name: accuracy(model, weights, c) for c in hospitals}


def test_without_flower_one_sentence_says_what_to_install():
    script = "import sys; sys.modules['flwr'] = None; import course_lib.federated.engine.flower"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode != 0 and INSTALL in done.stderr
