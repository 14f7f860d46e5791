"""The deployer's disk fails in the middle of real redeploys: whatever call it
is, one right container runs, and the push ends with one row. `make faults`
takes each call."""
import errno
import os

import pytest

from rig import images
from rig.stack import TOKEN, wait_for
from test_disk import SYNC, WRITE, Switch, library  # noqa: F401

LONG = os.environ.get("PULLWIRE_FAULTS") == "1"
CALLS = range(1, 60, 1 if LONG else 24)


@pytest.fixture
def container(engine, registry):
    engine.remove_all("disk")
    digests = {tag: images.put(engine, registry, "crash/disk", tag)
               for tag in ("v1", "v2")}
    engine.run("disk", f"{registry.host}/crash/disk:v1", volume="disk")
    yield digests
    engine.remove_all("disk")


def test_failing_disk_amid_a_redeploy(
        engine, registry, stacks, library, container):  # noqa: F811
    stack = stacks(
        [{"name": "disk", "repository": "crash/disk",
          "deploy": {"container": "disk"}}], {"local": engine.sock},
        [{"name": "push", "type": "generic", "auth": {"bearer": TOKEN},
          "registry": registry.host}])
    switch = Switch(stack.path("switch"))
    stack.start("logger", "matcher", "ingress")
    stack.start("deployer", env={
        "FAULTY_CONTROL": switch.path, "FAULTY_DIR": stack.path("deployer"),
        "LD_PRELOAD": library})
    ends = []
    for n, k in enumerate(CALLS):
        tag = ("v2", "v1")[n % 2]
        # From the k-th on, for a while: about a step of the sequence.
        switch.on(WRITE | SYNC, errno.EIO, at=k, upto=k + 3)
        event = stack.push("crash/disk", tag, container[tag])
        row = stack.wait_final(event, "disk", 300)
        ends.append((k, switch.off(), row["status"]))
        assert row["status"] in ("deployed", "unchanged"), row
        there = [c for c in engine.containers()
                 if "disk" in c["Names"][0]]
        assert [c["Names"] for c in there] == [["/disk"]], there
        now = engine.inspect("disk")
        assert now["State"]["Status"] == "running"
        image = engine.image(f"{registry.host}/crash/disk@{container[tag]}")
        assert now["Image"] == image["Id"], row
    print(ends)
    assert any(hits for _, hits, _ in ends)
    assert stack.daemons["deployer"].alive()
