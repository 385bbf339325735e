"""EPOCHAL_STORE as a value."""

from __future__ import annotations

from pathlib import Path

import pytest

from epochal_storage.endpoint import Endpoint
from epochal_storage.errors import LocationError
from epochal_storage.location import Embedded, Server, parsed


def test_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory becomes absolute, `~` is the home, `file://` is a directory too; none need exist."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert parsed("some dir") == Embedded(tmp_path / "some dir")
    assert parsed("~/store") == Embedded(tmp_path / "store")
    assert parsed(tmp_path) == Embedded(tmp_path)
    assert parsed("file:///a%20b") == Embedded(Path("/a b"))


def test_servers() -> None:
    """User, password, port and database have defaults, and may be percent-encoded."""
    assert parsed("clickhouse://h") == Server("h", 8123, "default", "", "epochal", tls=False)
    assert parsed("clickhouses://u%40x:p%2Fw@h:9/d") == Server("h", 9, "u@x", "p/w", "d", tls=True)
    assert parsed("clickhouse://[::1]:1/") == Server("::1", 1, "default", "", "epochal", tls=False)


@pytest.mark.parametrize(
    "text",
    ["", "  ", "http://u:hunter2@h", "clickhouse://", "clickhouse://u:hunter2@/d", "clickhouse://u:hunter2@h:port/d",
     "clickhouse://u:hunter2@h/a/b", "clickhouse://u:hunter2@h/d?x=1", "clickhouse://u:hunter2@[h/d", "mysql://h"],
)  # fmt: skip
def test_what_is_no_location_is_told_without_the_password(text: str) -> None:
    """An error says what is accepted; the password is in no text of it, nor in its causes."""
    with pytest.raises(LocationError, match="clickhouse://user:password@host:8123/database") as caught:
        parsed(text)
    error: BaseException | None = caught.value
    while error is not None:
        assert "hunter2" not in str(error)
        error = error.__cause__


@pytest.mark.parametrize("text", ["/a?b", "file:///a%3Fb", "/bytes-\udcff"])
def test_a_path_that_the_engine_misunderstands_is_refused(text: str) -> None:
    """It takes what follows a '?' for options, and would put the data elsewhere."""
    with pytest.raises(LocationError, match="must be UTF-8 and hold no '\\?'"):
        parsed(text)


def test_no_text_holds_a_password() -> None:
    """Neither the location nor the endpoint made of it prints the password."""
    server = parsed("clickhouse://u:hunter2@h/d")
    assert isinstance(server, Server)
    for value in (server, Endpoint.of_server(server)):
        assert "hunter2" not in f"{value} {value!r}"
    assert str(server) == "clickhouse://u@h:8123/d"
