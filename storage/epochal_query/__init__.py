"""Reading: views, reports, filters, lineage, SQL; the command line.

``open`` is the door; ``param``, ``metric``, ``tag``, ``attribute``, ``input`` and the like build filters in Python;
``write_csv``, ``write_parquet`` and ``read_parquet`` keep a frame in a file as it is. What is heavy (pandas,
the client) is loaded when it is first asked for, so that the command line stays quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from epochal_query.certificate import Certificate
    from epochal_query.diff import Difference
    from epochal_query.errors import (
        CheckpointError,
        DeletionError,
        FilterError,
        QueryError,
        ReadError,
        RepairError,
        TimeError,
        TooManyColumnsError,
        UnknownNameError,
        WaitTimeoutError,
    )
    from epochal_query.filter_tree import Condition
    from epochal_query.filters import (
        artifact,
        attribute,
        component,
        experiment,
        input,
        metric,
        output,
        param,
        run,
        tag,
        trial,
        variable,
    )
    from epochal_query.frame_files import read_parquet, write_csv, write_parquet
    from epochal_query.lineage import Lineage
    from epochal_query.opening import open_store
    from epochal_query.opening import open_store as open
    from epochal_query.searching import Pages
    from epochal_query.store import Store
    from epochal_query.verification import Verification

__all__ = [
    "Certificate",
    "CheckpointError",
    "Condition",
    "DeletionError",
    "Difference",
    "FilterError",
    "Lineage",
    "Pages",
    "QueryError",
    "ReadError",
    "RepairError",
    "Store",
    "TimeError",
    "TooManyColumnsError",
    "UnknownNameError",
    "Verification",
    "WaitTimeoutError",
    "artifact",
    "attribute",
    "component",
    "experiment",
    "input",
    "metric",
    "open",
    "open_store",
    "output",
    "param",
    "read_parquet",
    "run",
    "tag",
    "trial",
    "variable",
    "write_csv",
    "write_parquet",
]

_ERRORS = [name for name in __all__ if name.endswith("Error")]
_FILTERS = [
    *("artifact", "attribute", "component", "experiment", "input", "metric", "output", "param", "run", "tag", "trial"),
    "variable",
]
_HOMES = {
    **dict.fromkeys(_ERRORS, "errors"),
    **dict.fromkeys(_FILTERS, "filters"),
    **dict.fromkeys(["read_parquet", "write_csv", "write_parquet"], "frame_files"),
    "Certificate": "certificate",
    "Condition": "filter_tree",
    "Difference": "diff",
    "Lineage": "lineage",
    "Pages": "searching",
    "Store": "store",
    "Verification": "verification",
    "open": "opening",
    "open_store": "opening",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'epochal_query' has no attribute {name!r}")
    module = importlib.import_module(f"epochal_query.{_HOMES[name]}")
    return getattr(module, "open_store" if name == "open" else name)


def __dir__() -> list[str]:
    return sorted(__all__)
