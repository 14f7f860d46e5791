"""Scenes from other tools' trackers that the other tests do not play."""
import hashlib
import os
import shutil

import pytest

from rig.docker import UnixConnection
from rig.drive import (CRASH, DRIVE, SURE, check_only,  # noqa: F401
                       drive, drive_program, names, put, ref, version)
from rig.images import UP

HOLD = ("app", "#!/bin/sh\ntrap 'exit 0' TERM\n"
        "while :; do sleep 1 & wait $!; done\n")


def create(engine, name, body, start=True):
    c = engine.call("POST", "/containers/create", body, name=name)
    if start:
        engine.call("POST", f"/containers/{c['Id']}/start")
    return c["Id"]


def dies_after(seconds):
    return ("app", f"#!/bin/sh\nsleep {seconds}\nexit 5\n")


def test_volumes_of_a_container_that_is_gone(drive, engine):
    d = drive("drv-scene")
    put(d, "v1")
    source = create(engine, "drv-scene-src", {
        "Image": ref(d, "v1"), "HostConfig": {"Binds": ["drv-scene:/data"]}})
    create(engine, d.name, {"Image": ref(d, "v1"), "HostConfig": {
        "VolumesFrom": ["drv-scene-src:ro"]}})
    engine.remove(source)
    d.push("v2", put(d, "v2"))
    r = d.deploy()
    assert r["status"] == "deployed", r
    c = check_only(engine, d.name, "v2")
    assert [(m["Name"], m["RW"]) for m in c["Mounts"]] == [
        ("drv-scene", False)]


def test_network_vanishes_while_stopped(drive, engine):
    """Neither can be started: both stay, and the row says what to type."""
    d = drive("drv-scene")
    put(d, "v1")
    net = engine.call("POST", "/networks/create", {"Name": "drv-scene"})["Id"]
    old = create(engine, d.name, {"Image": ref(d, "v1"), "HostConfig": {
        "NetworkMode": "drv-scene", "RestartPolicy": {"Name": "always"}}})
    d.how = {"rollback_timeout": "1s"}
    d.push("v2", put(d, "v2"))
    p = d.proxy(at=4, meddle=lambda: engine.call(
        "DELETE", f"/networks/{net}"))
    r = d.deploy(proxy=p)
    assert (r["status"], r["retry"]) == ("failed", False), r
    assert "going back failed" in r["reason"] and net in r["reason"], r
    assert f"docker start {d.name}" in r["reason"], r
    assert engine.inspect(old) is not None
    assert len(names(engine, d.name)) == 2
    # With the network back the next push finds all in order.
    engine.call("POST", "/networks/create", {"Name": "drv-scene"})
    try:
        d.push("v3", put(d, "v3"))
        r = d.deploy()
        assert r["status"] == "deployed", r
        c = check_only(engine, d.name, "v3")
        assert c["HostConfig"]["RestartPolicy"]["Name"] == "always"
    finally:
        engine.remove_all(d.name)
        engine.call("DELETE", "/networks/drv-scene")


def test_tag_moves_before_create(drive, engine):
    d = drive("drv-scene")
    put(d, "v1")
    put(d, "other")
    create(engine, d.name, {"Image": ref(d, "v1")})
    d.push("v2", put(d, "v2"))
    p = d.proxy(at=1, meddle=lambda: engine.tag(ref(d, "other"),
                                                ref(d, "v2")))
    r = d.deploy(proxy=p)
    assert r["status"] == "deployed", r
    check_only(engine, d.name, "v2")
    assert sum("create?" in c for c in p.calls) == 2


def test_one_tag_is_pulled(drive, engine):
    """Of a reference with a port and without a tag, too."""
    d = drive("drv-scene")
    put(d, "latest", version="v1")
    bare = ref(d, "latest").rpartition(":")[0]
    put(d, "another", keep=False)
    create(engine, d.name, {"Image": bare})
    d.push("v2", put(d, "v2", keep=False))
    assert d.deploy()["status"] == "deployed"
    check_only(engine, d.name, "v2")
    assert engine.image(ref(d, "another")) is None


@pytest.mark.parametrize("kind", ["mount", "name"])
def test_create_fails(drive, engine, tmp_path, kind):
    """The old one was never stopped."""
    d = drive("drv-scene")
    put(d, "v1")
    place = tmp_path / "data"
    place.mkdir()
    old = create(engine, d.name, {"Image": ref(d, "v1"), "HostConfig": {
        "Mounts": [{"Type": "bind", "Source": str(place),
                    "Target": "/data"}] if kind == "mount" else []}})
    before = engine.inspect(old)["State"]
    d.push("v2", put(d, "v2"))
    p = d.proxy()
    if kind == "mount":
        shutil.rmtree(place)
    else:
        def take():
            create(engine, p.taken, {"Image": ref(d, "v1")}, start=False)
        job = f"{d.job['event']}/web"
        p.taken = (d.name + ".new-"
                   + hashlib.sha256(job.encode()).hexdigest()[:8])
        p.at, p.meddle = 1, take
    r = d.deploy(proxy=p)
    assert r["status"] == "failed", r
    assert "the new container cannot be created" in r["reason"]
    c = engine.inspect(d.name)
    assert (c["Id"], c["State"]) == (old, before)
    assert not any("/stop" in c for c in p.calls)


