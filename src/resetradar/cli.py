"""The verbs of the command line."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from resetradar import __version__
from resetradar.adhoc import as_json, find_episodes, parse_days
from resetradar.errors import InputError, ResetradarError
from resetradar.published import Answer, ask, investigate, questions
from resetradar.settings import FILE_NAME, Settings, config_path, load_settings
from resetradar.starter import STARTER
from resetradar.summary import boots_of, summary_of
from resetradar.terminal import (
    UNWRAPPED,
    RunProgress,
    cause_lines,
    cell_text,
    console,
    episode_table,
    host_table,
    rows_table,
)

app = typer.Typer(
    help="Find the hosts that reset their network devices abnormally often, and why.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Configuration file [default: ./resetradar.toml]."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per row.")]


def main() -> None:
    """Run the command line; a user's error is one line and exit code 2."""
    try:
        app()
    except ResetradarError as error:
        print(f"resetradar: {error}", file=sys.stderr)  # noqa: T201 - this is the interface
        sys.exit(2)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)


def _version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"resetradar {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    _show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Find the hosts that reset their network devices abnormally often, and why."""


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="File to write.")] = Path(FILE_NAME),
    *,
    force: Annotated[bool, typer.Option(help="Replace an existing file.")] = False,
) -> None:
    """Write a commented configuration file to start from."""
    if path.exists() and not force:
        raise InputError(f"{path}: exists already; use --force to replace it")
    path.write_text(STARTER, encoding="utf-8")
    typer.echo(f"wrote {path}; set [inputs], then run `resetradar run --day YYYY-MM-DD`")


@app.command()
def check(*, config: Config = None) -> None:
    """Check contracts, and what the configuration matches."""
    from resetradar.selfcheck import preview_inputs, verify_contracts  # noqa: PLC0415 - reads all

    for line in verify_contracts():
        typer.echo(line)
    if config is not None or config_path().is_file():
        for line in preview_inputs(load_settings(config)):
            typer.echo(line)


@app.command()
def run(
    *,
    day: Annotated[str | None, typer.Option(help="One UTC day, YYYY-MM-DD.")] = None,
    days: Annotated[str | None, typer.Option(help="A range, YYYY-MM-DD..YYYY-MM-DD.")] = None,
    top_hosts: Annotated[int, typer.Option("--top", "-n", help="Hosts to show at the end.")] = 10,
    config: Config = None,
) -> None:
    """Run the nightly job on days: ingest, build, check, publish."""
    if (day is None) == (days is None):
        raise InputError("run: expected exactly one of --day and --days")
    first, last = parse_days(day or days or "")
    settings = load_settings(config)
    # Dagster takes a second to import: only this verb pays for it.
    from pipelines.run import count_steps, run_days  # noqa: PLC0415

    with RunProgress(count_steps(settings)) as progress:
        summary = run_days(settings, first, last, on_event=progress)
    _end_of_run(settings, summary, top_hosts)


def _end_of_run(settings: Settings, summary: Any, top_hosts: int) -> None:
    out, err = console(), console(is_error=True)
    for text in summary.warned_checks:
        err.print(f"warning: {text}", style="yellow", markup=False)
    for text in (*summary.failed_checks, *summary.errors):
        err.print(f"failed: {text}", style="red", markup=False)
    if not summary.is_success:
        err.print("nothing was published; the last good run stays in place", style="red")
        raise typer.Exit(1)
    for found in summary_of(settings, top_hosts):
        out.print(found, markup=False, soft_wrap=isinstance(found, str))
    out.print(f"published {summary.published}\nexports   {settings.published_root / 'exports'}",
              markup=False, soft_wrap=True)  # fmt: skip
    out.print(f"took {summary.total_s:.1f} s", markup=False)


@app.command()
def episodes(
    paths: Annotated[list[Path], typer.Argument(help="Log files and folders of them.")],
    *,
    as_json_lines: AsJson = False,
    timezone: Annotated[str, typer.Option(help="Zone of stamps that print none.")] = "UTC",
) -> None:
    """Print one record per reset or stall in any logs."""
    found = find_episodes(paths, timezone=timezone)
    if as_json_lines:
        for record in found.records:
            typer.echo(json.dumps(as_json(record), ensure_ascii=False))
    elif found.records:
        console(plain_width=UNWRAPPED).print(episode_table(found))
    err = console(is_error=True)
    for reject in found.rejects:
        err.print(f"not read: {reject.source_path}: {reject.reason}", markup=False, soft_wrap=True)
    resets = sum(record["kind"] == "reset" for record in found.records)
    err.print(
        f"{resets} resets, {len(found.records) - resets} stalls in {found.lines:,} lines of "
        f"{found.files} files",
        markup=False,
    )


