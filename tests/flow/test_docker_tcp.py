"""An engine at a tcp address: TLS with client certificates, plain only where
it is written out, and another version of the engine behind the same address.
"""
import os
import subprocess

import pytest

from rig import docker
from rig.drive import drive, drive_program, put, ref  # noqa: F401
from rig.stack import free_port

NAME = "tcp"


def openssl(*args, **more):
    subprocess.run(["openssl", *args], check=True, stderr=subprocess.DEVNULL,
                   **more)


class Authority:
    """A CA in a folder, and certificates of its own beside it."""

    def __init__(self, folder):
        self.dir = str(folder)
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                "-subj", "/CN=ca", "-keyout", self.path("ca-key.pem"), "-out",
                self.path("ca.pem"))

    def path(self, name):
        return os.path.join(self.dir, name)

    def give(self, cert, key, names=""):
        conf = self.path("ext")
        with open(conf, "w") as f:
            f.write(f"subjectAltName={names}\n" if names else
                    "extendedKeyUsage=clientAuth\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=one",
                "-keyout", self.path(key), "-out", self.path("csr"))
        openssl("x509", "-req", "-in", self.path("csr"), "-days", "2", "-CA",
                self.path("ca.pem"), "-CAkey", self.path("ca-key.pem"),
                "-CAcreateserial", "-extfile", conf, "-out", self.path(cert))


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """An engine that also listens on two ports: with TLS, and without."""
    ca = Authority(tmp_path_factory.mktemp("tls"))
    ca.give("server.pem", "server-key.pem", "IP:127.0.0.1,DNS:engine.test")
    ca.give("cert.pem", "key.pem")
    ca.port = free_port()
    os.environ["ENGINE_ARGS"] = (
        f"--tlsverify --tlscacert {ca.path('ca.pem')} --tlscert "
        f"{ca.path('server.pem')} --tlskey {ca.path('server-key.pem')} "
        f"-H tcp://127.0.0.1:{ca.port}")
    name = os.environ.get("PULLWIRE_ENGINE", "engine") + "-tcp"
    try:
        ca.engine = docker.Engine(name)
    finally:
        del os.environ["ENGINE_ARGS"]
    yield ca
    docker.rig("engine.sh", "down", name)


def keys(ca):
    return {"ca": ca.path("ca.pem"), "cert": ca.path("cert.pem"),
            "key": ca.path("key.pem")}


def test_tls(drive, tls, tmp_path):
    d = drive(NAME)
    other = Authority(tmp_path)
    other.give("cert.pem", "key.pem")
    address = {"docker": f"tcp://127.0.0.1:{tls.port}"}
    d.keys = {**address, "tls": keys(tls)}
    assert d.check() == ""
    d.keys = address  # told by the environment, as the docker CLI has it
    assert d.check(DOCKER_CERT_PATH=tls.dir) == ""
    for wrong, says in (
            ({**keys(tls), "ca": other.path("ca.pem")}, "certificate"),
            ({**keys(other), "ca": tls.path("ca.pem")}, "alert"),
            ({**keys(tls), "cert": tls.path("none.pem")}, "none.pem")):
        d.keys = {**address, "tls": wrong}
        assert says in d.check() and address["docker"] in d.check()
    d.keys = {"docker": f"tcp://localhost:{tls.port}", "tls": keys(tls)}
    assert "localhost" in d.check()  # is not what the certificate says
    d.keys = address
    assert "insecure" in d.check()
    d.keys = {**address, "insecure": True}
    assert "HTTPS server" in d.check()


def test_deploys_over_tls(drive, tls, registry):
    d = drive(NAME)
    d.engine = tls.engine
    tls.engine.remove_all(NAME)
    d.keys = {"docker": f"tcp://127.0.0.1:{tls.port}", "tls": keys(tls)}
    put(d, "v1")
    tls.engine.run(NAME, ref(d, "v1"))
    d.push("v2", put(d, "v2", keep=False))
    assert d.deploy()["status"] == "deployed"
    assert tls.engine.inspect(NAME)["Config"]["Image"] == ref(d, "v2")
    tls.engine.remove_all(NAME)
