"""map_shards: order, errors that name their shard, workers that die."""

import os
from functools import partial
from pathlib import Path

import pytest

from resetradar.errors import InputError
from resetradar.shards import ShardError, map_shards, spread


def _square(number: int) -> int:
    return number * number


def _fail_on_three(number: int) -> int:
    if number == 3:
        raise ValueError("not a number I like")
    return number


def _process(number: int) -> int:
    del number
    return os.getpid()


def _die_once(marker: Path, number: int) -> int:
    if number == 2 and not marker.exists():
        marker.touch()
        os._exit(9)
    return number + 1


def _die(number: int) -> int:
    os._exit(number)


@pytest.mark.parametrize("workers", [1, 2])
def test_results_keep_the_order_of_the_items(workers):
    assert map_shards(_square, range(6), workers=workers) == [0, 1, 4, 9, 16, 25]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_names_its_shard(workers):
    with pytest.raises(ShardError, match="shard 3: ValueError: not a number I like"):
        map_shards(_fail_on_three, [1, 2, 3, 4], workers=workers)


def _misuse(path: str) -> int:
    return len(Path(path).read_bytes())


def _refuse(day: str, shard: int) -> int:
    raise InputError(f"expected logs of {day}, found none in {shard}")


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_of_users_and_of_file_systems_keep_their_kind(workers):
    with pytest.raises(InputError, match=r"^shard 2026-03-01 7: expected logs of"):
        map_shards(
            partial(spread, _refuse), [("2026-03-01", 7), ("2026-03-01", 7)], workers=workers
        )
    with pytest.raises(OSError, match=r"^shard /no/such: .*No such file"):
        map_shards(_misuse, ["/no/such", "/no/such"], workers=workers)


def test_no_items_give_no_results():
    assert map_shards(_square, [], workers=2) == []


def test_one_worker_or_one_item_stays_in_this_process():
    here = os.getpid()
    assert map_shards(_process, [1, 2], workers=1) == [here, here]
    assert map_shards(_process, [1], workers=2) == [here]


def test_two_workers_leave_this_process():
    assert os.getpid() not in map_shards(_process, [1, 2], workers=2)


def test_a_worker_that_dies_once_costs_no_result(tmp_path):
    marker = tmp_path / "died"
    seen = []

    results = map_shards(partial(_die_once, marker), [1, 2, 3], workers=2, on_done=seen.append)

    assert results == [2, 3, 4]
    assert marker.exists()
    assert sorted(seen) == [1, 2, 3], "each item is reported once"


def test_a_worker_that_always_dies_is_an_error_that_names_the_shards():
    with pytest.raises(ShardError, match="died 2 times") as failure:
        map_shards(_die, [7, 8], workers=2)
    assert "7" in str(failure.value)
    assert "8" in str(failure.value)
