"""Maps a function over shards, in processes, with results in the order of the shards."""

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, TypeVar

from resetradar.errors import ResetradarError

Item = TypeVar("Item")
Result = TypeVar("Result")

# A worker that the kernel killed once (memory, a node going away) may live when run again; one
# that dies twice over the same shards will die for ever.
ATTEMPTS = 2

_log = logging.getLogger(__name__)


class ShardError(RuntimeError):
    """The work on one shard failed; the text names the shard and the cause."""


def map_shards(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int,
    on_done: Callable[[Item], None] | None = None,
) -> list[Result]:
    """Results of ``function`` for every item, in the order of the items.

    Args:
        function: Importable by name (top-level, or ``functools.partial`` of such), as it is sent
            to other processes. Must be safe to repeat: it runs again when its worker dies.
        items: Picklable descriptions of the shards.
        workers: Processes to use; with 1, or a single item, all work stays in this process.
        on_done: Called here after each item, in the order in which items end.

    Raises:
        ResetradarError: An item raised it; the text names the item. The class is kept.
        OSError: An item raised one.
        ShardError: An item raised any other error, or its worker died twice.
    """
    pending = dict(enumerate(items))
    done: dict[int, Result] = {}
    if workers == 1 or len(pending) < 2:
        for index, item in pending.items():
            done[index] = _named(function, item)
            if on_done:
                on_done(item)
        return list(done.values())
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _run_pool(function, pending, done, workers, on_done)
        except BrokenProcessPool as error:
            names = ", ".join(_name(item) for item in pending.values())
            if attempt == ATTEMPTS:
                raise ShardError(
                    f"shards {names}: expected a result, found a worker that died "
                    f"{ATTEMPTS} times (out of memory?); use fewer workers or more shards"
                ) from error
            _log.warning("a worker died; running again: %s", names)
        else:
            break
    return [done[index] for index in sorted(done)]


def spread(function: Callable[..., Result], item: tuple[Any, ...]) -> Result:
    """Call ``function`` with the parts of an item as its arguments: ``partial(spread, f)``."""
    return function(*item)


def _name(item: object) -> str:
    """How errors and progress call an item: ``2026-03-01 3`` for a day and a shard."""
    parts = item if isinstance(item, tuple) else (item,)
    return " ".join(str(part) for part in parts)


def _run_pool(
    function: Callable[[Item], Result],
    pending: dict[int, Item],
    done: dict[int, Result],
    workers: int,
    on_done: Callable[[Item], None] | None,
) -> None:
    """Move items from ``pending`` to ``done`` until none is left or a worker dies."""
    # Spawn, as the threads of polars and DuckDB do not survive a fork.
    pool = ProcessPoolExecutor(min(workers, len(pending)), mp_context=get_context("spawn"))
    try:
        futures = {pool.submit(_named, function, item): index for index, item in pending.items()}
        broken: BrokenProcessPool | None = None
        for future in as_completed(futures):
            index = futures[future]
            try:
                done[index] = future.result()
            except BrokenProcessPool as error:
                broken = error  # results that came in before the death still count
                continue
            item = pending.pop(index)
            if on_done:
                on_done(item)
        if broken:
            raise broken
    finally:
        pool.shutdown(cancel_futures=True)


def _named(function: Callable[[Item], Result], item: Item) -> Result:
    # Errors of one text survive pickling, whatever the cause was made of. The kind is kept where
    # it matters: a user can mend the first, repeating may mend the second.
    try:
        return function(item)
    except ResetradarError as error:
        raise type(error)(f"shard {_name(item)}: {error}") from error
    except OSError as error:
        raise OSError(f"shard {_name(item)}: {error}") from error
    except Exception as error:
        raise ShardError(f"shard {_name(item)}: {type(error).__name__}: {error}") from error
