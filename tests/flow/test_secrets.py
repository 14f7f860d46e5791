"""Secrets of every kind are planted, right and wrong ones, and looked for in
all that the processes leave: state, logs, rows, pages, metrics, core dumps.
"""
import base64
import hmac
import json
import os
import resource
import secrets
import signal
import time

from peer.sink import Sink
from rig.stack import UNLIMITED, http, wait_for

DIGEST = "sha256:" + "a" * 64


class Garden:
    """Secrets by name: whoever asks for one has planted it."""

    def __init__(self):
        self.planted = {}

    def __call__(self, name):
        assert name not in self.planted, name
        self.planted[name] = "S" + secrets.token_hex(20)
        return self.planted[name]

    def forms(self, name):
        """As it is, and as it may be encoded."""
        text = self.planted[name].encode()
        yield text
        for lead in range(3):  # whatever stands before it in base64
            whole = base64.b64encode(b" " * lead + text)
            yield whole[4 if lead else 0:-4].rstrip(b"=")
        yield text.hex().encode()


def sign(key, body, algorithm="sha256"):
    return hmac.new(key.encode(), body, algorithm).hexdigest()


def standard(key, body):
    when = str(int(time.time()))
    mac = hmac.new(base64.b64decode(key), f"m1.{when}.".encode() + body,
                   "sha256").digest()
    return {"webhook-id": "m1", "webhook-timestamp": when,
            "webhook-signature": "v1," + base64.b64encode(mac).decode()}


def generic(tag, **more):
    return json.dumps({"name": "shop/web", "tag": tag, **more}).encode()


def basic(pair):
    return {"Authorization": "Basic " +
            base64.b64encode(pair.encode()).decode()}


def requests(plant, std, url):
    """(source, query, headers, body, status) of each request."""
    p = plant.planted
    body = generic("ok")
    # Right ones.
    yield "bearer", "", {"Authorization": "Bearer " + p["bearer"]}, body, 202
    yield "bearer", "", {"Authorization": "Bearer " + p["bearer-2"],
                         "Cookie": "session=" + plant("cookie"),
                         "Proxy-Authorization": "Basic " + plant("proxy"),
                         "X-Api-Key": plant("other-header")}, body, 202
    yield "basic", "", basic("user:" + p["basic"]), body, 202
    yield "header", "", {"X-Token": p["header"]}, body, 202
    yield "hmac", "", {"X-Hub-Signature-256":
                       "sha256=" + sign(p["hmac"], body)}, body, 202
    yield "nexus", "", {"X-Nexus-Webhook-Signature":
                        sign(p["hmac-sha1"], body, "sha1")}, body, 202
    yield "std", "", standard(std, body), body, 202
    yield "url", "?token=" + p["url-token"], {}, body, 202
    yield ("url", "?secret=" + p["url-secret"] + "&apikey=" + plant("query"),
           {}, body, 202)
    # Wrong ones.
    yield ("bearer", "", {"Authorization": "Bearer " + plant("wrong-bearer")},
           body, 401)
    yield "basic", "", basic("user:" + plant("wrong-basic")), body, 401
    yield "header", "", {"X-Token": plant("wrong-header")}, body, 401
    yield "std", "", {**standard(std, body), "webhook-signature": "v1," +
                      plant("wrong-std")}, body, 401
    yield "url", "?token=" + plant("wrong-token"), {}, body, 401
    yield "nobody", "?secret=" + plant("unknown-source"), {}, body, 401
    yield ("hmac", "", {"X-Hub-Signature-256": "sha256=" + plant(
        "wrong-hmac")}, body, 401)
    # Within bodies.
    good = {"Authorization": "Bearer " + p["bearer"]}
    yield ("bearer", "", good, generic(
        "b1", password=plant("body-field"), secret=plant("body-secret"),
        callback_url="https://x/?t=" + plant("callback")), 202)
    yield ("bearer", "", good, generic("b2", token=plant("cut-off"))[:-1],
           400)
    yield ("bearer", "", good, b'{"name":"shop/web","tag":"b3",'
           b'"x":"%s","x":1}' % plant("twice").encode(), 400)
    yield ("bearer", "", good, generic("b 4", x=plant("refused")), 400)
    yield "bearer", "", {**good, "Content-Encoding": "gzip"}, \
        plant("coded").encode(), 415
    yield ("bearer", "", {**good, "Referer":
                          f"http://user:{plant('userinfo')}@x/"}, body, 202)
    yield "registry", "", good, json.dumps({"events": [{
        "id": "d1", "action": "push", "timestamp": "2026-01-02T03:04:05Z",
        "target": {"mediaType":
                   "application/vnd.docker.distribution.manifest.v2+json",
                   "repository": "shop/web", "tag": "d1", "digest": DIGEST,
                   "url": f"http://u:{plant('target-url')}@r.example.com"
                   "/v2/shop/web/manifests/d1"},
        "request": {"host": "r.example.com", "useragent": plant("agent")},
        "actor": {"name": plant("actor")}}]}).encode(), 202
    yield "azure", "?token=" + p["url-token"], {}, json.dumps([{
        "id": "v", "topic": "", "subject": "", "eventTime":
        "2026-01-02T03:04:05Z", "eventType":
        "Microsoft.EventGrid.SubscriptionValidationEvent",
        "metadataVersion": "1", "dataVersion": "2",
        "data": {"validationCode": plant("validation"),
                 "validationUrl": "https://x.eventgrid.azure.net/?"
                 + plant("validation-url")}}]).encode(), 200
    # The triggers' own URLs.
    yield None, url, {}, json.dumps({
        "push_data": {"digest": DIGEST, "pushed_at": "2016-11-29 12:25:46",
                      "tag": "h1"},
        "repository": {"name": "web", "namespace": "shop", "region": "r",
                       "repo_full_name": "shop/web"}}).encode(), 202
    yield (None, url.partition("&secret=")[0] + "&secret="
           + plant("wrong-trigger"), {}, body, 401)
    yield None, "?triggerUrl=" + plant("junk-trigger"), {}, body, 401


