"""The browser, one for all of this suite, and a network of its own: loopback
and nothing else. A browser drops what it is loading whenever an interface of
the machine changes, and engines of other suites make and remove theirs all the
time."""
import ctypes
import os
import subprocess

import pytest

from rig import browser as chromium

CLONE_NEWNET = 0x40000000
HERE = os.path.dirname(os.path.abspath(__file__))


def pytest_configure(config):
    paths = [os.path.abspath(a.partition("::")[0]) for a in config.args]
    if os.geteuid() != 0 or not all(p.startswith(HERE) for p in paths):
        return
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) == 0:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


@pytest.fixture(scope="session")
def chrome():
    lacks = chromium.missing()
    if lacks:
        pytest.fail(lacks, pytrace=False)
    browser = chromium.Browser()
    yield browser
    browser.close()


@pytest.fixture
def browser(chrome):
    """Signed in nowhere, and with a clean console, which stays so."""
    chrome.size(1280, 860)
    chrome.dark(False)
    chrome.go("about:blank")
    chrome.command("Network.clearBrowserCookies")
    chrome.log()
    yield chrome
    messages = [e["message"] for e in chrome.log() if e["level"] != "DEBUG"]
    chrome.go("about:blank")  # before the logger stops: it would be told
    assert messages == []
