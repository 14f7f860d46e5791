"""Bad input: each kind its answer and its row, and the daemon lives."""
import base64
import hmac
import http.client
import json
import socket
import time
import urllib.parse

from rig.stack import TOKEN, http as request, wait_for

TRIGGERS = [{"name": "web", "repository": "shop/web", "tags": ["never"],
             "url": "http://127.0.0.1:1025/"}]
GOOD = {"name": "shop/web", "tag": "v1"}


def rejected(stack, n=1):
    rows = wait_for(f"{n} rejected rows",
                    lambda: len(stack.rows(status="rejected")) >= n
                    and stack.rows(status="rejected"))
    assert len(rows) == n, rows
    return rows


def test_each_fault_has_its_answer_and_its_row(stacks):
    stack = stacks(TRIGGERS).start()
    tag = json.dumps(GOOD).replace("v1", "%s")
    faults = [
        (stack.post(GOOD, token="wrong"), 401),
        (stack.post(json.dumps(GOOD).encode()[:-4]), 400),
        (stack.post(b'{"name":"shop/web","tag":"' + b"x" * 2 ** 21 + b'"}'),
         413),
        (stack.post((tag % "v1\\u0000evil").encode()), 400),
        (stack.post((tag % ("a" * 129)).encode()), 400),
    ]
    for answer, status in faults:
        assert answer.status == status, (answer.status, answer.text)
        assert answer.json(), "the answer is JSON"
    rows = rejected(stack, 5)
    assert all(r["reason"] and r["final"] for r in rows), rows
    assert all(r["source"] == "push" for r in rows), rows
    assert "wrong" not in json.dumps(rows), "no secret in a row"
    event = stack.push("shop/web", "v1")
    assert stack.wait_final(event)["status"] == "untriggered"


def test_more_faults(stacks):
    stack = stacks(TRIGGERS).start()
    for body, status in [
        (b"", 400), (b"[]", 400), (b"null", 400), (b'{"tag":"v1"}', 400),
        (b'{"name":"shop/web","tag":"v1"} x', 400),
        (b'{"name":"shop/web","tag":"v1","tag":"v2"}', 400),
        (b'{"name":"Shop Web","tag":"v1"}', 400),
        (b'{"name":"shop/web","tag":"-v1"}', 400),
        (b'{"name":"shop/web","tag":"v1","digest":"sha256:12"}', 400),
        (b'{"name":"shop/web","tag":"\xff"}', 400),
        (b"[" * 100_000, 400),
    ]:
        answer = stack.post(body)
        assert answer.status == status, (body[:60], answer.text)
    assert stack.post(GOOD, headers={"Content-Encoding": "gzip"}).status == 415
    assert stack.post(GOOD, source="nobody").status == 401
    assert stack.post(GOOD, token=None).status == 401
    assert stack.wait_final(stack.push("shop/web", "v1"))


def test_answers_do_not_tell_which_sources_exist(stacks):
    stack = stacks(TRIGGERS).start()
    unknown = stack.post(GOOD, source="nobody")
    wrong = stack.post(GOOD, token="wrong")
    assert (unknown.status, unknown.text) == (wrong.status, wrong.text)


def test_url_token(stacks):
    stack = stacks(TRIGGERS, sources=[
        {"name": "push", "type": "generic", "auth": {"url_token": TOKEN}}])
    stack.start()
    assert stack.post(GOOD, token=None, query="?token=wrong").status == 401
    assert stack.post(GOOD, token=None,
                      query="?token=" + TOKEN).status == 202
    assert stack.post({**GOOD, "tag": "v2"}, token=None,
                      query="?secret=" + TOKEN).status == 202
    wait_for("both rows", lambda: len(stack.finals(trigger="web")) == 2)
    for daemon in stack.daemons.values():
        assert TOKEN not in daemon.log()


