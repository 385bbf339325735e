"""Checkpoints: whatever lies before one can't be altered unseen, not even with the ledger and the chains made anew."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from processors.hosts import Hosts
from processors.journals import Job
from query.altered import Altered, started

from epochal._journal.process import ProcessLock
from epochal_processors.coverage import Coverage
from epochal_processors.history import SqlHistory
from epochal_processors.materialize import Ending, Materializer
from epochal_query.checkpoint import signed_bytes
from epochal_query.connection import Opened
from epochal_query.errors import CheckpointError
from epochal_query.signing import new_key
from epochal_query.store import Store


@pytest.fixture(scope="module")
def altered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Altered]:
    with Altered.made(tmp_path_factory.mktemp("altered") / "store") as found:
        yield found


@pytest.fixture(scope="module")
def kept(altered: Altered, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of the untouched store."""
    path = tmp_path_factory.mktemp("elsewhere") / "checkpoint.json"
    altered.opened().checkpoint(path)
    return path


def test_an_untouched_store_fits_its_checkpoint(altered: Altered, kept: Path) -> None:
    """And the same state gives the same checkpoint."""
    assert altered.verify(checkpoint=kept)["findings"] == []
    again, first = altered.opened().checkpoint(), json.loads(kept.read_text(encoding="utf-8"))
    assert {**again, "made_at": ""} == {**first, "made_at": ""}


def test_only_the_checkpoint_finds_a_ledger_that_was_rewritten_consistently(altered: Altered, kept: Path) -> None:
    """All is said to have been recorded a second earlier, in rows and ledger alike: nothing in the store tells."""
    with altered.kept():
        altered.record_earlier()
        alone, compared = altered.verify(intake=False), altered.verify(checkpoint=kept, intake=False)
        (log,) = set(altered.column("SELECT toString(log) FROM ledger"))
        last = max(altered.column("SELECT offset FROM ledger"))
    assert alone["findings"] == []
    (found,) = compared["findings"]
    assert (found["log"], found["first_seq"], found["last_seq"]) == (log, 0, last)


def test_only_the_checkpoint_finds_a_chain_that_was_made_anew(altered: Altered, kept: Path) -> None:
    """A value is altered, and all digests and links of its stream are computed again, as the product does it."""
    job = altered.first
    with altered.kept():
        altered.run(
            "ALTER TABLE metrics UPDATE value = value + 1 WHERE writer = {first} AND seq = 5000",
            "ALTER TABLE blocks DELETE WHERE writer = {first}",
        )
        history, coverage = SqlHistory(altered.bare.writer), Coverage()
        for (writer, channel), ranges in history.ranges([job.writer]).items():
            coverage.load(writer, channel, ranges)
        Materializer(altered.bare.writer, history, coverage).finish(
            [Ending("p", job.component, 0, job.writer, 3, 10_000)]
        )
        alone, compared = altered.verify(), altered.verify(checkpoint=kept)
    assert alone["findings"] == []
    assert altered.named(compared) == [("training", "first", "metrics", 0, 9_999)]


def test_the_checkpoint_finds_what_was_altered_in_an_open_block(altered: Altered, kept: Path) -> None:
    """No digest is in the store of a block that isn't full yet; the checkpoint has one of what there was of it."""
    with altered.kept():
        altered.run("ALTER TABLE metrics UPDATE value = value + 1 WHERE writer = {open} AND seq = 9999")
        alone, compared = altered.verify(), altered.verify(checkpoint=kept)
    assert alone["findings"] == []
    assert altered.named(compared) == [("other", "open", "metrics", 0, 9_999)]


def test_the_checkpoint_names_a_writer_that_is_gone_altogether(altered: Altered, kept: Path) -> None:
    """With its rows, events, blocks and ranges; and by whose component it was."""
    with altered.kept():
        altered.run(*(f"ALTER TABLE {table} DELETE WHERE writer = {{open}}" for table in altered.tables))
        compared = altered.verify(checkpoint=kept)
    expected = [("other", "open", "lifecycle", 0, 1), ("other", "open", "metrics", 0, 9_999)]
    assert sorted(altered.named(compared)) == expected


def test_a_store_that_is_not_sound_gets_no_checkpoint(altered: Altered, tmp_path: Path) -> None:
    """It would vouch for what is wrong."""
    with altered.kept():
        altered.run("ALTER TABLE metrics DELETE WHERE writer = {first} AND seq = 5000")
        with pytest.raises(CheckpointError, match=r"isn't sound \(findings: 1\)"):
            altered.opened().checkpoint(tmp_path / "checkpoint.json")
    assert not (tmp_path / "checkpoint.json").exists()


@pytest.mark.long
def test_a_store_that_has_grown_fits_an_old_checkpoint(tmp_path: Path) -> None:
    """Blocks that were open are full, streams have ended, further writers came."""
    store = tmp_path / "store"
    (store / "journals").mkdir(parents=True)
    lock, hosts = ProcessLock.hold(store / "journals"), Hosts(store)
    try:
        jobs = [started(Job(store / "journals", lock, project="p"), f"c{number}").log(5_000) for number in range(2)]
        opened = Store(Opened(hosts.client(), lambda: None, directory=store), "p")
        opened.checkpoint(tmp_path / "checkpoint.json")
        for job in [*jobs, started(Job(store / "journals", lock, project="p"), "later")]:
            job.log(5_000).close()
        found = opened.verify(checkpoint=tmp_path / "checkpoint.json")
        opened.close()
    finally:
        hosts.end()
        lock.release()
    assert found["findings"] == []
    assert (found["checked"]["points"], found["checked"]["open"]) == (25_000, 0)


