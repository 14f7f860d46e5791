"""`keep_failed`: a new container that failed is kept for a look, and is in
nobody's way: not of the next push, not of recovery, not for ever.
"""
import json
import os

import pytest

from rig import images
from rig.docker import UnixConnection
from rig.drive import (CRASH, PLAIN, SURE, check_only, compose,  # noqa: F401
                       drive, drive_program, names, put, ref, run_auto_remove,
                       version)
from rig.stack import TOKEN, UNLIMITED, wait_for


def failed(engine, name):
    """Those that are kept."""
    return [n for n in names(engine, name) if ".failed-" in n]


def log_of(engine, name):
    conn = UnixConnection(engine.sock, 60)
    conn.request("GET", f"/v1.41/containers/{name}/logs?stdout=1")
    text = conn.getresponse().read().decode(errors="replace")
    conn.close()
    return text


def over(d):
    """The time of what is kept is over."""
    for key in d.kept():
        if " kept " in key:
            with open(os.path.join(d.dir, "kept", key), "r+") as f:
                entry = {**json.load(f), "until": 1}
                f.seek(0)
                f.truncate()
                json.dump(entry, f)


def settled(d):
    quiet = d.proxy()
    d.recover(proxy=quiet)
    assert quiet.calls == [], "a recovery changed something"


def again(d):
    """The same job, which had ended, because a person says so."""
    for f in d.journal():
        os.unlink(os.path.join(d.dir, "journal", f))
    return d.deploy(force=1)


@pytest.mark.parametrize("order", ["stop-first", "start-first"])
def test_kept_until_its_time(drive, engine, order):
    d = drive("drv-kept")
    put(d, "v1")
    bad, good = put(d, "v2", files=[CRASH]), put(d, "v3")
    old = engine.run(d.name, ref(d, "v1"), policy="always")
    d.grace, d.how = SURE, {"keep_failed": "1h", "order": order}
    d.push("v2", bad)
    r = d.deploy()
    assert r["status"] == "rolled_back", r
    kept, = failed(engine, d.name)
    assert f"; the failed one is kept as {kept} until 20" in r["reason"], r
    c = engine.inspect(kept)
    assert c["State"]["Status"] == "exited"
    assert c["HostConfig"]["RestartPolicy"]["Name"] in ("", "no")
    assert "cannot go on" in log_of(engine, kept)
    assert engine.inspect(d.name)["Id"] == old
    assert engine.inspect(d.name)["State"]["Running"]
    settled(d)

    # The same job again, by a person: its own name is taken by the first.
    assert again(d)["status"] == "rolled_back"
    assert failed(engine, d.name) == [kept]
    assert engine.inspect(kept)["Id"] != c["Id"]
    # Another one that fails takes its place.
    d.push("v2", bad)
    assert d.deploy(force=1)["status"] == "rolled_back"
    last, = failed(engine, d.name)
    assert last != kept and engine.inspect(d.name)["Id"] == old

    # No target, no unfinished deploy.
    d.grace = "300ms"
    d.push("v3", good)
    assert d.deploy()["status"] == "deployed"
    assert names(engine, d.name) == [d.name, last]
    d.tend()
    settled(d)
    assert failed(engine, d.name) == [last]
    # One of a like name, that nobody noted, is somebody's.
    engine.run(d.name + ".failed-0123abcd", ref(d, "v1"))
    over(d)
    d.tend()
    assert names(engine, d.name) == [d.name, d.name + ".failed-0123abcd"]
    engine.remove(d.name + ".failed-0123abcd")
    check_only(engine, d.name, "v3")
    assert not any(" kept " in k for k in d.kept())


