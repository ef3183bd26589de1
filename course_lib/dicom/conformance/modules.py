"""Which elements an image must have: the standard's module tables, and how to read them."""

from __future__ import annotations

import ast
import operator
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

TABLES = Path(__file__).parents[1] / "tables"
COMPARE = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Gt: operator.gt,
    ast.Lt: operator.lt,
    ast.GtE: operator.ge,
    ast.LtE: operator.le,
    ast.In: lambda value, choices: value in choices,
    ast.NotIn: lambda value, choices: value not in choices,
}


@dataclass(frozen=True)
class Rule:
    """What a module says about one element.

    type: "1", "1C", "2", "2C" or "3". when: the condition of 1C and 2C. only: without the condition
    the element must be absent. values: the only ones allowed, () for any. items: the module that
    the items of a sequence must satisfy. count: how many items, if any.
    """

    keyword: str
    type: str
    when: str = "True"
    only: bool = False
    values: tuple = ()
    items: str = ""
    count: int = 0


@dataclass(frozen=True)
class Module:
    """A group of elements that belong together; section: where PS3.3 describes it."""

    name: str
    section: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Kind:
    """A kind of object (IOD): its modality and the modules it is made of."""

    name: str
    modality: str
    modules: tuple[Module, ...]


@cache
def modules() -> dict[str, Module]:
    """All modules of tables/modules.toml by name."""
    with open(TABLES / "modules.toml", "rb") as file:
        tables = tomllib.load(file)
    return {name: _module(name, dict(table)) for name, table in tables.items()}


@cache
def kinds() -> dict[str, Kind]:
    """SOP class UID -> kind of object, from tables/iods.toml."""
    with open(TABLES / "iods.toml", "rb") as file:
        tables = tomllib.load(file)
    return {
        uid: Kind(t["name"], t["modality"], tuple(modules()[name] for name in t["modules"]))
        for uid, t in tables.items()
    }


def is_filled(dataset: Dataset, keyword: str) -> bool:
    """True if the element is there and has a value (a sequence: at least one item)."""
    if keyword not in dataset:
        return False
    value = dataset[keyword].value
    if value is None:
        return False
    return len(value) > 0 if hasattr(value, "__len__") else True


def holds(condition: str, dataset: Dataset) -> bool:
    """Whether a condition of the tables holds for a data set.

    Names are keywords; one that is absent or empty makes every comparison with it false, negations
    such as `not in` included. has(X) asks whether X has a value.

    Raises:
        ValueError: the condition uses what the tables do not allow.
    """
    return bool(_evaluate(ast.parse(condition, mode="eval").body, dataset))


def _evaluate(node: ast.expr, dataset: Dataset) -> object:
    """The value of one node of a condition; None for an absent element."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Tuple):
        return tuple(_evaluate(part, dataset) for part in node.elts)
    if isinstance(node, ast.Name):
        return dataset[node.id].value if is_filled(dataset, node.id) else None
    if isinstance(node, ast.BoolOp):
        values = [_evaluate(part, dataset) for part in node.values]
        return all(values) if isinstance(node.op, ast.And) else any(values)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return not _evaluate(node.operand, dataset)
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "has":
        return is_filled(dataset, ast.unparse(node.args[0]))
    if isinstance(node, ast.Compare):
        left = _evaluate(node.left, dataset)
        right = _evaluate(node.comparators[0], dataset)
        if left is None or right is None:
            return False
        right = [right] if isinstance(node.ops[0], ast.In | ast.NotIn) and _is_one(right) else right
        return COMPARE[type(node.ops[0])](left, right)
    raise ValueError(f"A condition of the module tables cannot be read: {ast.unparse(node)}.")


def _is_one(value: object) -> bool:
    """True for a single text or number, which `in` should treat as a list of one."""
    return isinstance(value, str) or not isinstance(value, tuple | list | MultiValue)


def _module(name: str, table: dict) -> Module:
    section = table.pop("section")
    rules = []
    for keyword, entry in table.items():
        entry = {"type": entry} if isinstance(entry, str) else dict(entry)
        entry["values"] = tuple(entry.get("values", ()))
        rules.append(Rule(keyword, **entry))
    return Module(name, section, tuple(rules))
