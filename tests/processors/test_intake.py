"""The intake: numbers and instants, durable, in a chain."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochal_processors.intake import HEADER_SIZE, RECORD_SIZE, Intake, IntakeError, Range

STORE = UUID("0f0f0f0f-0000-4000-8000-000000000001")
WRITER = UUID("01900000-0000-7000-8000-000000000001")
START = 1_700_000_000_000_000


def ranges(count: int, first: int = 0) -> list[Range]:
    return [Range(WRITER, ("lifecycle", "metrics")[i % 2], first + i * 10, 10) for i in range(count)]


def ticking(times: Iterator[int]) -> Callable[[], int]:
    return lambda: next(times)


def still() -> int:
    return START


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "intake" / "intake.log"


def opened(path: Path, acted_on: int = 0, now: Callable[[], int] = still) -> Intake:
    return Intake(path, STORE, now, acted_on)


def filled(path: Path, *batches: int) -> Intake:
    intake = opened(path)
    for count in batches:
        intake.take(ranges(count, intake.count))
    return intake


def test_what_was_taken_is_there_after_a_restart(path: Path) -> None:
    """Numbers count up by one over restarts, and each keeps its range and its instant."""
    first = opened(path)
    taken = first.take(ranges(3)) + first.take(ranges(2, 100))
    first.close()
    second = opened(path, acted_on=5)
    assert list(second.records()) == taken
    assert list(second.records(3)) == taken[3:]
    assert [one.number for one in taken] == [0, 1, 2, 3, 4]
    assert second.take(ranges(1))[0].number == 5
    assert second.position(taken[1]).log == f"intake:{STORE}"


@given(st.lists(st.integers(0, 20), min_size=1, max_size=30), st.integers(0, 29))
def test_recorded_at_strictly_increases(tmp_path_factory: pytest.TempPathFactory, clock: list[int], cut: int) -> None:
    """Whatever the clock does, and across a restart, every instant is later than the one before."""
    path = tmp_path_factory.mktemp("intake") / "intake.log"
    seen = []
    for part in (clock[:cut], clock[cut:]):
        intake = opened(path, now=ticking(iter(part)))
        seen += [intake.take(ranges(1))[0].recorded_at_us for _ in part]
        intake.close()
    assert all(a < b for a, b in pairwise(seen))


@pytest.mark.parametrize("batches", [(1,), (2, 1), (3, 2)])
def test_a_torn_last_batch_is_cut_off(path: Path, batches: tuple[int, ...]) -> None:
    """Cut at every byte of its last batch, the file opens with what was synced before it, and goes on."""
    filled(path, *batches).close()
    whole = path.read_bytes()
    kept = sum(batches[:-1])
    for end in range(HEADER_SIZE + kept * RECORD_SIZE, len(whole)):
        path.write_bytes(whole[:end])
        intake = opened(path, acted_on=kept)
        assert kept <= intake.count < sum(batches)
        count = intake.count
        intake.take(ranges(1))
        intake.close()
        assert len(list(opened(path).records())) == count + 1


def test_a_batch_with_a_hole_after_a_loss_of_power_is_cut_off(path: Path) -> None:
    """Pages of one batch may reach the disk in any order: a hole in the last batch isn't damage."""
    filled(path, 2, 3).close()
    data = bytearray(path.read_bytes())
    hole = HEADER_SIZE + 3 * RECORD_SIZE
    data[hole : hole + RECORD_SIZE] = bytes(RECORD_SIZE)
    path.write_bytes(data)
    assert opened(path, acted_on=2).count == 3


@pytest.mark.parametrize("number", [0, 1, 2])
def test_damage_in_the_middle_is_refused(path: Path, number: int) -> None:
    """Any flipped byte of a record that later batches follow is found; the file is named and not changed."""
    filled(path, 1, 1, 1, 1).close()
    whole = path.read_bytes()
    for offset in range(RECORD_SIZE):
        data = bytearray(whole)
        data[HEADER_SIZE + number * RECORD_SIZE + offset] ^= 0x40
        path.write_bytes(data)
        with pytest.raises(IntakeError, match=r"intake\.log (is damaged|was altered)"):
            opened(path, acted_on=0)
        assert path.read_bytes() == data


def test_a_record_forged_with_a_fitting_check_breaks_the_chain(path: Path) -> None:
    """A record that was altered together with its CRC is found by the chain."""
    import zlib

    filled(path, 1, 1).close()
    data = bytearray(path.read_bytes())
    at = HEADER_SIZE + 48
    data[at] ^= 1  # recorded_at
    record = data[HEADER_SIZE : HEADER_SIZE + RECORD_SIZE]
    data[HEADER_SIZE + RECORD_SIZE - 4 : HEADER_SIZE + RECORD_SIZE] = zlib.crc32(record[:-4]).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(IntakeError, match="was altered: record 0"):
        opened(path)


def test_fewer_records_than_the_ledger_knows_is_damage(path: Path) -> None:
    """Numbers that were used must not be given again: a shortened file is refused."""
    filled(path, 1, 1).close()
    os.truncate(path, HEADER_SIZE + RECORD_SIZE)
    with pytest.raises(IntakeError, match="begins with 1 whole records, the ledger has 2"):
        opened(path, acted_on=2)
    path.unlink()
    with pytest.raises(IntakeError, match="is gone, and the ledger has 2 of its numbers"):
        opened(path, acted_on=2)
    assert not path.exists()
    path.write_bytes(b"")
    with pytest.raises(IntakeError, match="doesn't begin as an intake file does"):
        opened(path, acted_on=2)


def test_another_stores_and_a_newer_file_are_refused(path: Path) -> None:
    """The message says whose file it is, or which version is needed."""
    filled(path, 1).close()
    with pytest.raises(IntakeError, match=str(STORE)):
        Intake(path, UUID(int=5), still)
    import struct
    import zlib

    data = bytearray(path.read_bytes())
    data[8:12] = struct.pack("<I", 2)
    data[60:64] = zlib.crc32(data[:60]).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(IntakeError, match="has format 2, this version reads up to 1: upgrade epochal"):
        opened(path)


def test_every_flipped_byte_of_the_header_is_found(path: Path) -> None:
    """The header is checked as well."""
    filled(path, 1).close()
    whole = path.read_bytes()
    for offset in range(HEADER_SIZE):
        data = bytearray(whole)
        data[offset] ^= 1
        path.write_bytes(data)
        with pytest.raises(IntakeError):
            opened(path)


def test_a_full_disk_gives_no_number(path: Path, tmp_path: Path) -> None:
    """Where the record can't be written nothing was taken, and the next attempt gets the same number."""
    import resource
    import signal

    intake = filled(path, 2)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            intake.take(ranges(3))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert [one.number for one in intake.take(ranges(1))] == [2]
    assert opened(path, acted_on=3).count == 3
