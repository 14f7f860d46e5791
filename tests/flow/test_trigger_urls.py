"""Trigger URLs over the real programs: signatures, headers, addresses."""
import collections
import hashlib
import json
import os
import re
import sqlite3
import subprocess
import time

import pytest

from peer.sink import Sink
from rig.docker import TOP
from rig.stack import BUILD_FAIL, http, wait_for

PEER = os.path.join(TOP, "tests", "peer")
OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def sink():
    made = Sink()
    yield made
    made.close()


@pytest.fixture(scope="session")
def libraries():
    got = subprocess.run([os.path.join(PEER, "verify.sh")],
                         capture_output=True, text=True)
    if got.returncode == 3:
        pytest.skip("the public libraries are not to be had here: "
                    + got.stderr.strip().splitlines()[-1])
    assert got.returncode == 0, got.stderr
    return os.path.join(got.stdout.strip(), "node_modules")


def verify(libraries, secret, request, **changes):
    headers = {k.lower(): v for k, v in request["headers"].items()}
    asked = {"headers": headers, "body": request["body"]}
    headers.update({k.replace("_", "-"): v for k, v in changes.items()
                    if k != "body"})
    asked["body"] = changes.get("body", asked["body"])
    got = subprocess.run(
        ["node", os.path.join(PEER, "verify.js"), secret],
        input=json.dumps(asked), capture_output=True, text=True,
        env={**os.environ, "NODE_PATH": libraries}, check=True)
    return json.loads(got.stdout)


VALID = {"standardwebhooks": "valid", "svix": "valid"}


def test_signatures_by_two_public_libraries(stacks, sink, libraries):
    """A rotation: both secrets verify, a changed byte of anything does not,
    and the retry has a signature of its own over the same id."""
    sink.statuses = [500, 200]
    stack = stacks([{"name": "tell", "repository": "shop/web",
                     "url": sink.url(), "secret": [OLD]}],
                   deployer={"schedule": ["0", "1100ms"]})
    new = stack.run("deployer", "secret").stdout.strip()
    assert new.startswith("whsec_") and len(new) == 6 + 44
    stack.settings["triggers"][0]["secret"] = [new, OLD]
    stack.write()
    stack.start()
    event = stack.push("shop/web", "v1")
    assert stack.wait_final(event)["status"] == "200"
    first, second = sink.requests
    assert first["body"] == second["body"]
    for name in ("webhook-id", "Idempotency-Key"):
        assert first["headers"][name] == second["headers"][name]
    assert first["headers"]["webhook-timestamp"] \
        < second["headers"]["webhook-timestamp"]
    for request in sink.requests:
        assert verify(libraries, new, request) == VALID
        assert verify(libraries, OLD, request) == VALID
    for change in ({"body": first["body"].replace("v1", "v2")},
                   {"webhook_id": first["headers"]["webhook-id"] + "0"},
                   {"webhook_timestamp": str(int(
                       first["headers"]["webhook-timestamp"]) - 1)},
                   {"webhook_signature":
                    second["headers"]["webhook-signature"]}):
        verdict = verify(libraries, new, first, **change)
        assert "valid" not in verdict.values(), change
    other = "whsec_" + "A" * 32
    assert "valid" not in verify(libraries, other, first).values()


def test_headers_are_sent_and_never_written(stacks, sink):
    stack = stacks([{"name": "tell", "repository": "shop/web",
                     "url": sink.url("/hook?key=s3cr3t-in-url"),
                     "secret": OLD,
                     "headers": ["Authorization: Bearer s3cr3t-header",
                                 "X-Cluster: ${CLUSTER:-west}"]}]).start()
    row = stack.wait_final(stack.push("shop/web", "v1"))
    asked = sink.requests[0]["headers"]
    assert asked["Authorization"] == "Bearer s3cr3t-header"
    assert asked["X-Cluster"] == "west"
    assert "Expect" not in asked and "Accept-Encoding" not in asked
    assert row["request"]["headers"]["Authorization"] == "***"
    assert row["request"]["headers"]["webhook-id"] == asked["webhook-id"]
    shown = json.dumps(row)
    for name in stack.daemons:
        stack.stop(name)
        shown += stack.daemons[name].log()
        with open(stack.daemons[name].out) as f:
            shown += f.read()
    for place in ("deployer", "logger", "ingress"):
        for folder, _, files in os.walk(stack.path(place)):
            for name in files:
                with open(os.path.join(folder, name), "rb") as f:
                    shown += f.read().decode("latin-1")
    assert "s3cr3t" not in shown and OLD[6:] not in shown


