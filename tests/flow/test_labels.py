"""Containers that say by labels what redeploys them: on a real engine."""
import pytest

from rig import images
from rig.stack import wait_for

NAMES = ("lweb", "lapi", "lbad", "lold", "lhook", "lstop", "shop_worker")


@pytest.fixture
def shop(engine, registry, stacks):
    """Four daemons without a trigger, told by a real registry."""
    engine.remove_all(*NAMES)
    images.put(engine, registry, "shop/lweb", "v1")

    def start(triggers=(), **engine_keys):
        stack = stacks(list(triggers), {"local": engine.sock}, [
            {"name": "registry", "type": "distribution",
             "auth": {"none": True}, "registry": registry.host}])
        stack.settings["engines"][0].update(engine_keys)
        stack.write()
        stack.start()
        registry.notify(f"http://127.0.0.1:{stack.ingress_port}"
                        "/v1/webhooks/registry", "")
        return stack

    start.engine, start.registry = engine, registry
    start.image = f"{registry.host}/shop/lweb"
    yield start
    registry.silence()
    engine.remove_all(*NAMES)


def run(shop, name, tag="v1", **labels):
    keys = {k.replace("__", "."): v for k, v in labels.items()}
    return shop.engine.run(name, f"{shop.image}:{tag}", labels=keys)


def logs(stack, name, text):
    wait_for(f"{name} logs: {text}",
             lambda: text in stack.daemons[name].log())


def count(stack, n):
    """The matcher has heard last of so many."""
    def heard():
        lines = [line for line in stack.daemons["matcher"].log().splitlines()
                 if "triggers are labels of containers" in line]
        return lines and f"local: {n} triggers" in lines[-1]
    wait_for(f"the matcher knows {n} triggers of containers", heard)


def put(shop, tag):
    return images.put(shop.engine, shop.registry, "shop/lweb", tag)


def final(stack, tag, **filters):
    # Looking at the registry is told as well, and ignored.
    rows = wait_for(f"a final row of {tag}", lambda: [
        r for r in stack.finals(tag=tag, **filters)
        if r["status"] != "ignored"])
    assert len(rows) == 1, rows
    return rows[0]


def test_a_labelled_container_and_nothing_else(shop):
    """Its push redeploys it, its successor keeps the labels and is redeployed
    by the next push; without the container there is no trigger."""
    stack = shop()
    first = run(shop, "lweb", pullwire__enable="true",
                pullwire__expression=r"v\d+", keep="me")
    count(stack, 1)
    put(shop, "v2")
    row = final(stack, "v2")
    assert row["status"] == "deployed" and row["trigger"] == "lweb", row
    assert row["target"] == "container lweb"
    second = shop.engine.inspect("lweb")
    assert second["Id"] != first
    assert second["Config"]["Image"] == shop.image + ":v2"
    labels = second["Config"]["Labels"]
    assert labels["pullwire.enable"] == "true" and labels["keep"] == "me"
    assert labels["pullwire.expression"] == r"v\d+"

    put(shop, "other")
    row = final(stack, "other")
    assert row["status"] == "untriggered", row
    assert row["reason"] == r"tag `other` does not match `v\d+`"
    put(shop, "v3")
    assert final(stack, "v3")["status"] == "deployed"
    assert shop.engine.inspect("lweb")["Id"] != second["Id"]

    shop.engine.remove("lweb")
    count(stack, 0)
    put(shop, "v4")
    assert final(stack, "v4")["status"] == "no_trigger"


def test_options_as_labels_and_faults(shop):
    stack = shop([{"name": "lapi", "repository": "shop/other",
                   "deploy": {"container": "lapi"}}])
    run(shop, "lapi", pullwire__enable="true")
    run(shop, "lbad", pullwire__enable="true", pullwire__expresion="v.*")
    run(shop, "lold", pullwire__enable="maybe")
    run(shop, "lweb", pullwire__enable="true", pullwire__tags="v8, v9",
        pullwire__dry_run="yes", pullwire__trigger="named")
    run(shop, "shop_worker", com__docker__compose__project="shop",
        com__docker__compose__service="worker", pullwire__enable="true",
        **{"pullwire__min-age": "1h", "pullwire__window": "never"})
    logs(stack, "deployer", "container lbad: there is no label "
         "pullwire.expresion; did you mean pullwire.expression?")
    logs(stack, "deployer", "container lold: label pullwire.enable is "
         "`maybe`")
    logs(stack, "deployer", "container lapi: its labels are not looked at: "
         f"trigger `lapi` is in {stack.config}:")
    logs(stack, "deployer", "container shop_worker: window: `never` is no "
         "window")
    count(stack, 1)
    put(shop, "v8")
    row = final(stack, "v8")
    assert row["status"] == "dry_run" and row["trigger"] == "named", row
    for name in ("lbad", "lold", "shop_worker"):
        shop.engine.remove(name)
    run(shop, "lbad", pullwire__enable="true", pullwire__expression="v(")
    logs(stack, "matcher", "container lbad: expression: missing closing "
         "parenthesis")
    shop.engine.remove_all(*NAMES)
    count(stack, 0)


