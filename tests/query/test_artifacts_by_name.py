"""Artifacts by name: versions, aliases with their history, fetching by any of these, and contents that were removed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from host_ending import end_host
from query.scripts import told

pytestmark = pytest.mark.long

TRAINED = """
import os
def train(text, alias=None, **more):
    with epochal.init("digits", variables={"text": text}, name=f"train-{text}") as run:
        open("model.bin", "w").write(text)
        model = run.log_output("model", path="model.bin", **more)
        model.wait()
    if alias:
        epochal.alias(alias, model)
    return model
def refused(call, *arguments, **more):
    try:
        call(*arguments, **more)
    except epochal.EpochalError as error:
        return f"{type(error).__name__}: {error}"
"""


def digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def test_versions_are_contents_in_order(tmp_path: Path) -> None:
    """The same content again is the version that it was; what is known of each, and by which component."""
    said = told(
        TRAINED
        + """
for text in ("a", "bb", "a"):
    train(text, "production")
with epochal.init("digits", name="reader") as run:
    run.log_input("model", "s3://bucket/model.keras", media_type="application/x-keras")
store = epochal.open()
found = store.versions("model")
said = found.drop(columns=["since", "component", "uri"]).astype(object).where(found.notna(), None).to_dict("records")
assert found["since"].is_monotonic_increasing
assert found["component"].tolist()[1:] == [str(store.component(name).id) for name in ("train-bb", "reader")]
handle = store.artifact("production")
assert handle.versions().equals(found) and list(handle.aliases()["name"]) == ["production"]
said = said, refused(store.versions, "modell")
""",
        tmp_path,
    )
    rows, near = said
    shown = [(row["version"], row["artifact"], row["size"], row["stored"], row["name"], row["aliases"]) for row in rows]
    assert shown == [
        (1, digest("a"), 1, True, "train-a", ["production"]),
        (2, digest("bb"), 2, True, "train-bb", []),
        (3, "s3://bucket/model.keras", None, False, "reader", []),
    ]
    assert [row["direction"] for row in rows] == ["out", "out", "in"]
    assert rows[2]["media_type"] == "application/x-keras"
    assert near.startswith("UnknownNameError: no artifact is named 'modell'")
    assert "'model'" in near


def test_every_content_of_a_name_is_a_version(tmp_path: Path) -> None:
    """Also where one run logged several; each is found by digest and alias, the name stands for the last."""
    said = told(
        TRAINED
        + """
with epochal.init("digits", name="training") as run:
    for text in ("a", "bb", "ccc"):
        open("model.bin", "w").write(text)
        run.log_output("model", path="model.bin").wait()
        if text == "a":
            epochal.alias("first", run.log_output("model", path="model.bin"))
store = epochal.open()
keys = list(store.versions("model")["artifact"])
component = store.component("training")
said = [keys, list(store.versions("model")["aliases"]), [store.artifact(one).content().decode() for one in keys],
        [store.artifact(one).content().decode() for one in ("first", "model", keys[0][:15])],
        component.output(keys[0]).size, component.output("model").size]
component.correct("artifacts.out/model", value="s3://bucket/right", reason="it lies elsewhere")
said.append(list(store.versions("model")["artifact"]))
""",
        tmp_path,
    )
    keys = [digest(text) for text in ("a", "bb", "ccc")]
    assert said[0] == keys
    assert said[1:] == [
        [["first"], [], []],
        ["a", "bb", "ccc"],
        ["a", "ccc", "a"],
        1,
        3,
        [*keys[:2], "s3://bucket/right"],
    ]


def test_what_is_stored_is_found_where_it_is_mentioned_only(tmp_path: Path) -> None:
    """A later mention by reference hides no content; names are compared in their normal form."""
    said = told(
        TRAINED
        + """
model = train("weights")
with epochal.init("digits", name="reader") as run:
    run.log_input("caf\u00e9", digest=model.digest)
store = epochal.open()
found = [store.artifact(model.digest), store.artifact("cafe\u0301"), store.component("reader").input("caf\u00e9")]
said = [[one.name, one.size, one.content().decode()] for one in found]
""",
        tmp_path,
    )
    assert said == [["model", 7, "weights"], ["café", 7, "weights"], ["café", 7, "weights"]]


def test_an_alias_finds_its_artifact_at_any_time(tmp_path: Path) -> None:
    """What stands for what, which one it was at any instant, and that its end is its end."""
    said = told(
        TRAINED
        + """
