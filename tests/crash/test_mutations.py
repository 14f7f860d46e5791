"""Each guard taken out in turn: a build with the guard off must be caught by
the tests that stand for it. A mutation is a failure point of make FAIL=1.
"""
import os
import subprocess
import sys

import pytest

import powerloss
from rig.docker import TOP
from rig.stack import BUILD_FAIL

EVENTS = 5
# mutation, what has to turn red: a test file and which of it
WIRE = [
    ("credit.stale", "conform/test_dialogue.py", "nack_comes_again_later"),
    ("credit.stale", "conform/test_repeats.py", "late_acknowledgements"),
    ("queue.repeat", "conform/test_repeats.py", "job_that_comes_again"),
    ("spool.repeat", "conform/test_repeats.py", "body_that_comes_again"),
]


def test_powerloss():
    """The short form of `make powerloss`, which finds nothing."""
    print(powerloss.run(EVENTS))


@pytest.mark.parametrize("mutation", ["db.nofsync", "db.early"])
def test_powerloss_finds(mutation):
    with pytest.raises(AssertionError) as found:
        powerloss.run(EVENTS, f"{mutation}:error")
    print(found.value)
    assert "lost" in str(found.value) or "damaged" in str(found.value)


@pytest.mark.parametrize("mutation,path,which", WIRE)
def test_found(mutation, path, which):
    """Red without the guard; that it is green with it, the suite shows."""
    got = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
         os.path.join(TOP, "tests", path), "-k", which],
        text=True, capture_output=True, cwd=os.path.join(TOP, "tests"),
        env={**os.environ, "PULLWIRE_BUILD": BUILD_FAIL, "PULLWIRE_COUNT": "",
             "PULLWIRE_MUTATION": f"{mutation}:error"})
    assert got.returncode == 1 and "1 failed" in got.stdout, \
        got.stdout[-4000:]


def test_unit_finds():
    """An ACK of an ended lease, in the model of who holds what."""
    program = os.path.join(BUILD_FAIL, "tests/unit/proto/test_credit")
    for fail, want in (("", True), ("credit.stale:error", False)):
        got = subprocess.run([program], capture_output=True, env={
            **os.environ, "PULLWIRE_FAIL": fail,
            # A test that fails frees nothing.
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")
            + ":detect_leaks=0"})
        assert (got.returncode == 0) == want, got.stderr[-2000:]
