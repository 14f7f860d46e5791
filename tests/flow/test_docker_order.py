"""start-first: the old container serves until the new one is good, where two
at once are safe; else it is stop-first, and the row says why.
"""
import threading
import time

import pytest

from rig import images
from rig.drive import (CRASH, SURE, check_only, drive,  # noqa: F401
                       drive_program, names, put, ref)
from rig.stack import free_port, wait_for

START = {"order": "start-first"}
PORT = free_port()
RUN = {"HostConfig": {}}


@pytest.fixture(scope="module")
def net(engine):
    engine.call("POST", "/networks/create", {
        "Name": "drv-first", "IPAM": {"Config": [
            {"Subnet": "10.198.7.0/24"}]}})
    yield "drv-first"
    engine.remove_all("drv-first", "drv-first-x")
    engine.call("DELETE", "/networks/drv-first")


def create(engine, name, image, body, start=True):
    c = engine.call("POST", "/containers/create", {"Image": image, **body},
                    name=name)
    if start:
        engine.call("POST", f"/containers/{c['Id']}/start")
    return c["Id"]


def endpoint(**config):
    return {"HostConfig": {"NetworkMode": "drv-first"}, "NetworkingConfig": {
        "EndpointsConfig": {"drv-first": config}}}


def ports(port):
    return {"ExposedPorts": {"8080/tcp": {}}, "HostConfig": {"PortBindings": {
        "8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": port}]}}}


ROWS = {
    "nothing of its own": ({}, {}, None),
    "any port": (ports(""), {}, None),
    "a range of ports": (ports(f"{PORT}-{PORT + 9}"), {}, None),
    "a fixed port": (ports(str(free_port())), {}, "publishes port"),
    "a fixed address": (endpoint(IPAMConfig={"IPv4Address": "10.198.7.77"}),
                        {}, "fixed address"),
    "a MAC address": ({"MacAddress": "02:42:0a:00:00:99"}, {}, "MAC address"),
    "one by label": ({"Labels": {"pullwire.mac.x": "02:42:0a:00:00:98"}}, {},
                     "MAC address"),
    "the host's network": ({"HostConfig": {"NetworkMode": "host"}}, {},
                           "the host's"),
    "another's network": (
        {"HostConfig": {"NetworkMode": "container:drv-first-x"}}, {},
        "another container's"),
    "a device": ({"HostConfig": {"Devices": [
        {"PathOnHost": "/dev/null", "PathInContainer": "/dev/mine",
         "CgroupPermissions": "rwm"}]}}, {}, "uses devices"),
    "a volume": ({"HostConfig": {"Binds": ["drv-first:/data"]}}, {},
                 "both would write to /data"),
    "a volume, allowed": ({"HostConfig": {"Binds": ["drv-first:/data"]}},
                          {"allow_shared_rw": True}, None),
    "a volume to read": ({"HostConfig": {"Binds": ["drv-first:/x:ro"]}}, {},
                         None),
    "--rm": ({"HostConfig": {"AutoRemove": True}}, {}, "--rm"),
}
HOLD = ("app", "#!/bin/sh\ntrap 'exit 0' TERM\n"
        "while :; do sleep 1 & wait $!; done\n")


@pytest.fixture(scope="module")
def made():
    return {}


@pytest.mark.parametrize("name", ROWS)
def test_where_it_may_be(drive, engine, net, made, name):
    d = drive("drv-first")
    body, how, why = ROWS[name]
    for v in "v1", "v2":
        made[v] = made.get(v) or put(d, v, files=[HOLD])
    if "another" in name:
        engine.remove("drv-first-x")
        create(engine, "drv-first-x", ref(d, "v1"), {})
    create(engine, d.name, ref(d, "v1"), body)
    d.how = {**START, **how}
    d.push("v2", made["v2"])
    p = d.proxy()
    r = d.deploy(proxy=p, grace="0ms")
    assert r["status"] == "deployed", r
    steps = [c.split("/")[-1].split("?")[0] for c in p.calls]
    first = steps.index("start") < steps.index("stop")
    assert first == (why is None), steps
    if why:
        assert "stop-first, because" in r["reason"] and why in r["reason"], r
    else:
        assert "stop-first" not in r["reason"]
    c = check_only(engine, d.name, "v2") if "another" not in name else \
        engine.inspect(d.name)
    assert c["Config"]["Labels"]["pullwire.order"] == (
        "start-first" if first else "stop-first")


@pytest.mark.parametrize("kind", ["crash", "unhealthy"])
def test_old_never_notices(drive, engine, kind):
    d = drive("drv-first")
    put(d, "v1")
    old = create(engine, d.name, ref(d, "v1"), RUN)
    before = engine.inspect(old)["State"]
    d.how = START
    d.push("v2", put(d, "v2", files=[CRASH] if kind == "crash" else (),
                     health=images.UNHEALTHY if kind == "unhealthy"
                     else "HEALTHCHECK NONE"))
    r = d.deploy(grace=SURE)
    assert r["status"] == "rolled_back", r
    c = check_only(engine, d.name, "v1")
    assert (c["Id"], c["State"]) == (old, before)
    assert r["stopped_at"] == 0


def test_aliases_after_health(drive, engine, net):
    """Nobody is led to the new one before it is good."""
    d = drive("drv-first")
    put(d, "v1")
    body = endpoint(Aliases=["app"])
    body["HostConfig"]["Binds"] = [f"{d.gate()}:/data:ro"]
    create(engine, d.name, ref(d, "v1"), body)
    create(engine, "drv-first-x", ref(d, "v1"), endpoint())
    d.how = {**START, "alias_after_health": True}
    d.push("v2", put(d, "v2", images.HELD, files=[HOLD]))
    told, seen = [], []
    t = threading.Thread(target=lambda: told.append(d.deploy()))
    t.start()

    def aliases(c):
        return c["NetworkSettings"]["Networks"]["drv-first"]["Aliases"] or []
    new = wait_for("the new one", lambda: [
        c["Id"] for c in map(engine.inspect, names(engine, "drv-first.new-"))
        if c and c["State"]["Status"] == "running"])[0]
    while t.is_alive():
        c = engine.inspect(new)
        if c and "drv-first" not in c["NetworkSettings"]["Networks"]:
            break  # it is being given them
        if c and c["State"]["Health"]["Status"] != "healthy":
            seen.append("app" in aliases(c))
        if len(seen) > 20:
            d.open_gate()
        time.sleep(0.05)
    t.join()
    assert told[0]["status"] == "deployed", told
    assert len(seen) > 20 and not any(seen)
    c = engine.inspect(d.name)
    assert "app" in aliases(c)


def test_drain(drive, engine):
    d = drive("drv-first")
    put(d, "v1")
    old = create(engine, d.name, ref(d, "v1"), RUN)
    d.how = {**START, "drain": "3s"}
    d.push("v2", put(d, "v2"))
    p = d.proxy()
    assert d.deploy(proxy=p)["status"] == "deployed"
    swap = max(i for i, c in enumerate(p.calls) if "/rename?" in c)
    stop = next(i for i, c in enumerate(p.calls)
                if f"/{old}/stop" in c or f"/{old[:12]}/stop" in c)
    assert swap < stop, p.calls
    assert p.times[stop] - p.times[swap] >= 2.9, "it was not left to end"
    check_only(engine, d.name, "v2")
