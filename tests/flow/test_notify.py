"""Redeploys whose ends are told: two deployers, of which one has the engine
and the other the way out, and a sink in place of the chat."""
import base64
import collections
import hashlib
import hmac
import json

import pytest

from peer.sink import Sink
from rig import images
from rig.stack import BUILD_FAIL, free_port, wait_for

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def sink():
    made = Sink()
    yield made
    made.close()


class Two:
    """Both deployers read the same file: each knows by the environment which
    it is. They meet over tcp, with keys."""

    def __init__(self, stacks, engine, notify, triggers, **kwargs):
        self.stack = stacks(
            triggers, {"local": engine.sock}, notify=notify,
            **{"build": BUILD_FAIL, **kwargs})
        own = self.stack.settings["deployer"]
        keys = self.stack.path("keys")
        assert self.stack.run("ingress", "keys", keys).returncode == 0
        link = "tcp://127.0.0.1:"
        self.ports = {"local": str(free_port()), "http": str(free_port())}
        own.update(link=link + "${PORT}", lanes=["${LANE}"], keys=keys,
                   state=own["state"] + "-${LANE}",
                   notices=[link + self.ports["http"]],
                   schedule=["0", "100ms", "300ms", "1s", "1s", "1s"])
        self.stack.settings["matcher"].update(
            keys=keys, deployer=[link + p for p in self.ports.values()])
        self.stack.environment.update(LANE="local", PORT=self.ports["local"])
        self.stack.write()
        self.stack.start("logger", "matcher", "ingress")

    def engine(self, **kwargs):
        self.stack.start("deployer-local", **kwargs)

    def http(self, **kwargs):
        self.stack.start("deployer-http", **kwargs, env={
            "LANE": "http", "PORT": self.ports["http"]})


def wait_notices(stack, events, trigger):
    """The one final row of each event's notice."""
    return [stack.wait_final(e, trigger) for e in events]


def test_each_outcome_is_told(engine, registry, stacks, sink):
    """deployed and failed, to a webhook that verifies, a chat and Matrix."""
    engine.remove_all("told")
    images.put(engine, registry, "shop/told", "v1")
    engine.run("told", f"{registry.host}/shop/told:v1")
    two = Two(stacks, engine, [
        {"name": "hook", "url": sink.url("/hook/s3cret"), "secret": SECRET},
        {"name": "chat", "url": sink.url("/chat"), "format": "slack",
         "on": ["failed"], "triggers": ["n*"],
         "template": "*{{trigger}}* {{status}} at {{tag}}"},
        {"name": "room", "url": sink.url("/send/m.room.message"),
         "format": "matrix", "on": "deployed",
         "headers": ["Authorization: Bearer s3cret"]},
    ], [{"name": "told", "repository": "shop/told",
         "deploy": {"container": "told"}},
        {"name": "nobody", "repository": "shop/told",
         "deploy": {"container": "pw-nobody"}}],
        sources=[{"name": "push", "type": "generic",
                  "auth": {"bearer": "rig-token-0123456789abcdef"},
                  "registry": registry.host}])
    two.engine()
    two.http()
    stack = two.stack
    digest = images.put(engine, registry, "shop/told", "v2", keep=False)
    event = stack.push("shop/told", "v2", digest)
    assert stack.wait_final(event, "told")["status"] == "deployed"
    assert stack.wait_final(event, "nobody")["status"] == "failed"
    for name in ("hook:told", "hook:nobody", "chat:nobody", "room:told"):
        row = stack.wait_final(event, "notify:" + name)
        assert row["status"] == "200" and row["attempt"] == 1, row
        assert row["url"] == f"http://127.0.0.1:{sink.port}/***"
        assert "s3cret" not in json.dumps(row)
    assert len(sink.requests) == 4
    engine.remove_all("told")

    hooks = [r for r in sink.requests if r["path"] == "/hook/s3cret"]
    told = {json.loads(r["body"])["data"]["trigger"]: r for r in hooks}
    body = json.loads(told["told"]["body"])
    assert body["type"] == "redeploy.deployed"
    assert body["data"]["event"] == event
    assert body["data"]["to_digest"] == digest
    assert body["text"].startswith("told deployed: shop/told:v2. ")
    assert json.loads(told["nobody"]["body"])["type"] == "redeploy.failed"
    head = told["told"]["headers"]
    text = ".".join((head["webhook-id"], head["webhook-timestamp"],
                     told["told"]["body"]))
    mac = hmac.new(base64.b64decode(SECRET[6:]), text.encode(),
                   hashlib.sha256).digest()
    assert head["webhook-signature"] == "v1," + base64.b64encode(mac).decode()

    chat, = [r for r in sink.requests if r["path"] == "/chat"]
    assert json.loads(chat["body"])["text"] == "*nobody* failed at v2"
    room, = [r for r in sink.requests if r["method"] == "PUT"]
    assert room["path"] == "/send/m.room.message/" \
        + room["headers"]["webhook-id"]
    assert room["headers"]["Authorization"] == "Bearer s3cret"
    assert json.loads(room["body"])["body"].startswith("told deployed")