from datetime import UTC, datetime
train("a", "production")
then = datetime.now(UTC)
train("b", "production")
epochal.alias("candidate", train("c"))
store = epochal.open()
said = {"now": store.artifact("production").digest, "then": store.artifact("production", as_of=then).digest,
        "candidate": store.artifact("candidate").fetch("fetched").read_text(),
        "aliases": list(zip(store.aliases()["name"], store.aliases()["artifact"])),
        "ever": list(store.associations("production")["source"])}
epochal.alias("production", None)
said["none"] = refused(store.artifact, "production")
said["left"] = list(store.aliases()["name"])
said["still then"] = store.artifact("production", as_of=then).digest
epochal.alias("unknown", "sha256:" + "0" * 64)
said["unknown"] = refused(store.artifact, "unknown")
epochal.alias("model", said["now"])
said["both"] = refused(store.artifact, "model")
""",
        tmp_path,
    )
    assert said["now"] == digest("b")
    assert said["then"] == said["still then"] == digest("a")
    assert said["candidate"] == "c"
    assert said["aliases"] == [["candidate", digest("c")], ["production", digest("b")]]
    assert said["ever"] == [digest("a"), digest("b")]
    assert "UnknownNameError" in said["none"]
    assert said["left"] == ["candidate"]
    assert said["unknown"] == (
        f"UnknownNameError: the alias 'unknown' stands for sha256:{'0' * 64}, which no component that is there logged"
    )
    assert "AmbiguousNameError: 3 artifacts are named 'model'" in said["both"]
    assert f"('model' is an alias of {digest('b')}, too)" in said["both"]


def test_a_job_uses_what_it_names(tmp_path: Path) -> None:
    """By handle, digest, URI, alias or name: fetched, verified, and an input of the run; else an error."""
    said = told(
        TRAINED
        + """
model = train("weights", "production")
os.makedirs("folder/deep")
open("folder/deep/x.csv", "w").write("1,2")
with epochal.init("digits", name="prepare") as run:
    data = run.log_output("data", path="folder")
with epochal.init("digits", name="serve") as run:
    places = [run.use(one, to=f"to-{number}") for number, one in enumerate(
        ["production", "model", model.digest, model.uri, model, epochal.open().artifact("model")])]
    assert {place.read_text() for place in places} == {"weights"}
    assert (run.use("data") / "deep" / "x.csv").read_text() == "1,2"
    said = refused(run.use, "modell"), refused(run.use, "sha256:" + "0" * 64)
inputs = epochal.open().component("serve").inputs()
said = [*said, list(inputs["name"]), list(inputs["type"])]
stored = [os.path.join(at, name) for at, _, names in os.walk("store/artifacts") for name in names]
for path in stored:
    if open(path).read() == "weights":
        os.chmod(path, 0o644)
        open(path, "w").write("altered")
with epochal.init("digits") as run:
    said.append(refused(run.use, "production", to="again"))
""",
        tmp_path,
    )
    assert said[0].startswith("NotFoundError: no artifact of project 'default' has the name")
    assert "'model'" in said[0]
    assert said[1].startswith("NotFoundError: ")
    assert sorted(said[2]) == ["data", "model"]
    assert sorted(said[3]) == ["application/octet-stream", "inode/directory"]
    assert said[4].startswith("DigestMismatch: ")


def test_contents_go_and_what_was_recorded_stays(tmp_path: Path) -> None:
    """Listed first; then those that nothing uses and no alias stands for go, and whoever fetches one is told why."""
    said = told(
        TRAINED
        + """
def listed(frame):
    return sorted([row["digest"], row["change"], row["reason"]] for row in frame.to_dict("records"))
for text in ("old", "older"):
    train(text)
train("served", "production")
train("used")
with epochal.init("digits", name="reader") as run:
    run.use(epochal.open().component("train-used").output("model"), to="used")
with epochal.init("digits", name="theirs", project="theirs") as run:
    open("model.bin", "w").write("older")
    run.log_output("model", path="model.bin")
epochal.finish()
store = epochal.open()
before = store.lineage("production", "both").to_text()
said = {"list": listed(store.prune("now")), "young": len(store.prune("1 day ago"))}
said["wrong"] = refused(store.prune, "now", confirm=3, reason="full")
said["why"] = refused(store.prune, "now", confirm=1)
said["gone"] = listed(store.prune("now", confirm=1, reason="the disk is full"))
said["again"] = listed(store.prune("now"))
old = store.component("train-old").output("model")
said["fetch"] = refused(old.fetch, "x")
with epochal.init("digits", name="late") as run:
    said["use"] = refused(run.use, old)
