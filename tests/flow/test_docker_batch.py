"""Several containers in one deploy: replicas end all on the new image or all
on the old one, and what depends on a target is created anew with it.
"""
import pytest

from rig.drive import (CRASH, SURE, compose, drive,  # noqa: F401
                       drive_program, names, put, ref, version)
from rig.images import HEALTHY, UP
from rig.stack import wait_for

# Fails where it finds the mark of the canary in the volume they share.
SECOND = ("app", "#!/bin/sh\ntrap 'exit 0' TERM\n"
          "[ -e /data/first ] && exit 4\ntouch /data/first 2>/dev/null || "
          "echo x >/data/first\necho x >/up\n"
          "while :; do sleep 1 & wait $!; done\n")

HOLD = ("app", "#!/bin/sh\ntrap 'exit 0' TERM\n"
        "while :; do sleep 1 & wait $!; done\n")


def replicas(d, count, tag, **host):
    made = []
    for n in range(1, count + 1):
        body = {"Image": ref(d, tag), "HostConfig": {
            "Binds": [f"{d.name}:/data"], **host}, "Labels": {
            "com.docker.compose.project": d.name,
            "com.docker.compose.service": "app",
            "com.docker.compose.config-hash": "h",
            "com.docker.compose.container-number": str(n)}}
        c = d.engine.call("POST", "/containers/create", body,
                          name=f"{d.name}_app_{n}")
        d.engine.call("POST", f"/containers/{c['Id']}/start")
        made.append(c["Id"])
    return made


def test_second_replica_fails(drive, engine):
    """The canary was good; all three end on the old image, as they were."""
    d = drive("drv-batch")
    put(d, "v1")
    old = replicas(d, 3, "v1", RestartPolicy={"Name": "always"})
    d.push("v2", put(d, "v2", UP, files=[SECOND]), compose="drv-batch/app")
    r = d.deploy()
    assert r["status"] == "rolled_back", r
    assert "0 of 3" in r["reason"], r
    assert "2 containers run their former images again" in r["reason"], r
    assert names(engine, d.name) == [f"drv-batch_app_{n}" for n in (1, 2, 3)]
    for n, was in enumerate(old, 1):
        c = engine.inspect(f"drv-batch_app_{n}")
        assert c["Id"] == was and c["State"]["Status"] == "running"
        assert c["HostConfig"]["RestartPolicy"]["Name"] == "always"


# How the dependent refers to the target, by id or by name.
KINDS = {
    "network": lambda t: {"NetworkMode": f"container:{t}"},
    "pid": lambda t: {"PidMode": f"container:{t}"},
    "ipc": lambda t: {"IpcMode": f"container:{t}"},
    "volumes": lambda t: {"VolumesFrom": [f"{t}:ro"]},
    "links": lambda t: {"Links": [f"{t}:db"]},
}


def add(d, name, host, image="v1"):
    c = d.engine.call("POST", "/containers/create", {
        "Image": ref(d, image), "Env": ["MINE=1"],
        "HostConfig": {"RestartPolicy": {"Name": "always"}, **host}},
        name=name)
    d.engine.call("POST", f"/containers/{c['Id']}/start")
    return c["Id"]


def target(d, **host):
    return add(d, d.name, {"IpcMode": "shareable", **host})


@pytest.mark.parametrize("kind,good", [
    *((k, True) for k in KINDS), ("network", False), ("links", False)])
