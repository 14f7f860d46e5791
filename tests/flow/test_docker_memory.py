"""What outlives a job: digests that failed, defaults of images that were
deleted, images that nobody needs any more; and what a row says of a failure.
"""
import json

import pytest

from rig import images
from rig.drive import (CRASH, SURE, check_only, drive,  # noqa: F401
                       drive_program, put, ref)


def test_failed_digest_is_remembered(drive, engine):
    d = drive("drv-again")
    put(d, "v1")
    old = engine.run("drv-again", ref(d, "v1"))
    bad = put(d, "v2", files=[CRASH])
    d.push("v2", bad)
    assert d.deploy(grace=SURE)["status"] == "rolled_back"
    d.push("latest", bad)
    p = d.proxy()
    r = d.deploy(proxy=p, grace=SURE)
    assert r["status"] == "refused", r
    assert "was rolled back here" in r["reason"]
    assert "cannot go on" in r["reason"], "the first reason is not told"
    assert not any("create" in c for c in p.calls), p.calls
    assert engine.inspect("drv-again")["Id"] == old
    # A person may, and so may the configuration.
    assert d.deploy(force=1, grace=SURE)["status"] == "rolled_back"
    d.how = {"force": True}
    assert d.deploy(grace=SURE)["status"] == "rolled_back"
    d.how = {}
    # Another digest is another matter, and ends the memory.
    d.push("v3", put(d, "v3"))
    assert d.deploy()["status"] == "deployed"
    d.push("v2", bad)
    assert d.deploy(grace=SURE)["status"] == "rolled_back"


def test_remembered_by_recovery(drive, engine):
    """Killed on the way back: the next process knows what failed."""
    d = drive("drv-again")
    put(d, "v1")
    engine.run("drv-again", ref(d, "v1"))
    bad = put(d, "v2", files=[CRASH])
    d.push("v2", bad)
    d.grace = SURE
    assert d.deploy(proxy=d.proxy(7)) is None
    told = d.recover()
    assert told[0]["status"] == "rolled_back", told
    d.push("v2", bad)
    assert d.deploy()["status"] == "refused"
    check_only(engine, "drv-again", "v1")


# ---- evidence

LOUD = ("app", "#!/bin/sh\nyes 0123456789abcdefghijklmnopqrstuvwxyz | "
        "head -c 4000000\nprintf 'the end \\377\\n'\nexit 3\n")


@pytest.mark.parametrize("kind,host,config", [
    ("unhealthy", {}, {}),
    ("loud", {}, {}),
    ("tty", {}, {"Tty": True}),
    ("no log", {"LogConfig": {"Type": "none"}}, {}),
])
def test_evidence(drive, engine, kind, host, config):
    d = drive("drv-evid")
    put(d, "v1")
    c = engine.call("POST", "/containers/create", {
        "Image": ref(d, "v1"), "Env": ["SECRET=hush"], "HostConfig": host,
        **config}, name="drv-evid")
    engine.call("POST", f"/containers/{c['Id']}/start")
    d.push("v2", put(d, "v2", files=[LOUD] if kind != "unhealthy" else (),
                     health=images.UNHEALTHY if kind == "unhealthy"
                     else "HEALTHCHECK NONE"))
    r = d.deploy(grace=SURE)
    assert r["status"] == "rolled_back", r
    e = r["evidence"]
    text = json.dumps(e)
    assert len(text) < 65536 and "hush" not in text
    if kind == "unhealthy":
        assert len(e["health"]) >= 2
        assert {p["ExitCode"] for p in e["health"]} == {1}
        assert e["state"]["Status"] == "running"
    else:
        assert e["state"]["ExitCode"] == 3
        assert e["state"]["Status"] == "exited"
    if kind in ("loud", "tty"):
        assert e["log"].strip().endswith("the end \ufffd")
        assert len(e["log"]) > 3000
    elif kind == "no log":
        assert "log" not in e


# ---- images

