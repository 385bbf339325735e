"""What the world does to a journal: full disk, no permission, deleted, cut. Training goes on; losses are counted."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from disks import small_disk
from journal.journals import MODES, Mode, Point, Reports, open_writer, read_events, read_points

TESTS = Path(__file__).parents[1]


def run_child(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script that imports the helpers of these tests; it must end by itself, with code 0."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of half a megabyte."""
    with small_disk(tmp_path / "disk", "512k") as place:
        yield place


@pytest.mark.parametrize("mode", MODES)
def test_a_full_disk_costs_points_and_nothing_else(tiny_disk: Path, mode: Mode) -> None:
    """What was kept is whole, what was lost is counted exactly, and logging resumes when there is room again."""
    reports = Reports()
    clock = [0.0]
    journals = tiny_disk / "journals"
    writer = open_writer(journals, mode=mode, reports=reports, monotonic=lambda: clock[0])
    for i in range(40_000):
        writer.append_points({"a": i, "b": -i}, i, 1000 + i if i % 10 == 0 else None)
    kept = writer.counts[1]
    assert 5_000 < kept < 20_000
    assert writer.lost == {"disk": 80_000 - kept}
    assert set(reports.kinds()) == {"disk"}
    assert "No space left on device" in reports.told[0][1]
    ballast = sorted(writer.directory.glob("*.seg"))[:-1]
    before, damage = read_points(writer.directory)
    assert damage == []
    assert before == [
        Point.of(j, "ab"[j % 2], j // 2, -(j // 2) if j % 2 else j // 2, 1000 + j // 2 if j // 2 % 10 == 0 else None)
        for j in range(kept)
    ]
    for path in ballast:
        path.unlink()
    clock[0] += 10
    for i in range(100):
        writer.append_points({"a": i}, i, None)
    writer.close()
    after, damage = read_points(writer.directory, start_seq=kept)
    assert after == [Point.of(kept + i, "a", i, i) for i in range(100)]
    assert damage == []


def test_events_on_a_full_disk_are_counted_and_leave_no_torn_record(tiny_disk: Path) -> None:
    reports = Reports()
    writer = open_writer(tiny_disk / "journals", reports=reports)
    seqs = [writer.append_event(b"x" * 10_000) for _ in range(100)]
    kept = [seq for seq in seqs if seq is not None]
    assert kept == list(range(len(kept)))
    assert 20 < len(kept) < 60
    assert writer.lost == {"events": 100 - len(kept)}
    assert set(reports.kinds()) == {"disk"}  # points will have the same trouble: it is said once for both
    assert writer.append_event(b"small") == len(kept)
    writer.close()
    assert read_events(writer.directory) == ([*((seq, b"x" * 10_000) for seq in kept), (len(kept), b"small")], [])


@pytest.mark.parametrize("mode", MODES)
def test_a_file_size_limit_is_like_a_full_disk(tmp_path: Path, mode: Mode) -> None:
    """Without root too: RLIMIT_FSIZE refuses what goes beyond it."""
    run_child(
        """
        import resource, signal, sys
        from pathlib import Path
        from journal.journals import Reports, open_writer, read_points
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        reports = Reports()
        writer = open_writer(Path(sys.argv[1]), mode=sys.argv[2], reports=reports)
        for i in range(10_000):
            writer.append_points({"a": i}, i, None)
        writer.close()
        points, damage = read_points(writer.directory)
        assert damage == []
        assert len(points) == writer.counts[1] >= 2000, writer.counts
        assert len(points) + writer.lost.get("disk", 0) == 10_000, (len(points), writer.lost)
        """,
        str(tmp_path),
        mode,
    )


@pytest.mark.parametrize("mode", MODES)
def test_a_place_that_cannot_be_written_costs_everything_and_raises_nothing(tmp_path: Path, mode: Mode) -> None:
    """A file stands where the directory should be: for root too, this can't be written."""
    (tmp_path / "journals").write_text("in the way")
    reports = Reports()
    writer = open_writer(tmp_path / "journals", mode=mode, reports=reports)
    for _ in range(1000):
        writer.append_points({"a": 1.0, "b": 2.0}, None, None)
    assert writer.append_event(b"{}") is None
    assert not writer.sync() or writer.counts == (0, 0)
    writer.close()
    assert writer.lost == {"disk": 2000, "events": 1}
    assert writer.counts == (0, 0)


def test_a_read_only_directory_costs_everything_and_raises_nothing(tmp_path: Path) -> None:
    """Root may write everywhere, so this one runs as nobody where it can."""
    journals = tmp_path / "journals"
    journals.mkdir(mode=0o555)
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        if os.geteuid() == 0:
            folder.chmod(0o755)
    run_child(
        """
        import os, sys
        from pathlib import Path
        from journal.journals import Reports, open_writer
        reports = Reports()
        writer = open_writer(Path(sys.argv[1]), reports=reports)
        if os.geteuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        for i in range(100):
            writer.append_points({"a": i}, i, None)
        assert writer.append_event(b"{}") is None
        writer.close()
        assert writer.lost == {"disk": 100, "events": 1}, writer.lost
        assert "Permission denied" in reports.told[0][1], reports.told[0]
        """,
        str(journals),
    )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("deleted", ["its own", "of all journals"])
def test_a_directory_deleted_under_a_running_writer(tmp_path: Path, mode: Mode, deleted: str) -> None:
    """What lay there is counted as lost; what is logged afterwards is kept in the directory made again."""
    reports = Reports()
    journals = tmp_path / "journals"
    writer = open_writer(journals, mode=mode, reports=reports)
    for i in range(100):
        writer.append_points({"a": i}, i, None)
        writer.append_event(b"{}")
    shutil.rmtree(writer.directory if deleted == "its own" else journals)
    writer.sync()
    for i in range(100, 150):
        writer.append_points({"a": i}, i, None)
        writer.append_event(b"late")
    writer.close()
    assert writer.counts == (150, 150)
    assert writer.lost == {"truncated": 200}
    assert set(reports.kinds()) == {"truncated"}
    points, damage = read_points(writer.directory)
    assert points == [Point.of(i, "a", i, i) for i in range(100, 150)]
    assert [(one.first_seq, one.count) for one in damage] == [(0, 100)]
    events, damage = read_events(writer.directory)
    assert events == [(i, b"late") for i in range(100, 150)]
    assert [(one.first_seq, one.count) for one in damage] == [(0, 100)]


@pytest.mark.parametrize("mode", MODES)
def test_a_store_deleted_under_a_running_writer_is_not_made_again(tmp_path: Path, mode: Mode) -> None:
    """Who deletes a whole store wants it gone; the job goes on and counts."""
    journals = tmp_path / "store" / "journals"
    reports = Reports()
    writer = open_writer(journals, mode=mode, reports=reports)
    writer.append_points({"a": 1.0}, None, None)
    writer.append_event(b"{}")
    shutil.rmtree(tmp_path / "store")
    writer.sync()
    writer.append_points({"a": 1.0, "b": 2.0}, None, None)
    assert writer.append_event(b"{}") is None
    writer.close()
    assert writer.lost == {"truncated": 1, "disk": 2, "events": 1}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("left", [0, 1000, 20_000])
@pytest.mark.parametrize("handler", ["none", "before", "after"])
def test_a_live_segment_that_somebody_cuts_does_not_kill_training(
    tmp_path: Path, mode: Mode, left: int, handler: str
) -> None:
    """A child logs as fast as it can while its segment is cut: it ends normally, and counts exactly what is missing.

    ``handler``: faulthandler not enabled, enabled before the journal's own handler of SIGBUS, or after it.
    """
    code = """
        import faulthandler, json, sys
        from pathlib import Path
        from journal.journals import Reports, open_writer
        reports = Reports()
        if sys.argv[3] == "before":
            faulthandler.enable()
        writer = open_writer(Path(sys.argv[1]), mode=sys.argv[2], reports=reports)
        writer.append_points({"a": 0}, 0, None)
        if sys.argv[3] == "after":
            faulthandler.enable()
        print(writer.directory, flush=True)
        number = 0
        while not Path(sys.argv[1], "stop").exists():
            for _ in range(50):
                number += 1
                writer.append_points({"a": number}, number, None)
        writer.close()
        print(json.dumps([number + 1, writer.counts[1], writer.lost, reports.kinds()]))
        """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path), mode, handler],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    directory = Path(child.stdout.readline().strip())
    cut = _cut_live_segment(directory, left)
    _wait_for_segment_after(directory, cut)
    (tmp_path / "stop").touch()
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    logged, counted, lost, kinds = json.loads(out)
    points, damage = read_points(directory)
    missing = sum(one.count for one in damage)
    assert logged == counted == len(points) + missing
    assert missing > 0
    assert lost == {"truncated": missing}
    assert kinds == ["truncated"]
    assert all(point.value == point.step for point in points)


