"""https: the system's roots, and nothing that is nearly right."""
import os
import socket
import ssl
import threading

import pytest

GOOD = ("good", "chained")
BAD = {  # server -> the status, and a part of what the row says
    "expired": ("tls_expired", "shows a certificate that has expired"),
    "self": ("tls_self_signed", "shows a self-signed certificate"),
    "wrong": ("tls_wrong_name", "shows a certificate for another name"),
    "unknown": ("tls_untrusted", "an authority that this system does not"),
    "missing": ("tls_incomplete", "must send its intermediate"),
    "sha1": ("tls_weak", "too weak, such as SHA-1"),
    "old": ("tls_version", "speaks no TLS 1.2"),
}
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class TlsServer:
    """Port 443 of an address of its own; counts the requests it reads."""

    def __init__(self, name, address):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.set_ciphers("ALL:@SECLEVEL=0")
        self.context.minimum_version = ssl.TLSVersion.TLSv1
        if name == "old":
            self.context.maximum_version = ssl.TLSVersion.TLSv1_1
        self.context.load_cert_chain(os.path.join(
            os.environ["PULLWIRE_NET"], "pki", name + ".pem"))
        self.requests = 0
        self.listener = socket.create_server((address, 443))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            try:
                with self.context.wrap_socket(raw, server_side=True) as s:
                    if s.recv(65536):
                        self.requests += 1
                        s.sendall(ANSWER)
            except OSError:
                raw.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def servers(names):
    made = {}
    for i, name in enumerate((*GOOD, *BAD)):
        address = f"93.184.217.{i + 1}"
        names.zone[name + ".test"] = lambda a=address: [("A", a)]
        made[name] = TlsServer(name, address)
    yield made
    for server in made.values():
        server.close()


def test_seven_bad_certificates(stacks, servers):
    stack = stacks([{"name": name, "repository": "shop/web",
                     "url": f"https://{name}.test/hook"} for name in servers],
                   deployer={"schedule": ["0"]}).start()
    event = stack.push("shop/web", "v1")
    rows = {name: stack.wait_final(event, name) for name in servers}
    for name in GOOD:
        assert rows[name]["status"] == "200", rows[name]["reason"]
        assert servers[name].requests == 1
    for name, (status, says) in BAD.items():
        assert rows[name]["status"] == status, rows[name]["reason"]
        assert says in rows[name]["reason"]
        assert servers[name].requests == 0
    sentences = {rows[name]["reason"].replace(name + ".test", "")
                 for name in BAD}
    assert len(sentences) == 7
    assert len({rows[name]["status"] for name in BAD}) == 7


def test_nothing_turns_it_off(stacks, servers):
    """Not the environment of curl, not a key of the configuration."""
    stack = stacks([{"name": "t", "repository": "shop/web",
                     "url": "https://self.test/"}],
                   deployer={"schedule": ["0"]})
    stack.environment = {"CURL_INSECURE": "1", "SSL_VERIFY": "0",
                         "GIT_SSL_NO_VERIFY": "1", "CURL_HOME": stack.dir}
    with open(stack.path(".curlrc"), "w") as f:
        f.write("insecure\n")
    stack.start()
    row = stack.wait_final(stack.push("shop/web", "v1"))
    assert row["status"] == "tls_self_signed"
    for key in ("insecure", "verify", "tls_verify"):
        stack.settings["triggers"][0][key] = False
        stack.write()
        assert stack.run("deployer", "-n").returncode == 2
        del stack.settings["triggers"][0][key]


@pytest.mark.parametrize("port", [8443, 80, 444, 1025])
def test_https_on_443_only(stacks, port):
    stack = stacks([{"name": "t", "repository": "shop/web",
                     "url": f"https://host.test:{port}/"}])
    got = stack.run("deployer", "-n")
    assert got.returncode == 2
    assert f"port 443 only, not {port}" in got.stderr
    assert "http URL for other ports" in got.stderr
