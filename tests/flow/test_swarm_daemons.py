"""Services of a Swarm and the four daemons: labels that say what redeploys
them, and what people ask for."""
import os
import subprocess
import time

import pytest

from rig import images
from rig.docker import TOP
from rig.drive import CRASH, PLAIN
from rig.stack import kept, wait_for
from rig.swarm import MS, NAME, WATCHED, swarm  # noqa: F401

@pytest.fixture
def shop(swarm, engine, registry, stacks, request):
    """Four daemons, told by a real registry; .put(tag) pushes NAME. A trigger
    is the test's parameter."""
    stack = stacks(getattr(request, "param", []), {"local": engine.sock}, [
        {"name": "registry", "type": "distribution", "auth": {"none": True},
         "registry": registry.host}])
    digest = {}

    def push(tag, **how):
        digest[tag] = images.put(engine, registry, NAME, tag,
                                 **{"health": PLAIN, **how})

    def final(tag, **filters):
        rows = wait_for(f"a final row of {tag}", lambda: [
            r for r in stack.finals(tag=tag, **filters)
            if r["status"] != "ignored"], 120)
        assert len(rows) == 1, rows
        return rows[0]

    def knows(n):
        def heard():
            lines = [x for x in stack.daemons["matcher"].log().splitlines()
                     if "triggers are labels of containers" in x]
            return lines and f"local: {n} triggers" in lines[-1]
        wait_for(f"the matcher knows {n} triggers", heard)

    push("v1")
    stack.put, stack.final, stack.knows = push, final, knows
    stack.image = lambda tag: f"{registry.host}/{NAME}:{tag}@{digest[tag]}"
    stack.start()
    registry.notify(f"http://127.0.0.1:{stack.ingress_port}"
                    "/v1/webhooks/registry", "")
    yield stack
    registry.silence()
    swarm.remove(NAME)


def test_a_labelled_service_and_nothing_else(shop, swarm, engine):
    """Its push redeploys it; plan and rollback know it, too; a bad image leaves
    it as it was."""
    def ask(*words):
        told = shop.run("deployer", *words)
        return told.returncode, told.stdout + told.stderr

    swarm.create(NAME, shop.image("v1"), labels={
        "pullwire.enable": "true", "pullwire.expression": r"v\d+",
        "pullwire.health-timeout": "300s"})
    shop.knows(1)
    shop.put("v2")
    row = shop.final("v2")
    assert row["status"] == "deployed", row
    assert (row["trigger"], row["target"]) == (NAME, f"service {NAME}")
    assert swarm.image(NAME) == shop.image("v2")
    assert len(swarm.running(NAME)) == 1

    # The same once more is nothing to do, unless a person wants it.
    old = [t["ID"] for t in swarm.running(NAME)]
    code, told = ask("redeliver", row["id"])
    assert code == 0, told
    again = wait_for("it is done again", lambda: [
        r for r in shop.rows(event=row["event"], status="deployed")
        if r["attempt"] > row["attempt"]])[0]
    assert "each of its tasks was made anew, as asked" in again["reason"]
    assert not set(old) & {t["ID"] for t in swarm.running(NAME)}

    v1 = shop.image("v1").partition("@")[0]
    code, told = ask("plan", f"service {NAME}", v1)
    assert code == 0, told
    assert f"{shop.image('v2')}\n  -> {shop.image('v1')}" in told
    for words in ("plan", "nosuch", v1), ("rollback", "nosuch"):
        code, told = ask(*words)
        assert code == 2, told
        assert "`nosuch` is no trigger that redeploys" in told
        assert "nor by labels" in told
    code, told = ask("rollback", NAME)
    assert code == 0, told
    assert shop.final("v1", trigger=NAME)["status"] == "deployed"
    assert swarm.image(NAME) == shop.image("v1")
    code, told = ask("rollback", f"service {NAME}")
    assert code == 0, told
    wait_for("v2 is back", lambda: swarm.image(NAME) == shop.image("v2") and
             swarm.status(NAME) == "completed")

    swarm.update(NAME, lambda s: s["UpdateConfig"].update(
        Monitor=WATCHED * MS))
    shop.put("v3", files=[CRASH])
    row = shop.final("v3")
    assert row["status"] == "rolled_back", row
    assert row["response"]["task"]["ExitCode"] == 3
    assert "cannot go on" in row["response"]["log"]
    assert swarm.image(NAME) == shop.image("v2")

    swarm.update(NAME, lambda s: s["Labels"].pop("pullwire.enable"))
    shop.knows(0)
    shop.put("v4")
    assert shop.final("v4")["status"] == "no_trigger"
    swarm.update(NAME, lambda s: s["Labels"].update({
        "pullwire.enable": "true", "pullwire.order": "x",
        "pullwire.stop-signal": "INT"}))
    wait_for("the label is told", lambda: f"service {NAME}: stop_signal: does "
             "not go with `service`" in shop.daemons["deployer"].log())


