"""The reading commands of ``epochal``. Light until one of them runs."""

from __future__ import annotations

import sys
from typing import Any

import click

from epochal_query.cli_options import At, Output, names, pattern, reads, writes


def register(group: click.Group) -> None:
    """Add the reading commands."""
    from epochal_query.commands_changes import COMMANDS as CHANGES
    from epochal_query.commands_history import diff, history, replay
    from epochal_query.commands_letters import COMMANDS as LETTERS
    from epochal_query.commands_lineage import COMMANDS as LINEAGE
    from epochal_query.commands_proof import COMMANDS as PROOF
    from epochal_query.commands_repairs import COMMANDS as REPAIRS
    from epochal_query.commands_search import COMMANDS as SEARCH
    from epochal_query.commands_store import COMMANDS

    reads = [ls, report, show, history, diff, replay, best, metrics, branches, sql, certificate]
    for command in [*reads, *SEARCH, *LINEAGE, *COMMANDS, *LETTERS, *PROOF, *CHANGES, *REPAIRS]:
        group.add_command(command)


_RANKS = click.Choice(["each", "all", "mean", "max"])
_METRIC = "A metric by its name, or /expression/ on the whole name; may be repeated."


@click.command()
@click.argument("experiment", required=False)
@click.option("--components", is_flag=True, help="Components instead of experiments or trials.")
@click.option("--trial", help="Only components of this trial.")
@click.option("--unassigned", is_flag=True, help="Only components that belong to no trial.")
@click.option("--sets", is_flag=True, help="The variable sets of EXPERIMENT, declared or tried, instead of its trials.")
@writes
@reads
def ls(
    experiment: str | None, components: bool, trial: str | None, unassigned: bool, sets: bool, at: At, output: Output
) -> None:
    """List experiments, trials or components. With EXPERIMENT its trials, with --components components."""
    from epochal_query.cli_output import write
    from epochal_query.resolve import emptiness

    if sets and (experiment is None or components or trial or unassigned):
        raise click.UsageError("--sets needs EXPERIMENT, and none of --components, --trial and --unassigned")
    store = at.open()
    if sets:
        frame = store.variable_sets(experiment, **at.times)
    elif components or trial or unassigned:
        frame = store.components(experiment=experiment, trial=trial, unassigned=unassigned, **at.times)
    else:
        frame = store.experiments(**at.times) if experiment is None else store.trials(experiment, **at.times)
    write(frame, output)
    said = emptiness(store.begin()) if frame.empty else ""
    if said:
        click.echo(f"nothing is here{said}; `epochal doctor` says which store this is", err=True)


@click.command()
@click.argument("experiment")
@click.option("-m", "--metric", multiple=True, help=_METRIC)
@click.option("-p", "--param", multiple=True, help="A parameter, likewise.")
@click.option("-a", "--artifact", multiple=True, help="An artifact, likewise.")
@click.option("--where", metavar="FILTER", help='Such as "params.epochs = 30 and metrics.test_acc.last > 0.7".')
@click.option("--order-by", metavar="ORDER", help='Such as "metrics.test_acc.last desc".')
@click.option("--limit", type=click.IntRange(min=0), help="At most so many rows.")
@click.option("--ranks", type=_RANKS, help="Of several ranks; default: the lowest that logged the metric.")
@click.option(
    "--system", is_flag=True, help="System metrics and artifacts (sys/...) and the captured environment, too."
)
@writes
@reads
def report(
    experiment: str,
    metric: tuple[str, ...],
    param: tuple[str, ...],
    artifact: tuple[str, ...],
    at: At,
    output: Output,
    **choice: Any,
) -> None:
    """One row a component of EXPERIMENT. Its parameters, metrics' statistics and artifacts are the columns."""
    from epochal_query.cli_output import write
    from epochal_query.report_columns import ASIDE

    chosen = {"metrics": names(metric), "params": names(param), "artifacts": names(artifact)}
    frame = at.open().report(pattern(experiment), **chosen, **choice, **at.times)
    write(frame, output, hint=", or choose with -m METRIC and -p PARAM", aside=ASIDE)