def test_known_while_away(shop):
    """What was known counts while the deployer is away, and at its start,
    also when its engine does not answer; a matcher that has not heard of an
    engine's labels yet says `no_trigger` of nothing."""
    stack = shop()
    stack.stop("deployer")
    stack.kill("matcher")
    run(shop, "lweb", pullwire__enable="true", pullwire__dry_run="true")
    stack.start("matcher")
    put(shop, "v5")
    logs(stack, "ingress", "no deployer has told yet which labels the "
         "containers of engine `local` have")
    health = stack.run("matcher", "health", PULLWIRE_INSTANCE="matcher")
    assert health.returncode == 1 and "no deployer has told yet" in \
        health.stdout + health.stderr, health
    assert not [r for r in stack.finals(tag="v5")
                if r["status"] != "ignored"]
    stack.start("deployer")
    assert final(stack, "v5")["status"] == "dry_run"
    stack.stop("deployer")
    put(shop, "v6")
    stack.settings["engines"][0]["docker"] = "unix:///nowhere/docker.sock"
    stack.write()
    stack.start("deployer")
    wait_for("it waits for its engine", lambda: stack.rows(
        tag="v6", trigger="lweb", status="waiting"))


def test_watchtower_labels(shop):
    tower = "com__centurylinklabs__watchtower__"
    stack = shop(watchtower_labels=True)
    run(shop, "lweb", **{tower + "enable": "true",
                         tower + "monitor-only": "true"})
    run(shop, "lapi", **{tower + "enable": "true",
                         tower + "cooldown-delay": "24h"})
    run(shop, "lold", **{tower + "enable": "true",
                         "pullwire__enable": "false"})
    run(shop, "lhook", **{
        tower + "enable": "true",
        tower + "lifecycle__pre-update": "echo $VERSION, $((1+1)); exit 3"})
    run(shop, "lstop", **{tower + "enable": "true",
                          tower + "stop-signal": "SIGINT",
                          tower + "lifecycle__pre-check":
                          "test $VERSION = v7",
                          tower + "lifecycle__post-check":
                          "test $VERSION = v1"})
    run(shop, "lbad", **{tower + "monitor-only": "true"})
    count(stack, 4)
    put(shop, "v7")
    assert final(stack, "v7", trigger="lweb")["status"] == "dry_run"
    row = wait_for("it cools down", lambda: stack.rows(
        tag="v7", trigger="lapi", status="waiting"))[0]
    assert "must be 86400 s old" in row["reason"], row
    row = final(stack, "v7", trigger="lhook")
    assert row["status"] == "failed" and "v1, 2" in row["reason"], row
    row = final(stack, "v7", trigger="lstop")
    assert row["status"] == "deployed", row
    for which in ("pre", "post"):
        assert f"the {which} check of lstop: ended with code 1" \
            in row["reason"], row
    assert shop.engine.inspect("lstop")["Config"]["Labels"][
        "pullwire.signal"] == "SIGINT"


def test_platforms(shop):
    """What a push does not tell is looked at before anything is changed."""
    arch = shop.engine.call("GET", "/version")["Arch"]
    stack = shop()
    old = run(shop, "lapi", pullwire__enable="true",
              pullwire__platforms="linux/riscv64, linux/s390x")
    run(shop, "lweb", pullwire__enable="true",
        pullwire__platforms=f"linux/riscv64,linux/{arch}")
    count(stack, 2)
    put(shop, "p1")
    assert final(stack, "p1", trigger="lweb")["status"] == "deployed"
    row = final(stack, "p1", trigger="lapi")
    assert row["status"] == "refused", row
    assert f"the image is for linux/{arch}, not for one of" in row["reason"]
    assert shop.engine.inspect("lapi")["Id"] == old
