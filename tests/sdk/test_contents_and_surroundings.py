"""Artifacts logged on runs, and what is captured around them."""

from pathlib import Path

from sdk.children import read, run


def test_artifacts(tmp_path: Path) -> None:
    """Directories, references, digests, copy=False, use(), and a file that changes after it was logged."""
    (tmp_path / "data" / "sub").mkdir(parents=True)
    (tmp_path / "data" / "sub" / "a.txt").write_text("a")
    (tmp_path / "weights.bin").write_bytes(b"w" * 1000)
    child = run(
        """
        from pathlib import Path
        run = epochal.init("artifacts")
        data = run.log_input("data", path="data")
        weights = run.log_output("weights", path="weights.bin")
        Path("weights.bin").write_bytes(b"later")
        place = run.log_output("place", path="weights.bin", copy=False)
        reference = run.log_input("ref", "s3://b/x", digest="sha256:" + "0" * 64)
        got = run.use(weights, to="fetched.bin")
        assert got.read_bytes() == b"w" * 1000
        assert run.use(data).joinpath("sub/a.txt").read_text() == "a"
        assert place.digest and not place.stored and data.stored
        """,
        tmp_path,
    )
    assert child.err == ""
    logged = child.written.data("artifact.logged")
    by_name = {(data["name"], data["direction"]): data for data in logged}
    assert [(data["files"], data["stored"]) for data in logged if data["name"] == "data"] == [(1, True), (None, True)]
    assert by_name["weights", "out"]["size"] == 1000
    assert by_name["weights", "out"]["uri"].endswith("/weights.bin")
    assert by_name["weights", "in"]["digest"] == by_name["weights", "out"]["digest"]
    assert (by_name["place", "out"]["stored"], by_name["place", "out"]["size"]) == (False, 5)
    assert by_name["ref", "in"]["digest"] == "sha256:" + "0" * 64
    assert not list((child.journals / "staging").glob("*/*"))


def test_with_a_server_contents_are_recorded_by_digest(tmp_path: Path) -> None:
    """A server store without EPOCHAL_ARTIFACTS: digest and place only, and that is said. Journals go to scratch."""
    (tmp_path / "model.bin").write_bytes(b"m")
    child = run(
        """
        run = epochal.init("server")
        model = run.log_output("model", path="model.bin")
        assert model.digest and not model.stored
        """,
        tmp_path,
        EPOCHAL_STORE="clickhouse://user:secret@127.0.0.1:1/db",
        XDG_STATE_HOME=str(tmp_path / "state"),
    )
    assert "EPOCHAL_ARTIFACTS" in child.err
    assert "secret" not in child.err
    (journals,) = (tmp_path / "state").glob("epochal/*/journals")
    assert read(journals).data("artifact.logged")[0]["stored"] is False


def test_what_surrounds_a_run(tmp_path: Path) -> None:
    """Code, packages, environment and host are captured, secrets redacted, and done when the run is finished."""
    child = run(
        """
        print("before")
        with epochal.init("surrounded"):
            print("inside é")
            import sys; print("trouble", file=sys.stderr)
        print("after")
        """,
        tmp_path,
        EPOCHAL_CAPTURE="all",
        MY_API_TOKEN="verysecretvalue",
    )
    assert child.out == "before\ninside é\nafter\n"
    written = child.written
    sections = {data["section"]: data["values"] for data in written.data("environment.captured")}
    assert set(sections) == {"code", "packages", "env", "host"}
    assert sections["env"]["MY_API_TOKEN"] == "[redacted]"
    assert "numpy" in sections["packages"]["packages"]
    assert "verysecretvalue" not in repr(written)
    console = [(data["stream"], data["text"]) for data in written.data("console.captured")]
    assert ("stdout", "inside é\n") in console
    assert ("stderr", "trouble\n") in console
    assert "after" not in repr(console)
    finished = next(event.seq for event in written.of("run.finished"))
    assert all(event.seq < finished for event in written.of("environment.captured"))


def test_system_metrics_have_steps_of_their_own(tmp_path: Path) -> None:
    """sys/… points come from a writer of their own and never move the run's count of steps."""
    child = run(
        """
        import time
        run = epochal.init("system")
        run.log({"a": 1})
        deadline = time.monotonic() + 30
        while not run._session.watching._runs[-1].system and time.monotonic() < deadline:
            time.sleep(0.05)
        run.log({"a": 2})
        """,
        tmp_path,
        EPOCHAL_CAPTURE="system",
        EPOCHAL_SYSTEM="0.05",
    )
    written = child.written
    assert [point.step for point in written.points if point.name == "a"] == [0.0, 1.0]
    system = [point for point in written.points if point.name.startswith("sys/")]
    assert {"sys/cpu.percent", "sys/memory.percent"} <= {point.name for point in system}
    assert not {point.writer for point in system} & {point.writer for point in written.points if point.name == "a"}


def test_a_last_line_without_an_end_is_kept(tmp_path: Path) -> None:
    """What was printed before the run was finished is its, whether the line ended or not."""
    child = run(
        """
        run = epochal.init("prints")
        print("first")
        print("no end", end="", flush=True)
        run.finish()
        print(" after")
        """,
        tmp_path,
        EPOCHAL_CAPTURE="console",
    )
    assert child.out == "first\nno end after\n"
    assert "".join(data["text"] for data in child.written.data("console.captured")) == "first\nno end"