def test_a_persons_stays(drive, engine):
    """One that somebody started or renamed is not removed, and still is no
    unfinished deploy."""
    d = drive("drv-keptp")
    put(d, "v1")
    once = ("app", "#!/bin/sh\ntest -e /ran && exec sleep 1000\n"
            "touch /ran\nexit 3\n")
    old = engine.run(d.name, ref(d, "v1"))
    d.grace, d.how = SURE, {"keep_failed": "1h"}
    d.push("v2", put(d, "v2", files=[once]))
    assert d.deploy()["status"] == "rolled_back"
    kept, = failed(engine, d.name)
    engine.call("POST", f"/containers/{kept}/start")
    over(d)
    d.tend()
    settled(d)
    assert engine.inspect(kept)["State"]["Running"]
    # Nor where the next one that fails, of the same job, wants its name.
    assert again(d)["status"] == "rolled_back"
    assert names(engine, d.name) == [d.name, kept]
    assert engine.inspect(d.name)["Id"] == old
    engine.call("POST", f"/containers/{kept}/rename", name=d.name + "-mine")
    engine.call("POST", f"/containers/{d.name}-mine/kill")
    d.tend()
    settled(d)
    assert names(engine, d.name) == [d.name, d.name + "-mine"]
    engine.remove(d.name + "-mine")
    d.tend()
    assert not any(" kept " in k for k in d.kept())


@pytest.mark.parametrize("kind", ["compose", "rm"])
def test_not_kept(drive, engine, kind):
    d = drive("drv-keptno")
    put(d, "v1")
    name = d.name + "_app_1" if kind == "compose" else d.name
    if kind == "compose":
        compose(d, 1, ref(d, "v1"))
    else:
        run_auto_remove(d, ref(d, "v1"))
    d.grace, d.how = SURE, {"keep_failed": "1h"}
    d.push("v2", put(d, "v2", health=images.UNHEALTHY
                     if kind == "rm" else PLAIN, files=[CRASH]
                     if kind == "compose" else ()), container=name)
    r = d.deploy()
    assert r["status"] == "rolled_back"
    assert ("it is not kept: Compose would count it as a replica"
            if kind == "compose" else "it is not kept: its engine removes it "
            "(--rm)") in r["reason"], r
    check_only(engine, name, "v1")
    settled(d)


def test_without_room_for_the_note(drive, engine):
    """What cannot be noted cannot be told from a leftover: it goes."""
    d = drive("drv-keptfull")
    put(d, "v1")
    engine.run(d.name, ref(d, "v1"))
    d.grace, d.how = SURE, {"keep_failed": "1h"}
    d.push("v2", put(d, "v2", files=[CRASH]))
    os.rmdir(os.path.join(d.dir, "kept"))
    open(os.path.join(d.dir, "kept"), "w").close()
    r = d.deploy()
    os.unlink(os.path.join(d.dir, "kept"))
    os.mkdir(os.path.join(d.dir, "kept"))
    check_only(engine, d.name, "v1")
    assert r["status"] == "failed" and "are kept" in r["reason"], r
    settled(d)


def test_removed_by_the_next_process(engine, registry, stacks):
    """The daemon itself: plan, row, and the end of its time, which comes when
    another process has taken over."""
    engine.remove_all("kept")
    digests = {t: images.put(engine, registry, "shop/kept", t,
                             health="HEALTHCHECK NONE",
                             files=[CRASH] if t == "bad" else ())
               for t in ("v1", "bad")}
    engine.run("kept", f"{registry.host}/shop/kept:v1", policy="always")
    stack = stacks(
        [{"name": "kept", "repository": "shop/kept", "grace": SURE,
          "deploy": {"container": "kept", "keep_failed": "1s"}}],
        {"local": engine.sock},
        [{"name": "push", "type": "generic", **UNLIMITED,
          "auth": {"bearer": TOKEN}, "registry": registry.host}]).start()
    plan = stack.run("deployer", "plan", "kept",
                     f"{registry.host}/shop/kept:bad")
    assert "were it not good it would be kept for 1 s as kept.failed-" in \
        plan.stdout, plan
    row = stack.wait_final(stack.push("shop/kept", "bad", digests["bad"]))
    assert row["status"] == "rolled_back", row
    assert "; the failed one is kept as kept.failed-" in row["reason"], row
    stack.kill("deployer")
    stack.start("deployer")
    wait_for("the end of its time",
             lambda: names(engine, "kept") == ["kept"])
    assert version(engine, "kept") == "v1"
    engine.remove_all("kept")
