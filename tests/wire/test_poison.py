"""Messages that are no frames: each is one error with a reason, whatever the bytes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire.messages import WRITER, an_event, some_points

from epochal._kafka.wire import COLUMNS, Outgoing
from epochal_processors.frames import EventFrame
from epochal_processors.wire import WireError, decode

Headers = list[tuple[str, bytes | None]]


def refused(sent: Outgoing, headers: Headers | None = None, value: bytes | None = None) -> WireError:
    """The error that this message is, with other headers or another value."""
    with pytest.raises(WireError) as caught:
        decode(
            [*sent.headers] if headers is None else headers,
            sent.key,
            sent.value if value is None else value,
        )
    assert caught.value.writer == WRITER
    return caught.value


def changed(sent: Outgoing, **values: bytes | None) -> Headers:
    """The message's headers, some with other values."""
    return [(name, values.get(name.replace("-", "_"), value)) for name, value in sent.headers]


def without(sent: Outgoing, name: str) -> Headers:
    return [header for header in sent.headers if header[0] != name]


@pytest.mark.parametrize("sent", [an_event(), some_points()], ids=["event", "points"])
def test_a_header_that_is_missing_or_there_twice(sent: Outgoing) -> None:
    """Each header that is needed is needed once; each refusal names it."""
    for name in {header[0] for header in sent.headers} - {"ce_id", "ce_time", "ce_dataschema", "ce_component"}:
        twice: Headers = [*sent.headers, (name, dict(sent.headers)[name])]
        for headers in (without(sent, name), twice):
            error = refused(sent, headers)
            assert error.reason == ("no cloudevent" if name == "ce_specversion" else "invalid header")
            assert name in error.detail


@pytest.mark.parametrize(
    ("sent", "values", "reason"),
    [
        (an_event(), {"ce_specversion": b"2.0"}, "no cloudevent"),
        (an_event(), {"ce_format": b"2"}, "newer version"),
        (some_points(), {"ce_format": b"2"}, "newer version"),
        (an_event(), {"ce_format": b"-1"}, "invalid header"),
        (an_event(), {"ce_seq": "\N{SUPERSCRIPT TWO}".encode()}, "invalid header"),
        (an_event(), {"ce_seq": b"9" * 5000}, "invalid header"),
        (an_event(), {"ce_seq": b"1_0"}, "invalid header"),
        (an_event(), {"ce_salt": b"00"}, "invalid header"),
        (an_event(), {"ce_salt": b"zz" * 16}, "invalid header"),
        (an_event(), {"ce_project": b"\xff"}, "invalid header"),
        (an_event(), {"ce_source": b"urn:uuid:01900000-0000-7000-8000-000000000002"}, "invalid header"),
        (an_event(), {"content_type": b"application/cloudevents+json"}, "unknown content"),
        (an_event(), {"ce_type": b"epochal.metrics.points"}, "unknown content"),
        (some_points(), {"content_type": b"application/json"}, "unknown content"),
        (some_points(), {"ce_type": b"epochal.note.written"}, "unknown content"),
        (some_points(), {"ce_component": b"nobody"}, "invalid header"),
        (some_points(), {"ce_rank": b"4294967296"}, "invalid header"),
        (some_points(), {"ce_seq": b"9223372036854775807"}, "invalid header"),
        (some_points(), {"ce_count": b"99"}, "invalid points"),
        (some_points(), {"ce_count": b"101"}, "invalid points"),
        (some_points(), {"ce_count": b"1048577"}, "invalid header"),
        (some_points(0), {}, "invalid points"),
    ],
)
def test_a_header_with_a_wrong_value(sent: Outgoing, values: dict[str, bytes | None], reason: str) -> None:
    """Each is refused with its reason."""
    assert refused(sent, changed(sent, **values)).reason == reason


@pytest.mark.parametrize("key", [None, b"", b"somebody", b"\xff", b"{%s}" % str(WRITER).encode(), WRITER.bytes])
def test_a_key_that_names_no_writer(key: bytes | None) -> None:
    """Without a writer there is no stream to be a piece of."""
    sent = an_event()
    with pytest.raises(WireError, match="the key is") as caught:
        decode([*sent.headers], key, sent.value)
    assert caught.value.writer is None


@pytest.mark.parametrize("sent", [an_event(), some_points()], ids=["event", "points"])
def test_a_message_without_a_value(sent: Outgoing) -> None:
    """A tombstone is no frame."""
    with pytest.raises(WireError, match="no value"):
        decode([*sent.headers], sent.key, None)


def test_a_content_type_with_parameters_is_the_same_type() -> None:
    """Some clients add a charset."""
    sent = an_event()
    frame = decode(changed(sent, content_type=b"Application/JSON; charset=utf-8"), sent.key, sent.value)
    assert isinstance(frame, EventFrame)


def test_arrow_cut_anywhere() -> None:
    """Every truncation that loses a row or a column is refused; what lacks only the end mark has all rows."""
    sent = some_points(20)
    whole = decode([*sent.headers], sent.key, sent.value)
    end_mark = 8
    for size in range(len(sent.value) - end_mark):
        assert refused(sent, value=sent.value[:size]).reason == "invalid arrow"
    for size in range(len(sent.value) - end_mark, len(sent.value)):
        with contextlib.suppress(WireError):
            assert decode([*sent.headers], sent.key, sent.value[:size]).count == whole.count


