"""A process of tests with EPOCHAL_HOST=inline: `inline_child.py write|cli|hold|fork …`.

It ends with code 99 where something started a process or opened a socket, and says what.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
from pathlib import Path

FORBIDDEN = ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system", "socket.")
seen: list[str] = []


def watch(event: str, arguments: tuple[object, ...]) -> None:
    """Note what may not be."""
    if event.startswith(FORBIDDEN):
        seen.append(f"{event} {arguments!r:.200}")


def check() -> None:
    """Nothing of it happened, in Python or below."""
    for fd in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{fd}").startswith("socket:"):
                seen.append(f"descriptor {fd} is a socket")
        except FileNotFoundError:  # of the listing itself
            continue
    for task in os.listdir("/proc/self/task"):
        children = Path(f"/proc/self/task/{task}/children")
        if children.exists() and children.read_text().strip():
            seen.append(f"children: {children.read_text()}")
    if seen:
        print("\n".join(seen), file=sys.stderr, flush=True)
        os._exit(99)


def write() -> None:
    """A training that also asks the store, with handles of the SDK and with one of its own open all the while."""
    import epochal

    exp = epochal.experiment("digits", variables={"model": ["a", "b", "c"]})
    store = epochal.open()
    for variables in list(exp.grid())[:2]:
        with exp.trial(variables).run("training") as run:
            run.log_params(variables)
            for step in range(4):
                run.log({"acc": step / 10}, step=step)
            (Path.cwd() / "model.bin").write_text(str(variables))
            run.log_output("model", path="model.bin")
            seen_while_open = len(store.metrics(component=run.id))
    missing = exp.missing()
    again = epochal.init("digits", resume=run.id)
    again.log({"acc": 0.9})
    again.finish()
    last = store.metrics(component=run.id)
    report = epochal.open().report("digits")
    content = store.component(run.id).output("model").fetch(Path.cwd() / "fetched").read_text()
    json.dump(
        {
            "while open": seen_while_open,
            "missing": missing,
            "last step": last["step"].iloc[-1],
            "rows": len(report),
            "content": content,
            "sql": store.sql("SELECT count() AS n FROM points")["n"][0].item(),
        },
        sys.stdout,
    )


def hold() -> None:
    """Keep the store until the end of standard input."""
    import epochal

    epochal.open()
    print("held", flush=True)
    sys.stdin.read()


def fork() -> None:
    """A forked child that reads is told why not; its parent goes on reading."""
    import epochal

    store = epochal.open()
    if not os.fork():
        try:
            store.experiments()
        except epochal.EpochalError as error:
            print(error, flush=True)
        os._exit(0)
    os.wait()
    seen.clear()
    print(len(store.experiments()))


def cli() -> None:
    """A command."""
    from epochal.cli import main

    main(sys.argv[2:])


if __name__ == "__main__":
    sys.addaudithook(watch)
    atexit.register(check)
    {"write": write, "hold": hold, "fork": fork, "cli": cli}[sys.argv[1]]()