def test_old_image_is_gone(drive, engine):
    """Its defaults are those that were noted when it was deployed."""
    d = drive("drv-noimg")
    put(d, "v1", changes=["ENV OF=v1"])
    engine.run("drv-noimg", ref(d, "v1"), env=["MINE=1"])
    d.push("v2", put(d, "v2", changes=["ENV OF=v2", "ENV ONLY2=1"]))
    assert d.deploy()["status"] == "deployed"

    def lose():
        """The image of a stopped container can be removed by force."""
        image = engine.inspect("drv-noimg")["Image"]
        engine.call("POST", "/containers/drv-noimg/stop")
        engine.call("DELETE", f"/images/{image}", force="true")
        engine.call("POST", "/containers/drv-noimg/start")
        assert engine.image(image) is None
    lose()
    d.push("v3", put(d, "v3", changes=["ENV OF=v3"]))
    assert d.deploy()["status"] == "deployed"
    env = check_only(engine, "drv-noimg", "v3")["Config"]["Env"]
    assert {"MINE=1", "OF=v3"} <= set(env) and "ONLY2=1" not in env
    # Not known: refused, unless all is to be kept.
    for name in d.kept():
        d.forget(name)
    lose()
    d.push("v4", put(d, "v4", changes=["ENV OF=v4"]))
    r = d.deploy()
    assert r["status"] == "failed" and "is gone from the engine" in r["reason"]
    check_only(engine, "drv-noimg", "v3")
    d.how = {"missing_image": "keep_all"}
    assert d.deploy()["status"] == "deployed"
    env = engine.inspect("drv-noimg")["Config"]["Env"]
    assert {"MINE=1", "OF=v3"} <= set(env)


def test_cleanup(drive, engine):
    """The last one stays, and so does what is anybody else's."""
    d = drive("drv-clean")
    d.how = {"cleanup": True}
    digests = {v: put(d, v) for v in ("v1", "v2", "v3", "v4", "v5")}
    ids = {v: engine.image(ref(d, v))["Id"] for v in digests}
    engine.run("drv-clean", ref(d, "v1"))

    def deploy(v):
        d.push(v, digests[v])
        assert d.deploy(grace="0ms")["status"] == "deployed"

    def left():
        return [v for v in ids if engine.image(ids[v])]
    deploy("v2")
    assert left() == ["v1", "v2", "v3", "v4", "v5"]
    deploy("v3")
    assert left() == ["v2", "v3", "v4", "v5"]
    # A stopped container of somebody's uses it; another name of it.
    other = engine.call("POST", "/containers/create", {"Image": ids["v2"]},
                        name="drv-clean-other")["Id"]
    engine.tag(ids["v3"], "keep/this:x")
    deploy("v4")
    deploy("v5")
    assert left() == ["v2", "v3", "v4", "v5"]
    assert engine.image("keep/this:x")["Id"] == ids["v3"]
    # When nobody needs them any more they go.
    engine.remove(other)
    engine.forget_image("keep/this:x")
    d.push("v1", put(d, "v1", version="again"))
    assert d.deploy(grace="0ms")["status"] == "deployed"
    assert not engine.image(ids["v2"]) and not engine.image(ids["v3"])
    assert engine.image(ids["v5"])


def test_the_way_back_stays(drive, engine):
    """Made anew of the image that it runs: what was before is still before."""
    d = drive("drv-back")
    d.how = {"cleanup": True}
    digests = {v: put(d, v) for v in ("v1", "v2")}
    ids = {v: engine.image(ref(d, v))["Id"] for v in digests}
    engine.run("drv-back", ref(d, "v1"))
    d.push("v2", digests["v2"])
    assert d.deploy(grace="0ms")["status"] == "deployed"
    for _ in range(2):
        d.push("v2", digests["v2"])
        assert d.deploy(grace="0ms", force=1)["status"] == "deployed"
        assert engine.image(ids["v1"]), "the image before is removed"
        before = [d.kept_text(name)["previous"]["digest"]
                  for name in d.kept()]
        assert before == [digests["v1"]] * 2, before


def test_anothers_way_back_stays(drive, engine):
    """What one target has done with another would go back to, while it is
    there."""
    d = drive("drv-way")
    d.how = {"cleanup": True}
    engine.remove_all("drv-way-b")
    digests = {v: put(d, v) for v in ("v1", "v2", "v3", "v4")}
    v1 = engine.image(ref(d, "v1"))["Id"]

    def deploy(name, v):
        d.job["container"] = name
        d.push(v, digests[v])
        assert d.deploy(grace="0ms")["status"] == "deployed"
    for name in "drv-way", "drv-way-b":
        engine.run(name, ref(d, "v1"))
        deploy(name, "v2")
    deploy("drv-way", "v3")
    assert engine.image(v1), "the other cannot go back"
    engine.remove("drv-way-b")
    deploy("drv-way", "v4")
    assert not engine.image(v1)


def test_keep_env(drive, engine):
    """A value that equals the image's is the image's, unless named."""
    d = drive("drv-env")
    put(d, "v1", changes=["ENV SHARED=a", "ENV OTHER=a"])
    engine.run("drv-env", ref(d, "v1"), env=["SHARED=a", "OTHER=a"])
    d.how = {"keep_env": ["SHARED"]}
    d.push("v2", put(d, "v2", changes=["ENV SHARED=b", "ENV OTHER=b"]))
    assert d.deploy()["status"] == "deployed"
    env = engine.inspect("drv-env")["Config"]["Env"]
    assert "SHARED=a" in env and "OTHER=b" in env