def test_no_kill_loses_a_notice(engine, stacks, sink):
    """kill -9 of each deployer at each place where a notice changes hands. The
    redeploys fail, as their container is not there."""
    two = Two(stacks, engine, [{"name": "hook", "url": sink.url()}],
              [{"name": "nobody", "repository": "shop/*",
                "deploy": {"container": "pw-nobody"}}])
    stack, events = two.stack, []
    notice = "notify:hook:nobody"

    def push(n=1):
        new = []
        for _ in range(n):
            new.append(stack.push("shop/told", f"v{len(events)}"))
            events.append(new[-1])
            assert stack.wait_final(new[-1], "nobody")["status"] == "failed"
        return new

    def sent(event):
        return [r for r in sink.requests if event in r["body"]]

    # Told to nobody yet, and the one that knows is killed: twice.
    two.engine()
    first = push(3)
    stack.kill("deployer-local")
    two.engine()
    first += push()
    got = stack.run("deployer", "queue", **stack.environment)
    assert "4 notices not yet at a deployer" in got.stdout, got
    stack.kill("deployer-local")
    assert not sink.requests
    two.http()
    two.engine()
    wait_notices(stack, first, notice)
    assert [len(sent(e)) for e in first] == [1] * 4

    # On disk, not acknowledged: it comes again, and is done once.
    stack.kill("deployer-http")
    two.http(fail="deployer.job_committed:kill")
    second = push()
    stack.daemons["deployer-http"].process.wait(60)
    two.http()
    wait_notices(stack, second, notice)
    assert len(sent(second[0])) == 1

    # Answered, its row not written: sent again with the same id.
    stack.kill("deployer-http")
    two.http(fail="deployer.answered:kill")
    third = push()
    stack.daemons["deployer-http"].process.wait(60)
    two.http()
    wait_notices(stack, third, notice)
    assert len(sent(third[0])) == 2

    # Killed before the redeploy's end is written, and while a chat refuses.
    sink.statuses = [500, 500, 200]
    stack.kill("deployer-local")
    two.engine(fail="deployer.before_final:kill")
    fourth = stack.push("shop/told", "last")
    events.append(fourth)
    stack.daemons["deployer-local"].process.wait(60)
    two.engine()
    wait_for("a try that failed", lambda: sent(fourth))
    stack.kill("deployer-http")
    two.http()
    row, = wait_notices(stack, [fourth], notice)
    assert row["status"] == "200" and row["attempt"] >= 2, row

    ids = collections.Counter(r["headers"]["webhook-id"]
                              for r in sink.requests)
    assert len(ids) == len(events) == 7
    for event in events:
        assert len(stack.finals(event=event)) == 2


def test_a_chat_that_is_away_holds_no_redeploy(engine, stacks, sink):
    """One deployer for both lanes; the notice's URL never answers well."""
    sink.statuses = [500]
    stack = stacks([{"name": "nobody", "repository": "shop/*",
                     "deploy": {"container": "pw-nobody"}}],
                   {"local": engine.sock}, notify=[
                       {"name": "hook", "url": sink.url()}],
                   deployer={"schedule": ["0", "200ms"]}).start()
    for tag in ("v1", "v2"):
        event = stack.push("shop/told", tag)
        assert stack.wait_final(event, "nobody")["status"] == "failed"
        row = stack.wait_final(event, "notify:hook:nobody")
        assert row["status"] == "500" and "given up" in row["reason"]
    # The redeploy done again by hand: rows that are not final, a notice of
    # its own.
    done = stack.wait_final(event, "nobody")
    sink.statuses = [200]
    got = stack.run("deployer", "redeliver", done["id"])
    assert got.returncode == 0 and "1 job will" in got.stdout, got
    row = stack.wait_final(event, "notify:hook:nobody:2")
    assert row["status"] == "200"
    rows = stack.rows(event=event, trigger="nobody")
    assert [(r["attempt"], r["status"], r["final"]) for r in rows] == [
        (1, "failed", True), (2, "failed", False)]
    # Told again by hand, as any delivery is.
    sink.statuses = [200]
    assert stack.run("deployer", "redeliver", row["id"]).returncode == 0
    wait_for("the redelivery", lambda: len(sink.requests) == 6)
    got = stack.run("deployer", "test", "notify:hook")
    assert got.returncode == 0 and got.stdout.startswith("200 in "), got
    assert "this is a test" in sink.requests[-1]["body"]
