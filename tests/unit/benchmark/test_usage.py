import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sori_server.benchmark.usage import UsageWatch

pytestmark = [
    pytest.mark.unit,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system has no /proc"),
]

PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"


def test_a_process_and_what_it_started_are_seen_apart() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], process_group=0) as parent:
        try:
            watch, zero = UsageWatch(parent.pid), time.monotonic()
            samples = ()
            while not any(sample.cores > 0 for sample in samples if sample.process == "worker"):
                assert time.monotonic() < zero + 20
                watch.look()
                time.sleep(0.05)
                samples = watch.samples(zero)
        finally:
            os.killpg(parent.pid, 9)
    assert {sample.process for sample in samples} == {"gateway", "worker"}
    assert all(sample.memory > 1 for sample in samples if sample.process == "gateway")


def test_a_process_that_has_gone_is_left_out() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    watch = UsageWatch(gone.pid)
    watch.look()
    watch.look()
    assert watch.samples(0.0) == ()
