"""The Docker driver alone, against a real engine: the sequence, how it goes
back, other versions of the engine, and others at work on the same containers.
"""
import socket
import threading

import pytest

from rig import images
from rig.drive import (CRASH, SURE, check_only, compose,  # noqa: F401
                       drive, drive_program, names, put, ref,
                       run_auto_remove, version)
from rig.stack import free_port, wait_for


# ---- the sequence

def test_deployed(drive, engine):
    d, port = drive("drv-ok"), free_port()
    put(d, "v1")
    old = engine.run("drv-ok", ref(d, "v1"), env=["MINE=1"], port=port,
                     volume="drv-ok", policy="always")
    digest = put(d, "v2", keep=False)
    d.push("v2", digest)
    r = d.deploy()
    assert r["status"] == "deployed", r
    assert r["to"] == digest and r["from"].startswith("sha256:")
    c = check_only(engine, "drv-ok", "v2")
    assert c["Id"] != old
    assert "MINE=1" in c["Config"]["Env"]
    assert c["Config"]["Image"] == ref(d, "v2")
    assert c["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert c["HostConfig"]["Binds"] == ["drv-ok:/data"]
    ports = c["NetworkSettings"]["Ports"]["8080/tcp"]
    assert ports[0]["HostPort"] == str(port)
    assert c["Config"]["Labels"]["pullwire.replaces"] == old
    assert c["Config"]["Hostname"] == c["Id"][:12]
    assert r["stopped_at"] > 0
    assert set(r["phases"]) == {"inspect", "pull", "create", "stop", "start",
                                "gate", "cleanup"}


def test_unchanged(drive, engine):
    d = drive("drv-same")
    digest = put(d, "v1")
    old = engine.run("drv-same", ref(d, "v1"))
    d.push("v1", digest)
    assert d.deploy()["status"] == "unchanged"
    assert engine.inspect("drv-same")["Id"] == old
    assert d.journal() == []


def test_no_digest_told(drive, engine):
    d = drive("drv-tag")
    put(d, "v1")
    engine.run("drv-tag", ref(d, "v1"))
    digest = put(d, "v2", keep=False)
    d.push("v2")
    r = d.deploy()
    assert (r["status"], r["to"]) == ("deployed", digest)
    check_only(engine, "drv-tag", "v2")


def test_tag_moved_on(drive, engine):
    """What was pushed is deployed, whatever the tag means by then."""
    d = drive("drv-moved")
    put(d, "v1")
    engine.run("drv-moved", ref(d, "v1"))
    digest = put(d, "latest", version="v2", keep=False)
    put(d, "latest", version="v3", keep=False)
    d.push("latest", digest)
    assert d.deploy()["status"] == "deployed"
    check_only(engine, "drv-moved", "v2")


def test_no_such_image(drive, engine):
    """Nothing is touched, and it is tried again: the registry may lag."""
    d = drive("drv-noimage")
    put(d, "v1")
    old = engine.run("drv-noimage", ref(d, "v1"))
    d.push("v2", "sha256:" + "0" * 64)
    r = d.deploy()
    assert (r["status"], r["retry"]) == ("failed", True)
    assert "not found" in r["reason"] or "unknown" in r["reason"], r
    assert check_only(engine, "drv-noimage", "v1")["Id"] == old
    assert d.journal() == []


@pytest.mark.parametrize("kind,says", [
    ("crash", "keeps restarting|exited with code 3|was started again"),
    ("unhealthy", "is unhealthy"), ("missing", "cannot be started")])
def test_rolled_back(drive, engine, kind, says):
    d = drive("drv-bad")
    put(d, "v1")
    old = engine.run("drv-bad", ref(d, "v1"), volume="drv-bad",
                     policy="unless-stopped", port=free_port())
    if kind == "crash":
        digest = put(d, "v2", files=[CRASH])
    elif kind == "unhealthy":
        digest = put(d, "v2", health=images.UNHEALTHY)
    else:
        digest = put(d, "v2", changes=['CMD ["/nothing"]'])
    d.push("v2", digest)
    r = d.deploy(grace=SURE)
    assert r["status"] == "rolled_back"
    assert any(s in r["reason"] for s in says.split("|")), r["reason"]
    if kind == "crash":
        assert "cannot go on" in r["reason"]
    c = check_only(engine, "drv-bad", "v1")
    assert c["Id"] == old
    assert c["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"


def test_never_stopped(drive, engine):
    """Cancelled, or no journal: the old container has noticed nothing."""
    d = drive("drv-still")
    put(d, "v1")
    old = engine.run("drv-still", ref(d, "v1"), policy="always")
    started = engine.inspect("drv-still")["State"]["StartedAt"]
    d.push("v2", put(d, "v2"))
    assert d.deploy(cancel=1)["status"] == "cancelled"
    assert d.journal() == []
    r = d.deploy(full=1)
    assert (r["status"], r["retry"]) == ("failed", True)
    assert "no room" in r["reason"]
    c = check_only(engine, "drv-still", "v1")
    assert (c["Id"], c["State"]["StartedAt"]) == (old, started)
    assert c["HostConfig"]["RestartPolicy"]["Name"] == "always"


def test_networks(drive, engine):
    d = drive("drv-net")
    put(d, "v1")
    nets = ["drv-net-a", "drv-net-b"]
    for n in nets:
        engine.call("POST", "/networks/create", {"Name": n})
    try:
        old = engine.run("drv-net", ref(d, "v1"))
        for n in nets:
            engine.call("POST", f"/networks/{n}/connect", {
                "Container": old, "EndpointConfig": {"Aliases": ["app"]}})
        d.push("v2", put(d, "v2"))
        assert d.deploy()["status"] == "deployed"
        c = check_only(engine, "drv-net", "v2")
        there = c["NetworkSettings"]["Networks"]
        assert set(there) == {"bridge", *nets}
        assert set(there["drv-net-a"]["Aliases"]) == {"app", c["Id"][:12]}
        # Taken out of the network it was made in.
        engine.call("POST", "/networks/bridge/disconnect",
                    {"Container": c["Id"]})
        d.push("v3", put(d, "v3"))
        assert d.deploy()["status"] == "deployed"
        c = check_only(engine, "drv-net", "v3")
        assert set(c["NetworkSettings"]["Networks"]) == set(nets)
    finally:
        engine.remove("drv-net")
        for n in nets:
            engine.call("DELETE", "/networks/" + n)


def test_missing_and_stopped(drive, engine):
    d = drive("drv-none")
    d.push("v2", put(d, "v2"))
    r = d.deploy()
    assert (r["status"], r["retry"]) == ("failed", False)
    assert "no container drv-none" in r["reason"]
    put(d, "v1")
    old = engine.run("drv-none", ref(d, "v1"))
    engine.call("POST", f"/containers/{old}/stop")
    r = d.deploy()
    assert r["status"] == "refused" and "is stopped" in r["reason"]
    assert engine.inspect("drv-none")["Id"] == old


def test_crashed_is_mended(drive, engine):
    d = drive("drv-loop")
    put(d, "v1", files=[CRASH])
    engine.run("drv-loop", ref(d, "v1"), policy="always")
    d.push("v2", put(d, "v2"))
    assert d.deploy()["status"] == "deployed"
    check_only(engine, "drv-loop", "v2")


def test_paused_stays_paused(drive, engine):
    d = drive("drv-pause")
    put(d, "v1")
    old = engine.run("drv-pause", ref(d, "v1"))
    engine.call("POST", f"/containers/{old}/pause")
    d.push("v2", put(d, "v2"))
    assert d.deploy()["status"] == "deployed"
    assert engine.inspect("drv-pause")["State"]["Status"] == "paused"
    assert version(engine, "drv-pause") == "v2"
    engine.call("POST", "/containers/drv-pause/unpause")


@pytest.mark.parametrize("good", [True, False])
def test_auto_remove(drive, engine, good):
    """--rm: the old one is gone when it stops, and is made again."""
    d = drive("drv-rm")
    put(d, "v1", changes=["VOLUME /data"])
    run_auto_remove(d, ref(d, "v1"))
    volume = engine.inspect("drv-rm")["Mounts"][0]["Name"]
    d.push("v2", put(d, "v2", files=() if good else [CRASH]))
    r = d.deploy(grace="1000ms" if good else SURE)
    assert r["status"] == ("deployed" if good else "rolled_back"), r
    c = check_only(engine, "drv-rm", "v2" if good else "v1")
    assert c["HostConfig"]["AutoRemove"]
    assert "MINE=1" in c["Config"]["Env"]
    assert [m["Name"] for m in c["Mounts"]] == [volume]


def test_engine_away(drive, engine):
    d = drive("drv-away")
    d.push("v2")
    p = d.proxy()
    p.shutdown()
    p.server_close()
    r = d.deploy(proxy=p)
    assert r["status"] == "waiting"
    assert p.server_address in r["reason"]


@pytest.mark.parametrize("api,env,used,says", [
    (("1.41", "1.12"), None, {"1.41"}, "there is no container"),
    (("1.43", "1.24"), None, {"1.43"}, "there is no container"),
    (("1.54", "1.44"), None, {"1.51"}, "there is no container"),
    (("1.60", "1.53"), None, {"1.53"}, "there is no container"),
    (("1.54", "1.40"), "1.42", {"1.42"}, "there is no container"),
    (("1.40", "1.12"), None, set(), "speaks API 1.40"),
])
def test_version(drive, api, env, used, says):
    d = drive("drv-api")
    d.push("v1")
    p = d.proxy(api=api)
    r = d.deploy(proxy=p, env={"DOCKER_API_VERSION": env or ""})
    assert r["status"] == "failed" and says in r["reason"], r
    assert p.versions == used


def test_engine_replaced(drive, engine):
    """Another version answers than the one that was asked first."""
    d = drive("drv-api")
    put(d, "v1")
    engine.run("drv-api", ref(d, "v1"), volume=d.gate())
    d.push("v2", put(d, "v2", images.HELD))
    p = d.proxy(api=("1.43", "1.24"))
    told = []
    t = threading.Thread(target=lambda: told.append(d.deploy(proxy=p)))
    t.start()
    wait_for("the start", lambda: any("/start" in c for c in p.calls))
    p.api = ("1.54", "1.44")
    d.open_gate()
    t.join()
    assert told[0]["status"] == "deployed", told
    assert p.versions == {"1.43", "1.51"}


# ---- others at work

def while_at_the_gate(d, act, **more):
    """Deploys, and acts while the new container is being watched, which is
    not healthy before."""
    before = d.engine.inspect(d.name)["Id"]
    told = []
    t = threading.Thread(target=lambda: told.append(d.deploy(**more)))
    t.start()
    wait_for("the new container's start", lambda: (
        c := d.engine.inspect(d.name)) and c["Id"] != before
        and c["State"]["Status"] == "running")
    act()
    d.open_gate()
    t.join()
    return told[0]


def test_new_removed_by_others(drive, engine):
    d = drive("drv-ext")
    put(d, "v1")
    old = engine.run("drv-ext", ref(d, "v1"), policy="always",
                     volume=d.gate())
    d.push("v2", put(d, "v2", images.HELD))
    r = while_at_the_gate(d, lambda: engine.remove("drv-ext"))
    assert r["status"] == "rolled_back", r
    c = check_only(engine, "drv-ext", "v1")
    assert c["Id"] == old
    assert c["HostConfig"]["RestartPolicy"]["Name"] == "always"


def test_old_removed_by_others(drive, engine):
    d = drive("drv-ext")
    put(d, "v1")
    old = engine.run("drv-ext", ref(d, "v1"), volume=d.gate())
    d.push("v2", put(d, "v2", images.HELD))
    r = while_at_the_gate(d, lambda: engine.remove(old))
    assert r["status"] == "deployed", r
    check_only(engine, "drv-ext", "v2")


def test_no_way_back(drive, engine):
    """The new one fails and the old one was removed: said, nothing done."""
    d = drive("drv-ext")
    put(d, "v1")
    old = engine.run("drv-ext", ref(d, "v1"), volume=d.gate())
    d.push("v2", put(d, "v2", images.HELD))
    r = while_at_the_gate(d, lambda: (
        engine.remove(old), engine.call(
            "POST", "/containers/drv-ext/stop", t=0)))
    assert (r["status"], r["retry"]) == ("failed", False), r
    assert "By hand: " in r["reason"] and "docker run" in r["reason"]
    assert version(engine, "drv-ext") == "v2"


def test_rollback_is_tried_again(drive, engine):
    """Somebody takes the port between the two: freed later, all is well."""
    d, port = drive("drv-port"), free_port()
    put(d, "v1")
    old = engine.run("drv-port", ref(d, "v1"), port=port)
    d.push("v2", put(d, "v2"))
    taken, p = socket.socket(), d.proxy(at=1)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

    def take():
        try:
            taken.bind(("127.0.0.1", port))
            taken.listen()
            return True
        except OSError:
            return False

    def meddle():
        """Before each change: taken before the new one's start, freed before
        the old one's second."""
        p.at += 1
        starts = sum("/start" in c for c in p.calls)
        if "/start" in p.calls[-1] and starts == 1:
            wait_for("the port is free", take)
        elif "/start" in p.calls[-1] and starts == 3:
            taken.close()

    p.meddle = meddle
    r = d.deploy(proxy=p)
    assert r["status"] == "rolled_back", r
    assert "cannot be started" in r["reason"]
    assert r["phases"]["rollback"] > 1000
    assert check_only(engine, "drv-port", "v1")["Id"] == old


# ---- Compose

def test_replicas(drive, engine):
    d = drive("drv-many")
    put(d, "v1")
    old = engine.image(ref(d, "v1"))["Id"]
    for n in (2, 10, 1):
        compose(d, n, ref(d, "v1"), **{"com.docker.compose.image": old})
    oneoff = compose(d, 3, ref(d, "v1"),
                     **{"com.docker.compose.oneoff": "True"})
    d.push("v2", put(d, "v2"), compose="drv-many/app")
    r = d.deploy()
    assert r["status"] == "deployed" and "3 of 3" in r["reason"], r
    new = engine.image(ref(d, "v2"))["Id"]
    for n in (1, 2, 10):
        c = engine.inspect(f"drv-many_app_{n}")
        assert c["Image"] == new
        assert c["Config"]["Labels"]["com.docker.compose.image"] == new
    assert engine.inspect("drv-many_app_3")["Id"] == oneoff
    assert len(names(engine, "drv-many")) == 4


def test_canary_fails(drive, engine):
    d = drive("drv-canary")
    put(d, "v1")
    ids = [compose(d, n, ref(d, "v1")) for n in (1, 2)]
    d.push("v2", put(d, "v2", files=[CRASH]), compose="drv-canary/app")
    r = d.deploy(grace=SURE)
    assert r["status"] == "rolled_back" and "0 of 2" in r["reason"], r
    assert [engine.inspect(f"drv-canary_app_{n}")["Id"]
            for n in (1, 2)] == ids
