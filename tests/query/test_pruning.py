"""Which stored contents may go: not what went in anywhere, what an alias stands for, or what a directory has."""

from __future__ import annotations

from pathlib import Path

import pytest
from query.scripts import told

pytestmark = pytest.mark.long

STEPS = """
import os
def write(path, text):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    open(path, "w").write(text)
    return path
def changes(frame):
    return dict(zip(frame["name"], frame["change"] + ": " + frame["reason"]))
"""

USED = "kept: it went into 1 component: used=True (--used) takes it, too"


def test_what_went_in_stays_however_it_was_said(tmp_path: Path) -> None:
    """By its digest, by a path that isn't copied, as one of several of a name, and by a run that is deleted."""
    said = told(
        STEPS
        + """
with epochal.init("digits", name="maker") as run:
    made = {name: run.log_output(name, path=write(name, name)) for name in ("digest", "path", "deleted", "free")}
for number in range(3):
    with epochal.init("digits", name=f"maker-{number}") as run:
        made[number] = run.log_output("model", path=write("model", f"model {number}"))
with epochal.init("digits", name="reader") as run:
    run.log_input("by digest", digest=made["digest"].digest)
    run.log_input("by path", path="path", copy=False)
with epochal.init("digits", name="deleted") as run:
    run.log_input("deleted", path="deleted", copy=False)
with epochal.init("digits", name="both") as run:
    for number in (0, 1, 0, 1):
        run.use(made[number], to=f"used-{number}")
with epochal.init("digits", name="again") as run:
    run.log_input("model", digest=made[2].digest)
    run.log_input("model", "s3://bucket/other")
store = epochal.open()
store.delete("deleted", confirm="deleted")
both = store.component("both")
found = store.prune("now")
said = {"inputs": sorted([one["name"] for one in both.state()["artifacts"]]), "ids": sorted(both.inputs()["id"]),
        "consumers": [len(store.artifact(made[number].digest).consumers()) for number in (0, 1)],
        "digests": [made[number].digest for number in (0, 1)],
        "changes": {name: list(found[found["digest"] == one.digest]["change"] + ": " + found["reason"][
            found["digest"] == one.digest]) for name, one in made.items()},
        "names": [store.artifact(made[number].digest).name for number in (0, 1)],
        "gone": list(store.prune("now", reason="full", confirm=1).query("change == 'removed'")["name"])}
""",
        tmp_path,
    )
    first, second = said["digests"]
    assert said["inputs"] == ["model", f"model@{second[7:15]}"]
    assert said["ids"] == sorted([first, second])
    assert said["consumers"] == [1, 1]
    assert said["names"] == ["model", "model"]
    kept = {name: [USED] for name in ("digest", "path", "deleted", "0", "1", "2")}
    assert said["changes"] == {**kept, "free": ["prunable: "]}
    assert said["gone"] == ["free"]


def test_every_content_of_a_name_may_go(tmp_path: Path) -> None:
    """Also those that a later one of the same run followed, but for the one that an alias stands for."""
    said = told(
        STEPS
        + """
with epochal.init("digits", name="maker") as run:
    made = [run.log_output("model", path=write("model", text)) for text in ("a", "bb", "ccc")]
epochal.alias("best", made[1])
store = epochal.open()
removed = store.prune("now", reason="full", confirm=2)
said = [sorted(zip(removed["size"], removed["change"])), store.artifact("best").fetch("best").read_text(),
        sum(len(names) for _, _, names in os.walk("store/artifacts/sha256"))]
""",
        tmp_path,
    )
    assert said == [[[1, "removed"], [2, "kept"], [3, "removed"]], "bb", 1]


def test_what_a_directory_has_goes_with_it(tmp_path: Path) -> None:
    """Nothing is said to be removed that isn't, and what is said is done."""
    said = told(
        STEPS
        + """
with epochal.init("digits", name="maker") as run:
    run.log_output("file", path=write("folder/file", "text"))
    folder = run.log_output("folder", path="folder")
epochal.alias("stays", folder)
store = epochal.open()
said = [changes(store.prune("now")), changes(store.prune("now", reason="full", confirm=0)),
        len(store.sql("SELECT * FROM actions")), store.artifact("file").why_not_stored()]
epochal.alias("stays", None)
said.append(changes(store.prune("now", reason="full", confirm=2)))
said.append([names for _, _, names in os.walk("store/artifacts") if names])
""",
        tmp_path,
    )
    *before, after, left = said
    kept = {
        "file": "kept: a directory that stays has it",
        "folder": "kept: it is 'stays': aliased=True (--aliased) takes it, too",
    }
    assert before == [kept, kept, 0, ""]
    assert after == {"file": "removed: ", "folder": "removed: "}
    assert left == []


def test_an_alias_is_one_by_uri_too(tmp_path: Path) -> None:
    """What stands for a place stands for the content that lies there; one of another project counts as well."""
    said = told(
        STEPS
        + """
with epochal.init("digits", name="maker") as run:
    for name in ("mine", "theirs", "nobody's"):
        run.log_output(name, f"s3://bucket/{name}", path=write(name, name))
epochal.alias("by place", "s3://bucket/mine")
for name in ("theirs", "nobody's"):
    epochal.alias("by place", f"s3://bucket/{name}", project=name)
epochal.alias("by place", None, project="nobody's")
store = epochal.open()
found = store.artifact("by place")
said = [found.content().decode(), list(found.aliases()["name"]), changes(store.prune("now"))]
""",
        tmp_path,
    )
    assert said[:2] == ["mine", ["by place"]]
    assert said[2] == {
        "mine": "kept: it is 'by place': aliased=True (--aliased) takes it, too",
        "theirs": "kept: another project has the same content",
        "nobody's": "prunable: ",
    }
