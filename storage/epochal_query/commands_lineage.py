"""Commands about what made what."""

from __future__ import annotations

from typing import Any

import click

from epochal_query.cli_options import At, reads

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
@reads
def lineage(
    of: tuple[str, ...],
    direction: Any,
    depth: int | None,
    properties: tuple[str, ...],
    as_json: bool,
    form: str | None,
    at: At,
    **choice: Any,
) -> None:
    """What OF was made from, or went into.

    OF is an artifact (digest, URI, name), component, trial, experiment, action or context; or several of these.
    """
    from epochal_query.cli_output import write_json

    if as_json and form:
        raise click.UsageError(f"choose one of --json and --{form}")
    asked = {name: value or None for name, value in choice.items()} | {"properties": _properties(properties)}
    found = at.open().lineage(of[0] if len(of) == 1 else list(of), direction, depth, **asked, **at.times)
    if as_json:
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


COMMANDS: list[click.Command] = [lineage]
