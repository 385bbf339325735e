"""docs/cli.md, made from the commands themselves: `python -m epochal_query.cli_doc` prints it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import entry_points

import click

HEAD = """\
# Command line

Made from the commands by `python -m epochal_query.cli_doc`: change them, not this.

Exit codes: 0 done, 1 an error (said in one message on standard error), 2 a command line that makes no sense,
3 something in the store isn't as it was written (`verify` alone).

Commands that read take `--as-of` and `--known-at`: a time is ISO text or such as `2 hours ago`, UTC unless it has a
zone; `--known-at` also takes a watermark as JSON, as `--json` answers carry it. `--json` is for machines: floats that
JSON lacks are `{"$float": "nan"}`, what is absent is null. A metric or a parameter is given by its name, or as
`/expression/` on the whole name. Tables for people show floats to six
digits and of long lists the beginning; what else they leave out is said under them.
"""


def document() -> str:
    """The whole page."""
    group = click.Group("epochal")
    for entry in sorted(entry_points(group="epochal.commands"), key=lambda entry: entry.name):
        entry.load()(group)
    return "\n".join([HEAD, *_sections(group, "epochal")])


def _sections(group: click.Group, path: str) -> Iterator[str]:
    for name in sorted(group.commands):
        command = group.commands[name]
        whole = f"{path} {name}"
        if isinstance(command, click.Group):
            yield from _sections(command, whole)
            continue
        context = click.Context(command, info_name=whole, terminal_width=100, max_content_width=100)
        yield f"## {whole}\n\n```\n{command.get_help(context)}\n```\n"


if __name__ == "__main__":
    sys.stdout.write(document())
