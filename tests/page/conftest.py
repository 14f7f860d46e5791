"""A network of its own for this suite: loopback and nothing else. A browser
drops what it is loading whenever an interface of the machine changes, and
engines of other suites make and remove theirs all the time."""
import ctypes
import os
import subprocess

CLONE_NEWNET = 0x40000000
HERE = os.path.dirname(os.path.abspath(__file__))


def pytest_configure(config):
    paths = [os.path.abspath(a.partition("::")[0]) for a in config.args]
    if os.geteuid() != 0 or not all(p.startswith(HERE) for p in paths):
        return
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) == 0:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