@pytest.mark.parametrize("trigger, fault", [
    ({"headers": ["X-A: b\r\nHost: evil"]}, "has a control"),
    ({"headers": ["Transfer-Encoding: chunked"]}, "not a trigger's to set"),
    ({"secret": "hunter2"}, "is not `whsec_`"),
])
def test_faults_at_load(stacks, trigger, fault):
    stack = stacks([{"name": "tell", "repository": "shop/web",
                     "url": "http://h/", **trigger}])
    got = stack.run("deployer", "-n")
    assert got.returncode == 2
    assert fault in got.stderr and "pullwire.yml:" in got.stderr


def test_private_addresses_need_a_word(stacks, sink):
    """Refused, retried, and delivered once allow_private has it."""
    stack = stacks([{"name": "tell", "repository": "shop/web",
                     "url": sink.url()}],
                   deployer={"schedule": ["0"] + ["2s"] * 30,
                             "allow_private": ["10.0.0.0/8:80"]}).start()
    event = stack.push("shop/web", "v1")
    rows = wait_for("a row", lambda: stack.rows(event=event))
    assert rows[0]["status"] == "blocked_address"
    entry = rows[0]["reason"].split("`")[1]
    assert entry == f"127.0.0.1/32:{sink.port}"
    assert sink.requests == []
    stack.stop("deployer")
    stack.settings["deployer"]["allow_private"] = [entry]
    stack.write()
    stack.start("deployer")
    assert stack.wait_final(event)["status"] == "200"


def test_a_proxy_of_the_operator(stacks, sink):
    """Only the configured one; it gets names, but no private address that a
    URL spells out, and of an https post nothing but the host."""
    sink.statuses = [200, 403]
    stack = stacks([
        {"name": "plain", "repository": "shop/web",
         "url": "http://hook.invalid:8080/x?k=v"},
        *({"name": f"literal-{i}", "repository": "shop/web",
           "url": f"http://{host}:8080/"} for i, host in enumerate(
               ("10.1.2.3", "0xa.1", "[::ffff:10.0.0.1]", "2130706433")))],
        deployer={"proxy": sink.url(""), "allow_private": ["10.9.9.9/32:80"],
                  "schedule": ["0"]})
    stack.environment = {n: "http://127.0.0.1:9" for n in
                         ("http_proxy", "all_proxy", "https_proxy")}
    stack.environment["no_proxy"] = "*"
    stack.start()
    event = stack.push("shop/web", "v1")
    row = stack.wait_final(event, "plain")
    assert row["status"] == "200", row
    assert row["request"]["via"] == "proxy"
    for i in range(4):
        row = stack.wait_final(event, f"literal-{i}")
        assert row["status"] == "blocked_address", row
    asked, = sink.requests
    assert asked["path"] == "http://hook.invalid:8080/x?k=v"

    stack.settings["triggers"] = [
        {"name": "tls", "repository": "shop/api", "secret": OLD,
         "url": "https://hook.invalid/x", "headers": ["X-Key: s3cret"]}]
    stack.write()
    for name in ("matcher", "deployer"):
        stack.stop(name)
    stack.start("matcher", "deployer")
    row = stack.wait_final(stack.push("shop/api", "v1"))
    assert row["status"] == "connect_error" and "403" in row["reason"], row
    connect = sink.requests[1]
    assert connect["method"] == "CONNECT"
    assert connect["path"] == "hook.invalid:443"
    assert set(connect["headers"]) <= {"Host", "User-Agent",
                                       "Proxy-Connection"}, connect
    for url in ("https://127.0.0.1:3128", "http://h/x", "socks5://h:1"):
        stack.settings["deployer"]["proxy"] = url
        stack.write()
        assert stack.run("deployer", "-n").returncode == 2