def test_labels_of_tasks(shop, swarm):
    """A label of its containers is no trigger, and somebody is told."""
    spec = {"Image": shop.image("v1"), "Labels": {"pullwire.enable": "true"}}
    swarm.create(NAME, shop.image("v1"), ContainerSpec=spec)
    wait_for("it is told", lambda: f"service {NAME}: the labels of its "
             "containers mean nothing" in shop.daemons["deployer"].log())
    shop.put("v5")
    assert shop.final("v5")["status"] == "no_trigger"


@pytest.mark.parametrize("shop", [[{
    "name": "web", "repository": NAME, "deploy": {"service": NAME}}]],
    indirect=True)
def test_by_hand(shop, swarm):
    """The deployer is killed amid an update, and stopped, and goes on with it;
    plan says what would be done; rollback leads back."""
    def ask(*words):
        told = shop.run("deployer", *words)
        return told.returncode, told.stdout + told.stderr

    swarm.create(NAME, shop.image("v1"))
    shop.put("v2", health='HEALTHCHECK --interval=3s CMD ["/bin/true"]')
    wait_for("the update goes on", lambda: swarm.status(NAME) == "updating")
    shop.kill("deployer")
    shop.start("deployer")
    wait_for("it goes on", lambda: shop.daemons["deployer"].log().count(
        "engine local answers") == 2)
    stopped = time.monotonic()
    assert shop.stop("deployer") == 0
    kept("it does not wait for Swarm", time.monotonic() - stopped, 5)
    shop.start("deployer")
    row = shop.final("v2")
    assert row["status"] == "deployed", row
    service = swarm.service(NAME)
    before = service["PreviousSpec"]["TaskTemplate"]["ContainerSpec"]
    assert before["Image"] == shop.image("v1"), "updated more than once"

    v1, v2 = (shop.image(t).partition("@")[0] for t in ("v1", "v2"))
    code, told = ask("plan", NAME, v1)
    assert code == 0, told
    assert f"{shop.image('v2')}\n  -> {shop.image('v1')}" in told
    assert "Swarm replaces 1 task, all at once, stop-first" in told
    assert "if it fails: back to the Spec of before" in told
    code, told = ask("plan", "web", v2)
    assert code == 1 and "unchanged" in told, told
    assert swarm.service(NAME)["Version"] == service["Version"]

    code, told = ask("rollback", "web")
    assert code == 0, told
    row = shop.final("v1", trigger="web")
    assert (row["status"], row["source"]) == ("deployed", "rollback"), row
    assert swarm.image(NAME) == shop.image("v1")


STACK = os.path.join(TOP, "etc/swarm/stack.yml")


def test_example_stack(shop, swarm, engine, tmp_path):
    """etc/swarm/stack.yml by `docker stack deploy`, a push, and the same file
    again: what was deployed stays."""
    # No overlay network, which not every kernel that runs this has.
    plain = tmp_path / "plain.yml"
    plain.write_text("version: '3.8'\nnetworks: {default: {external: true, "
                     "name: bridge}}\n")

    def stack(*words):
        subprocess.run(["docker", "stack", *words], check=True, env={
            **os.environ, "DOCKER_HOST": engine.host, "EXPRESSION": "v1",
            "IMAGE": shop.image("v1").partition("@")[0]})

    files = ("deploy", "-c", STACK, "-c", str(plain), "--resolve-image",
             "never", "shop")
    try:
        stack(*files)
        wait_for("both run", lambda: len(swarm.running("shop_web")) == 2)
        shop.knows(1)
        swarm.update("shop_web", lambda s: s["UpdateConfig"].update(
            Monitor=300 * MS))
        shop.put("v1", version="v1.1")
        row = shop.final("v1")
        assert row["status"] == "deployed", row
        assert row["trigger"] == "shop_web"
        assert swarm.image("shop_web") == shop.image("v1")
        stack(*files)
        assert swarm.image("shop_web") == shop.image("v1")
    finally:
        stack("rm", "shop")
        wait_for("it is gone", lambda: not swarm.service("shop_web"))
