"""Ctrl-C while a process is being started."""

import signal
import threading
import time
from concurrent.futures import Future

import pytest

from qaconv_core.processes import submit

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "pthread_kill"), reason="needs signals to single threads"
)


def test_ctrl_c_is_heard_once_the_process_is_started():
    over, done = threading.Event(), []
    other = threading.Thread(target=over.wait, args=(20,))
    other.start()

    class Pool:
        def submit(self, work):
            # The system may give the signal to any thread that does not block it.
            signal.pthread_kill(other.ident, signal.SIGINT)
            for _ in range(20):
                time.sleep(0.01)  # Python handles it between two lines of the main thread
            done.append(work)
            return Future()

    before = signal.getsignal(signal.SIGINT)
    usual = signal.default_int_handler
    signal.signal(signal.SIGINT, usual)  # helpers of pytest-xdist leave it to their parent
    try:
        with pytest.raises(KeyboardInterrupt):
            submit(Pool(), print)
        assert signal.getsignal(signal.SIGINT) is usual
    finally:
        signal.signal(signal.SIGINT, before)
        over.set()
        other.join()
    assert done == [print]
