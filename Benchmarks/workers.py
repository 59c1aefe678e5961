"""Processes in which runtimes work: one host for each runtime, and a fresh child of it for each work.

A host imports its runtime once and forks, so that every work starts with clean memory and no threads, and nothing
that a runtime leaves behind, such as threads that spin while idle, reaches another one's numbers. Only one child runs
at a time; the others wait for a message.
"""

from __future__ import annotations

import multiprocessing
import os
import time
import traceback
from contextlib import ExitStack
from multiprocessing.connection import Connection
from typing import Any

from peers import Unsupported
from works import Work

#: Before each burst, until the threads of who was measured before have come to rest.
REST = 0.02
#: A time is taken over as many runs as need this long, so that the clock's own time does not count.
LEAST = 50e-6


class Failed(Exception):
    """A runtime could not run a work; the text says why."""


class Died(Failed):
    """The process of a work is no more."""


class Host:
    """A runtime in a process of its own."""

    def __init__(self, runtime: type):
        self.peer: str = runtime.name
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_host, args=(runtime, theirs))
        self._process.start()
        theirs.close()
        self.version: str = self._answer()

    def open(self, path: str, work: Work, threads: int) -> Child:
        self._connection.send((path, work, threads))
        return Child(self, self._answer())

    def ask(self, *request: Any) -> Any:
        """Passes a request to the child."""
        self._connection.send(request)
        return self._answer()

    def _answer(self) -> Any:
        try:
            answer = self._connection.recv()
        except EOFError:
            raise Died(f"{self.peer}: the process ended") from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self._connection.close()
        self._process.join()


class Child:
    """An opened work."""

    def __init__(self, host: Host, load: dict[str, float]):
        self.load = load
        self._host = host
        self._is_alive = True

    def burst(self, seconds: float) -> list[float]:
        """Runs for about so long, at least once; the time of a run, over and over."""
        return self._ask("burst", seconds)

    def outputs(self) -> list[Any]:
        return self._ask("outputs")

    def memory(self) -> dict[str, int]:
        """Bytes beyond those before the model was opened: `peak` and `now`; and what the runtime tells."""
        return self._ask("memory")

    def again(self, copies: int) -> dict[str, int]:
        """Opens the work so many times more, runs each, and gives the memory then."""
        return self._ask("again", copies)

    def close(self) -> None:
        if self._is_alive:
            self._ask("close")

    def _ask(self, *request: Any) -> Any:
        try:
            return self._host.ask(*request)
        except Died:
            self._is_alive = False
            raise


def opened(
    stack: ExitStack, hosts: list[Host], path: str, work: Any, threads: int, told: dict[str, Any]
) -> dict[str, Child]:
    """The work opened by every runtime that can, by its name, until the stack ends. `told` gets what is to be told of
    each: how long that took, or why it does not."""
    children = {}
    for host in hosts:
        try:
            child = host.open(path, work, threads)
        except (Unsupported, Failed) as error:
            told[host.peer] = {"unsupported" if isinstance(error, Unsupported) else "failed": str(error)}
            continue
        stack.callback(child.close)
        told[host.peer] = {"load": child.load}
        children[host.peer] = child
    return children


def _host(kind: type, connection: Connection) -> None:
    """Answers with the version, then forks a child for every (path, work, threads) and passes messages on to it."""
    runtime = kind()
    connection.send(runtime.version)
    context = multiprocessing.get_context("fork")
    while (message := _received(connection)) is not None:
        mine, theirs = context.Pipe()
        process = context.Process(target=_child, args=(runtime, theirs, (mine, connection), message))
        process.start()
        theirs.close()
        _relay(kind.name, connection, mine)
        mine.close()
        process.join()


def _received(connection: Connection) -> Any:
    try:
        return connection.recv()
    except EOFError:
        return None


def _relay(peer: str, outside: Connection, child: Connection) -> None:
    """Passes requests in and answers out, until the child is closed, or fails to open, or dies."""
    request: Any = ("open",)
    while request is not None:
        answer = _received(child)
        outside.send(Died(f"{peer}: the process died") if answer is None else answer)
        if answer is None or request[0] == "close" or (request[0] == "open" and isinstance(answer, Exception)):
            return
        request = _received(outside)
        if request is not None:
            child.send(request)


def _child(
    runtime: Any, connection: Connection, others: tuple[Connection, ...], message: tuple[str, Work, int]
) -> None:
    """Opens a work, then answers requests."""
    for other in others:
        other.close()
    try:
        served = _Served(runtime, *message)
        connection.send(served.load)
    except Exception as error:  # whatever a runtime raises belongs into the table
        connection.send(_told(error))
        return
    while (request := _received(connection)) is not None:
        try:
            connection.send(getattr(served, request[0])(*request[1:]))
        except Exception as error:
            connection.send(_told(error))
        if request[0] == "close":
            return


def _told(error: Exception) -> Exception:
    if isinstance(error, Unsupported):
        return error
    return Failed("".join(traceback.format_exception_only(error)).strip())


class _Served:
    """What a child answers."""

    def __init__(self, runtime: Any, path: str, work: Work, threads: int):
        self._open = lambda: runtime.open(path, work, threads)
        work.warm(runtime, path, threads)
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # the peak of memory starts anew
        self._before = memory()["VmRSS"]
        start = time.perf_counter()
        self._opened = self._open()
        ready = time.perf_counter()
        self._opened.run()
        self.load = {"ready": ready - start, "answer": time.perf_counter() - start}
        self._copies: list[Any] = []

    def burst(self, seconds: float) -> list[float]:
        run = self._opened.run
        time.sleep(REST)
        first = _timed(run, 1)
        if first > seconds:
            return [first]
        once = _timed(run, 1)
        repeats = max(1, min(10000, int(LEAST / once)))
        times, end = [], time.perf_counter() + seconds
        while not times or time.perf_counter() < end:
            times.append(_timed(run, repeats))
        return times

    def outputs(self) -> list[Any]:
        return self._opened.outputs()

    def memory(self) -> dict[str, int]:
        found = memory()
        return {"peak": found["VmHWM"] - self._before, "now": found["VmRSS"] - self._before, **self._opened.details()}

    def again(self, copies: int) -> dict[str, int]:
        for _ in range(copies):
            self._copies.append(self._open())
            self._copies[-1].run()
        return self.memory()

    def close(self) -> str:
        """The process ends after the answer."""
        return "closed"


def _timed(run: Any, repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        run()
    return max((time.perf_counter() - start) / repeats, 1e-9)


def memory() -> dict[str, int]:
    """This process's memory in bytes, as the system tells it."""
    with open(f"/proc/{os.getpid()}/status") as file:
        fields = (line.split() for line in file if line.startswith(("VmRSS", "VmHWM")))
        return {name.rstrip(":"): int(kilobytes) * 1024 for name, kilobytes, _ in fields}


