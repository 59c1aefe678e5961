"""Sessions under threads, forks, cancelling and deadlines."""

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import maas
import numpy as np
import pytest


def test_one_session_serves_many_threads(digits, images):
    session = maas.InferenceSession(digits)
    wanted = [session.run(None, {"image": images[:n]})[0] for n in range(1, 11)]

    def work(seed):
        n = np.random.default_rng(seed).integers(1, 11)
        answer, _ = session.run(None, {"image": images[:n]})
        return np.array_equal(answer, wanted[n - 1])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(400)))


def test_a_binding_for_each_thread(digits, images):
    session = maas.Session(digits)
    wanted = session(images)["probabilities"]

    def work(_):
        binding = session.bind()
        binding.set_input("image", images)
        for _ in range(20):
            binding.run()
        return np.array_equal(binding.output("probabilities").numpy(), wanted)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(8)))


def test_sessions_come_and_go_on_many_threads(digits, images):
    def work(_):
        return maas.Session(digits)(images[:1])["label"].item()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(work, range(100))) == {0}


def test_a_session_may_be_closed_while_it_runs(slow_model):
    session = maas.Session(slow_model)
    x = np.ones((256, 256), np.float32)
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(session.run, None, {"x0": x}) for _ in range(2)]
        while not any(run.running() or run.done() for run in runs):
            pass
        session.close()
        for run in runs:
            try:
                np.testing.assert_array_equal(run.result()[0], x)
            except maas.InvalidArgument:
                pass  # it had not begun


def test_errors_belong_to_their_thread(passing):
    session = maas.Session(passing)

    def work(n):
        with pytest.raises(maas.NotFound, match=f"'nobody{n}'"):
            session.run([f"nobody{n}"], {"x": np.zeros((1, 3), np.float32)})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(200)))


def test_a_run_is_cancelled_from_another_thread(slow_model):
    session = maas.Session(slow_model)
    options = maas.RunOptions()
    began, caught = threading.Event(), []

    def work():
        x = np.ones((256, 256), np.float32)
        try:
            while True:
                began.set()
                session.run(None, {"x0": x}, options)
        except maas.MaasError as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    began.wait()
    options.cancel()
    thread.join()
    assert isinstance(caught[0], maas.Cancelled) and options.terminate
    options.reset()
    assert not options.terminate and len(session.run(None, {"x0": np.ones((256, 256), np.float32)}, options)) == 1


def test_other_threads_go_on_during_a_run(slow_model):
    """With switches forbidden, Python comes to another thread only when a run lets go of the interpreter's lock."""
    session, options = maas.Session(slow_model), maas.RunOptions()
    x = np.ones((256, 256), np.float32)
    began = threading.Event()

    def cancel():
        began.wait()
        options.cancel()

    interval, thread = sys.getswitchinterval(), threading.Thread(target=cancel)
    thread.start()
    try:
        sys.setswitchinterval(1000)
        began.set()
        with pytest.raises(maas.Cancelled):
            for _ in range(10):
                session.run(None, {"x0": x}, options)
    finally:
        sys.setswitchinterval(interval)
        thread.join()


def test_an_interrupt_is_raised_when_the_run_is_over(slow_model):
    session, x = maas.Session(slow_model), np.eye(256, dtype=np.float32)
    began = threading.Event()

    def interrupt():
        began.wait()
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    # Jobs in the background of a shell are born with the signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            while True:
                began.set()
                session.run(None, {"x0": x})
    finally:
        signal.signal(signal.SIGINT, before)
    thread.join()
    for _ in range(4):
        assert np.array_equal(session.run(None, {"x0": x})[0], x)


def test_a_run_stops_at_its_deadline(slow_model):
    session = maas.Session(slow_model)
    x = np.ones((256, 256), np.float32)
    options = maas.RunOptions(deadline=1e-9)
    with pytest.raises(maas.DeadlineExceeded):
        session.run(None, {"x0": x}, options)
    with pytest.raises(TimeoutError):
        session.run(None, {"x0": x}, options)
    options.deadline = None
    assert np.array_equal(session.run(None, {"x0": x}, options)[0], x)
    for wrong in (0, -1, float("nan"), float("inf")):
        with pytest.raises(maas.InvalidArgument, match="deadline"):
            options.deadline = wrong


def test_a_forked_child_can_run(digits, images):
    maas.set_threads(4)
    session = maas.Session(digits)
    wanted = session(images)["probabilities"]
    child = os.fork()
    if child == 0:
        status = 1
        try:
            found = session(images)["probabilities"]
            again = maas.Session(digits)(images)["probabilities"]
            status = 0 if np.array_equal(found, wanted) and np.array_equal(again, wanted) else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert np.array_equal(session(images)["probabilities"], wanted)
    maas.set_threads(0)


def test_the_pool_has_as_many_threads_as_asked():
    try:
        for count in (1, 3):
            maas.set_threads(count)
            assert maas.threads() == count
        for wrong in (-1, 1025, 1 << 64):
            with pytest.raises(maas.InvalidArgument, match=f"found {wrong}"):
                maas.set_threads(wrong)
    finally:
        maas.set_threads(0)
    assert 1 <= maas.threads() <= len(os.sched_getaffinity(0))
