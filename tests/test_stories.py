"""Every story under data/samples/stories gives the records that stand beside it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

_STORIES = Path(__file__).parents[1] / "data" / "samples" / "stories"
_NAMES = sorted(path.parent.name for path in _STORIES.glob("*/expected.jsonl"))


def _records(paths):
    out = subprocess.run(
        [sys.executable, "-m", "resetradar", "episodes", "--json", *map(str, paths)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [json.loads(line) for line in out.stdout.splitlines()]


@pytest.fixture(scope="module")
def printed():
    """Records of all stories by story, from one run of the command."""
    by_story = {name: [] for name in _NAMES}
    for record in _records([_STORIES / name for name in _NAMES]):
        by_story[Path(record["source_path"]).parent.name].append(record)
    return by_story


@pytest.mark.parametrize("name", _NAMES)
def test_story_gives_its_expected_records(name, printed):
    lines = (_STORIES / name / "expected.jsonl").read_text().splitlines()
    expected = [json.loads(line) for line in lines]
    found = [
        {key: record[key] for key in want}
        for want, record in zip(expected, printed[name], strict=False)
    ]

    assert found == expected
    assert len(printed[name]) == len(expected)


def test_records_have_every_promised_field(printed):
    promised = {
        "kind", "host_id", "driver", "driver_version", "pci_address", "interface", "started_at",
        "reset_at", "ended_at", "outcome", "trigger", "reset_reason", "queues", "napi_cpu",
        "since_napi_us", "since_interrupt_us", "napi_scheduled", "lines", "first_line",
        "source_path", "line_number",
    }  # fmt: skip

    assert all(promised <= set(record) for records in printed.values() for record in records)
