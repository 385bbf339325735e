"""Actions, contexts and associations: what users type is what lies in the journal."""

from __future__ import annotations

from pathlib import Path

import pytest
from sdk.children import run

from epochal._ids import association_id, entity_id

PROD = ("context", str(entity_id("default", "context", "endpoint/prod")))
MODEL = ("artifact", "sha256:" + "ab" * 32)


def test_actions_and_contexts(tmp_path: Path) -> None:
    """Declared once a process unless something new is said; the same name is the same one."""
    written = run(
        """
        for _ in range(2):
            prod = epochal.context("endpoint/prod", type="endpoint", properties={"region": "eu", "replicas": 3})
        assert epochal.context("endpoint/prod").id == prod.id != epochal.action("endpoint/prod").id
        prod.tag("live", owner="ann")
        prod.untag("live")
        prod.note("moved")
        """,
        tmp_path,
    ).written
    declared = written.data("entity.declared")
    assert [(one["kind"], one["name"], one["type"], one["properties"]) for one in declared] == [
        ("context", "endpoint/prod", "endpoint", {"region": "eu", "replicas": 3}),
        ("context", "endpoint/prod", None, None),
        ("action", "endpoint/prod", None, None),
    ]
    assert declared[0]["entity"] == PROD[1]
    assert [one["kind"] for one in [*written.data("tags.set"), *written.data("note.written")]] == ["context"] * 2


def test_associations_run_in_the_direction_of_time(tmp_path: Path) -> None:
    """They read as sentences; what is derived comes after what it is derived from, a context after all else."""
    written = run(
        """
        prod, model = epochal.context("endpoint/prod"), "sha256:" + "ab" * 32
        with epochal.init("e") as run:
            tuned = run.log_output("tuned", digest="sha256:" + "cd" * 32)
        epochal.associate(prod, "AssociatedWith", model)
        epochal.associate(model, "AssociatedWith", prod)
        epochal.associate(tuned, "DerivedFrom", model, time=5)
        epochal.associate(prod, "ContributedTo", run)
        epochal.associate(("trial", "6efe4e62-4d39-5cc5-9a7f-9c2e09c117f6"), "SameAs", epochal.experiment("e"))
        epochal.associate(prod, "AssociatedWith", model, only=True)
        epochal.associate("s3://bucket/x", "AssociatedWith", prod, only=True)
        epochal.dissociate(prod, "AssociatedWith", model)
        epochal.dissociate(prod, "AssociatedWith")
        """,
        tmp_path,
    ).written
    made = written.data("association.made")
    ends = [(one["relation"], one["source_kind"], one["target_kind"]) for one in made]
    assert ends == [
        ("AssociatedWith", "artifact", "context"),
        ("AssociatedWith", "artifact", "context"),
        ("DerivedFrom", "artifact", "artifact"),
        ("ContributedTo", "context", "component"),
        ("SameAs", "trial", "experiment"),
        ("AssociatedWith", "artifact", "context"),
        ("AssociatedWith", "artifact", "context"),
    ]
    assert (made[2]["source"], made[2]["target"]) == (MODEL[1], "sha256:" + "cd" * 32)
    pair, only = (
        association_id("default", "AssociatedWith", MODEL, PROD),
        association_id("default", "AssociatedWith", None, PROD),
    )
    assert [made[place]["association"] for place in (0, 1, 5, 6)] == [str(pair), str(pair), str(only), str(only)]
    assert [one["association"] for one in written.data("association.removed")] == [str(pair), str(only)]
    (derived,) = [event for event in written.events if event.data.get("relation") == "DerivedFrom"]
    assert derived.time == 5_000_000


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("epochal.associate('a', 'MadeFrom', 'b')", "MisuseError: relation='MadeFrom': accepted are ContributedTo"),
        ("epochal.associate('a', 'SameAs', 'a')", "MisuseError: associate('a', 'SameAs', 'a'): the two are one"),
        ("epochal.associate('a', 'SameAs', 5)", "MisuseError: 5 can't be associated: a run, a trial"),
        ("epochal.associate('6efe4e62-4d39-5cc5-9a7f-9c2e09c117f6', 'SameAs', 'b')", "can't be associated"),
        ("epochal.associate(('model', 'x'), 'SameAs', 'b')", "can't be associated"),
        ("epochal.associate('a', 'SameAs', 'b', time='x')", "ValueError: time='x'"),
        ("epochal.context('')", "TypeError: the name of a context is a non-empty text; got ''"),
        ("epochal.action('a', properties=[1])", "TypeError: properties=[1]: a mapping"),
        ("epochal.action('a', type=1)", "TypeError: type=1 is not text"),
    ],
)
def test_what_is_refused(tmp_path: Path, call: str, said: str) -> None:
    """With the value, and what is accepted."""
    child = run(
        f"""
        try:
            {call}
        except Exception as error:
            print(f"{{type(error).__name__}}: {{error}}")
        """,
        tmp_path,
    )
    assert said in child.out
    assert not child.written.data("association.made")


def test_an_alias_has_a_name_of_its_own(tmp_path: Path) -> None:
    """Where the process knows that it is another context's, either way round; and it says what it is at every move."""
    child = run(
        """
        epochal.context("production", type="endpoint")
        epochal.alias("current", "sha256:" + "ab" * 32)
        for call in (lambda: epochal.alias("production", "s3://b/model"), lambda: epochal.alias("production", None),
                     lambda: epochal.context("current", type="endpoint")):
            try:
                call()
            except epochal.MisuseError as error:
                print(error)
        epochal.context("current", properties={"by": "ann"})
        epochal.context("production", type="batch")
        epochal.alias("current", None)
        """,
        tmp_path,
    )
    said = child.out.splitlines()
    assert [line.partition(":")[0] for line in said] == [
        "context 'production' is of type 'endpoint' here, and can't be of type 'alias', too",
        "context 'production' is of type 'endpoint' here, and can't be of type 'alias', too",
        "context 'current' is of type 'alias' here, and can't be of type 'endpoint', too",
    ]
    declared = [(one["name"], one["type"]) for one in child.written.data("entity.declared")]
    assert declared == [
        ("production", "endpoint"),
        ("current", "alias"),
        ("current", None),
        ("production", "batch"),
        ("current", "alias"),
    ]
    assert len(child.written.data("association.made")) == 1


def test_nothing_is_said_when_disabled(tmp_path: Path) -> None:
    """The calls cost nothing and record nothing."""
    child = run(
        """
        epochal.associate(epochal.action("approve"), "AssociatedWith", "sha256:00")
        """,
        tmp_path,
        EPOCHAL_MODE="disabled",
    )
    assert not child.written.events
