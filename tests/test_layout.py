"""The rules of the house: what a file may import, hold and be called."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from command import REPOSITORY

from resetradar.marts import load_marts

_PACKAGE = REPOSITORY / "src" / "resetradar"
_PIPELINES = REPOSITORY / "pipelines"


def _modules(*folders):
    return {
        path.relative_to(REPOSITORY).as_posix(): path
        for folder in folders
        for path in sorted(folder.rglob("*.py"))
    }


_SRC = _modules(REPOSITORY / "src")
_CODE = _SRC | _modules(_PIPELINES)


def _tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def _imports(tree):
    """Full names of all imported modules, also of those inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_there_is_code_to_look_at():
    """The other tests of this file are over these lists."""
    assert len(_SRC) > 50
    assert {"pipelines/definitions.py", "src/resetradar/cli.py"} <= set(_CODE)


def test_src_never_imports_dagster():
    roots = {name: {i.partition(".")[0] for i in _imports(_tree(p))} for name, p in _SRC.items()}

    assert [name for name, found in roots.items() if found & {"dagster", "dagster_dg_cli"}] == []
    assert [name for name, found in roots.items() if "pipelines" in found] == [
        "src/resetradar/cli.py"
    ]


def test_the_command_line_starts_without_dagster():
    """Only `run` pays for the orchestrator."""
    code = "import sys, resetradar.cli; print(sorted({'dagster', 'pipelines'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def _layers():
    """Module prefixes by layer, bottom first, as the table of ARCHITECTURE.md lists them."""
    page = (REPOSITORY / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = page.partition("## Layers")[2].partition("\n\n")[2].partition("\n\n")[0]
    rows = [line.split("|")[2] for line in table.splitlines()[2:]]
    return [re.findall(r"`([\w/]+?)(?:\.py|/)`", cell) for cell in rows]


def _layer_of(module, layers):
    for rank, names in enumerate(layers):
        if any(module == f"resetradar.{n}" or module.startswith(f"resetradar.{n}.") for n in names):
            return rank
    return None


def test_imports_go_down_the_layers_of_the_architecture_page():
    """Every module that the page lists exists and imports only from its layer or a lower one."""
    layers = _layers()
    inner = [name for names in layers for name in names if "resetradar" not in name]
    missing = [n for n in inner if not any((_PACKAGE / f"{n}{s}").exists() for s in ("", ".py"))]
    assert sorted(set(missing)) == ["pipelines", "sql"]
    assert len(inner) > 20
    upwards = []
    for name, path in _SRC.items():
        module = name.removeprefix("src/").removesuffix(".py").replace("/", ".")
        own = _layer_of(module.removesuffix(".__init__"), layers)
        for imported in _imports(_tree(path)):
            other = _layer_of(imported, layers)
            if own is not None and other is not None and other > own:
                upwards.append((name, imported))

    assert upwards == []


def test_pipelines_keep_annotations_that_dagster_can_read():
    """Dagster reads the annotation of `context` at run time; postponed ones break it."""
    found = [
        name for name, path in _modules(_PIPELINES).items() if "__future__" in path.read_text()
    ]

    assert found == []


def test_no_module_is_long():
    lengths = {name: len(path.read_text().splitlines()) for name, path in _CODE.items()}

    assert {name: length for name, length in lengths.items() if length > 300} == {}


def test_no_folder_is_deep_and_no_name_says_nothing():
    empty_words = {"utils", "util", "helpers", "helper", "common", "constants", "manager"}
    parts = {name: Path(name).with_suffix("").parts for name in _CODE}

    assert [name for name in _SRC if len(parts[name]) - 1 > 3] == []
    assert [name for name in _CODE if empty_words & set(parts[name])] == []


def test_only_settings_reads_the_environment():
    words = {"environ", "environb", "getenv", "putenv"}
    found = {
        name
        for name, path in _SRC.items()
        for node in ast.walk(_tree(path))
        if (isinstance(node, ast.Attribute) and node.attr in words)
        or (isinstance(node, ast.ImportFrom) and words & {alias.name for alias in node.names})
    }

    assert found == {"src/resetradar/settings.py"}


_SQL = re.compile(
    r"\bselect\b.+\bfrom\b|\b(create|drop)\s+(or\s+replace\s+)?(temp\s+)?(table|view|macro)\b"
    r"|\binsert\s+into\b|\bdelete\s+from\b|\bcopy\s*\(",
    re.IGNORECASE | re.DOTALL,
)
# A table without rows cannot be a file: its columns come from the contracts.
_SQL_ALLOWED = {("src/resetradar/mart_session.py", "create table ")}


def _texts(tree):
    """String literals that are no docstrings; of f-strings, the fixed parts together."""
    docstrings, parts = set(), set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            docstrings.add(body[0].value)
        if isinstance(node, ast.JoinedStr):
            fixed = [v for v in node.values if isinstance(v, ast.Constant)]
            parts.update(fixed)
            yield " … ".join(str(value.value) for value in fixed)
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and node not in docstrings and node not in parts:
            yield node.value


def test_sql_stands_in_sql_files_only():
    found = {
        (name, text)
        for name, path in _CODE.items()
        for text in _texts(_tree(path))
        if _SQL.search(text)
    }
    unknown = [
        (n, t) for n, t in found if not any(n == a and t.startswith(b) for a, b in _SQL_ALLOWED)
    ]

    assert unknown == []
    assert {name for name, _ in found} == {name for name, _ in _SQL_ALLOWED}, "the rule sees SQL"


def test_every_mart_has_a_case_folder():
    cases = {path.parents[1].name for path in (REPOSITORY / "tests/marts").glob("*/*/expect.csv")}

    assert cases == {mart.name for mart in load_marts()}


@pytest.mark.parametrize("path", sorted(_PACKAGE.glob("catalogue/*.toml")), ids=lambda p: p.stem)
def test_every_message_has_a_source_and_a_sample(path):
    messages = tomllib.loads(path.read_text(encoding="utf-8")).get("message", [])
    bare = [m.get("id") for m in messages if not (m.get("source") and m.get("sample"))]

    assert messages
    assert bare == []


def test_every_module_begins_with_a_docstring():
    named = _CODE | _modules(REPOSITORY / "tests", REPOSITORY / "benchmarks")

    assert [name for name, path in named.items() if not ast.get_docstring(_tree(path))] == []


def _own_texts():
    """Files that people of the project write, without the samples and the licence."""
    folders = ("src", "pipelines", "sql", "tests", "docs", "benchmarks", ".ci")
    paths = [p for folder in folders for p in (REPOSITORY / folder).rglob("*") if p.is_file()]
    paths += [p for p in REPOSITORY.glob("*") if p.suffix in {".md", ".toml", ".yaml", ".lock"}]
    paths += [REPOSITORY / "Makefile", *(REPOSITORY / "data" / "samples").rglob("*.md")]
    return [p for p in paths if p.suffix != ".pyc" and p.name != Path(__file__).name]


def test_no_file_names_a_folder_of_one_machine():
    """The project stands alone: nothing leads to the folders of whoever wrote it."""
    foreign = re.compile(r"(?<![\w.}])/(?:home|root|Users|work|mnt)/\w|\.\./shared")
    texts = {p: p.read_text(encoding="utf-8", errors="replace") for p in _own_texts()}
    found = {
        f"{path.relative_to(REPOSITORY)}: {match[0]}"
        for path, text in texts.items()
        for match in foreign.finditer(text)
    }

    assert len(texts) > 150
    assert found == set()


def test_the_lock_names_no_index():
    lock = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")

    assert "dagster==" in lock
    assert "--hash=sha256:" in lock
    assert re.findall(r"https?://|--(?:extra-)?index|--find-links|--trusted-host", lock) == []


def test_samples_stay_small():
    """The bundled samples are cloned by everybody: under 6 MB, no file above 1 MB."""
    sizes = {p: p.stat().st_size for p in (REPOSITORY / "data/samples").rglob("*") if p.is_file()}

    assert sum(sizes.values()) < 6_000_000
    assert [path for path, size in sizes.items() if size > 1_000_000] == []