def _cut_live_segment(directory: Path, left: int) -> int:
    """Cut the segment that is being written, while more than half of it is still free; say which one it was."""
    while True:
        for path in sorted(directory.glob("points-00000[3-6].seg")):
            with path.open("rb") as file:
                begun = any(file.read(128))
                file.seek(32 * 1024)
                holds_enough = any(file.read(64))
                file.seek(256 * 1024)  # half of the smallest of these
                if begun and holds_enough and not any(file.read(64)):
                    os.truncate(path, left)
                    return int(path.stem.removeprefix("points-"))


def _wait_for_segment_after(directory: Path, number: int) -> None:
    while True:
        for path in directory.glob("*.seg"):
            with path.open("rb") as file, contextlib.suppress(FileNotFoundError):
                if int(path.stem.removeprefix("points-")) > number and any(file.read(128)):
                    return


def test_a_bus_error_of_somebody_else_still_kills(tmp_path: Path) -> None:
    """The journal answers for its own maps only: another library's fault ends the process as it always did."""
    code = """
        import mmap, os, sys
        from pathlib import Path
        from journal.journals import open_writer
        writer = open_writer(Path(sys.argv[1]), mode="mapped")
        writer.append_points({"a": 1}, 0, None)
        fd = os.open(Path(sys.argv[1], "other"), os.O_RDWR | os.O_CREAT)
        os.truncate(fd, 8192)
        memory = mmap.mmap(fd, 8192)
        os.truncate(fd, 0)
        memory[5000] = 1
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == -7


def test_a_thousand_open_writers_live_under_1024_descriptors(tmp_path: Path) -> None:
    """Also while a second thread logs to all of them: idle segments are closed and opened again."""
    run_child(
        """
        import resource, sys, threading
        from pathlib import Path
        from journal.journals import Point, open_writer, read_events, read_points
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
        held = [open("/dev/null") for _ in range(600)]  # the training wants most of them
        writers = [open_writer(Path(sys.argv[1])) for _ in range(1000)]

        def work(thread):
            for turn in range(4):
                for number, writer in enumerate(writers):
                    writer.append_points({f"t{thread}": number}, turn, None)
                    if turn == 0:
                        writer.append_event(b"%d" % thread)

        threads = [threading.Thread(target=work, args=(t,)) for t in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for number, writer in enumerate(writers):
            writer.close()
            assert writer.lost == {}, writer.lost
            points, damage = read_points(writer.directory)
            assert damage == []
            for t in range(2):
                mine = [(p.step, p.value) for p in points if p.name == f"t{t}"]
                assert mine == [(x.step, x.value) for x in (Point.of(0, "", turn, number) for turn in range(4))]
            assert sorted(payload for _, payload in read_events(writer.directory)[0]) == [b"0", b"1"]
        """,
        str(tmp_path),
    )
