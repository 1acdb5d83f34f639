"""One writer at a time below a folder, by a lock that the kernel drops when its holder dies."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from resetradar.errors import InputError


@contextmanager
def only_writer(
    folder: Path, *, wait: bool = True, on_wait: Callable[[], None] | None = None
) -> Iterator[None]:
    """Hold the writer's lock of a folder, which is made if it is not there.

    Args:
        folder: Folder to lock; the lock is its file ``.lock``.
        wait: Wait for another holder to end, else refuse.
        on_wait: Called once before waiting.

    Raises:
        InputError: Another process holds the lock and ``wait`` is false.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if not wait:
                raise InputError(
                    f"lock in {folder}: expected no other run, found one that is still writing; "
                    "wait for its end, or name another lake"
                ) from error
            if on_wait:
                on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
