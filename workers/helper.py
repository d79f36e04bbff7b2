"""The worker's one other thread, for what takes seconds: packing, unpacking, deleting. The loop goes on beating."""

import contextlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from hexasched import logs
from hexasched.errors import StoreBusyError, StoreFullError

BUSY_PAUSE_S = 1.0

P = ParamSpec("P")
T = TypeVar("T")


class Helper:
    """Does one thing after the other; `fileno` is readable after each end."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="helper")
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._closing = threading.Event()

    def fileno(self) -> int:
        """For a selector."""
        return self._bell

    def clear(self) -> None:
        """Forget the ends so far."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._bell)

    def submit(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Do `work` when what came before is done."""
        future = self._pool.submit(work, *args, **kwargs)
        future.add_done_callback(lambda _: os.eventfd_write(self._bell, 1))
        return future

    def patiently(self, step: Callable[[], T]) -> T:
        """The result of a transaction, begun again for as long as the database is busy. Only for this thread.

        Raises StoreBusyError if the worker ends meanwhile, StoreFullError at once. Fences decide whether the work is
        still ours.
        """
        while True:
            try:
                return step()
            except StoreFullError:
                raise  # what is kept here may be what fills the disk
            except StoreBusyError as error:
                logs.warning("store.busy", error=error)
                if self._closing.wait(BUSY_PAUSE_S):
                    raise

    def close(self) -> None:
        """Finish what is being done and nothing else."""
        self._closing.set()
        self._pool.shutdown(cancel_futures=True)
        os.close(self._bell)
