"""The engine and the registry of the tests, spoken to over their own APIs.

An independent client: plain http.client over the unix socket, so that what a
test claims about a container does not rest on the code under test. Images
need no base: busybox and a small script, imported as one layer.
"""
import base64
import http.client
import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
API = "/v1.41"

# Answers on port 8080: / its version, /env its environment, /data/ the
# volume. Each start leaves a line in the volume. Ends at once on TERM.
APP = """#!/bin/sh
mkdir -p /data /www
ln -sf /data /www/data
echo "$VERSION" >/www/index.html
env | sort >/www/env
echo "$VERSION" >>/data/starts
trap 'kill $httpd; exit 0' TERM INT
httpd -f -p 8080 -h /www &
httpd=$!
wait
"""
APPLETS = ("sh mkdir ln env sort httpd sleep test wget cat true false yes "
           "head touch grep").split()


def rig(script, *args):
    """Runs a script of the rig; its answer's value (after the '=')."""
    done = subprocess.run([os.path.join(HERE, script), *args], text=True,
                          stdout=subprocess.PIPE, check=True)
    return done.stdout.strip().partition("=")[2]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def add_files(tar, files):
    for path, text in files.items():
        info = tarfile.TarInfo(path)
        info.mode, info.size = 0o755, len(text.encode())
        tar.addfile(info, io.BytesIO(text.encode()))


class DockerError(Exception):
    pass


