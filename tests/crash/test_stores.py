"""Each daemon's store under failing calls and turned bits (stores.c)."""
import os
import subprocess
import tempfile

import pytest

from rig.stack import BUILD

KINDS = ("spool", "queue", "log")
FLIPS = os.environ.get("PULLWIRE_FLIPS", "300")
STEP = os.environ.get("PULLWIRE_FAULTS", "5")  # 1: each call of all


def stores(kind, *args):
    program = os.path.join(BUILD, "tests", "crash", "stores-" + kind)
    got = subprocess.run([program, *args], text=True, capture_output=True)
    print(got.stdout[-4000:], got.stderr[-2000:])
    return got


@pytest.fixture
def folder():
    """In memory where that can be: thousands of syncs of no disk."""
    shm = "/dev/shm"
    with tempfile.TemporaryDirectory(
            dir=shm if os.access(shm, os.W_OK) else None) as path:
        yield os.path.join(path, "store")


@pytest.mark.parametrize("kind", KINDS)
def test_each_call_fails_in_turn(kind, folder):
    """EIO, ENOSPC, EMFILE, half a write: no acknowledgement without
    durability, and the first put after the fault is taken. A read that fails
    is told, and not taken for damage."""
    got = stores(kind, "faults", folder, STEP)
    assert got.returncode == 0 and " 0 lost" in got.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_turned_bits(kind, folder):
    """In the database or its log: put right, told of, or the daemon says why
    it does not start. Nothing is lost unseen."""
    got = stores(kind, "flips", folder, FLIPS)
    assert got.returncode == 0, got.stdout.splitlines()[-1:]
