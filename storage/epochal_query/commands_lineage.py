"""Commands about what made what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from epochal_query.cli_options import At, Output, reads, writes

_KINDS = click.Choice(["artifact", "component", "trial", "experiment", "action", "context"])
_RELATIONS = click.Choice(["ContributedTo", "Produced", "DerivedFrom", "AssociatedWith", "SameAs"])


@click.command()
@click.argument("of", nargs=-1, required=True)
@click.option(
    "--direction", type=click.Choice(["ascendants", "descendants", "both"]), default="ascendants", show_default=True
)
@click.option("--depth", type=click.IntRange(min=0), help="At most so many steps; default: all.")
@click.option("--kind", "kinds", type=_KINDS, multiple=True, help="Only these, and what lies on the ways to them.")
@click.option("--type", "types", multiple=True, help="Likewise: a component's kind, a context's type, a media type.")
@click.option("--since", metavar="TIME", help="Likewise: what came to be then or later.")
@click.option("--until", metavar="TIME", help="Likewise: what came to be then or earlier.")
@click.option("--property", "properties", multiple=True, metavar="NAME=VALUE", help="Likewise; VALUE is JSON or text.")
@click.option("--relation", "relations", type=_RELATIONS, multiple=True, help="Follow these edges only.")
@click.option("--json", "as_json", is_flag=True, help="Nodes and edges, for machines.")
@click.option("--mermaid", "form", flag_value="mermaid", help="A flowchart for Mermaid.")
@click.option("--dot", "form", flag_value="dot", help="A digraph for Graphviz.")
@click.option("--openlineage", "to", metavar="TO", help="Its runs as OpenLineage events: see `epochal openlineage`.")
@reads
def lineage(
    of: tuple[str, ...],
    direction: Any,
    depth: int | None,
    properties: tuple[str, ...],
    as_json: bool,
    form: str | None,
    to: str | None,
    at: At,
    **choice: Any,
) -> None:
    """What OF was made from, or went into.

    OF is an artifact (digest, URI, name), component, trial, experiment, action or context; or several of these.
    """
    from epochal._settings import from_env
    from epochal_query.cli_output import write_json
    from epochal_query.openlineage_out import deliver

    if sum([as_json, bool(form), bool(to)]) > 1:
        chosen = [*(["json"] if as_json else []), *([form] if form else []), *(["openlineage"] if to else [])]
        raise click.UsageError(f"choose one of {' and '.join(f'--{one}' for one in chosen)}")
    asked = {name: value or None for name, value in choice.items()} | {"properties": _properties(properties)}
    found = at.open().lineage(of[0] if len(of) == 1 else list(of), direction, depth, **asked, **at.times)
    if to is not None:
        deliver(found.to_openlineage(), to, from_env)
    elif as_json:
        nodes, edges = found.nodes.to_dict("records"), found.edges.to_dict("records")
        write_json({"nodes": nodes, "edges": edges, **found.attrs})
    else:
        shown = {None: found.to_text, "mermaid": found.to_mermaid, "dot": found.to_dot}[form]()
        click.echo(shown.rstrip("\n"))


def _properties(given: tuple[str, ...]) -> dict[str, object] | None:
    """What they must have, from repeated options; None where there was none."""
    import json

    found: dict[str, object] = {}
    for one in given:
        name, equals, text = one.partition("=")
        if not equals:
            raise click.BadParameter("a property is NAME=VALUE", param_hint="--property")
        try:
            found[name] = json.loads(text)
        except ValueError:
            found[name] = text
    return found or None


@click.command()
@click.argument("of")
@writes
@reads
def associations(of: str, at: At, output: Output) -> None:
    """Every association OF ever had, since when and until when. Of an alias: what it stood for at any time."""
    from epochal_query.cli_output import write

    write(at.open().associations(of, **at.times), output)


@click.command()
@click.argument("of", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@reads
def provenance(of: tuple[str, ...], as_json: bool, at: At) -> None:
    """What made OF, as known then, and what descends from it now.

    Code, packages, parameters, command line and inputs of all that made it. OF is what `epochal lineage` takes, such
    as an endpoint.
    """
    from epochal_query.cli_output import write_json

    found = at.open().provenance(of[0] if len(of) == 1 else list(of), **at.times)
    if as_json:
        write_json(found.to_dict())
    else:
        click.echo(found.to_text())


@click.command()
@click.argument("of")
@click.argument("directory", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@reads
def reproduce(of: str, directory: Path | None, as_json: bool, at: At) -> None:
    """Show what is needed to run OF again, and what isn't known. OF is a component, or an artifact that one made.

    With DIRECTORY (empty or new) it is written there, with the inputs, and a script run.sh that runs the job again.
    """
    from epochal_query.cli_output import write_json

    found = at.open().reproduce(of, directory, **at.times)
    if as_json:
        write_json(found.to_dict())
    else:
        click.echo(found.to_text())


@click.command()
@click.argument("to")
@click.option("--since", metavar="TIME", help="What the log accepted after that: a time, or a watermark as JSON.")
@click.option("--follow", type=click.FloatRange(min=0.1), metavar="SECONDS", help="Go on, looking again so often.")
@reads
def openlineage(to: str, since: str | None, follow: float | None, at: At) -> None:
    """Export every run as OpenLineage run events. Live, or what the log holds of the past.

    TO is a file, to whose end they are written, one a line (- is standard output), an http:// or https:// URL, or
    kafka or kafka:TOPIC on the brokers of EPOCHAL_KAFKA. What to go on from is told at the end.
    """
    import json
    import time

    from epochal._settings import from_env
    from epochal_query.openlineage_out import deliver

    store = at.open()
    count, told = 0, set[tuple[object, ...]]()
    try:
        while True:
            events = {
                (one.run.runId, one.eventType, one.eventTime): one for one in store.openlineage(since, **at.times)
            }
            # that a run is lost moves no watermark
            news = [event for key, event in events.items() if key not in told]
            deliver(news, to, from_env)
            told = set(events)
            count, since = count + len(news), json.dumps(store.last_watermark)
            if follow is None:
                break
            time.sleep(follow)
    except KeyboardInterrupt:
        pass
    click.echo(f"{count:,} events; to go on from here: --since '{since}'", err=True)


COMMANDS: list[click.Command] = [lineage, associations, provenance, reproduce, openlineage]
