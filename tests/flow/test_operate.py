"""A person at work: hold, release, cancel, retry, rollback, plan; and what a
digest that failed means from then on.
"""
import json

import pytest

from rig import images
from rig.stack import TOKEN, UNLIMITED, wait_for

CRASH = ("app", "#!/bin/sh\necho cannot go on\nexit 3\n")


@pytest.fixture
def op(request, engine, registry, stacks):
    # Where one crashes, ample time for it.
    grace = "3s" if "failed" in request.node.name else "300ms"
    engine.remove_all("op")
    digests = {t: images.put(engine, registry, "shop/op", t,
                             health="HEALTHCHECK NONE", keep=t != "v3",
                             files=[CRASH] if t == "bad" else ())
               for t in ("v1", "v2", "bad", "v3")}
    engine.run("op", f"{registry.host}/shop/op:v1", ["PASSWORD=hush"])
    stack = stacks(
        [{"name": "op", "repository": "shop/op", "grace": grace,
          "deploy": {"container": "op"}}], {"local": engine.sock},
        [{"name": "push", "type": "generic", **UNLIMITED,
          "auth": {"bearer": TOKEN}, "registry": registry.host}]).start()
    stack.deploy = lambda tag: stack.push("shop/op", tag, digests[tag])
    stack.digests = digests
    yield stack
    engine.remove_all("op")


def running(engine):
    c = engine.inspect("op")
    assert c["State"]["Status"] == "running"
    return c["Config"]["Image"].rpartition(":")[2]


def queue(stack, *args):
    done = stack.run("deployer", "queue", *args)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_failed_digest_and_ways_back(op, engine):
    first = op.wait_final(op.deploy("v2"))
    assert first["status"] == "deployed", first
    bad = op.deploy("bad")
    row = op.wait_final(bad)
    assert row["status"] == "rolled_back" and running(engine) == "v2"
    assert row["response"]["log"].strip().endswith("cannot go on"), row
    assert row["response"]["state"]["ExitCode"] == 3
    assert "hush" not in json.dumps(row)

    # A repeat is refused, also by the next process.
    again = op.wait_final(op.deploy("bad"))
    assert again["status"] == "refused", again
    assert "was rolled back here" in again["reason"]
    op.kill("deployer")
    op.start("deployer")
    bad = op.deploy("bad")
    assert op.wait_final(bad)["status"] == "refused"

    # A person may: the rows are no final ones, that was the first.
    queue(op, "retry", f"{bad}/op")
    row = wait_for("the retry's row", lambda: [
        r for r in op.rows(event=bad) if r["attempt"] > 1])[0]
    assert (row["status"], row["final"]) == ("rolled_back", False), row
    assert len(op.finals(event=bad)) == 1

    # Back to what ran before v2, and to v2 again.
    for want in "v1", "v2":
        before = len(op.finals(status="deployed"))
        done = op.run("deployer", "rollback", "op")
        assert done.returncode == 0, done.stderr
        wait_for("the way back", lambda: len(op.finals(
            status="deployed")) > before)
        assert running(engine) == want
    row = op.finals(status="deployed")[-1]
    assert row["source"] == "rollback"
    assert row["to_digest"] == op.digests["v2"]
    assert op.run("deployer", "rollback", "nothing").returncode == 2


@pytest.mark.parametrize("by", ("digest", "short id"))
def test_way_back_to_what_has_no_tag(op, engine, registry, by):
    """It is pinned again, and no tag at the engine means the old image."""
    name = f"{registry.host}/shop/op"
    pinned = f"{name}@{op.digests['v1']}"
    image = engine.image(name + ":v1")["Id"]
    engine.remove("op")
    engine.run("op", {"digest": pinned,
                      "short id": image.partition(":")[2][:12]}[by])
    assert op.wait_final(op.deploy("v2"))["status"] == "deployed"
    for want, runs in ((pinned, image), (name + ":v2", None)):
        before = len(op.finals(status="deployed"))
        done = op.run("deployer", "rollback", "op")
        assert done.returncode == 0, done.stderr
        wait_for("the way back", lambda: len(op.finals(
            status="deployed")) > before)
        c = engine.inspect("op")
        assert c["Config"]["Image"] == want and runs in (None, c["Image"])
        assert not engine.image(name + ":latest")
    assert op.finals(status="deployed")[-2]["tag"] == op.digests["v1"]


