"""Reads a store with the engine in this process, by what the SDK asks of reading, and prints what it found."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import epochal
from epochal_query import for_sdk, open_store


def main(target: Path) -> None:
    """Missing trials, a component's past, an artifact's content, a report."""
    exp = epochal.experiment("digits", variables={"model": ["a", "b", "c"], "epochs": [2, 4]})
    missing = exp.missing()
    store = open_store()
    best = str(store.best("digits", "acc", mode="max")["ComponentId"][0])
    content = store.component(best).output("model").fetch(target).read_text()
    store.close()
    past = for_sdk.resume_info(best, project="default")
    nobody = for_sdk.resume_info("00000000-0000-0000-0000-000000000000", project="default")
    json.dump({"missing": missing, "past": past, "nobody": nobody, "content": content}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
