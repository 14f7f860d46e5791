"""By which signal a container is stopped, the old one and a new one that is
not good: its process writes down what it gets.
"""
import os

import pytest

from rig.drive import (check_only, drive, drive_program,  # noqa: F401
                       put, ref)
from rig.stack import kept, wait_for

# Ends by INT, USR1 and TERM; not by HUP.
RECORDS = ("app", """#!/bin/sh
trap 'echo "$VERSION HUP" >>/data/got' HUP
for s in INT USR1 TERM; do
	trap "echo $VERSION $s >>/data/got; exit 0" $s
done
echo "$VERSION starts" >>/data/got
while :; do sleep 1 & wait $!; done
""")

# Not before it runs.
LATE = ("HEALTHCHECK --interval=200ms --timeout=60s --retries=1 CMD until "
        "grep 'v2 starts' /data/got; do sleep 0.1; done; exit 1")


def create(d, state="running", timeout=60, **host):
    os.mkdir(f"{d.dir}/data")
    # With a signal of its own another one is no stop to an engine.
    c = d.engine.call("POST", "/containers/create", {
        "Image": ref(d, "v1"), "StopTimeout": timeout, "StopSignal": "SIGTERM",
        "HostConfig": {"Binds": [f"{d.dir}/data:/data"], **host}},
        name=d.name)
    d.engine.call("POST", f"/containers/{c['Id']}/start")
    wait_for("it runs", lambda: os.path.exists(f"{d.dir}/data/got"))
    if state == "paused":
        d.engine.call("POST", f"/containers/{c['Id']}/pause")


def lines(d):
    with open(f"{d.dir}/data/got") as f:
        return f.read().splitlines()


def got(d):
    """What they wrote down, the last one stopped."""
    d.engine.remove_all(d.name)
    return lines(d)


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
    create(d, state, 5 if name == "runs on" else 60, **host)
    d.how = {**how, "stop_signal": signal}
    d.push("v2", put(d, "v2", files=[RECORDS]))
    p = d.proxy()
    r = d.deploy(proxy=p)
    assert r["status"] == "deployed", r
    if name == "runs on":
        # Its StopTimeout, once, and then killed.
        hup, kill = (next(t for t, c in zip(p.times, p.calls)
                          if f"/kill?signal={s}" in c)
                     for s in (signal, "KILL"))
        assert kill - hup >= 4.9, p.calls
        kept("its StopTimeout", kill - hup, 7)
    if state == "paused":
        engine.call("POST", f"/containers/{d.name}/unpause")
    c = check_only(engine, d.name, "v2")
    # Newer engines say "no" for none.
    assert (c["HostConfig"]["RestartPolicy"]["Name"] or "no") == \
        host.get("RestartPolicy", {}).get("Name", "no")
    all_ = got(d)
    assert [x for x in all_ if x.startswith("v1")] == \
        ["v1 starts", *(f"v1 {s}" for s in want)], all_


def test_rollback(drive, engine):
    """The new one that is not good ends by it too; the old one is as it was,
    policy included."""
    d = drive("drv-stop")
    put(d, "v1", files=[RECORDS])
    create(d, RestartPolicy={"Name": "always"})
    d.how = {"stop_signal": "SIGINT"}
    d.push("v2", put(d, "v2", files=[RECORDS], health=LATE))
    r = d.deploy()
    assert r["status"] == "rolled_back", r
    c = check_only(engine, d.name, "v1")
    assert c["HostConfig"]["RestartPolicy"]["Name"] == "always"
    want = ["v1 starts", "v1 INT", "v2 starts", "v2 INT", "v1 starts"]
    wait_for("it runs again", lambda: len(lines(d)) >= len(want))
    assert got(d)[:5] == want
