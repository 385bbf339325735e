"""Reading never writes: whatever is asked, journals, log and contents are afterwards what they were before."""

from __future__ import annotations

from pathlib import Path

import pytest
from query.scripts import told
from sdk.children import run

WRITING = """
for text in ("a", "b"):
    exp = epochal.experiment("digits", hypothesis="h", variables={"text": ["a", "b", "c"]})
    with exp.trial({"text": text}).run("training", resources={"cpus": 2}) as run:
        run.log({"loss": 1.0}, step=0)
        run.log_params({"text": text})
        open("model.bin", "w").write(text)
        model = run.log_output("model", path="model.bin")
        run.log_text("remarks", text)
        epochal.alias("production", model)
    common = epochal.component("common")
    exp.trial({"text": text}).attach(common)
    common.finish()
endpoint = epochal.context("endpoint", type="endpoint")
epochal.associate(model, "ContributedTo", endpoint)
exp.conclude("accepted")
"""

READING = """
import contextlib, hashlib, os

def tree(folder):
    paths = [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names]
    return {path: hashlib.sha256(open(path, "rb").read()).hexdigest() for path in sorted(paths)}

store = epochal.open()
def kept():
    tables = ("events", "facts", "metrics", "ledger")
    rows = [store.sql(f"SELECT count() AS n, sum(cityHash64(*)) AS h FROM {table}").to_dict("records")
            for table in tables]
    return rows, tree("store/journals"), tree("store/artifacts"), store.watermark()
training = store.components(trial={"text": "a"})["id"].iloc[0]
before = kept()
assert before[1] and before[2]
handles = [store.experiment("digits"), store.trial({"text": "a"}), store.component(training),
           store.artifact("production"), store.context("endpoint")]
asked, refused, seen = [], [], []
changing = {"delete", "correct", "retract", "undo", "fetch", "close"}
for handle in handles:
    for name in sorted(name for name in dir(handle) if not name.startswith("_") and name not in changing):
        call = getattr(handle, name)
        if not callable(call) or name == "store" or getattr(type(handle), name, None) in seen:
            continue
        seen.append(getattr(type(handle), name, None))
        arguments = {"best": ["loss"], "plot": ["loss"], "result": ["remarks"], "input": ["model"],
                     "output": ["model"]}.get(name, [])
        more = {"best": {"mode": "min"}, "diff": {"as_of": ("1 day ago", "now")}}.get(name, {})
        try:
            call(*arguments, **more)
            asked.append(name)
        except epochal.EpochalError as error:
            refused.append(f"{type(handle).__name__}.{name}: {error}")
for call in (store.experiments, store.trials, store.components, store.metrics, store.report, store.aliases,
             store.deleted, store.erased, store.verify, lambda: store.prune("now"), lambda: store.versions("model"),
             lambda: store.provenance("production"), lambda: store.reproduce(store.artifact("production")),
             lambda: store.artifact("production").fetch("fetched"),
             lambda: store.lineage("production", "both").to_text(), lambda: store.certificate(training),
             lambda: store.search("run", page_size=1), lambda: store.plot("loss", experiment="digits")):
    call()
with contextlib.suppress(epochal.EpochalError):
    store.delete("digits", confirm="digits")
with contextlib.suppress(epochal.EpochalError):
    store.delete_unassigned()
assert epochal.current() is None
after = kept()
# a host removes journals that are in the log, in its own time
after = (after[0], {path: before[1].get(path) for path in before[1]} | after[1], *after[2:])
said = [one == other for one, other in zip(before, after)] + [sorted(set(asked)), refused]
"""


@pytest.mark.long
def test_reads_leave_everything_as_it_was(tmp_path: Path) -> None:
    """Every read of the store and of its handles, calls that are refused among them."""
    run(WRITING, tmp_path)
    *same, asked, refused = told(READING, tmp_path)
    assert same == [True] * 4
    wanted = {
        "lineage",
        "missing",
        "parameters",
        "versions",
        "state",
        "history",
        "report",
        "models",
        "trials",
        "datasets",
        "plot",
        "result",
    }
    assert wanted <= set(asked)
    assert [line for line in refused if "ComponentHandle.input:" not in line and ".output:" not in line] == []