def test_dependents_go_along(drive, engine, kind, good):
    d = drive("drv-dep")
    put(d, "v1")
    old = target(d, Binds=["drv-dep:/data"])
    refer = d.name if kind in ("links", "volumes") else old
    put(d, "own", changes=["LABEL own=1"], files=[HOLD])
    first = add(d, "drv-dep-1", KINDS[kind](refer), "own")
    # And one that depends on that one, alike.
    second = add(d, "drv-dep-2", {"NetworkMode": f"container:{first}"}
                 if kind != "network" else
                 {"PidMode": f"container:{first}"}, "own")
    d.push("v2", put(d, "v2", files=() if good else [CRASH]))
    r = d.deploy(grace="200ms" if good else SURE)
    assert r["status"] == ("deployed" if good else "rolled_back"), r
    assert names(engine, d.name) == ["drv-dep", "drv-dep-1", "drv-dep-2"]
    new = engine.inspect("drv-dep")
    one, two = engine.inspect("drv-dep-1"), engine.inspect("drv-dep-2")
    assert version(engine, "drv-dep") == ("v2" if good else "v1")
    assert (new["Id"] == old, one["Id"] == first, two["Id"] == second) == (
        (not good,) * 3)
    for c in new, one, two:
        assert c["State"]["Status"] == "running"
        assert c["HostConfig"]["RestartPolicy"]["Name"] == "always"
        assert "MINE=1" in c["Config"]["Env"]
    assert one["Config"]["Labels"]["own"] == "1"
    assert version(engine, "drv-dep-1") == "own"
    host, mode = one["HostConfig"], kind.capitalize() + "Mode"
    if kind in ("network", "pid", "ipc"):
        assert host[mode] == f"container:{new['Id']}"
    elif kind == "volumes":
        assert host["VolumesFrom"] == ["drv-dep:ro"]
        assert [m["Name"] for m in one["Mounts"]] == ["drv-dep"]
    else:
        assert host["Links"] == ["/drv-dep:/drv-dep-1/db"]
    mode = "PidMode" if kind == "network" else "NetworkMode"
    assert two["HostConfig"][mode] == f"container:{one['Id']}"


def test_dependent_fails(drive, engine):
    """The target was good; what depends on it is not, so all go back."""
    d = drive("drv-dep")
    put(d, "v1", files=[("app2", "#!/bin/sh\n")])
    old = target(d)
    # Ends when it is started a second time from a new container.
    put(d, "own", files=[("app", "#!/bin/sh\ntrap 'exit 0' TERM\n"
                          "[ -e /data/x ] && exit 7\necho x >/data/x\n"
                          "while :; do sleep 1 & wait $!; done\n")])
    first = add(d, "drv-dep-1", {"NetworkMode": f"container:{old}",
                                 "RestartPolicy": {"Name": "no"},
                                 "Binds": ["drv-dep-1:/data"]}, "own")
    d.push("v2", put(d, "v2", HEALTHY))
    p = d.proxy()
    engine.call("POST", "/containers/drv-dep-1/update",
                {"RestartPolicy": {"Name": "on-failure"}})
    r = d.deploy(proxy=p, grace=SURE)
    # The old one cannot start again either: it says so, by hand.
    assert r["status"] in ("rolled_back", "failed"), r
    assert "drv-dep-1, which depends on the target" in r["reason"], r
    assert engine.inspect("drv-dep")["Id"] == old
    assert engine.inspect("drv-dep")["State"]["Status"] == "running"
    assert engine.inspect("drv-dep-1")["Id"] == first


def test_dependents_refused(drive, engine):
    """Where a dependent may not be touched, its target is not either."""
    d = drive("drv-dep")
    put(d, "v1")
    old = target(d)
    engine.call("POST", "/containers/create", {
        "Image": ref(d, "v1"), "Labels": {"pullwire.enable": "false"},
        "HostConfig": {"NetworkMode": f"container:{old}"}}, name="drv-dep-1")
    d.push("v2", put(d, "v2"))
    r = d.deploy()
    assert r["status"] == "refused" and "pullwire.enable" in r["reason"], r
    assert engine.inspect("drv-dep")["Id"] == old
    engine.remove("drv-dep-1")
    # Each with the other's volumes: none can be first.
    engine.call("POST", "/containers/create", {
        "Image": ref(d, "v1"), "HostConfig": {
            "VolumesFrom": ["drv-dep"]}}, name="drv-dep-1")
    engine.remove("drv-dep")
    put(d, "v1")
    add(d, "drv-dep", {"VolumesFrom": ["drv-dep-1"]})
    r = d.deploy()
    assert r["status"] == "refused" and "each other" in r["reason"], r
    assert names(engine, d.name) == ["drv-dep", "drv-dep-1"]


