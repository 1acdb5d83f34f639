"""What the benchmarks of the CPU join rest on: memory of a process alone, samples as the lake's."""

import sys

import pyarrow.parquet as pq

from benchmarks.correlate import make_samples
from benchmarks.measure import measure
from resetradar.lake import Lake
from resetradar.tables import CPU_SAMPLES

_KEEPS_100_MB = "x = bytearray(100 << 20); x[::4096] = b'x' * len(x[::4096])"


def test_memory_of_a_contender_is_not_that_of_the_one_who_measures():
    held = bytearray(300 << 20)
    held[::4096] = b"x" * len(held[::4096])
    found = measure({"small": ["true"], "large": [sys.executable, "-c", _KEEPS_100_MB]}, rounds=1)
    assert found["small"].rss_mb < 50
    assert 100 < found["large"].rss_mb < 200


def test_samples_are_the_bytes_that_the_lake_writes_two_for_a_sample(tmp_path):
    make_samples(tmp_path / "made", 4, 720)
    made = sorted((tmp_path / "made" / "cpu_samples").rglob("*.parquet"))
    assert made
    for number, path in enumerate(made):
        rows = pq.ParquetFile(path).read()
        day = Lake(tmp_path / "made", 4).days(CPU_SAMPLES)[0]
        written = Lake(tmp_path / "lake", 4).write(
            CPU_SAMPLES, rows, day=day, shard=number, part="cpu"
        )
        assert written.read_bytes() == path.read_bytes()
        assert path.stat().st_size < 2 * rows.num_rows
