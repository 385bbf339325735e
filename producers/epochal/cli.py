"""The command ``epochal``: a group to which every installed package adds its own commands.

Exit codes: 0 done, 1 an error (said in one message on stderr), 2 a command line that makes no sense.
"""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from typing import Final

import click

from ._errors import EpochalError
from ._version import __version__

__all__ = ["group", "main"]

ENTRY_POINTS: Final = "epochal.commands"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="epochal")
def group() -> None:
    """An event-sourced experiment tracker."""


def load_commands(into: click.Group) -> list[str]:
    """Lets every installed package add its commands; one sentence for each that can't."""
    troubles: list[str] = []
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name):
        try:
            entry.load()(into)
        except ImportError as error:
            troubles.append(
                f"the commands of {entry.value.partition(':')[0]} are not available ({error}): "
                "pip install 'epochal[query]'"
            )
    return troubles


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and exits."""
    troubles = load_commands(group)
    given = sys.argv[1:] if arguments is None else arguments
    command = next((word for word in given if not word.startswith("-")), None)
    if troubles and command is not None and command not in group.commands:
        for trouble in troubles:
            click.echo(f"epochal: {trouble}", err=True)
    try:
        group.main(args=given, prog_name="epochal", standalone_mode=True)
    except (EpochalError, OSError) as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(1) from None
    except Exception as error:  # noqa: BLE001  the border: a user gets a sentence, whoever mends it the rest
        click.echo(f"Error: {type(error).__name__}: {error} (this is a fault of epochal; see {_kept()})", err=True)
        raise SystemExit(1) from None


def _kept() -> str:
    """Puts where the current exception came from into a file; its name."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="epochal-", suffix=".txt", delete=False, encoding="utf-8") as file:
        file.write(traceback.format_exc().encode("utf-8", "backslashreplace").decode())
    return file.name


if __name__ == "__main__":
    main()
