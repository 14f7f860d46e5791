"""TLS at ingress, with real certificates: versions, senders known by their
certificate, and certificates that change under way.
"""
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import time

import pytest

from rig.certs import Authority, fingerprint
from rig.stack import TOKEN, UNLIMITED, wait_for

TRIGGERS = [{"name": "web", "repository": "shop/web", "tags": ["never"],
             "url": "http://127.0.0.1:1025/"}]
BEARER = {"Authorization": "Bearer " + TOKEN}


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return Authority(str(tmp_path_factory.mktemp("pki")))


def dial(stack, authority, client=None, version=None, timeout=60):
    """A verified connection; client: (certificate, key) to show."""
    context = ssl.create_default_context(cafile=authority.cert)
    if version:
        context.minimum_version = context.maximum_version = version
        context.set_ciphers("ALL:@SECLEVEL=0")
    if client:
        context.load_cert_chain(*client)
    conn = http.client.HTTPSConnection("localhost", stack.ingress_port,
                                       context=context, timeout=timeout)
    conn.connect()
    return conn


def post(conn, source="push", tag="v1", headers=BEARER):
    conn.request("POST", "/v1/webhooks/" + source,
                 json.dumps({"name": "shop/web", "tag": tag}), headers)
    answer = conn.getresponse()
    answer.read()
    return answer.status


def serial(conn):
    return int(conn.sock.getpeercert()["serialNumber"], 16)


def server(pki, name="server"):
    return pki.issue(name, san="DNS:localhost,IP:127.0.0.1",
                     use="serverAuth")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_versions_and_plain_http(stacks, pki):
    cert, key = server(pki)
    stack = stacks(TRIGGERS, ingress={"tls": {"cert": cert, "key": key}})
    stack.start()
    for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
        conn = dial(stack, pki, version=version)
        assert conn.sock.version() == version.name.replace("v1_", "v1.")
        for n in range(3):  # on one connection
            assert post(conn, tag=f"v{n}") == 202
        conn.request("POST", "/v1/webhooks/push", b"x" * 600_000, BEARER)
        answer = conn.getresponse()
        assert (answer.status, answer.read() != b"") == (413, True)
        conn.close()
    for version in ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1:
        with pytest.raises((ssl.SSLError, OSError)):
            dial(stack, pki, version=version)
    with socket.create_connection(("127.0.0.1", stack.ingress_port), 60) as s:
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200" not in s.recv(100)
    assert post(dial(stack, pki), tag="after") == 202


def test_who_says_nothing_is_cut_off(stacks, pki):
    """Within the handshake's five seconds; after it a head has its own ten."""
    cert, key = server(pki)
    stack = stacks(TRIGGERS, ingress={"tls": {"cert": cert, "key": key}})
    stack.start()
    took = []
    while not took or took[-1] > 7 and len(took) < 5:  # it may be busy
        began = time.monotonic()
        late = {v: dial(stack, pki, version=v) for v in (
            ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)}
        with socket.create_connection(("127.0.0.1", stack.ingress_port),
                                      60) as s:
            assert s.recv(1) == b""
        took.append(time.monotonic() - began)
    assert 4.5 < took[-1] < 7, took
    time.sleep(max(0, began + 5.5 - time.monotonic()))
    for version, conn in late.items():
        assert post(conn) in (200, 202), version


def test_a_sender_is_known_by_its_certificate(stacks, pki):
    cert, key = server(pki)
    pinned, second = pki.issue("pinned", by=None), pki.issue("second", by=None)
    ci = pki.issue("ci", cn="ci.example.com")
    san = pki.issue("san", cn="x", san="URI:spiffe://shop/ci,DNS:a.b")
    spaced = pki.issue("spaced", cn="Shop CI 1")
    expired = pki.issue("expired", cn="ci.example.com", days="-1")
    gone = pki.issue("gone", by=None, days="-1")
    forged = pki.issue("forged", by=None, cn="ci.example.com")
    for_servers = pki.issue("web", cn="ci.example.com", use="serverAuth")
    shape = pki.issue("shape", cn=fingerprint_plain(pinned[0])[:64])
    stack = stacks(TRIGGERS, sources=[
        {"name": "push", "type": "generic", "auth": {"bearer": TOKEN}},
        {"name": "pin", "type": "generic", "auth": {"client_cert": [
            fingerprint(pinned[0]), fingerprint_plain(second[0]),
            fingerprint(gone[0])]}},
        {"name": "name", "type": "generic", "auth": {
            "client_cert": ["ci.example.com", "spiffe://shop/ci",
                            "Shop CI 1"]}},
        {"name": "both", "type": "generic", "auth": {
            "client_cert": "ci.example.com", "bearer": TOKEN}},
    ], ingress={"tls": {"cert": cert, "key": key, "client_ca": pki.cert}})
    stack.start()
    for source, client, headers, status in [
        ("pin", pinned, {}, 202), ("pin", second, {}, 202),
        ("pin", forged, {}, 401), ("pin", ci, {}, 401),
        ("pin", gone, {}, 401), ("pin", shape, {}, 401),
        ("pin", None, {}, 401), ("pin", None, BEARER, 401),
        ("name", ci, {}, 202), ("name", san, {}, 202),
        ("name", spaced, {}, 202),
        ("name", forged, {}, 401), ("name", expired, {}, 401),
        ("name", for_servers, {}, 401), ("name", pinned, {}, 401),
        ("name", None, {}, 401),
        ("both", ci, BEARER, 202), ("both", ci, {}, 401),
        ("both", None, BEARER, 401), ("both", san, BEARER, 401),
        ("push", None, BEARER, 202), ("push", ci, BEARER, 202),
        ("push", ci, {}, 401), ("nobody", ci, {}, 401),
    ]:
        conn = dial(stack, pki, client)
        got = post(conn, source, headers=headers)
        conn.close()
        assert got == status, (source, client, headers)
    def send(source, *options):
        return stack.run("ingress", "send", source, "shop/web:v9", *options)

    for source, client in ("pin", pinned), ("name", ci), ("both", ci):
        done = send(source, "--cert", client[0], "--key", client[1])
        assert done.stdout.startswith("202 "), done
    assert send("push").stdout.startswith("202 ")
    assert "give one with --cert" in send("pin").stderr
    # Another who listens there, with a certificate of the same authority.
    ours = server(pki, "ours")
    stack.settings["ingress"]["tls"].update(cert=ours[0], key=ours[1])
    stack.write()
    done = send("push")
    assert done.returncode == 1 and "pinned" in done.stderr, done
    reasons = {r["reason"] for r in stack.rows(status="rejected")}
    assert any("showed no certificate" in r for r in reasons), reasons
    assert any("certificate is none of" in r for r in reasons), reasons