def test_no_loop(stacks):
    stack = stacks([])
    stack.settings["triggers"] = [{
        "name": "tell", "repository": "**",
        "url": f"http://127.0.0.1:{stack.ingress_port}/v1/webhooks/push"}]
    stack.write()
    stack.start()
    row = stack.wait_final(stack.push("shop/web", "v1"))
    assert row["status"] == "loop_blocked" and row["attempt"] == 1


# ---- receivers that want no more, or never answer well


def tell(sink, name="tell", **more):
    return {"name": name, "repository": "shop/web", "url": sink.url(), **more}


def change_receiver(stack, sql, *values):
    """As if time had passed; the deployer must not run."""
    db = sqlite3.connect(stack.path("deployer/queue.db"))
    with db:
        assert db.execute("UPDATE receivers SET " + sql, values).rowcount == 1
    db.close()


def generations(stack, name):
    return re.findall(r"generation (\w+)", stack.daemons[name].log())


def test_gone_disables_across_a_restart(stacks, sink):
    sink.statuses = [410, 200]
    stack = stacks([tell(sink)]).start()
    row = stack.wait_final(stack.push("shop/web", "v1"))
    assert row["status"] == "410" and "disabled" in row["reason"]
    for _ in range(2):
        row = stack.wait_final(stack.push("shop/web", f"v{time.time()}"))
        assert row["status"] == "refused" and "410 Gone" in row["reason"]
        stack.stop("deployer")
        stack.start("deployer")
    assert len(sink.requests) == 1
    # Another URL is another receiver, without a restart.
    stack.settings["triggers"][0]["url"] = sink.url("/new")
    stack.write()
    wait_for("the changed file is taken", lambda: all(
        generations(stack, n)[-1] != generations(stack, n)[0]
        for n in ("matcher", "deployer")))
    assert stack.wait_final(stack.push("shop/web", "v9"))["status"] == "200"


def test_suspended_after_days_of_failures(stacks, sink):
    """Events queue, one probe an hour, a success ends it; through restarts."""
    sink.statuses = [500]
    stack = stacks([tell(sink)],
                   deployer={"schedule": ["0"] + ["200ms"] * 9}).start()
    first = stack.push("shop/web", "v1")
    assert stack.wait_final(first)["status"] == "500"
    assert len(sink.requests) == 10

    stack.stop("deployer")
    change_receiver(stack, "failing_since = failing_since - ?",
                    121 * 3600 * 1000)
    stack.start("deployer")
    second = stack.push("shop/web", "v2")
    wait_for("the failure that suspends", lambda: len(sink.requests) == 11)
    third = stack.push("shop/web", "v3")
    wait_for("the third is told to wait",
             lambda: any(r["status"] == "waiting"
                         for r in stack.rows(event=third)))
    row = [r for r in stack.rows(event=third) if r["status"] == "waiting"][0]
    assert "suspended" in row["reason"]
    assert 3500 < time_of(row["next_attempt"]) - time.time() < 3601
    time.sleep(1)
    assert len(sink.requests) == 11

    # An hour later: one probe fails, it is no try of its job.
    for hour in (1, 2):
        stack.stop("deployer")
        change_receiver(stack, "probe_at = ?", int(time.time() * 1000))
        make_due(stack)
        stack.start("deployer")
        wait_for("a probe", lambda: len(sink.requests) == 11 + hour)
        time.sleep(0.5)
        assert len(sink.requests) == 11 + hour
    assert not stack.finals(event=second) and not stack.finals(event=third)

    # Three days later the third is given up; it is not posted.
    stack.stop("deployer")
    make_due(stack, "enqueued = enqueued - ?, due = 0 WHERE event = ?",
             72 * 3600 * 1000, third)
    stack.start("deployer")
    row = stack.wait_final(third)
    assert row["status"] == "failed" and "given up" in row["reason"], row
    assert len(sink.requests) == 13 and not stack.finals(event=second)

    sink.statuses = [200]
    stack.stop("deployer")
    change_receiver(stack, "probe_at = ?", int(time.time() * 1000))
    make_due(stack)
    stack.start("deployer")
    assert stack.wait_final(second)["status"] == "200"
    assert stack.run("deployer", "redeliver", row["id"]).returncode == 0
    wait_for("the third", lambda: len(sink.requests) == 15)
    assert stack.wait_final(stack.push("shop/web", "v4"))["status"] == "200"


