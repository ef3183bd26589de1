"""A tree of diseases: training classes of a size that can be learned, and answers at any level.

Esteva et al., "Dermatologist-level classification of skin cancer with deep neural networks",
Nature 2017;542:115. 2,032 diseases hang in one tree; most have too few pictures to be learned and
some have very many. The tree is cut into classes of less than a given number of pictures (757 in
the paper, with at most 1,000 each), and the probability of any coarser disease is the sum over the
classes below it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Node:
    """A disease with its subtypes. images: pictures labelled with exactly this node."""

    name: str
    children: tuple["Node", ...] = ()
    images: int = 0

    def __iter__(self) -> Iterator["Node"]:
        """This node and everything below it, parents first."""
        yield self
        for child in self.children:
            yield from child

    @property
    def total(self) -> int:
        """Pictures of this node and of everything below it."""
        return sum(node.images for node in self)

    def find(self, name: str) -> "Node":
        """The node called `name` here or below; ValueError if there is none."""
        for node in self:
            if node.name == name:
                return node
        raise ValueError(f"There is no {name!r} below {self.name!r}.")

    def path(self, name: str) -> tuple[str, ...]:
        """Names from here down to `name`, both included; ValueError if it is not below."""
        if name == self.name:
            return (self.name,)
        for child in self.children:
            if any(node.name == name for node in child):
                return (self.name, *child.path(name))
        raise ValueError(f"There is no {name!r} below {self.name!r}.")


def tree_of(name: str, branches: Mapping, counts: Mapping[str, int] | None = None) -> Node:
    """A tree from nested dictionaries, {"melanocytic": {"common naevus": {}, ...}, ...}.

    counts: name -> number of pictures. Raises ValueError when a name occurs twice.
    """
    counts = counts or {}
    children = tuple(tree_of(child, below, counts) for child, below in branches.items())
    tree = Node(name, children, counts.get(name, 0))
    names = [node.name for node in tree]
    double = {one for one in names if names.count(one) > 1}
    if double:
        raise ValueError(f"{sorted(double)[0]!r} occurs twice in the tree.")
    return tree


def partition(tree: Node, most: int, as_printed: bool = False) -> list[Node]:
    """Cut the tree into training classes with fewer than `most` pictures (Extended Data Table 1).

    A node whose pictures, with all below, are fewer than `most` becomes one class; otherwise its
    children are tried. As printed, the algorithm loses a leaf that has too many pictures itself,
    and the pictures of a node that it splits; here such a leaf becomes a class, and a node with
    pictures of its own is kept as the class of those (a Node without children).
    Raises ValueError for `most` below 1.
    """
    if most < 1:
        raise ValueError(f"A class needs room for one picture at least, not {most}.")
    if tree.total < most:
        return [tree] if tree.total else []
    classes = [c for child in tree.children for c in partition(child, most, as_printed)]
    if as_printed or not tree.images:
        return classes
    return [Node(tree.name, (), tree.images), *classes]


def class_of(classes: Sequence[Node], name: str) -> int | None:
    """Number of the class that a picture labelled `name` belongs to; None if it is in none."""
    for number, one in enumerate(classes):
        if any(node.name == name for node in one):
            return number
    return None


def descendants(tree: Node, name: str, classes: Sequence[Node]) -> list[int]:
    """Numbers of the training classes at or below the node `name`."""
    below = {node.name for node in tree.find(name)}
    return [number for number, one in enumerate(classes) if one.name in below]


def summed(
    probabilities: ArrayLike, tree: Node, classes: Sequence[Node], names: Sequence[str]
) -> NDArray[np.float64]:
    """Probabilities of coarser diseases: (N, classes) -> (N, names), each the sum below it.

    Raises ValueError when the columns are not the classes, or a name has no class below it.
    """
    fine = np.asarray(probabilities, dtype=np.float64)
    if fine.ndim != 2 or fine.shape[1] != len(classes):
        raise ValueError(f"{fine.shape} probabilities do not fit {len(classes)} classes.")
    columns = [descendants(tree, name, classes) for name in names]
    for name, below in zip(names, columns, strict=True):
        if not below:
            raise ValueError(f"No training class lies at or below {name!r}.")
    return np.stack([fine[:, below].sum(axis=1) for below in columns], axis=1)


def steps_apart(tree: Node, one: str, other: str) -> int:
    """Branches to walk from one disease to the other: how wrong a wrong answer is."""
    first, second = tree.path(one), tree.path(other)
    shared = sum(a == b for a, b in zip(first, second, strict=False))
    return len(first) + len(second) - 2 * shared
