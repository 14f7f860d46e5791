"""What the tests over real programs share.

An engine and a registry for the whole run (tests/rig), and stacks of daemons
that end with their test; when it failed, their logs and rows are shown.
"""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from rig import docker, reports  # noqa: E402
from rig.stack import Stack  # noqa: E402


@pytest.fixture(scope="session")
def engine():
    lacks = docker.missing()
    if lacks:
        pytest.fail(lacks, pytrace=False)
    return docker.Engine(os.environ.get("PULLWIRE_ENGINE", "engine"))


@pytest.fixture(scope="session")
def registry(engine):
    return docker.Registry(os.environ.get("PULLWIRE_REGISTRY", "registry"))


@pytest.fixture(autouse=True)
def sanitized():
    """What a sanitizer reports fails the test that ran the program. First of
    all fixtures, so that it looks when the others' programs have ended."""
    yield
    found = reports.take()
    assert not found, found


@pytest.fixture
def stacks(request):
    """Makes stacks: stacks(triggers, ...) as Stack()."""
    made = []

    def make(*args, **kwargs):
        made.append(Stack(*args, **kwargs))
        return made[-1]

    yield make
    failed = getattr(request.node, "failed_call", False)
    for stack in made:
        if failed:
            request.node.add_report_section("teardown", "daemons", stack.report())
        stack.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.when == "call":
        item.failed_call = report.failed


def pytest_sessionfinish(session):
    """PULLWIRE_COUNT=FILE gets a line `PASSED FAILED` for tests/test.sh."""
    path = os.environ.get("PULLWIRE_COUNT")
    if path:
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        count = {k: len(v) for k, v in reporter.stats.items()}
        bad = count.get("failed", 0) + count.get("error", 0)
        with open(path, "w") as f:
            f.write(f"{count.get('passed', 0)} {bad}\n")