# The new one's life, the rules, and what comes of it.
GATE = {
    "never healthy": ({"health": 'HEALTHCHECK --interval=10s --retries=9 '
                       'CMD ["/bin/false"]'}, {"health_timeout": "1s"},
                      "did not get healthy within 1 s"),
    "dies within grace": ({"files": [dies_after(1)]}, {"grace": SURE},
                          "exited with code 5"),
    "dies later": ({"files": [dies_after(60)]}, {"grace": "500ms"}, None),
    "healthy after its start period": (
        {"health": 'HEALTHCHECK --interval=300ms --start-period=120s '
         '--retries=1 CMD ["/bin/test","-e","/tmp/up"]', "files": [
             ("app", "#!/bin/sh\ntrap 'exit 0' TERM\nmkdir -p /tmp\n"
              "(sleep 1; echo up >/tmp/up) &\n"
              "while :; do sleep 1 & wait $!; done\n")]}, {}, None),
}


@pytest.mark.parametrize("name", GATE)
def test_gate(drive, engine, name):
    d = drive("drv-scene")
    put(d, "v1")
    old = create(engine, d.name, {"Image": ref(d, "v1")})
    image, rules, want = GATE[name]
    d.push("v2", put(d, "v2", **image))
    r = d.deploy(rules=rules)
    if want is None:
        assert r["status"] == "deployed", r
        return
    assert r["status"] == "rolled_back" and want in r["reason"], r
    assert check_only(engine, d.name, "v1")["Id"] == old


def test_back_to_a_crash_loop(drive, engine):
    """No better than it was, and no worse."""
    d = drive("drv-scene")
    put(d, "v1", files=[CRASH])
    old = create(engine, d.name, {"Image": ref(d, "v1"), "HostConfig": {
        "RestartPolicy": {"Name": "always"}}})
    d.push("v2", put(d, "v2", files=[CRASH], version="v2"))
    r = d.deploy(grace=SURE)
    assert r["status"] == "rolled_back", r
    assert names(engine, d.name) == [d.name]
    c = engine.inspect(d.name)
    assert c["Id"] == old and c["RestartCount"] >= 0
    assert c["State"]["Status"] in ("restarting", "running")
    assert c["HostConfig"]["RestartPolicy"]["Name"] == "always"


def test_stops_in_its_own_way(drive, engine):
    """By its own signal, and for as long as it needs."""
    d = drive("drv-scene")
    put(d, "v1", UP, files=[
        ("app", "#!/bin/sh\ntrap 'sleep 3; echo bye >/data/bye; exit 0' USR1\n"
         "echo x >/up\nwhile :; do sleep 1 & wait $!; done\n")])
    create(engine, d.name, {
        "Image": ref(d, "v1"), "StopSignal": "SIGUSR1", "StopTimeout": 300,
        "HostConfig": {"Binds": ["drv-scene:/data"]}})
    engine.wait_healthy(d.name)
    d.push("v2", put(d, "v2", UP, files=[
        ("app", "#!/bin/sh\ntrap 'exit 0' USR1\n[ -e /data/bye ] || exit 9\n"
         "echo x >/up\nwhile :; do sleep 1 & wait $!; done\n")]))
    r = d.deploy()
    assert r["status"] == "deployed", r
    assert 3000 <= r["phases"]["stop"] < 300000
    c = engine.inspect(d.name)
    assert (c["Config"]["StopSignal"], c["Config"]["StopTimeout"]) == (
        "SIGUSR1", 300)
    engine.remove_all(d.name)


def run_inside(engine, container, command):
    """What an exec prints."""
    made = engine.call("POST", f"/containers/{container}/exec", {
        "Cmd": command, "AttachStdout": True, "AttachStderr": True,
        "Tty": True})
    conn = UnixConnection(engine.sock, 60)
    conn.request("POST", f"/v1.41/exec/{made['Id']}/start",
                 '{"Detach":false,"Tty":true}',
                 {"Content-Type": "application/json"})
    text = conn.getresponse().read().decode(errors="replace")
    conn.close()
    return text


def test_own_container(drive, engine):
    """A deployer that is told to replace the container it runs in."""
    d = drive("drv-scene")
    put(d, "v1", files=[HOLD])
    seen = [os.path.dirname(p) for p in (engine.sock, DRIVE, d.dir + "/x")]
    binds = [f"{p}:{p}:ro" for p in ("/usr", "/lib", "/lib64")]
    binds += [f"{p}:{p}" for p in dict.fromkeys(seen)]
    old = create(engine, d.name, {
        "Image": ref(d, "v1"), "Hostname": "not-its-id", "HostConfig": {
            "Binds": binds, "NetworkMode": "host"}})
    d.push("v2", put(d, "v2"))
    conf = d.config(engine.sock, {"grace": "0s", "repository": d.name})
    args = {**d.job, "journal": d.dir + "/journal"}
    told = run_inside(engine, old, [
        DRIVE, "deploy", conf, *(f"{k}={v}" for k, v in args.items())])
    assert '"status":"refused"' in told, told
    assert "is the deployer's own" in told, told
    assert check_only(engine, d.name, "v1")["Id"] == old
