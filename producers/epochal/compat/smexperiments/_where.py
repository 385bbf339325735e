"""A search expression as the text of a filter (``where=``), a sort as that of an order. Pure.

Names that the service gives its properties are told apart here, and nowhere else, for what they are called in a filter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from ._names import variables_of
from .search_expression import BooleanOperator, Filter, NestedFilter, Operator, SearchExpression

__all__ = ["Resource", "order_text", "where_text"]

Resource = Literal["experiment", "trial", "component"]

_ATTRIBUTES: dict[Resource, dict[str, str]] = {
    "experiment": {
        "ExperimentName": "name",
        "ExperimentArn": "id",
        "DisplayName": "name",
        "Description": "hypothesis",
        "CreationTime": "created",
    },
    "trial": {
        "TrialName": "name",
        "TrialArn": "id",
        "DisplayName": "name",
        "ExperimentName": "experiment",
        "Parents.ExperimentName": "experiment",
        "CreationTime": "created",
    },
    "component": {
        "TrialComponentName": "key",
        "TrialComponentArn": "id",
        "DisplayName": "name",
        "Source.SourceArn": "id",
        "Status.PrimaryStatus": "status",
        "CreatedBy": "user",
        "CreatedBy.UserProfileName": "user",
        "Parents.ExperimentName": "experiment",
        "Parents.TrialName": "trial",
        "CreationTime": "created",
        "StartTime": "start",
        "EndTime": "end",
    },
}
_TRIAL_NAMES: dict[Resource, tuple[str, ...]] = {
    "experiment": (),
    "trial": ("TrialName", "DisplayName"),
    "component": ("Parents.TrialName",),
}
_GROUPS: dict[Resource, dict[str, str]] = {
    "experiment": {"tags": "tags"},
    "trial": {"tags": "tags"},
    "component": {"parameters": "params", "hyperparameters": "params", "metrics": "metrics", "tags": "tags"},
}
_STATISTICS = {
    "min": "min",
    "max": "max",
    "avg": "mean",
    "mean": "mean",
    "stddev": "std",
    "std": "std",
    "last": "last",
    "count": "count",
}
_NESTED: dict[str, tuple[str, dict[str, str]]] = {
    "InputArtifacts": ("input", {"Name": "name", "Key": "name", "Value": "uri", "MediaType": "media_type"}),
    "OutputArtifacts": ("output", {"Name": "name", "Key": "name", "Value": "uri", "MediaType": "media_type"}),
    "InputDataConfig": ("input", {"ChannelName": "name", "S3Uri": "uri", "ContentType": "media_type"}),
    "Parents": ("trial", {"TrialName": "name", "ExperimentName": "experiment"}),
}
_STATUSES = {
    "InProgress": ("running",),
    "Completed": ("completed",),
    "Failed": ("failed", "lost"),
    "Stopped": ("stopped",),
}
_SOURCE = "Source.SourceArn"
_IS_JOB = "(status is not null and kind != 'tracker')"
"""Of what has a source: the same as ``_reading.is_job``."""
_COMPARED = {
    Operator.EQUALS: "=",
    Operator.NOT_EQUALS: "!=",
    Operator.GREATER_THAN: ">",
    Operator.GREATER_THAN_OR_EQUAL: ">=",
    Operator.LESS_THAN: "<",
    Operator.LESS_THAN_OR_EQUAL: "<=",
}
_PLAIN = re.compile(r"\w[\w\-/:@+]*")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def where_text(expression: SearchExpression, resource: Resource) -> str:
    """The filter that says the same.

    Raises:
        ValueError: a property that isn't known, or an operator without its value.
    """
    parts = [_filter(one, resource) for one in expression.filters or ()]
    parts += [_nested(one, resource) for one in expression.nested_filters or ()]
    parts += [f"({where_text(one, resource)})" for one in expression.sub_expressions or ()]
    return f" {'and' if expression.boolean_operator is BooleanOperator.AND else 'or'} ".join(parts)


def order_text(sort_by: str | None, *, descending: bool, resource: Resource) -> str:
    """The order that says the same; by creation where nothing else is asked for.

    Raises:
        ValueError: a property that isn't known.
    """
    return f"{_field(sort_by or 'CreationTime', resource)} {'desc' if descending else 'asc'}"


def _filter(one: Filter, resource: Resource) -> str:
    text = _condition(one, _field(one.name, resource), of_trial=one.name in _TRIAL_NAMES[resource])
    if one.name != _SOURCE:
        return text
    return f"not {_IS_JOB}" if one.operator is Operator.NOT_EXISTS else f"({text} and {_IS_JOB})"


def _nested(nested: NestedFilter, resource: Resource) -> str:
    found = _NESTED.get(nested.property_name)
    if found is None or resource != "component":
        raise ValueError(
            f"NestedFilter({nested.property_name!r}): there are {', '.join(_NESTED)}, and of trial components only"
        )
    noun, fields = found
    parts: list[str] = []
    for one in nested.filters:
        field = fields.get(one.name.rpartition(".")[2])
        if field is None:
            raise ValueError(
                f"Filter({one.name!r}): in NestedFilter({nested.property_name!r}) there are {', '.join(fields)}"
            )
        parts.append(_condition(one, field, of_trial=noun == "trial" and field == "name"))
    return f"{noun}({' and '.join(parts)})"


def _field(name: str, resource: Resource) -> str:
    attribute = _ATTRIBUTES[resource].get(name)
    if attribute is not None:
        return attribute
    root, _, rest = name.partition(".")
    group = _GROUPS[resource].get(root.lower())
    if group is None or not rest:
        known = [*_ATTRIBUTES[resource], *(f"{one.capitalize()}.<name>" for one in _GROUPS[resource])]
        raise ValueError(f"{name!r} is no property of {_article(resource)}: there are {', '.join(known)}")
    if group != "metrics":
        return f"{group}.{_quoted(rest)}"
    metric, _, last = rest.rpartition(".")
    statistic = _STATISTICS.get(last.lower()) if metric else None
    return f"metrics.{_quoted(rest)}.last" if statistic is None else f"metrics.{_quoted(metric)}.{statistic}"


def _condition(one: Filter, field: str, *, of_trial: bool) -> str:
    if one.operator is None or one.operator is Operator.EXISTS:
        return f"{field} is not null"
    if one.operator is Operator.NOT_EXISTS:
        return f"{field} is null"
    if one.value is None:
        raise ValueError(f"{one!r} has no value to compare with")
    if one.operator is Operator.CONTAINS:
        return f"{field} contains {_text(str(one.value))}"
    if one.operator is Operator.IN:
        values = [value.strip() for value in str(one.value).split(",")]
        return _among(field, [each for value in values for each in _literals(value, field, of_trial=of_trial)])
    literals = _literals(one.value, field, of_trial=of_trial)
    if len(literals) == 1 or one.operator not in (Operator.EQUALS, Operator.NOT_EQUALS):
        return f"{field} {_COMPARED[one.operator]} {literals[0]}"
    if one.operator is Operator.EQUALS:
        return _among(field, literals)
    if field == "trial":  # of which a component may have several: one of them is another
        return f"trial(not {_among('name', literals)})"
    return f"({field} is not null and not {_among(field, literals)})"


def _among(field: str, literals: Sequence[str]) -> str:
    return f"{field} in ({', '.join(literals)})"


def _literals(value: object, field: str, *, of_trial: bool) -> list[str]:
    """The value, and whatever else it means; ``in`` also takes what nothing has the type of."""
    if isinstance(value, bool):
        return [str(value).lower()]
    if isinstance(value, datetime):
        return [_text(value.isoformat())]
    if isinstance(value, float):
        return [repr(float(value))]  # NumPy's own are floats that say more than their number
    if isinstance(value, int):
        return [repr(int(value))]
    text = str(value)
    if of_trial:
        ((name, called),) = variables_of(text).items()
        return [_text(text), _text(f"{name}={called}")]  # the second is how one is shown that only a job has named
    if field == "status":
        return list(map(_text, _STATUSES.get(text, (text,))))
    if "." in field and _NUMBER.fullmatch(text):
        # the service has every value as text, numbers too; here what is logged as text stays one
        return [text] if field.startswith("metrics.") else [text, _text(text)]
    return [_text(text)]


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return ".".join(_part(part) for part in name.split("."))


def _part(part: str) -> str:
    return part if _PLAIN.fullmatch(part) else "`" + part.replace("`", "``") + "`"


def _article(resource: Resource) -> str:
    return {"experiment": "an experiment", "trial": "a trial", "component": "a trial component"}[resource]