@click.command()
@click.argument("entity")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@reads
def show(entity: str, as_json: bool, at: At) -> None:
    """Everything known of ENTITY. That is a component, a trial or an experiment, by name or id."""
    from epochal_query.cli_output import pairs, write_json

    store = at.open()
    state = store.state(entity, **at.times)
    if as_json:
        write_json({"state": state, "epochal": {"project": store.project, "watermark": store.last_watermark}})
    elif state:
        shown, left_out = _abridged(state)
        pairs(shown)
        if left_out:
            click.echo(f"not shown: {', '.join(left_out)}; all of it: --json")
    else:
        raise click.ClickException(f"{entity!r} did not exist then")


def _abridged(state: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The state without what fills screens, and what that is."""
    shown = dict(state)
    left_out: list[str] = []
    for rank, sections in dict(state.get("environment") or {}).items():
        kept = dict(sections)
        for section, inside in (("packages", "packages"), ("env", None)):
            values = kept.get(section)
            found = values.get(inside, {}) if inside and values else values
            if found:
                left_out.append(f"{len(found):,} of {section} of {rank}")
                del kept[section]
        shown["environment"] = {**shown["environment"], rank: kept}
    return shown, left_out


@click.command()
@click.argument("experiment")
@click.argument("metric")
@click.option("--mode", type=click.Choice(["min", "max"]), help="Which way is better; default: as it was defined.")
@click.option("--by", metavar="STATISTIC", help="last, min, max, mean, ...; default: as it was defined, else last.")
@click.option("--where", metavar="FILTER", help='Such as "params.epochs = 30".')
@click.option("--limit", type=click.IntRange(min=0), default=1, show_default=True, help="How many.")
@click.option("--ranks", type=_RANKS, help="Of several ranks; default: the lowest that logged the metric.")
@writes
@reads
def best(experiment: str, metric: str, at: At, output: Output, **choice: Any) -> None:
    """The best components of EXPERIMENT by METRIC. Of equal ones the earliest to end comes first."""
    from epochal_query.cli_output import write
    from epochal_query.report_columns import ASIDE

    write(at.open().best(pattern(experiment), metric, **choice, **at.times), output, aside=ASIDE)


@click.command()
@click.option("-m", "--metric", multiple=True, help=_METRIC)
@click.option("--experiment", help="Only components of this experiment.")
@click.option("--trial", help="Only components of this trial.")
@click.option("--component", help="Only this component, by name or id.")
@click.option("--ranks", type=_RANKS, help="Of several ranks; default: the lowest that logged the metric.")
@click.option("--branch", metavar="BRANCH", help="A branch by number or event, or all; default: the main line.")
@click.option("--max-points", type=click.IntRange(min=5), help="For a chart: at most so many points a series.")
@writes
@reads
def metrics(metric: tuple[str, ...], branch: str | None, at: At, output: Output, **choice: Any) -> None:
    """Metric points, every one. With --max-points few of them, for a chart."""
    from epochal_query.cli_output import write

    numbered = int(branch) if branch is not None and branch.isdecimal() else branch
    found = at.open().metrics(metric=names(metric), branch=numbered, **choice, **at.times)
    write(found, output, exact=["value"])


@click.command()
@click.argument("component")
@writes
@reads
def branches(component: str, at: At, output: Output) -> None:
    """The branches of COMPONENT's ranks. Each rewind begins one; metrics --branch shows its line."""
    from epochal_query.cli_output import write

    write(at.open().branches(component, **at.times), output)


@click.command()
@click.argument("query")
@click.option("-P", "--parameter", multiple=True, metavar="NAME=VALUE", help="Binds {NAME:Type}; may be repeated.")
@writes
@reads
def sql(query: str, parameter: tuple[str, ...], at: At, output: Output) -> None:
    """Answer QUERY over the views, in ClickHouse's SQL. - reads standard input; nothing can be changed.

    --as-of and --known-at are bound to {as_of:String} and {known_at:String}:
    SELECT * FROM trials_at(as_of={as_of:String}, known_at={known_at:String}).
    """
    from epochal_query.cli_output import write

    text = sys.stdin.read() if query == "-" else query
    bound = [one.partition("=") for one in parameter]
    if not all(equals for _, equals, _ in bound):
        raise click.BadParameter("a parameter is NAME=VALUE", param_hint="--parameter")
    write(at.open().sql(text, {name: value for name, _, value in bound} or None, **at.times), output)


@click.command()
@click.argument("component")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@reads
def certificate(component: str, as_json: bool, at: At) -> None:
    """What is proven about the completeness of COMPONENT."""
    from epochal_query.cli_output import write_json

    found = at.open().certificate(component, **at.times)
    if as_json:
        write_json(found)
    else:
        click.echo(found.to_text())