def time_of(text):
    return time.mktime(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) \
        - time.timezone


def make_due(stack, sql="due = 0 WHERE state <> 3", *values):
    db = sqlite3.connect(stack.path("deployer/queue.db"))
    with db:
        db.execute("UPDATE jobs SET " + sql, values)
    db.close()


def test_killed_between_answer_and_record(stacks, sink):
    """Sent again with the same id: at most what was in flight."""
    sink.delay = 0.3
    n = 40
    stack = stacks([tell(sink, f"tell-{i}") for i in range(n)],
                   build=BUILD_FAIL)
    stack.start("logger", "matcher", "ingress")
    stack.start("deployer", fail="deployer.answered:kill")
    event = stack.push("shop/web", "v1")
    stack.daemons["deployer"].process.wait(60)
    assert stack.daemons["deployer"].process.returncode == -9
    stack.start("deployer")
    wait_for("a final row of each trigger",
             lambda: len(stack.finals(event=event)) == n)
    sent = collections.defaultdict(list)
    for request in sink.requests:
        sent[request["headers"]["webhook-id"]].append(request)
    assert len(sent) == n
    twice = [copies for copies in sent.values() if len(copies) > 1]
    assert 1 <= len(twice) <= n and max(map(len, sent.values())) == 2
    for one, other in twice:
        assert one["body"] == other["body"]
        assert one["headers"]["Idempotency-Key"] \
            == other["headers"]["Idempotency-Key"]
    assert len({r["trigger"] for r in stack.finals(event=event)}) == n
    assert {r["status"] for r in stack.rows(event=event)} == {"200"}


# ---- by hand


def test_ping(stacks, sink):
    stack = stacks([tell(sink, secret=OLD), {
        "name": "far", "repository": "**", "url": "http://127.0.0.1:80/"}])
    got = stack.run("deployer", "test", "tell")
    assert got.returncode == 0 and got.stdout.startswith("200 in "), got
    assert '"tag":"pullwire-ping"' in sink.requests[0]["body"]
    assert sink.requests[0]["headers"]["webhook-signature"].startswith("v1,")
    got = stack.run("deployer", "test", "far")
    assert got.returncode == 1 and got.stdout.startswith("blocked_address"), got
    assert stack.run("deployer", "test", "no").returncode == 2
    sink.statuses = [500]
    got = stack.run("deployer", "test", "tell")
    assert got.returncode == 1 and "answered 500" in got.stdout