def test_no_way_back(op, engine, registry):
    """Made of an image that has no name in the trigger's repository."""
    other = f"{registry.host}/shop/other:v1"
    images.put(engine, registry, "shop/other", "v1", keep=True,
               health="HEALTHCHECK NONE")
    engine.remove("op")
    engine.run("op", other)
    assert op.wait_final(op.deploy("v2"))["status"] == "deployed"
    done = op.run("deployer", "rollback", "op")
    assert done.returncode == 1 and done.stderr == (
        f"container op ran {other} before, which is not of trigger op's "
        "repository: create it by hand\n"), done
    assert running(engine) == "v2"


def test_hold_release_cancel(op, engine):
    op.settings["triggers"][0]["approve"] = True
    op.write()
    wait_for("the new configuration", lambda: "approve" in open(
        op.config).read() and op.run("deployer", "-n").returncode == 0)
    op.stop("deployer")
    op.start("deployer")
    job = op.deploy("v2") + "/op"
    wait_for("it waits", lambda: "waits for approval" in queue(op))
    assert queue(op, "hold", job) == f"{job} is held\n"
    wait_for("it is held", lambda: "is held by hand" in queue(op))
    queue(op, "approve", job)
    wait_for("the approval", lambda: "approval" not in queue(op))
    assert "is held by hand" in queue(op)
    queue(op, "release", job)
    assert op.wait_final(job.split("/")[0])["status"] == "deployed"
    other = op.deploy("v3")
    wait_for("it waits", lambda: "waits for approval" in queue(op))
    queue(op, "cancel", other + "/op")
    row = op.wait_final(other)
    assert row["status"] == "refused" and "cancelled by" in row["reason"]
    assert running(engine) == "v2"
    assert op.run("deployer", "queue", "cancel", "x").returncode == 2
    for verb, says in (("cancel", "not cancelled"), ("hold", "not held"),
                       ("release", "not released"),
                       ("approve", "not approved")):
        done = op.run("deployer", "queue", verb, other + "/op")
        assert done.returncode == 1, done
        assert f"{other}/op does not wait here: {says}" in done.stderr
    op.stop("deployer")
    done = op.run("deployer", "queue", "retry", other + "/op")
    assert done.returncode == 0 and "no deployer with the state" in done.stdout


def test_plan(op, engine, registry):
    """What would be done, and nothing is."""
    before = engine.inspect("op")
    known = {c["Id"] for c in engine.containers()}
    image = f"{registry.host}/shop/op:v2"
    done = op.run("deployer", "plan", "op", image)
    assert done.returncode == 0, done.stderr
    out = done.stdout
    assert f"shop/op:v1 -> {image}" in out
    assert f"  ~ Config.Image {image}" in out
    assert "  - Config.Env VERSION=..." in out
    # What the new image brings as the old one did does not change.
    for same in ("Config.Cmd", "Config.Entrypoint", "Config.Hostname",
                 "Config.Healthcheck", "Config.Env PATH"):
        assert same not in out, out
    assert "hush" not in out and "PASSWORD" not in out
    for step in ("create op.new-", "stop op", "start the new one",
                 "remove the old one"):
        assert step in out, out
    # Not at the engine: it is not pulled for that.
    missing = f"{registry.host}/shop/op:v3"
    done = op.run("deployer", "plan", "op", missing)
    assert done.returncode == 0 and "would be pulled" in done.stdout
    assert "Docker Hub" not in done.stdout
    assert engine.image(missing) is None
    # Without its registry it is another image.
    done = op.run("deployer", "plan", "op", "shop/op:v2")
    assert done.returncode == 0 and "would be pulled" in done.stdout
    assert "write HOST/shop/op:v2" in done.stdout
    # What runs already; who is not there.
    done = op.run("deployer", "plan", "op", f"{registry.host}/shop/op:v1")
    assert done.returncode == 1 and "unchanged" in done.stdout
    assert op.run("deployer", "plan", "nothing", image).returncode == 2
    # As rows have the target; an image that no push brings there.
    assert op.run("deployer", "plan", "container op", image).returncode == 0
    done = op.run("deployer", "plan", "op", f"{registry.host}/shop/other:v1")
    assert (done.returncode, done.stdout) == (1, "")
    assert "trigger op is for shop/op: no push of " in done.stderr
    assert engine.inspect("op") == before
    assert {c["Id"] for c in engine.containers()} == known