def test_secret_that_compose_wrote(drive, engine):
    """A file at /run/secrets that is no mount and has Compose's kind of time
    would be lost: refused. Where no Compose is at work it is the application's
    own affair."""
    d = drive("drv-wrote")
    script = ("app", HOLD[1].replace(
        "while", "mkdir -p /run/secrets\necho s >/s\n"
        "touch -d '2026-01-01 00:00:00' /s\nln /s /run/secrets/key\nwhile",
        1))
    put(d, "v1", files=[script])
    digest = put(d, "v2", files=[script])
    compose(d, 1, ref(d, "v1"))
    d.push("v2", digest, compose="drv-wrote/app")
    wait_for("the secret", lambda: any(
        c["Path"] == "/run/secrets/key" for c in engine.call(
            "GET", "/containers/drv-wrote_app_1/changes") or []))
    r = d.deploy(grace="0ms")
    assert r["status"] == "refused", r
    assert "/run/secrets/key" in r["reason"]
    assert "compose_files: true" in r["reason"]
    assert version(engine, "drv-wrote_app_1") == "v1"
    own = drive("drv-wrote-own")
    put(own, "v1", files=[script])
    engine.run(own.name, ref(own, "v1"))
    own.push("v2", put(own, "v2", files=[script]))
    assert own.deploy(grace="0ms")["status"] == "deployed"


def test_restarted_with_it(drive, engine):
    """Compose's depends_on with restart, and without."""
    d = drive("drv-depon")
    put(d, "v1")
    compose(d, 1, ref(d, "v1"))
    started = {}
    for name, restart in ("yes", "true"), ("no", "false"):
        c = d.engine.run(f"drv-depon-{name}", ref(d, "v1"), labels={
            "com.docker.compose.project": d.name,
            "com.docker.compose.service": name,
            "com.docker.compose.depends_on": f"app:service_started:{restart}"})
        started[name] = c, engine.inspect(c)["State"]["StartedAt"]
    d.push("v2", put(d, "v2"), compose="drv-depon/app")
    assert d.deploy(grace="0ms")["status"] == "deployed"
    for name, (c, at) in started.items():
        now = engine.inspect(c)["State"]
        assert now["Status"] == "running"
        assert (now["StartedAt"] != at) == (name == "yes")


def test_restart_after(drive, engine):
    """What the trigger lists: a container, each of a service; those that run.
    What is not there is told, and keeps no other from its restart."""
    d = drive("drv-after")
    put(d, "v1")
    d.engine.run(d.name, ref(d, "v1"))
    ids = {"one": engine.run("drv-after-one", ref(d, "v1")),
           "other": engine.run("drv-after-other", ref(d, "v1"))}
    for n in 1, 2:
        ids[n] = compose(d, n, ref(d, "v1"))
    ids["still"] = compose(d, 3, ref(d, "v1"))
    engine.call("POST", f"/containers/{ids['still']}/stop", t="0")
    at = {k: engine.inspect(c)["State"]["StartedAt"] for k, c in ids.items()}
    d.how = {"restart_after": ["drv-after-none", "drv-after-one",
                               "drv-after/app"]}
    d.push("v2", put(d, "v2"))
    r = d.deploy(grace="0ms")
    assert r["status"] == "deployed", r
    assert "there is no drv-after-none to be restarted" in r["reason"], r
    now = {k: engine.inspect(c)["State"] for k, c in ids.items()}
    assert {k for k in ids if now[k]["StartedAt"] != at[k]} == {"one", 1, 2}
    assert now["still"]["Status"] == "exited"