def test_redelivered_by_hand(stacks, sink):
    """One row, and a range: the same id and body again, rows that are not
    final, and a schedule of its own."""
    sink.statuses = [500, 500, 200]
    stack = stacks([tell(sink)],
                   deployer={"schedule": ["0", "100ms"]}).start()
    failed = stack.wait_final(stack.push("shop/web", "v1"))
    assert failed["status"] == "500" and failed["attempt"] == 2
    assert stack.wait_final(stack.push("shop/web", "v2"))["status"] == "200"

    sink.statuses = [503, 200]
    got = stack.run("deployer", "redeliver", failed["id"])
    assert got.returncode == 0 and "1 job will" in got.stdout, got
    wait_for("both tries", lambda: len(sink.requests) == 5)
    wait_for("their rows",
             lambda: len(stack.rows(event=failed["event"])) == 4)
    rows = stack.rows(event=failed["event"])
    assert [(r["attempt"], r["status"], r["final"]) for r in rows] == [
        (1, "500", False), (2, "500", True), (3, "503", False),
        (4, "200", False)]
    assert "by hand" in rows[3]["reason"]
    assert sink.requests[0]["body"] == sink.requests[4]["body"]
    assert sink.requests[0]["headers"]["webhook-id"] \
        == sink.requests[4]["headers"]["webhook-id"]

    # While the deployer is away, and the whole range.
    stack.stop("deployer")
    for args in (["--trigger", "tell", "--since", "x"], ["nonsense"], [],
                 ["--tag", "v1"], [failed["id"], "--since", "1h"]):
        assert stack.run("deployer", "redeliver", *args).returncode == 2
    got = stack.run("deployer", "redeliver", "--trigger", "tell", "--since",
                    "1h")
    assert "2 jobs will" in got.stdout, got
    for args in (["--trigger", "tell", "--until", "1h"],
                 ["--status", "500"], ["--trigger", "tell-*"]):
        got = stack.run("deployer", "redeliver", *args)
        assert got.returncode == 1 and "nothing" in got.stdout, args
    stack.start("deployer")
    wait_for("both again", lambda: len(sink.requests) == 7)

    # By the status of the last row; patterns; the rows are on disk before.
    sink.statuses = [500, 200]
    third = stack.push("shop/web", "v3")
    wait_for("it waits for its second try", lambda: stack.rows(event=third))
    assert stack.wait_final(third)["status"] == "200"
    sink.statuses = [404, 404, 200]
    gone = stack.wait_final(stack.push("shop/web", "v4"))
    assert gone["status"] == "404"
    n = len(sink.requests)
    got = stack.run("deployer", "redeliver", "--status", "404", "--trigger",
                    "t*l", "--since", "1m")
    assert got.returncode == 0 and "1 job will" in got.stdout, got
    wait_for("the one", lambda: len(sink.requests) == n + 1)
    wait_for("its row", lambda: len(stack.rows(event=gone["event"])) == 3)
    assert len(stack.finals(event=failed["event"])) == 1


def test_redelivered_over_the_api(stacks, sink):
    """Logger to deployer: an event's jobs, and a range of jobs."""
    stack = stacks([tell(sink)], logger={"tokens": [
        {"name": "ann", "role": "operator",
         "sha256": hashlib.sha256(b"t0ken").hexdigest()}]}).start()
    event = stack.push("shop/web", "v1")

    def post(path, **args):
        return http("POST", f"http://127.0.0.1:{stack.logger_port}{path}",
                    json.dumps(args).encode(),
                    {"Authorization": "Bearer t0ken",
                     "Content-Type": "application/json"})

    for n, path, args in ((2, f"/v1/events/{event}/redeliver", {}),
                          (3, "/v1/redeliver",
                           {"trigger": "t*", "status": "200",
                            "since": "1h"})):
        # Not before its row is there, and the job's end on disk.
        answer = wait_for("it is done again", lambda: (
            lambda a: a if a.status == 200 else None)(post(path, **args)))
        assert answer.json()["text"] == "1 job is done again", answer.text
        wait_for("the post", lambda: len(sink.requests) == n)
    assert len({r["headers"]["webhook-id"] for r in sink.requests}) == 1
    answer = post("/v1/redeliver", status="503")
    assert answer.status == 404 and "no ended job" in answer.text
    assert post("/v1/redeliver", tag="v1").status == 400


def test_enabled_by_hand(stacks, sink):
    sink.statuses = [410, 200]
    stack = stacks([tell(sink)]).start()
    gone = stack.wait_final(stack.push("shop/web", "v1"))
    refused = stack.wait_final(stack.push("shop/web", "v2"))
    assert (gone["status"], refused["status"]) == ("410", "refused")
    assert stack.run("deployer", "enable", "tell").returncode == 0
    assert stack.run("deployer", "enable", "nobody").returncode == 2
    assert stack.run("deployer", "redeliver", gone["id"],
                     refused["id"]).returncode == 0
    wait_for("both", lambda: len(sink.requests) == 3)
    assert stack.wait_final(stack.push("shop/web", "v3"))["status"] == "200"