def files(folder):
    for root, _, names in os.walk(folder):
        for name in names:
            if os.path.isfile(os.path.join(root, name)):
                yield os.path.join(root, name)


def leaks(plant, data):
    return [name for name in plant.planted
            if any(form in data for form in plant.forms(name))]


def test_what_is_secret_is_nowhere(stacks):
    plant, sink = Garden(), Sink()
    std = base64.b64encode(secrets.token_bytes(30)).decode()
    plant.planted["std"] = std

    def source(name, kind="generic", **auth):
        return {"name": name, "type": kind, "auth": auth, **UNLIMITED}

    bearer = [plant("bearer"), plant("bearer-2")]
    tokens = [plant("url-token"), plant("url-secret")]
    stack = stacks(
        [{"name": "post", "repository": "shop/web", "tags": ["ok"],
          "url": sink.url("/hook?secret=" + plant("sent-in-url")),
          "headers": ["Authorization: Bearer " + plant("sent-in-header")]},
         {"name": "own", "repository": "shop/web", "tags": ["h1"],
          "engine": "none", "deploy": {"container": "x"}}],
        {"none": "/nowhere.sock"}, [
            source("bearer", bearer=bearer),
            source("registry", "distribution", bearer=bearer[0]),
            source("basic", basic="user:" + plant("basic")),
            source("header", header={"name": "X-Token",
                                     "secret": plant("header")}),
            source("hmac", hmac={"preset": "github",
                                 "secret": plant("hmac")}),
            source("nexus", hmac={"preset": "nexus",
                                  "secret": plant("hmac-sha1")}),
            source("std", standard_webhooks="whsec_" + std),
            source("url", url_token=tokens),
            source("azure", "azure", url_token=tokens),
        ], ingress={"trigger_key": plant("trigger-key")})
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    stack.start()
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
    made = stack.run("ingress", "url", "own").stdout.strip()
    url = made[made.index("?"):]
    plant.planted["trigger-code"] = url.rpartition("=")[2]
    base = f"http://127.0.0.1:{stack.ingress_port}"
    for source_name, query, headers, body, status in requests(plant, std, url):
        path = f"/v1/webhooks/{source_name}" if source_name \
            else "/hook/trigger"
        answer = http("POST", base + path + query, body,
                      {"Content-Type": "application/json", **headers})
        assert answer.status == status, (source_name, answer.text)
        said = leaks(plant, answer.text.encode())
        assert said == (["validation"] if source_name == "azure" else []), said
    assert len(plant.planted) >= 32, len(plant.planted)
    wait_for("the sink has them", lambda: sink.requests)
    wait_for("their rows", lambda: stack.rows(trigger="post", status="200"))
    wait_for("refusals", lambda: len(stack.rows(status="rejected")) >= 10)

    told = {path: stack.get(path).text.encode() for path in (
        "/", "/v1/records?limit=500", "/metrics", "/healthz", "/readyz")}
    told["ingress"] = http("GET", base + "/readyz").text.encode()
    for name, daemon in stack.daemons.items():
        # Nothing can look into it or have it dumped; it is tried as well.
        with open(f"/proc/{daemon.process.pid}/limits") as f:
            assert "Max core file size        0                    0 " \
                in f.read()
        with open(f"/proc/{daemon.process.pid}/maps") as f:
            sanitized = "libasan" in f.read()
        with open(f"/proc/{daemon.process.pid}/status") as f:
            assert sanitized or "Seccomp:\t2\n" in f.read(), \
                "its calls are filtered"
        daemon.process.send_signal(signal.SIGABRT)
        assert daemon.process.wait(60) == -signal.SIGABRT, name
    for path in files(stack.dir):
        assert not os.path.basename(path).startswith("core"), path
        if path != stack.config:
            with open(path, "rb") as f:
                told[path] = f.read()
    seen = {os.path.basename(p).partition(".")[0] for p, data in told.items()
            if b"shop/web" in data}
    assert {"spool", "queue", "log"} <= seen, "what is no secret is found"
    found = {(name, where) for where, data in told.items()
             for name in leaks(plant, data)}
    assert not found, found
    sink.close()
    print(f"{len(plant.planted)} secrets, {len(told)} places")