@app.command()
def top(
    *,
    hosts: Annotated[int, typer.Option("-n", help="Hosts to show.")] = 20,
    as_json_lines: AsJson = False,
    config: Config = None,
) -> None:
    """Show the ranked hosts of the last published run."""
    settings = load_settings(config)
    answer = investigate(settings, "ranked_hosts", {"host_id": "", "hosts": hosts})
    if as_json_lines:
        _print_json(answer)
    else:
        console().print(host_table(answer.records()))


@app.command()
def explain(host: str, *, config: Config = None) -> None:
    """Show why a host has its rank, down to the log lines."""
    settings = load_settings(config)
    terms = investigate(settings, "score_terms", {"host_id": host}).records()
    if not terms:
        raise InputError(f"host {host!r}: expected a host of the last published run, found none")
    out = console()
    out.print(
        host_table(investigate(settings, "ranked_hosts", {"host_id": host, "hosts": 1}).records())
    )
    from resetradar.marts import load_marts  # noqa: PLC0415 - reads all headers

    columns = {
        c.name: c for mart in load_marts() if mart.name == "host_scores" for c in mart.columns
    }
    out.print(rows_table(
        ("term", "value", "unit", "meaning"),
        [(name, cell_text(value), columns[name].unit, columns[name].meaning)
         for name, value in terms[0].items() if name not in {"host_id", "reasons"}],
    ))  # fmt: skip
    for line in cause_lines(investigate(settings, "causes_of_host", {"host_id": host}).records()):
        style = "" if line.startswith(" ") else "bold"
        out.print(line, style=style, markup=False, soft_wrap=True)
    out.print("since boot", style="bold")
    for line in boots_of(settings, host):
        out.print(f"    {line}", markup=False, soft_wrap=True)
    resets = investigate(settings, "host_resets", {"host_id": host}).records()
    for record in resets:
        out.print(
            f"{cell_text(record['began_at'])}  {record['kind']}  {record['interface'] or '-'}  "
            f"{record['verdict']}", style="bold", markup=False,
        )  # fmt: skip
        out.print(f"    {record['evidence']}", markup=False)
        out.print(f"    next: {record['next_command']}", markup=False)
        out.print(f"    {record['source_path']}:{record['line_number']}", style="dim", markup=False)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="SQL, or the name of a prepared question.")],
    *,
    param: Annotated[list[str] | None, typer.Option(help="NAME=VALUE; may be repeated.")] = None,
    as_json_lines: AsJson = False,
    config: Config = None,
) -> None:
    """Ask the last published run: SQL or a prepared question."""
    settings = load_settings(config)
    parameters = dict(_pair(text) for text in param or [])
    is_question = query in questions()
    answer = (
        investigate(settings, query, parameters)
        if is_question
        else ask(settings, query, parameters)
    )
    if as_json_lines:
        _print_json(answer)
    else:
        console(plain_width=UNWRAPPED).print(rows_table(answer.columns, answer.rows))


@app.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="New or empty folder.")],
    *,
    hosts: Annotated[int, typer.Option(help="Hosts of the fleet.")] = 44,
    days: Annotated[int, typer.Option(help="UTC days of logs and metrics.")] = 7,
    seed: Annotated[int, typer.Option(help="Another seed is another fleet.")] = 3,
    cpu_interval_s: Annotated[int, typer.Option(help="Sampling interval of CPU metrics.")] = 60,
    lines_per_hour: Annotated[float, typer.Option(help="Ordinary log lines of a host.")] = 3.0,
    sampled_share: Annotated[float, typer.Option(help="Healthy hosts with CPU metrics.")] = 0.15,
) -> None:
    """Write a simulated fleet with known faults, and its truth."""
    from resetradar.simulate import simulate as write_fleet  # noqa: PLC0415 - only this verb

    write_fleet(
        hosts,
        days,
        seed,
        out,
        cpu_interval_s=cpu_interval_s,
        lines_per_hour=lines_per_hour,
        sampled_share=sampled_share,
    )
    typer.echo(f"wrote {hosts} hosts x {days} days below {out}; truth.json says what is in them")


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise InputError(f"--param {text!r}: expected NAME=VALUE")
    return name, value


def _print_json(answer: Answer) -> None:
    for record in answer.records():
        typer.echo(json.dumps(record, ensure_ascii=False, default=cell_text))
