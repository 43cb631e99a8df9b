"""A server may have as many connections as its limits say, whatever the shell says of files."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit

ASK = """
import resource

from sori_server.cli.descriptors import allow_descriptors

resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
allow_descriptors()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "allowed"),
    [(256, 512, 512), (512, 512, 512), (64, 300, 300)],
)
def test_the_soft_limit_becomes_the_hard_one(soft: int, hard: int, allowed: int) -> None:
    code = ASK.format(soft=soft, hard=hard)
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == [str(allowed), str(hard)]