said["record"] = [old.digest, old.size, store.versions("model")["artifact"].tolist().count(old.digest)]
said["action"] = store.lineage(old, "descendants", kinds="action").nodes["type"].tolist()
assert store.lineage("production", "both").to_text() == before
for text in ("served", "used"):
    assert store.component(f"train-{text}").output("model").fetch(text + "-there").read_text() == text
said["all"] = listed(store.prune("now", used=True, aliased=True, confirm=2, reason="moved"))
train("old")
said["back"] = old.fetch("back").read_text()
""",
        tmp_path,
    )
    old, older, served, used = map(digest, ("old", "older", "served", "used"))
    kept = [
        [older, "kept", "another project has the same content"],
        [served, "kept", "it is 'production': aliased=True (--aliased) takes it, too"],
        [used, "kept", "it went into 1 component: used=True (--used) takes it, too"],
    ]
    assert said["list"] == sorted([[old, "prunable", ""], *kept])
    assert said["young"] == 0
    assert said["wrong"].startswith("DeletionError: nothing is removed: 1 contents (3 bytes) would go, not 3.")
    assert said["why"].startswith("DeletionError: no content is removed without a reason")
    assert said["gone"] == sorted([[old, "removed", ""], *kept])
    assert said["again"] == sorted(kept)
    assert said["fetch"].startswith(f"NotStored: the content of artifact 'model' ({old}) was removed on 20")
    assert "UTC: the disk is full (retention " in said["fetch"]
    assert said["use"] == said["fetch"]
    assert said["record"] == [old, 3, 1]
    assert "retention" in said["action"]
    assert said["all"] == sorted([kept[0], [served, "removed", ""], [used, "removed", ""]])
    assert said["back"] == "old"


def test_handles_of_the_store_go_elsewhere(tmp_path: Path) -> None:
    """Pickled in a process, read in another: the store, its handles and artifacts, also one that is being stored."""
    said = told(
        TRAINED
        + """
import pickle, subprocess, sys
model = train("weights", "production")
with epochal.init("digits", name="open") as run:
    open("later.bin", "w").write("later")
    later = run.log_output("later", path="later.bin")
    pickled = pickle.dumps(later)
store = epochal.open("store")
given = (store, store.experiment("digits"), store.trial({"text": "weights"}), store.component("train-weights"),
         store.artifact("production"), model, pickle.loads(pickled))
open("given.pickle", "wb").write(pickle.dumps(given))
store.close()
os.makedirs("elsewhere")
del os.environ["EPOCHAL_ARTIFACTS"]  # what a handle says of its content counts, wherever it is read
reading = '''
import json, pickle
store, exp, trial, component, aliased, model, later = pickle.load(open("../given.pickle", "rb"))
print(json.dumps([list(store.experiments()["name"]), len(exp.trials()), len(trial.components()),
    component.output("model").digest == aliased.digest == model.digest, aliased.fetch("one").read_text(),
    model.fetch("two").read_text(), later.fetch("three").read_text(), list(aliased.trials()["name"])]))
'''
done = subprocess.run([sys.executable, "-c", reading], cwd="elsewhere", capture_output=True, text=True)
said = done.stderr or done.stdout
""",
        tmp_path,
        EPOCHAL_ARTIFACTS="arts",
    )
    assert json.loads(said) == [["digits"], 2, 1, True, "weights", "weights", "later", ["text=weights"]]


def test_a_store_survives_a_fork(tmp_path: Path) -> None:
    """Parent and children ask at the same time, each by connections of its own, and each gets its own answers."""
    try:
        said = told(
            """
import os
for number in range(3):
    with epochal.init("digits", name=f"run-{number}") as run:
        run.log({f"m{number}": number for number in range(50)}, step=number)
store = epochal.open()
component = store.component("run-1")
pipe = os.pipe()
for child in range(3):
    if not os.fork():
        seen = {(component.metrics()["value"].sum(), len(store.components())) for _ in range(3)}
        os.write(pipe[1], f"{seen}\\n".encode())
        os._exit(0)
mine = {(component.metrics()["value"].sum(), len(store.components())) for _ in range(3)}
ends = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(3)]
os.close(pipe[1])
said = [ends, set(os.fdopen(pipe[0]).read().splitlines()) == {str(mine)}, len(mine)]
""",
            tmp_path,
            EPOCHAL_HOST="auto",
        )
    finally:
        end_host(tmp_path / "store")
    assert said == [[0, 0, 0], True, 1]