# --- signatures ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def signed(altered: Altered, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a signed checkpoint, the key that signed it and another one."""
    found = tmp_path_factory.mktemp("signed")
    for name in ("key", "other"):
        new_key(found / name)
    altered.opened().checkpoint(found / "checkpoint.json", key=found / "key")
    return found


def verify(altered: Altered, checkpoint: Path, public_key: Path | None = None) -> Any:
    return altered.opened().verify(checkpoint=checkpoint, public_key=public_key)


def test_a_signed_checkpoint_is_checked_with_the_key_of_who_signed_it(altered: Altered, signed: Path) -> None:
    """The answer says who did, and whether anybody compared that."""
    found = verify(altered, signed / "checkpoint.json", signed / "key.pub")
    assert found["sound"]
    public = json.loads((signed / "checkpoint.json").read_text(encoding="utf-8"))["signature"]["public_key"]
    assert found["checkpoint"].endswith(f"signed by {public}")
    assert "compared with none" in verify(altered, signed / "checkpoint.json")["checkpoint"]
    assert (signed / "key").stat().st_mode & 0o777 == 0o600


def test_the_signature_is_of_canonical_json(signed: Path) -> None:
    """Other programs can check it: Ed25519 over RFC 8785 without the member ``signature``."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    document = json.loads((signed / "checkpoint.json").read_text(encoding="utf-8"))
    key: Any = load_pem_public_key((signed / "key.pub").read_bytes())
    value = bytes.fromhex(document.pop("signature")["value"])
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert signed_bytes(document) == text.encode()
    key.verify(value, text.encode())


@pytest.mark.parametrize("kind", ["a link", "a digest of the ledger", "the watermark", "the time"])
def test_an_altered_checkpoint_is_refused(altered: Altered, signed: Path, tmp_path: Path, kind: str) -> None:
    """Whatever of it is altered."""
    document = json.loads((signed / "checkpoint.json").read_text(encoding="utf-8"))
    (log,) = document["logs"]
    match kind:
        case "a link":
            document["streams"][0]["link"] = "00" * 32
        case "a digest of the ledger":
            document["logs"][log]["0"] = "00" * 32
        case "the watermark":
            document["watermark"][log] -= 1
        case _:
            document["made_at"] = "2020-01-01T00:00:00+00:00"
    (tmp_path / "altered.json").write_text(json.dumps(document), encoding="utf-8")
    for key in (None, signed / "key.pub"):
        with pytest.raises(CheckpointError, match="altered after it was signed"):
            verify(altered, tmp_path / "altered.json", key)


def test_what_can_not_be_trusted_is_refused_with_what_to_do(altered: Altered, signed: Path, kept: Path) -> None:
    """Another key, no signature, no key, no checkpoint, a newer format, a part of the store, a file that is there."""
    store = altered.opened()
    with pytest.raises(CheckpointError, match=r"which isn't the key in .*other\.pub"):
        verify(altered, signed / "checkpoint.json", signed / "other.pub")
    with pytest.raises(CheckpointError, match="isn't signed, and a public key was given"):
        verify(altered, kept, signed / "key.pub")
    with pytest.raises(CheckpointError, match="can't be read as a key in PEM"):
        verify(altered, signed / "checkpoint.json", kept)
    with pytest.raises(CheckpointError, match="is no checkpoint"):
        verify(altered, altered.store / "store.json")
    with pytest.raises(CheckpointError, match="of an entire store"):
        store.verify(altered.first.component, checkpoint=kept)
    with pytest.raises(CheckpointError, match="exists already"):
        store.checkpoint(kept)
    with pytest.raises(CheckpointError, match="exists already"):
        new_key(signed / "key")
    (signed / "half.pub").write_text("somebody's\n")
    with pytest.raises(CheckpointError, match=r"half\.pub exists already"):
        new_key(signed / "half")
    assert not (signed / "half").exists()
    with pytest.raises(CheckpointError, match="can't be read as a key in PEM"):
        store.checkpoint(key=signed / "key.pub")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "has format 2, this version reads up to 1: upgrade"),
        ({"streams": None}, "is damaged: streams can't be read"),
        ({"streams": [{"writer": "x"}]}, r"is damaged: streams\.0\.project can't be read"),
        ({"logs": {"intake:x": {"one": "00"}}}, r"is damaged: logs\.intake:x\.one\.\[key\] can't be read"),
    ],
)
def test_a_checkpoint_that_is_damaged_or_newer_is_refused(
    altered: Altered, kept: Path, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    """With what is wrong and what to do."""
    document = json.loads(kept.read_text(encoding="utf-8")) | change
    (tmp_path / "other.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(CheckpointError, match=said):
        verify(altered, tmp_path / "other.json")


def test_without_cryptography_a_signature_says_what_to_install(signed: Path) -> None:
    """In a process that can't import it."""
    script = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from pathlib import Path\n"
        "from epochal_query.signing import new_key\n"
        f"new_key(Path({str(signed / 'third')!r}))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "pip install 'epochal[sign]'" in done.stderr.splitlines()[-1]
