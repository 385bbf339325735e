"""Which components a report shows, or a search finds, in which order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import cast

import numpy as np
import pyarrow as pa

from epochal_query.answers import COLUMNS, IN_HEADS, Answers
from epochal_query.attributes import ATTRIBUTES, Word
from epochal_query.columns import codes, column, id_texts
from epochal_query.errors import FilterError, erased_meanwhile
from epochal_query.filter_names import EVERYTHING, checked_names
from epochal_query.filter_tree import Condition, Field, Has, IsNull, Leaf, Not, OrderKey, leaves, nested, replaced
from epochal_query.listing_filter import having
from epochal_query.narrowing import narrowed
from epochal_query.rank_values import Ranks
from epochal_query.reading import KNOWN, Reading, at, together
from epochal_query.scope import Scope, of_components


@dataclass(frozen=True)
class Choice:
    """A filter, an order, a limit; and which rank's metrics they mean."""

    where: Condition | None = None
    order: tuple[OrderKey, ...] = ()
    limit: int | None = None
    ranks: Ranks = None


def choose_components(reading: Reading, scope: Scope, choice: Choice) -> pa.Table:
    """The components in scope that satisfy the filter, in order, with the columns of ``components`` a report shows.

    Without an order they come in the order of their creation.

    Raises:
        FilterError: the choice can't be understood, or the filter can't match anything; or something that was found
            was erased meanwhile.
        UnknownNameError: the filter or the order names what nobody ever logged.
    """
    chosen, is_whole = _chosen(reading, scope, choice, whole=choice.limit is None)
    return chosen if is_whole else _whole(reading, scope, chosen)


def choose_ids(reading: Reading, scope: Scope, choice: Choice) -> list[str]:
    """Only the ids of the same components, in the same order: quicker, where how they ran doesn't matter."""
    return id_texts(_chosen(reading, scope, choice, whole=False)[0], "component")


def _chosen(reading: Reading, scope: Scope, choice: Choice, *, whole: bool) -> tuple[pa.Table, bool]:
    """The lines, and whether all their columns are there: some do where ``whole`` isn't asked for."""
    _check_choice(choice)
    where = None if choice.where is None else replaced(choice.where, _in_its_owners)
    compared = [] if where is None else list(leaves(where))
    inside = [] if where is None else list(nested(where))
    sorted_by = [key.field for key in choice.order]
    keys, near = together(
        lambda: checked_names(*scope.naming(reading), compared, sorted_by),
        lambda: narrowed(reading, scope, where),
    )
    answers = Answers(reading, near, choice.ranks, keys)
    ran = [leaf for leaf in compared if _whether_it_ran(leaf)]
    said = [leaf for leaf in compared if not leaf.field.root and not _whether_it_ran(leaf)]
    asked_for = {ATTRIBUTES[one.name].column for one in [*(leaf.field for leaf in said), *sorted_by] if not one.root}
    heads = not whole and asked_for <= IN_HEADS
    questions = [answers.ask_components(said, asked_for, heads=heads)]
    for root in ("params", "tags", "metrics"):
        mine = [leaf for leaf in compared if leaf.field.root == root]
        by = [one for one in sorted_by if one.root == root]
        if mine or by:
            questions.append((answers.ask_metrics if root == "metrics" else answers.ask_cells)(mine, by))
    if ran:
        questions.append(answers.ask_ran(ran))
    artifacts = [one for one in inside if one.what in ("input", "output", "artifact")]
    if artifacts:
        questions.append(answers.ask_artifacts(artifacts))
    owners = [one for one in inside if one not in artifacts]
    tables = together(
        *(partial(answers.ask, one) for one in questions),
        *(partial(_ids_having, reading, one, choice.ranks) for one in owners),
    )
    for one, table in zip(questions, tables, strict=False):
        one.take(table)
    for has, found in zip(owners, tables[len(questions) :], strict=True):
        answers.hold_ids(has, found)
    places = np.arange(answers.components.num_rows)
    if where is not None:
        places = places[answers.truth(where)]
    places = answers.order(choice.order, places)
    return answers.components.take(pa.array(places[: choice.limit])), not heads


def _whether_it_ran(leaf: Leaf) -> bool:
    return isinstance(leaf, IsNull) and leaf.field == Field("", "status")


def _in_its_owners(leaf: Leaf) -> Condition:
    """``experiment = 'x'``, where a component may be in several, as ``experiment(name = 'x')``."""
    what: Word = "trial" if leaf.field.name == "trial" else "experiment"
    if leaf.field.root or leaf.field.name != what:
        return leaf
    inside = replace(leaf, field=Field("", "name"))
    return Not(Has(what, Not(inside))) if isinstance(inside, IsNull) else Has(what, inside)


def _ids_having(reading: Reading, has: Has, ranks: Ranks) -> list[str]:
    return having(reading, "component", has, lambda where: choose_ids(reading, EVERYTHING, Choice(where, ranks=ranks)))


def _whole(reading: Reading, scope: Scope, heads: pa.Table) -> pa.Table:
    """The lines of `components` for those whose heads were chosen, in their order."""
    chosen = of_components(scope, id_texts(heads, "component"))
    sql = f"""SELECT {", ".join(COLUMNS)} FROM {at("components")} WHERE project = {{project:String}} AND {chosen.sql}"""
    found = reading.rows(sql, KNOWN | chosen.listed, **chosen.parameters)
    places = codes(heads, "component", column(found, "component"))
    if (places < 0).any():
        raise erased_meanwhile(f"component {id_texts(heads, 'component')[int(places.argmin())]}")
    return found.take(pa.array(places))


def _check_choice(choice: Choice) -> None:
    limit = cast(object, choice.limit)
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
        raise FilterError(f"limit={limit!r} is not a number of rows: give a whole number from 0 on, or None for all")
    for key in choice.order:
        if not key.field.root and not ATTRIBUTES[key.field.name].column:
            raise FilterError(f"{key.field}: a component may be in several, so that it can't be sorted by one")