def fingerprint_plain(cert):
    return "sha256:" + fingerprint(cert).replace(":", "").lower()


def test_what_cannot_work_is_refused(stacks, pki):
    cert, key = server(pki)
    other = server(pki, "other")
    empty = os.path.join(pki.folder, "empty")
    open(empty, "w").close()
    named = [{"name": "push", "type": "generic",
              "auth": {"client_cert": "ci.example.com"}}]
    for sources, tls, fault in [
        (None, {"cert": cert, "key": other[1]}, "is not the key of"),
        (None, {"cert": empty, "key": key}, "is no certificate in PEM"),
        (None, {"cert": cert, "key": cert}, "is no private key in PEM"),
        (None, {"cert": cert, "key": cert + ".none"}, "cannot be read"),
        (None, {"cert": cert}, "`key`"),
        (None, {"cert": cert, "key": key, "client_ca": empty},
         "has no certificate of an authority"),
        (named, {"cert": cert, "key": key}, "who vouches for names"),
        (named, None, "set `ingress.tls`"),
        ([{"name": "push", "type": "generic",
           "auth": {"client_cert": "Käse"}}],
         {"cert": cert, "key": key, "client_ca": cert}, "other than ASCII"),
        ([{"name": "push", "type": "generic",
           "auth": {"client_cert": "sha256:12:34"}}],
         {"cert": cert, "key": key}, "is no SHA-256 of a certificate"),
    ]:
        stack = stacks(TRIGGERS, sources=sources,
                       ingress={"tls": tls} if tls else {})
        done = stack.run("ingress", "-n")
        assert done.returncode == 2 and fault in done.stderr, done.stderr
        assert f"{stack.config}:" in done.stderr, done.stderr


def test_a_changed_certificate_is_taken_without_a_restart(stacks, pki):
    cert, key = (os.path.join(pki.folder, "live." + x) for x in ("pem", "key"))

    def install(pair):
        for source, target in zip(pair, (cert, key)):
            shutil.copy(source, target + ".new")
            os.rename(target + ".new", target)

    install(server(pki, "first"))
    stack = stacks(TRIGGERS, sources=[
        {"name": "push", "type": "generic", **UNLIMITED,
         "auth": {"bearer": TOKEN}}],
        ingress={"tls": {"cert": cert, "key": key}}).start()
    old = dial(stack, pki)
    first = serial(old)
    assert post(old) == 202
    install(server(pki, "second"))
    wait_for("the new certificate is served",
             lambda: serial(dial(stack, pki)) == first + 1)
    # A connection from before goes on.
    assert post(old, tag="v2") == 202
    ingress = stack.daemons["ingress"]
    bad = "TLS goes on with the certificate it has"
    shutil.copy(server(pki, "third")[0], cert)  # of another key
    wait_for("the mismatch is told", lambda: bad in ingress.log())
    assert "is not the key of the certificate" in ingress.log()
    assert serial(dial(stack, pki)) == first + 1
    with open(cert, "w") as f:
        f.write("junk\n")
    wait_for("the junk is told",
             lambda: "is no certificate in PEM" in ingress.log())
    # A configuration that changes meanwhile is taken with the next good one.
    stack.settings["sources"].append({"name": "more", "type": "generic",
                                      **UNLIMITED, "auth": {"bearer": TOKEN}})
    stack.write()
    wait_for("the configuration is refused",
             lambda: "nothing is changed" in ingress.log())
    install(server(pki, "between"))
    wait_for("the configuration is taken",
             lambda: post(dial(stack, pki), "more") == 202)
    wait_for("and the certificate",
             lambda: serial(dial(stack, pki)) == first + 3)
    first += 1
    install(pki.issue("late", san="DNS:localhost", days="-1"))
    wait_for("the expired one is told", lambda: "has expired" in ingress.log())
    assert serial(dial(stack, pki)) == first + 2
    install(server(pki, "fourth"))
    ingress.process.send_signal(signal.SIGHUP)
    wait_for("the last one is served",
             lambda: serial(dial(stack, pki)) == first + 4)
    assert post(old, tag="v3") == 202
    assert post(dial(stack, pki), tag="v4") == 202
