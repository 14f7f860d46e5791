"""A world in which every address leads here. See run.sh."""
import os
import subprocess

import pytest

from net.names import Names
from peer.sink import Sink

PUBLIC, PUBLIC6 = "93.184.216.34", "2606:2800:220:1::1"
PORT = 9099


def pytest_collection_modifyitems(items):
    if not os.environ.get("PULLWIRE_NET"):
        for item in items:
            item.add_marker(pytest.mark.skip(
                reason="needs its own network: tests/net/run.sh"))


@pytest.fixture(scope="session")
def names():
    made = Names()
    yield made
    made.close()


@pytest.fixture
def control():
    """The public receiver that must always be reached."""
    made = Sink(host=PUBLIC, port=PORT)
    yield made
    made.close()


def leaked():
    """What the kernel counted: connections to anything but the control."""
    count = 0
    for program in ("iptables", "ip6tables"):
        got = subprocess.run([program, "-L", "OUTPUT", "-v", "-n", "-x"],
                             capture_output=True, text=True, check=True)
        count += sum(int(line.split()[0]) for line in got.stdout.splitlines()
                     if f"dpt:{PORT}" in line)
    return count