class Engine:
    def __init__(self, name="engine"):
        self.name, self.api = name, API
        self.host = rig("engine.sh", "up", name)
        self.sock = self.host.removeprefix("unix://")

    def restart(self):
        """As its host would do it. Containers are there again, or not, as
        their restart policies say."""
        rig("engine.sh", "restart", self.name)

    def call(self, method, path, body=None, headers=(), **query):
        """The decoded answer or None; DockerError on a status from 400."""
        end = time.monotonic() + 60
        while True:
            try:
                lines = self.stream(method, path, body, headers, **query)
                return lines[0] if lines else None
            except DockerError as e:
                # runc gives up soon where the machine is busy
                if "unable to freeze" not in str(e) or time.monotonic() > end:
                    raise

    def stream(self, method, path, body=None, headers=(), **query):
        """All objects of the answer; one that tells an error raises it."""
        conn = UnixConnection(self.sock, 600)
        url = self.api + path
        if query:
            url += "?" + urllib.parse.urlencode(query, doseq=True)
        head = dict(headers)
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            head["Content-Type"] = "application/json"
        try:
            conn.request(method, url, body, head)
        except BrokenPipeError:
            pass  # refused before all was read: the answer says why
        answer = conn.getresponse()
        raw = answer.read()
        conn.close()
        if answer.status >= 400:
            raise DockerError(f"{method} {path}: {answer.status} "
                              + raw.decode(errors="replace").strip())
        lines = [json.loads(x) for x in raw.splitlines() if x.strip()] \
            if "json" in answer.getheader("Content-Type", "") else []
        for line in lines:
            if isinstance(line, dict) and "error" in line:
                raise DockerError(f"{method} {path}: {line['error']}")
        return lines

    # ---- images

    def build(self, ref, version, changes=(), files=()):
        """An image of the app, named ref. changes: Dockerfile lines."""
        # An import takes all but this one, and is ten times as quick.
        rest = [c for c in changes if c.startswith("STOPSIGNAL")]
        tar = io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w") as t:
            t.add("/bin/busybox", "bin/busybox")
            for applet in APPLETS:
                link = tarfile.TarInfo("bin/" + applet)
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                t.addfile(link)
            add_files(t, {"app": APP, "version": version, **dict(files)})
        repo, _, tag = ref.rpartition(":")
        told = ["ENV VERSION=" + version, "ENV PATH=/bin", 'CMD ["/app"]',
                *(c for c in changes if c not in rest)]
        self.call("POST", "/images/create", tar.getvalue(),
                  {"Content-Type": "application/x-tar"}, fromSrc="-",
                  repo=repo, tag=tag, changes=told)
        if rest:
            tar = io.BytesIO()
            with tarfile.open(fileobj=tar, mode="w") as t:
                add_files(t, {"Dockerfile":
                              "\n".join(["FROM " + ref, *rest])})
            self.stream("POST", "/build", tar.getvalue(),
                        {"Content-Type": "application/x-tar"}, t=ref)

    def push(self, ref, auth=base64.b64encode(b"{}").decode()):
        """To the registry the name says; returns the digest."""
        repo, _, tag = ref.rpartition(":")
        auth = {"X-Registry-Auth": auth}
        for line in self.stream("POST", f"/images/{repo}/push", headers=auth,
                                tag=tag):
            if "aux" in line:
                return line["aux"]["Digest"]
        # With containerd's store the image's id is its digest.
        return next(d.partition("@")[2] for d in self.image(ref)["RepoDigests"]
                    if d.startswith(repo + "@"))

    def tag(self, image, ref):
        repo, _, tag = ref.rpartition(":")
        self.call("POST", f"/images/{image}/tag", repo=repo, tag=tag)

    def image(self, ref):
        try:
            return self.call("GET", f"/images/{ref}/json")
        except DockerError:
            return None

    def forget_image(self, ref):
        self.call("DELETE", f"/images/{ref}", force="true")

    # ---- containers

    def run(self, name, image, env=(), port=None, volume=None, policy="",
            labels=None):
        """Creates and starts; port is published on 127.0.0.1."""
        body = {"Image": image, "Env": list(env), "Labels": labels or {},
                "HostConfig": {"RestartPolicy": {"Name": policy}}}
        if port:
            body["HostConfig"]["PortBindings"] = {
                "8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}
            body["ExposedPorts"] = {"8080/tcp": {}}
        if volume:
            body["HostConfig"]["Binds"] = [volume + ":/data"]
        made = self.call("POST", "/containers/create", body, name=name)
        self.call("POST", f"/containers/{made['Id']}/start")
        return made["Id"]

    def inspect(self, name):
        try:
            return self.call("GET", f"/containers/{name}/json")
        except DockerError:
            return None

    def containers(self, **labels):
        """All of them, also those that do not run."""
        want = {"label": [f"{k}={v}" for k, v in labels.items()]}
        return self.call("GET", "/containers/json", all="1",
                         filters=json.dumps(want))

    def remove(self, name):
        try:
            self.call("DELETE", f"/containers/{name}", force="true", v="1")
        except DockerError:
            pass

    def remove_all(self, *names):
        """Containers whose name is one of these, or begins with NAME. or
        NAME- or NAME_, and the volumes of that name."""
        for c in self.containers():
            for n in (x.lstrip("/") for x in c["Names"]):
                if any(n == k or n.startswith((k + ".", k + "-", k + "_"))
                       for k in names):
                    self.remove(c["Id"])
        for name in names:
            try:
                self.call("DELETE", f"/volumes/{name}", force="true")
            except DockerError:
                pass

    def wait_healthy(self, name, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            state = self.inspect(name)["State"]
            if state.get("Health", {}).get("Status", "healthy") == "healthy":
                return
            time.sleep(0.05)
        raise AssertionError(f"{name} did not get healthy: {state}")


class Registry:
    def __init__(self, name="registry"):
        self.name = name
        self.host = rig("registry.sh", "up", name)

    def notify(self, url, token):
        """From now on events are posted there; earlier ones are dropped."""
        self.silence()
        self.host = rig("registry.sh", "up", "--notify", url, "--token",
                        token, self.name)

    def silence(self):
        subprocess.run([os.path.join(HERE, "registry.sh"), "down",
                        self.name], check=True)
        self.host = rig("registry.sh", "up", self.name)


def missing():
    """What this machine lacks for a real engine and registry, or ''."""
    if os.geteuid() != 0:
        return "an engine needs root"
    for program in ("dockerd", "docker-registry", "busybox"):
        if not shutil.which(program):
            return program + " is not installed: run `make deps`"
    return ""
