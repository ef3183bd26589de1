"""How a query picks: single value, wildcard, list, range, and "anything" (PS3.4, C.2.2.2).

Each rule becomes a piece of SQL and its parameters, so that the index does the work.
"""

import re
from functools import lru_cache

Condition = tuple[str, list[str]]
WITH_WILDCARDS = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"}
WITH_RANGES = {"DA", "TM", "DT"}
DIGITS = {
    "DA": re.compile(r"\d{8}"),
    "TM": re.compile(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?"),
    "DT": re.compile(r"\d{4,14}(\.\d{1,6})?([+-]\d{4})?"),
}


class BadQuery(ValueError):
    """A query that the standard does not allow, with the reason in one sentence."""


def condition(column: str, vr: str, value: str) -> Condition | None:
    """SQL that is true where `column` matches the key's `value`; None if the key matches anything.

    Args:
        column: an SQL expression that gives text.
        vr: value representation of the key, such as "PN" or "DA".
        value: the key as text; several values are separated by a backslash.

    Raises:
        BadQuery: a date or time that is none.
    """
    if value == "" or (value == "*" and vr in WITH_WILDCARDS):
        return None
    if vr in WITH_RANGES:
        return _range(column, vr, value)
    if "\\" in value:
        parts = [p for p in (condition(column, vr, v) for v in value.split("\\")) if p]
        return "(" + " OR ".join(sql for sql, _ in parts) + ")", [v for _, p in parts for v in p]
    if vr == "PN":
        return f"name_matches(?, {column})", [value]
    if vr in WITH_WILDCARDS and ("*" in value or "?" in value):
        return f"{column} GLOB ?", [value.replace("[", "[[]")]
    return f"{column} = ?", [value]


def _range(column: str, vr: str, value: str) -> Condition:
    """A date or time, or first-last, first- or -last; "-" binds both ends, both included."""
    low, dash, high = (part.strip().replace(":", "") for part in value.partition("-"))
    if vr == "DA":
        low, high = low.replace(".", ""), high.replace(".", "")
    for end in (low, high):
        if end and not DIGITS[vr].fullmatch(end):
            raise BadQuery(f"{end!r} is not a value of type {vr}.")
    if not low and not high:
        raise BadQuery(f"{value!r} is not a range: give at least one end.")
    if not dash:
        return f"substr({column}, 1, {len(low)}) = ?", [low]  # "10" is every time from 10 to 10:59
    parts, values = [f"{column} <> ''"], []
    if low:
        parts.append(f"{column} >= ?")
        values.append(low)
    if high:
        parts.append(f"substr({column}, 1, {len(high)}) <= ?")
        values.append(high)
    return "(" + " AND ".join(parts) + ")", values


def name_matches(pattern: str, stored: str | None) -> bool:
    """True if a person's name fits: case does not count, nor do empty parts at the end.

    A name may have three groups, as in ``Hong^Gildong=洪^吉洞=홍^길동``; one group is enough.
    """
    groups = [_plain(group) for group in (stored or "").split("=")]
    expected = _name_pattern(pattern)
    return any(expected.fullmatch(name) for name in [*groups, _plain(stored or "")])


@lru_cache(maxsize=64)
def _name_pattern(pattern: str) -> re.Pattern:
    letters = {"*": ".*", "?": "."}
    return re.compile("".join(letters.get(c, re.escape(c)) for c in _plain(pattern)), re.DOTALL)


def _plain(name: str) -> str:
    return name.rstrip(" ^=").casefold()
