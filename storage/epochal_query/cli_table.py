"""Tables for people, as lines of text: every row and column, in as many blocks as the width needs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from rich.cells import cell_len, chop_cells

CELL_MAX = 48
"""Wider cells are broken into several lines."""

LISTED_MIN = 2
"""So many items of a list are shown, however long they are."""

BLOCKS_MAX = 6
"""So many blocks of columns are shown one below the other; a wider table says what it leaves out."""

GAP = "  "

_CONTROLS = {code: repr(chr(code))[1:-1] for code in (*range(32), *range(127, 160))}


def person(value: Any) -> str:
    """A cell for people: floats to six digits, times to the second, long lists begun (all is in --json and --csv)."""
    if value is None or value is pd.NaT or value is pd.NA:
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (list, tuple, set, np.ndarray)):
        return _listed([_inside(item) for item in value])
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_inside(item)}" for key, item in value.items())
    # a text must not be able to command the terminal
    return str(value).translate(_CONTROLS)


def _listed(items: list[str]) -> str:
    """Items of a list in one text; of many the first, and how many more there are."""
    between = "; " if any(", " in item for item in items) else ", "
    shown = 0
    while shown < len(items) and (shown < LISTED_MIN or cell_len(between.join(items[: shown + 1])) <= 2 * CELL_MAX):
        shown += 1
    return between.join(items[:shown]) + (f" and {len(items) - shown:,} more" if shown < len(items) else "")


def _inside(value: Any) -> str:
    """A value in a list or mapping: what is null stands there, and what is several is held together."""
    if isinstance(value, (list, tuple, set, np.ndarray)):
        return f"[{person(value)}]"
    if isinstance(value, Mapping):
        return f"{{{person(value)}}}"
    return "null" if value is None else person(value)


def table_lines(
    columns: Mapping[str, Sequence[str]], numeric: set[str], width: int
) -> tuple[list[list[str]], list[str]]:
    """The blocks of the table, each as its lines, and the columns that did not fit into them.

    Where there are several blocks each begins with the number of the row.
    """
    sizes = {name: _size(name, cells) for name, cells in columns.items()}
    groups = _groups(sizes, width)
    if len(groups) > 1:
        height = max((len(cells) for cells in columns.values()), default=0)
        numbers = [f"{row:,}" for row in range(1, height + 1)]
        sizes = {**sizes, "#": _size("#", numbers)}
        columns = {**columns, "#": numbers}
        groups = [["#", *group] for group in _groups(sizes, width, sizes["#"] + len(GAP)) if group != ["#"]]
        groups = [[name for i, name in enumerate(group) if name != "#" or i == 0] for group in groups]
    left_out = [name for group in groups[BLOCKS_MAX:] for name in group[1:]]
    return [list(_block(columns, group, sizes, numeric | {"#"})) for group in groups[:BLOCKS_MAX]], left_out


def _size(name: str, cells: Sequence[str]) -> int:
    return min(CELL_MAX, max(cell_len(name), max(map(cell_len, cells), default=0)))


def _groups(sizes: Mapping[str, int], width: int, taken: int = 0) -> list[list[str]]:
    """The columns in order, as many to a group as fit the width; at least one."""
    groups: list[list[str]] = []
    used = width
    for name, size in sizes.items():
        if not groups or used + len(GAP) + size > width:
            groups.append([])
            used = taken - len(GAP)
        groups[-1].append(name)
        used += len(GAP) + size
    return groups


def _block(
    columns: Mapping[str, Sequence[str]], names: Sequence[str], sizes: Mapping[str, int], numeric: set[str]
) -> Iterator[str]:
    yield from _row(list(names), names, sizes, numeric)
    yield GAP.join("─" * sizes[name] for name in names)
    for row in zip(*(columns[name] for name in names), strict=True):
        yield from _row(list(row), names, sizes, numeric)


def _row(cells: list[str], names: Sequence[str], sizes: Mapping[str, int], numeric: set[str]) -> Iterator[str]:
    """A row of the table: one line, or several where cells are broken."""
    parts = [_broken(cell, sizes[name]) for cell, name in zip(cells, names, strict=True)]
    for line in range(max(map(len, parts), default=0)):
        found: list[str] = []
        for name, part in zip(names, parts, strict=True):
            text = part[line] if line < len(part) else ""
            space = " " * (sizes[name] - cell_len(text))
            found.append(space + text if name in numeric else text + space)
        yield GAP.join(found).rstrip()


def _broken(cell: str, size: int) -> list[str]:
    """A cell in lines of at most so many columns, broken between words where that can be."""
    lines = [""]
    for word in cell.split(" ") if cell_len(cell) > size else [cell]:
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(joined) <= size:
            lines[-1] = joined
        else:
            lines += chop_cells(word, size)
    return lines if lines[0] else lines[1:] or [""]
