"""The command of the stream processors: ``process``. Light until it runs."""

from __future__ import annotations

import click


def register(group: click.Group) -> None:
    """Add the command."""
    group.add_command(process)


@click.command()
def process() -> None:
    """Take events from Kafka into the store. One worker of any number, until told to stop (SIGTERM).

    EPOCHAL_KAFKA names the broker, EPOCHAL_STORE the store. What is in hand is finished before the worker ends.
    Exit status: 0 stopped as told, 1 wrong settings, 70 something that no waiting mends, 75 stalled.
    """
    from epochal._errors import NotAvailableError
    from epochal._settings import from_env

    settings = from_env()
    try:
        from epochal_processors import worker
        from epochal_processors.worker_settings import plan_of, speak
    except ImportError as error:
        raise NotAvailableError(
            f"a worker needs more than is installed ({error}): pip install 'epochal[workers]'"
        ) from None
    plan = plan_of(settings)
    speak()
    raise SystemExit(worker.run(plan))
