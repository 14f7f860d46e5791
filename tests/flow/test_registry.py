"""A real registry's queue of notifications, while ingress dies and comes back.

The registry sends one event after the other, each until it is answered 2xx
within 500 ms; what it still has to send is in its debug page. REGISTRY_EVENTS
is how many events it is made to send.
"""
import collections
import hashlib
import http.client
import json
import os
import subprocess
import threading

from rig.stack import TOKEN, UNLIMITED, free_port, http as request, wait_for

EVENTS = int(os.environ.get("REGISTRY_EVENTS", "1000"))
KILLS = 3
DOCKER = "application/vnd.docker.distribution.manifest"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


class Registry:
    def __init__(self, folder, url):
        self.port, self.debug = free_port(), free_port()
        config = os.path.join(folder, "registry.json")
        with open(config, "w") as f:
            json.dump({
                "version": 0.1, "log": {"level": "error",
                                        "accesslog": {"disabled": True}},
                "storage": {"inmemory": {}, "delete": {"enabled": True}},
                "http": {"addr": f"127.0.0.1:{self.port}",
                         "debug": {"addr": f"127.0.0.1:{self.debug}"}},
                "notifications": {"endpoints": [{
                    "name": "pullwire", "url": url, "timeout": "500ms",
                    "threshold": 5, "backoff": "200ms",
                    "headers": {"Authorization": ["Bearer " + TOKEN]}}]},
            }, f)
        self.process = subprocess.Popen(
            ["docker-registry", "serve", config], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("the registry answers", self.answers)
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port)
        self.blobs, self.tags, self.done = {}, [], collections.Counter()

    def answers(self):
        try:
            return request("GET", f"http://127.0.0.1:{self.port}/v2/")
        except OSError:
            return None

    def metrics(self):
        page = request("GET", f"http://127.0.0.1:{self.debug}/debug/vars")
        point = page.json()["registry"]["notifications"]["endpoints"][0]
        return point["Metrics"]

    def call(self, method, path, body=None, kind=None, want=(200, 201, 202)):
        headers = {"Content-Type": kind} if kind else {}
        if method == "GET":
            headers = {"Accept": f"{DOCKER}.v2+json, {DOCKER}.list.v2+json"}
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        answer.read()
        assert answer.status in want, (method, path, answer.status)
        return answer

    # ---- each makes one event

    def blob(self, repository, text):
        data = text.encode()
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        where = self.call("POST", f"/v2/{repository}/blobs/uploads/")
        where = where.getheader("Location").partition(f":{self.port}")[2]
        self.call("PUT", f"{where}&digest={digest}", data,
                  "application/octet-stream")
        self.done["blob"] += 1
        return {"digest": digest, "size": len(data)}

    def manifest(self, repository, content, kind, tag=None):
        data = json.dumps(content).encode()
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.call("PUT", f"/v2/{repository}/manifests/{tag or digest}", data,
                  kind)
        self.done["push" if tag else "child"] += 1
        if tag:
            self.tags.append((repository, tag, digest))
        return {"mediaType": kind, "digest": digest, "size": len(data)}

    def pull(self, repository, reference):
        self.call("GET", f"/v2/{repository}/manifests/{reference}")
        self.done["pull"] += 1

    def mount(self, repository, blob, source):
        self.call("POST", f"/v2/{repository}/blobs/uploads/?mount="
                  f"{blob['digest']}&from={source}")
        self.done["mount"] += 1

    def delete(self, repository, digest):
        """Two events: the manifest's, and that of the tag it had."""
        self.call("DELETE", f"/v2/{repository}/manifests/{digest}")
        self.done["delete"] += 2

    # ---- the mix

    def image(self, repository, name, tag=None):
        parts = [{"mediaType": kind, **self.blob(repository, kind + name)}
                 for kind in (CONFIG, LAYER)]
        return self.manifest(repository, {
            "schemaVersion": 2, "mediaType": DOCKER + ".v2+json",
            "config": parts[0], "layers": parts[1:]}, DOCKER + ".v2+json",
            tag), parts

    def round(self, n):
        """Eighteen events, three of them pushes of a tag."""
        one, parts = self.image("shop/web", f"{n}", f"v{n}")
        self.pull("shop/web", f"v{n}")
        self.mount("shop/copy", parts[1], "shop/web")
        arms = [{**self.image("shop/multi", f"{n}-{a}")[0],
                 "platform": {"os": "linux", "architecture": a}}
                for a in ("amd64", "arm64")]
        self.manifest("shop/multi", {
            "schemaVersion": 2, "mediaType": DOCKER + ".list.v2+json",
            "manifests": arms}, DOCKER + ".list.v2+json", f"m{n}")
        self.pull("shop/multi", f"m{n}")
        old, _ = self.image("shop/old", f"{n}", f"o{n}")
        self.delete("shop/old", old["digest"])


def test_its_queue_gets_empty_though_ingress_dies(stacks):
    stack = stacks([{"name": "all", "repository": "shop/**",
                     "tags": ["never"], "url": "http://127.0.0.1:1025/"}],
                   sources=[{"name": "registry", "type": "distribution",
                             "auth": {"bearer": TOKEN}, **UNLIMITED}]).start()
    registry = Registry(stack.dir, f"http://127.0.0.1:{stack.ingress_port}"
                        "/v1/webhooks/registry")
    made, pending = threading.Event(), []

    def work():
        for n in range(EVENTS):
            if registry.done.total() >= EVENTS:
                break
            registry.round(n)
        made.set()

    try:
        worker = threading.Thread(target=work)
        worker.start()
        for k in range(KILLS):
            wait_for("it sends", lambda: registry.metrics()["Successes"]
                     >= EVENTS * (k + 1) // (KILLS + 2), 300)
            stack.kill("ingress")
            wait_for("it cannot send", lambda: registry.metrics()["Errors"]
                     + registry.metrics()["Failures"] > k or made.is_set())
            pending.append(registry.metrics()["Pending"])
            stack.start("ingress")
        worker.join(300)
        assert made.is_set()
        wait_for("nothing is pending", lambda: (
            registry.metrics()["Pending"] == 0
            and registry.metrics()["Successes"] >= registry.done.total()), 300)
        told = registry.metrics()
    finally:
        registry.process.kill()
        registry.process.wait()
    rows = wait_for("each push has its row", lambda: len(
        stack.finals(trigger="all")) >= len(registry.tags)
        and stack.finals(trigger="all"))
    repeats = stack.rows(status="duplicate")
    print(f"{dict(registry.done)}\n{told}\n{pending} pending when it was "
          f"killed, {len(repeats)} repeats")
    assert told["Successes"] == told["Events"] == registry.done.total()
    accepted = collections.Counter(
        (r["repository"], r["tag"], r["digest"]) for r in rows)
    assert accepted == {t: 1 for t in registry.tags}, \
        "every push is accepted exactly once"
    # Where the disk was slow it was told to send again, and did; nothing else.
    busy = told["Statuses"].get("503 Service Unavailable", 0)
    assert set(told["Statuses"]) <= {"200 OK", "202 Accepted",
                                     "503 Service Unavailable"}
    assert len(stack.rows(status="rejected")) <= busy
