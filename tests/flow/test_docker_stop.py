"""By which signal a container is stopped, the old one and a new one that is
not good: its process writes down what it gets.
"""
import os

import pytest

from rig import images
from rig.drive import (check_only, drive, drive_program,  # noqa: F401
                       put, ref)

# Ends by INT, USR1 and TERM; not by HUP.
RECORDS = ("app", """#!/bin/sh
echo "$VERSION starts" >>/data/got
trap 'echo "$VERSION HUP" >>/data/got' HUP
for s in INT USR1 TERM; do
	trap "echo $VERSION $s >>/data/got; exit 0" $s
done
while :; do sleep 1 & wait $!; done
""")


def create(d, state="running", **host):
    os.mkdir(f"{d.dir}/data")
    # With a signal of its own another one is no stop to an engine.
    c = d.engine.call("POST", "/containers/create", {
        "Image": ref(d, "v1"), "StopTimeout": 2, "StopSignal": "SIGTERM",
        "HostConfig": {"Binds": [f"{d.dir}/data:/data"], **host}},
        name=d.name)
    d.engine.call("POST", f"/containers/{c['Id']}/start")
    if state == "paused":
        d.engine.call("POST", f"/containers/{c['Id']}/pause")


def got(d):
    """What they wrote down, the last one stopped."""
    d.engine.remove_all(d.name)
    with open(f"{d.dir}/data/got") as f:
        return f.read().splitlines()


# The signal, more of the deploy, the container's HostConfig and state, and
# what the old one got.
ROWS = {
    "a name": ("SIGINT", {}, {}, "running", ["INT"]),
    "a number": (10, {}, {}, "running", ["USR1"]),
    "not started again": ("INT", {}, {"RestartPolicy": {"Name": "always"}},
                          "running", ["INT"]),
    "runs on": ("SIGHUP", {}, {}, "running", ["HUP"]),
    "start-first": ("int", {"order": "start-first", "allow_shared_rw": True},
                    {}, "running", ["INT"]),
    "--rm": ("INT", {}, {"AutoRemove": True}, "running", ["INT"]),
    "paused": ("SIGUSR1", {}, {}, "paused", ["USR1"]),
}


@pytest.mark.parametrize("name", ROWS)
def test_signal(drive, engine, name):
    d = drive("drv-stop")
    signal, how, host, state, want = ROWS[name]
    put(d, "v1", files=[RECORDS])
    create(d, state, **host)
    d.how = {**how, "stop_signal": signal}
    d.push("v2", put(d, "v2", files=[RECORDS]))
    r = d.deploy()
    assert r["status"] == "deployed", r
    if name == "runs on":
        # Its StopTimeout, once, and then killed.
        assert 1900 <= r["phases"]["stop"] < 3500, r
    if state == "paused":
        engine.call("POST", f"/containers/{d.name}/unpause")
    c = check_only(engine, d.name, "v2")
    # Newer engines say "no" for none.
    assert (c["HostConfig"]["RestartPolicy"]["Name"] or "no") == \
        host.get("RestartPolicy", {}).get("Name", "no")
    lines = got(d)
    assert [x for x in lines if x.startswith("v1")] == \
        ["v1 starts", *(f"v1 {s}" for s in want)], lines


def test_rollback(drive, engine):
    """The new one that is not good ends by it too; the old one is as it was,
    policy included."""
    d = drive("drv-stop")
    put(d, "v1", files=[RECORDS])
    create(d, RestartPolicy={"Name": "always"})
    d.how = {"stop_signal": "SIGINT"}
    d.push("v2", put(d, "v2", files=[RECORDS], health=images.UNHEALTHY))
    r = d.deploy()
    assert r["status"] == "rolled_back", r
    c = check_only(engine, d.name, "v1")
    assert c["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert got(d)[:5] == ["v1 starts", "v1 INT", "v2 starts", "v2 INT",
                          "v1 starts"]
