"""A gate that is shut: nobody is inside, and nobody comes in until it is open again."""

from __future__ import annotations

import threading

from epochal_storage.gate import Gate


def test_whoever_shuts_it_is_alone() -> None:
    """It waits for those inside; who comes then waits for it, in any number."""
    gate, told = Gate(), list[str]()
    inside, leave, shut = threading.Event(), threading.Event(), threading.Event()

    def pass_first() -> None:
        with gate.passed():
            inside.set()
            leave.wait()
            told.append("first")

    def close() -> None:
        with gate.shut():
            shut.set()
            told.append("shut")

    def pass_later() -> None:
        with gate.passed():
            told.append("later")

    first, closing = threading.Thread(target=pass_first), threading.Thread(target=close)
    first.start()
    inside.wait()
    closing.start()
    while not gate.is_shut:
        pass
    later = [threading.Thread(target=pass_later) for _ in range(3)]
    for one in later:
        one.start()
    assert not shut.is_set()
    assert told == []
    leave.set()
    for one in (first, closing, *later):
        one.join()
    assert told == ["first", "shut", "later", "later", "later"]