def test_each_way_to_prove_who_one_is(stacks):
    key = b"k" * 24
    whsec = "whsec_" + base64.b64encode(key).decode()
    stack = stacks(TRIGGERS, sources=[
        {"name": "push", "type": "generic", "auth": {"bearer": TOKEN}},
        {"name": "basic", "type": "generic", "auth": {"basic": "u:p:w"}},
        {"name": "header", "type": "generic",
         "auth": {"header": {"name": "X-T", "secret": ["old", "new"]}}},
        {"name": "github", "type": "generic",
         "auth": {"hmac": {"preset": "github", "secret": "s"}}},
        {"name": "std", "type": "generic",
         "auth": {"standard_webhooks": whsec}},
        {"name": "open", "type": "generic", "auth": {"none": True},
         "allow": ["192.0.2.0/24", "127.0.0.1"]},
        {"name": "far", "type": "generic", "auth": {"none": True},
         "allow": ["192.0.2.0/24"]},
    ]).start()
    body = json.dumps(GOOD).encode()
    now = str(int(time.time()))
    late = str(int(time.time()) - 400)

    def sign(when):
        mac = hmac.new(key, b"m1." + when.encode() + b"." + body, "sha256")
        return {"webhook-id": "m1", "webhook-timestamp": when,
                "webhook-signature":
                "v1," + base64.b64encode(mac.digest()).decode()}

    mac = hmac.new(b"s", body, "sha256").hexdigest()
    for source, good, bad in [
        ("basic", {"Authorization": "Basic dTpwOnc="},
         {"Authorization": "Basic dTpw"}),
        ("header", {"X-T": "new"}, {"X-T": "ne"}),
        ("github", {"X-Hub-Signature-256": "sha256=" + mac},
         {"X-Hub-Signature-256": "sha256=" + mac[:-1] + "g"}),
        ("std", sign(now), sign(late)),
        ("open", {}, None), ("far", None, {}),
        # X-Forwarded-For from one that is no trusted proxy says nothing.
        ("far", None, {"X-Forwarded-For": "192.0.2.1"}),
    ]:
        if good is not None:
            answer = stack.post(body, source, token=None, headers=good)
            assert answer.status == 202, (source, answer.text)
        if bad is not None:
            answer = stack.post(body, source, token=None, headers=bad)
            assert answer.status == 401, (source, answer.text)
    # The send command proves it the same ways.
    for source in "push", "basic", "header", "github", "std", "open":
        done = stack.run("ingress", "send", source, f"shop/web:{source}")
        assert done.stdout.startswith("202 "), (source, done)
        assert done.returncode == 0
    done = stack.run("ingress", "send", "far", "shop/web:far")
    assert done.stdout.startswith("401 ") and done.returncode == 1, done
    assert "source open has `auth: {none: true}`" in (
        stack.daemons["ingress"].log())


def test_flood_of_wrong_tokens_is_aggregated(stacks):
    stack = stacks(TRIGGERS).start()
    conn = http.client.HTTPConnection("127.0.0.1", stack.ingress_port)
    begin = time.monotonic()
    for _ in range(1000):
        conn.request("POST", "/v1/webhooks/push", json.dumps(GOOD), {
            "Authorization": "Bearer wrong",
            "Content-Type": "application/json"})
        answer = conn.getresponse()
        answer.read()
        assert answer.status in (401, 429), answer.status
    conn.close()
    rows = wait_for("rejected rows", lambda: stack.rows(status="rejected"))
    minutes = 1 + (time.monotonic() - begin) // 60
    assert len(rows) <= 20 * minutes, f"{len(rows)} rows for one flood"
    assert stack.daemons["ingress"].alive()
    event = stack.push("shop/web", "v1")
    assert stack.wait_final(event)["status"] == "untriggered"


def test_what_is_not_http(stacks):
    stack = stacks(TRIGGERS).start()
    head = (b"POST /v1/webhooks/push HTTP/1.1\r\nHost: x\r\n"
            b"Authorization: Bearer " + TOKEN.encode() + b"\r\n")
    body = json.dumps(GOOD).encode()
    n = str(len(body)).encode()
    for raw in [
        b"\x00\xff\x16\x03\x01garbage\r\n\r\n",
        b"POST / HTTP/9.9\r\n\r\n",
        head + b"Content-Length: -1\r\n\r\n",
        head + b"Content-Length: " + n + b"\r\nContent-Length: 1\r\n\r\n"
        + body,
        head + b"Content-Length: " + n
        + b"\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        head + b"X: " + b"y" * 100_000 + b"\r\n\r\n",
        head + b"Content-Length: 99999\r\n\r\n{",  # and then nothing
    ]:
        answer = b""
        with socket.create_connection(("127.0.0.1", stack.ingress_port),
                                      1) as s:
            try:
                s.sendall(raw)
                answer = s.recv(4096)
            except OSError:
                pass  # closed on us, or it waits for more: both are fine
        assert b" 202 " not in answer, raw[:80]
    assert stack.daemons["ingress"].alive()
    assert stack.wait_final(stack.push("shop/web", "v1"))


