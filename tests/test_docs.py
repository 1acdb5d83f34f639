"""The pages say what is true: their commands run, their queries answer, their links lead on."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import duckdb
import pytest
from command import FLEET, REPOSITORY
from typer.main import get_command
from typer.testing import CliRunner

from resetradar.adhoc import parse_days
from resetradar.catalogue import load_catalogue
from resetradar.cli import app

_PAGES = {
    path.relative_to(REPOSITORY).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")])
}
_README = _PAGES["README.md"]
_COOKBOOK = _PAGES["docs/sql-cookbook.md"]
_SHELL = {". .venv/bin/activate", "export RESETRADAR_CONFIG=demo/resetradar.toml"}
_STARVED = "data/samples/stories/ena-starved-watchdog/kern.log"


def _blocks(page, *languages):
    """Fenced blocks of some languages."""
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return [body for language, body in fences if language in languages]


def _spans(page):
    """Code inside of prose and tables."""
    prose = re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`([^`\n]+)`", prose)


def _shell_lines(page):
    """Lines that a reader is told to type, in blocks."""
    lines = [line for body in _blocks(page, "bash") for line in body.splitlines()]
    typed = [line for body in _blocks(page, "console") for line in body.splitlines()]
    return lines + [line.removeprefix("$ ") for line in typed if line.startswith("$ ")]


def _commands(page):
    """Calls of resetradar in the order of the page, each once; prose beside the README mentions."""
    calls = [line for line in _shell_lines(page) if line.startswith("resetradar ")]
    if page is _README:
        calls += [span for span in _spans(page) if re.match(r"resetradar \w+ .", span)]
    return sorted(set(calls), key=page.index)


def _cells(line):
    return re.split(r"\s{2,}", line.strip())


@pytest.fixture
def checkout(tmp_path, monkeypatch, published_fleet):
    """A folder like the checkout after `make demo`, with the logs of two hosts of one's own."""
    (tmp_path / "demo").symlink_to(published_fleet)
    (tmp_path / "data").symlink_to(REPOSITORY / "data")
    for host in ("ip-10-20-1-10", "ip-10-20-81-16"):
        for kind in ("logs", "cpu"):
            shutil.copytree(FLEET / kind / host, tmp_path / kind / host)
    shutil.copytree(FLEET / "inventory", tmp_path / "inventory")
    (tmp_path / "var" / "log").mkdir(parents=True)
    shutil.copy(REPOSITORY / _STARVED, tmp_path / "var" / "log")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RESETRADAR_CONFIG", "demo/resetradar.toml")
    return tmp_path


def _run(command):
    """Output of a command line of a page, which must succeed."""
    words = shlex.split(command.replace("/var/log/", "var/log/"))
    result = CliRunner().invoke(app, words[1:], catch_exceptions=False)
    assert result.exit_code == 0, f"{command}\n{result.output}"
    return result.output


@pytest.mark.parametrize("name", [name for name, page in _PAGES.items() if _commands(page)])
def test_every_command_of_a_page_runs(checkout, name):
    """In the order of the page, over the demo; each succeeds and prints something."""
    printed = {command: _run(command) for command in _commands(_PAGES[name])}

    assert [command for command, output in printed.items() if not output.strip()] == []
    nightly = [output for command, output in printed.items() if " run " in command]
    assert all(f"published {checkout}" in output for output in nightly)


def test_pages_have_commands_to_run():
    assert len(_commands(_README)) > 8
    assert len(_commands(_COOKBOOK)) > 5


def _verbs():
    """Verbs that `resetradar --help` lists."""
    printed = CliRunner().invoke(app, ["--help"]).output.partition("Commands:")[2]
    return re.findall(r"^  (\w+) ", printed, re.MULTILINE)


def test_every_verb_is_in_the_readme_with_an_example():
    """The table of the README has exactly the verbs of `resetradar --help`."""
    verbs = _verbs()
    rows = re.findall(r"^\| `(\w+)` \| .{10,} \| `resetradar (\w+) .+` \|$", _README, re.MULTILINE)

    assert "run" in verbs
    assert sorted(rows) == [(verb, verb) for verb in sorted(verbs)]


def test_every_verb_that_a_page_mentions_exists():
    named = {
        (name, verb)
        for name, page in _PAGES.items()
        for text in (*_spans(page), *_shell_lines(page))
        for verb in re.findall(r"^resetradar (\w+)", text)
    }

    assert len(named) > 10
    assert {(name, verb) for name, verb in named if verb not in _verbs()} == set()