@given(st.binary(max_size=300))
def test_random_bytes_as_points(value: bytes) -> None:
    """They are no Arrow."""
    assert refused(some_points(), value=value).reason == "invalid arrow"


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 255)), min_size=1, max_size=4))
def test_flipped_bytes_are_refused_or_read(flips: list[tuple[int, int]]) -> None:
    """Nothing but the one error comes out, and what is read has the shape that was said."""
    sent = some_points()
    value = bytearray(sent.value)
    for place, mask in flips:
        value[place % len(value)] ^= mask
    with contextlib.suppress(WireError):
        assert decode([*sent.headers], sent.key, bytes(value)).count == sent.count


@given(
    st.lists(st.tuples(st.text(max_size=12), st.none() | st.binary(max_size=40)), max_size=12),
    st.none() | st.binary(max_size=40),
    st.none() | st.binary(max_size=40),
)
def test_random_messages(headers: Headers, key: bytes | None, value: bytes | None) -> None:
    """No message of somebody else's is a frame."""
    with pytest.raises(WireError):
        decode(headers, key, value)


def batch(**columns: Any) -> pa.RecordBatch:
    """Two sound rows with other columns instead of some; None leaves one out."""
    plain: dict[str, Any] = {
        "metric": pa.array(["a", "b"]).dictionary_encode(),
        "step": [0.0, 1.0],
        "value": [0.0, 1.0],
        "logged_at": pa.array([1_700_000_000_000] * 2, COLUMNS["logged_at"]),
        "occurred_at": pa.array([1_700_000_000_000] * 2, COLUMNS["occurred_at"]),
    }
    return pa.RecordBatch.from_pydict({k: v for k, v in (plain | columns).items() if v is not None})


def stream(*batches: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batches[0].schema) as writer:
        for each in batches:
            writer.write_batch(each)
    value: bytes = sink.getvalue().to_pybytes()
    return value


def times(*values: int | None) -> pa.Array:
    return pa.array(values, COLUMNS["logged_at"])


def named(indices: list[int | None], names: list[str | None]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), pa.array(names, pa.string()), safe=False)


def test_two_rows_made_by_hand_are_read() -> None:
    """What the next tests change is sound by itself, with or without the column that may be left out."""
    for value in (stream(batch()), stream(batch(occurred_at=None))):
        sent = some_points(2)
        assert decode([*sent.headers], sent.key, value).count == 2


@pytest.mark.parametrize(
    "make",
    [
        lambda: batch(metric=None),
        lambda: batch(value=None),
        lambda: batch(extra=[1, 2]),
        lambda: batch(metric=["a", "b"]),
        lambda: batch(metric=pa.array(["a", "b"]).dictionary_encode().cast(pa.dictionary(pa.int8(), pa.string()))),
        lambda: batch(step=[0, 1]),
        lambda: batch(value=pa.array([0, 1], pa.float32())),
        lambda: batch(logged_at=pa.array([0, 1], pa.timestamp("us", "UTC"))),
        lambda: batch(logged_at=pa.array([0, 1], pa.timestamp("ms"))),
        lambda: batch().select(["step", "metric", "value", "logged_at", "occurred_at"]),
        lambda: pa.RecordBatch.from_pydict({}),
    ],
)
def test_valid_arrow_with_the_wrong_columns(make: Callable[[], pa.RecordBatch]) -> None:
    """The refusal says what was found and what was expected."""
    error = refused(some_points(2), value=stream(make()))
    assert error.reason == "wrong columns"
    assert "expected metric dictionary" in error.detail


@pytest.mark.parametrize(
    "make",
    [
        lambda: batch(step=[0.0, None]),
        lambda: batch(logged_at=times(0, None)),
        lambda: batch(metric=named([0, None], ["a"])),
        lambda: batch(metric=named([0, 1], ["a", None])),
        lambda: batch(metric=named([0, 1], ["a", "a"])),
        lambda: batch(metric=named([0, 1], ["a", ""])),
        lambda: batch(metric=named([0, 1], ["a", "b" * 65_536])),
        lambda: batch(step=[0.0, float("nan")]),
        lambda: batch(step=[0.0, float("inf")]),
        lambda: batch(logged_at=times(0, -2_208_988_800_001)),
        lambda: batch(occurred_at=times(0, 10_413_792_000_000)),
    ],
)
def test_the_right_columns_with_wrong_contents(make: Callable[[], pa.RecordBatch]) -> None:
    """What no journal can hold is refused."""
    assert refused(some_points(2), value=stream(make())).reason == "invalid points"


@pytest.mark.parametrize("indices", [[0, 2], [0, -1]])
def test_a_name_that_the_dictionary_lacks(indices: list[int | None]) -> None:
    """An index out of range would be another metric's name, or memory that isn't ours."""
    error = refused(some_points(2), value=stream(batch(metric=named(indices, ["a", "b"]))))
    assert error.reason == "invalid arrow"


def test_names_that_are_no_utf8() -> None:
    """Names are text."""
    names = pa.array([b"a", b"\xff"], pa.binary()).view(pa.string())
    metric = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int32()), names)
    assert refused(some_points(2), value=stream(batch(metric=metric))).reason == "invalid arrow"


def test_two_batches_and_none() -> None:
    """One message, one batch: the sequence numbers of a second would be a guess."""
    assert "more than one batch" in refused(some_points(2), value=stream(batch(), batch())).detail
    sink = pa.BufferOutputStream()
    pa.ipc.new_stream(sink, batch().schema).close()
    assert "no batch" in refused(some_points(2), value=sink.getvalue().to_pybytes()).detail