def blob(action="push", url="/v2/shop/web/manifests/sha256:" + "a" * 64,
         kind="application/vnd.docker.distribution.manifest.v2+json",
         **target):
    return {"id": "x-" + action, "action": action,
            "timestamp": "2026-01-02T03:04:05.678Z",
            "target": {"mediaType": kind, "repository": "shop/web",
                       "digest": "sha256:" + "a" * 64,
                       "url": "http://r" + url, **target},
            "request": {"host": "r:5000"}}


def test_what_needs_nothing_is_answered_200_and_logged(stacks):
    stack = stacks(TRIGGERS).start()
    octets = "application/octet-stream"
    for event in [
        blob("pull", tag="v1"),
        blob("mount", "/v2/shop/web/blobs/sha256:" + "a" * 64, octets,
             fromRepository="shop/base"),
        blob("push", "/v2/shop/web/blobs/sha256:" + "a" * 64, octets),
        blob("push"),  # a child of a multi-arch image: no tag
    ]:
        answer = stack.post({"events": [event]}, "registry")
        assert answer.status == 200, answer.text
    rows = wait_for("four rows", lambda: len(stack.rows(
        status="ignored")) >= 4 and stack.rows(status="ignored"))
    assert len(rows) == 4 and all(r["reason"] for r in rows), rows


def test_many_events_in_one_body(stacks):
    stack = stacks(TRIGGERS).start()
    events = [blob(tag=f"v{i}") for i in range(3)]
    for i, event in enumerate(events):
        event["id"] = f"multi-{i}"
    answer = stack.post({"events": events + [blob("pull", tag="v1")]},
                        "registry")
    assert answer.status == 202, answer.text
    assert len(set(answer.json()["ids"])) == 3, "one id an event"
    rows = wait_for("three rows", lambda: len(stack.finals(
        trigger="web")) >= 3 and stack.finals(trigger="web"))
    assert {r["tag"] for r in rows} == {"v0", "v1", "v2"} and len(rows) == 3


def test_the_same_event_again_is_a_duplicate(stacks):
    stack = stacks(TRIGGERS).start()
    body = {"events": [blob(tag="v1")]}
    first = stack.post(body, "registry")
    stack.wait_final(first.json()["id"])
    again = stack.post(body, "registry")
    assert again.status in (200, 202), again.text
    wait_for("a duplicate row", lambda: stack.rows(status="duplicate"))
    assert len(stack.finals(trigger="web")) == 1


def test_a_triggers_own_url(stacks):
    deploy = [{"name": name, "repository": "shop/web", "tags": ["v1"],
               "engine": "gone", "deploy": {"container": name}}
              for name in ("web", "other")]
    stack = stacks(deploy, engines={"gone": "/nowhere.sock"}).start()
    made = stack.run("ingress", "url", "web")
    assert made.returncode == 0, made.stderr
    url = made.stdout.strip()
    assert url.startswith(
        f"http://127.0.0.1:{stack.ingress_port}/hook/trigger?triggerUrl=")
    text = base64.b64decode(urllib.parse.unquote(
        url.split("triggerUrl=")[1].split("&")[0]))
    assert text == b"gone|web|redeploy|web|"
    body = json.dumps({
        "push_data": {"digest": "", "pushed_at": "2016-11-29 12:25:46",
                      "tag": "v1"},
        "repository": {"date_created": "", "name": "web", "namespace": "shop",
                       "region": "", "repo_authentication_type": "PUBLIC",
                       "repo_full_name": "shop/web",
                       "repo_origin_type": "NO_CERTIFIED",
                       "repo_type": "PUBLIC"}}).encode()
    head = {"Content-Type": "application/json"}
    last = "0" if url[-1] != "0" else "1"
    assert request("POST", url[:-1] + last, body, head).status == 401
    answer = request("POST", url, body, head)
    assert answer.status == 202, answer.text
    wait_for("a row of web", lambda: stack.rows(trigger="web"))
    again = request("POST", url, body.replace(b"v1", b"v2"), head)
    rows = wait_for("untriggered", lambda: stack.rows(
        event=again.json()["id"]))
    assert rows[0]["status"] == "untriggered", "the trigger's own rules hold"
    assert not stack.rows(trigger="other"), "the others are not asked"
    assert url.split("secret=")[1] not in json.dumps(stack.rows())
    bad = stack.run("ingress", "url", "nobody")
    assert bad.returncode == 1 and "no trigger is named nobody: " \
        "`pullwire-matcher check FILE` lists them" in bad.stderr