def _make_targets():
    done = subprocess.run(
        ["make", "-s", "help"], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    return {line.split()[0] for line in done.stdout.splitlines()}


def test_every_make_verb_of_a_page_exists():
    named = {
        (name, verb)
        for name, page in _PAGES.items()
        for text in (*_spans(page), *_shell_lines(page))
        for verb in re.findall(r"^make (\w+)", text)
    }

    assert {"demo", "test"} <= {verb for _, verb in named}
    assert {(name, verb) for name, verb in named if verb not in _make_targets()} == set()


def test_every_other_shell_line_names_what_exists():
    """Programs of the environment are installed, paths of the repository are there."""
    for name, page in _PAGES.items():
        for line in _shell_lines(page):
            words = shlex.split(line)
            if words[0] in {"make", "resetradar"} or line in _SHELL:
                continue
            assert words[0].startswith(".venv/bin/"), f"{name}: {line}"
            assert (Path(sys.executable).parent / Path(words[0]).name).exists(), f"{name}: {line}"
            missing = [w for w in words if w.startswith("tests/") and not (REPOSITORY / w).exists()]
            assert missing == [], f"{name}: {line}"


def test_cron_line_runs_the_day_before():
    """The shell makes of it a call with options that exist, for one day."""
    (line,) = (line for body in _blocks(_README, "cron") for line in body.splitlines())
    arguments = line.partition("/bin/resetradar ")[2].replace("\\%", "%")
    done = subprocess.run(
        ["bash", "-c", f"printf '%s\\n' {arguments}"], capture_output=True, text=True, check=True
    )
    verb, *options = done.stdout.split()
    parsed = get_command(app).commands[verb].make_context(verb, options).params

    assert verb == "run"
    assert parse_days(parsed["day"])[0] == parse_days(parsed["day"])[1]


def test_readme_table_is_what_the_demo_prints(published_fleet):
    """Hosts, images, resets, verdicts and scores are those of the demo, reasons are cut from it."""
    printed = [_cells(line) for line in (published_fleet / "printed.txt").read_text().splitlines()]
    table = next(b for b in _blocks(_README, "text") if "verdict" in b).splitlines()
    shown = [_cells(line) for line in table]
    # Left out: family, zone and observed time.
    kept = [
        [c for n, c in enumerate(row) if n not in {2, 3, 6}] for row in printed if len(row) == 10
    ]
    with duckdb.connect(str(published_fleet / "published/catalog.duckdb"), read_only=True) as db:
        reasons = dict(db.sql("select host_id, reasons from host_scores").fetchall())

    assert [row[:-1] for row in shown] == [row[:-1] for row in kept[: len(shown)]]
    assert [row for row in shown[1:] if row[-1] not in reasons[row[1]]] == []
    assert len(shown) > 5


def test_readme_cohort_and_blind_spots_are_what_the_demo_prints(published_fleet):
    lines = (published_fleet / "printed.txt").read_text().splitlines()
    table = next(b for b in _blocks(_README, "text") if "cohort" in b).splitlines()
    printed = [_cells(line) for line in lines]
    first = next(n for n, row in enumerate(printed) if row[0] == "cohort")

    assert _cells(table[0]) == printed[first]
    assert _cells(table[1]) == printed[first + 2]
    assert len(table) > 4
    for shown in table[2:]:
        # What is left out stands as an ellipsis.
        pattern = ".*".join(map(re.escape, shown.split("…")))
        assert [line for line in lines if re.fullmatch(pattern, line)], shown


def test_readme_shows_what_the_command_prints(checkout):
    """A transcript is what its command prints, less the columns at the right that it leaves out."""
    del checkout
    for body in _blocks(_README, "console"):
        command, *shown = body.splitlines()
        output = [_cells(_without_year(line)) for line in _run(command[2:]).splitlines()]
        for line in shown:
            cells = _cells(_without_year(line))
            assert cells in [row[: len(cells)] for row in output], f"{line}\n{output}"


def _without_year(line):
    # A stamp without a year gets it from the date of the file, hence of the checkout.
    return re.sub(r"\b\d{4}(?=-\d\d-\d\d )", "YEAR", line)


def test_python_of_the_readme_reads_the_catalogue(checkout, capsys):
    del checkout
    (code,) = _blocks(_README, "python")
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - the page's own example

    printed = capsys.readouterr().out
    assert "fleet_date" in printed
    assert re.findall(r"2026-11-\d\d", printed) == [f"2026-11-{day}" for day in range(15, 22)]


def _questions():
    parts = re.split(r"^## (.+)$", _COOKBOOK, flags=re.MULTILINE)[1:]
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return [(title, sql) for title, text in pairs for sql in _blocks(text, "sql")]


@pytest.mark.parametrize(("title", "sql"), _questions(), ids=[title for title, _ in _questions()])
def test_query_of_the_cookbook_answers(published_fleet, title, sql):
    """Every question of the page has an answer in the demo, of columns with names."""
    with duckdb.connect(str(published_fleet / "published/catalog.duckdb"), read_only=True) as db:
        answer = db.sql(sql)
        rows = answer.fetchall()

    assert len(rows) >= 1, title
    assert [name for name in answer.columns if not re.fullmatch(r"[a-z]\w*", name)] == []


def test_cookbook_is_a_page_of_questions():
    titles = [title for title, _ in _questions()]

    assert len(titles) == len(set(titles)) >= 10


def _anchors(path):
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", _PAGES)
def test_links_of_a_page_lead_to_a_file_and_a_heading(name):
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", _PAGES[name]):
        page = REPOSITORY / name
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{name}: {target}"
        assert not anchor or anchor in _anchors(path), f"{name}: {target}#{anchor}"


@pytest.mark.parametrize("name", _PAGES)
def test_paths_that_a_page_names_exist(name):
    roots = ("src/", "sql/", "tests/", "docs/", "pipelines/", "data/", "benchmarks/", ".ci/")
    paths = [span for span in _spans(_PAGES[name]) if span.startswith(roots)]
    fixed = [path for path in paths if not re.search(r"[<>*{} ]", path)]

    assert [path for path in fixed if not (REPOSITORY / path).exists()] == []


def test_message_that_contributors_copy_is_in_the_catalogue():
    (snippet,) = _blocks(_PAGES["CONTRIBUTING.md"], "toml")
    (entry,) = tomllib.loads(snippet)["message"]
    match = load_catalogue().match(entry["sample"])

    assert match is not None
    assert (match.message.id, match.message.role) == (entry["id"], entry["role"])


@pytest.mark.parametrize(
    ("name", "limit"), [("README.md", 150), ("ARCHITECTURE.md", 110), ("CONTRIBUTING.md", 130)]
)
def test_page_stays_short(name, limit):
    assert len(_PAGES[name].splitlines()) <= limit
