"""Which names a caller means: exact names, lists of exact names, patterns on the whole name; and near misses."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

from epochal._ids import normal_text
from epochal_query.errors import FilterError, UnknownNameError

Selection = str | re.Pattern[str] | Sequence[str | re.Pattern[str]]
"""A string is one exact name, a list several, a compiled pattern matches the whole name."""

NEAR_MAX = 5


def near(name: str, known: Iterable[str]) -> list[str]:
    """Up to five known names that look like ``name``, the best first."""
    candidates = list(dict.fromkeys(known))
    folded = {candidate.casefold(): candidate for candidate in reversed(candidates)}
    wanted = name.casefold()
    found = difflib.get_close_matches(wanted, list(folded), n=NEAR_MAX, cutoff=0.55)
    inside = [low for low in folded if len(wanted) > 1 and (wanted in low or (len(low) > 2 and low in wanted))]
    return [folded[low] for low in list(dict.fromkeys([*found, *sorted(inside, key=len)]))[:NEAR_MAX]]


def unknown(what: str, name: str, known: Iterable[str], where: str = "") -> UnknownNameError:
    """The error for a name that nothing has, with near candidates or, failing these, what there is."""
    known = sorted(set(known))
    close = near(name, known)
    message = f"no {what} is named {name!r}{where}"
    if close:
        return UnknownNameError(f"{message}; near: {', '.join(map(repr, close))}")
    if not known:
        return UnknownNameError(message if "empty" in where else f"{message}: there is none at all")
    shown = ", ".join(map(repr, known[:NEAR_MAX]))
    more = f" and {len(known) - NEAR_MAX:,} more" if len(known) > NEAR_MAX else ""
    return UnknownNameError(f"{message}; there are {shown}{more}")


def unknown_among(name: str, known: Mapping[str, Iterable[str]], where: str = "") -> UnknownNameError:
    """The same where it may name things of several kinds; ``known`` are their names."""
    labelled = {label: what for what, names in known.items() for label in names}
    close = near(name, labelled)
    message = f"nothing{where} is named {name!r}"
    if close:
        return UnknownNameError(f"{message}; near: {', '.join(f'{labelled[one]} {one!r}' for one in close)}")
    if len(labelled) <= NEAR_MAX:
        listed = [f"{what} {label!r}" for label, what in labelled.items()]
    else:
        listed = [f"{what}s of {len(set(names)):,} names" for what, names in known.items() if names]
    return UnknownNameError(f"{message}; there are {', '.join(listed)}" if listed else message)


def as_parts(selection: Selection, what: str) -> list[str | re.Pattern[str]]:
    """The selection as a list of exact names and patterns.

    Raises:
        FilterError: it is neither text, nor a compiled pattern, nor a sequence of these.
    """
    parts: list[object] = [selection] if isinstance(selection, (str, re.Pattern)) else _listed(selection)
    if isinstance(selection, (bytes, dict)) or not all(map(_is_part, parts)):
        raise FilterError(
            f"{what}={selection!r} is not a selection of names: give one name, a list of names, "
            f"or re.compile(...) for a pattern on the whole name"
        )
    # names are kept in this form, so that the same text typed in another one is the same name
    return [
        normal_text(part) if isinstance(part, str) else part for part in parts if isinstance(part, (str, re.Pattern))
    ]


def _is_part(part: object) -> bool:
    return isinstance(part, str) or (isinstance(part, re.Pattern) and isinstance(part.pattern, str))


def _listed(selection: object) -> list[object]:
    return list(selection) if isinstance(selection, Iterable) else [selection]


def choose(selection: Selection, known: Sequence[str], what: str, where: str = "") -> list[str]:
    """The known names that are selected: in the order of the selection, patterns in the order of ``known``.

    Raises:
        UnknownNameError: an exact name that is not known, or a pattern that matches none.
    """
    chosen: dict[str, None] = {}
    have = set(known)
    for part in as_parts(selection, what):
        if isinstance(part, str):
            if part not in have:
                raise unknown(what, part, known, where)
            chosen[part] = None
            continue
        matching = [name for name in known if part.fullmatch(name)]
        if not matching:
            raise UnknownNameError(f"no {what}{where} matches the pattern {part.pattern!r} as a whole")
        chosen.update(dict.fromkeys(matching))
    return list(chosen)
