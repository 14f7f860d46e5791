"""The logger beyond this machine: TLS and tokens, or no start."""
import hashlib
import json
import socket
import ssl
import urllib.error
import urllib.request

import pytest

from rig.certs import Authority, fingerprint
from rig.stack import Stack

TOKEN = "the-token"
TOKENS = [{"name": "ann", "role": "operator",
           "sha256": hashlib.sha256(TOKEN.encode()).hexdigest()}]


def listens(port, path):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def test_tls(tmp_path):
    authority = Authority(str(tmp_path))
    cert, key = authority.issue("log", san="DNS:log.example.com,IP:127.0.0.1")
    stack = Stack([], logger={"tokens": TOKENS, "hosts": ["log.example.com"],
                              "tls": {"cert": cert, "key": key}})
    port = stack.logger_port
    stack.settings["logger"]["http"] = f"0.0.0.0:{port}"
    stack.write()
    stack.get_quietly = listens
    context = ssl.create_default_context(cafile=authority.cert)

    def ask(path, headers, body=None):
        request = urllib.request.Request(f"https://127.0.0.1:{port}{path}",
                                         body, headers)
        with urllib.request.urlopen(request, timeout=60,
                                    context=context) as answer:
            return answer.headers, json.loads(answer.read())

    try:
        stack.start("logger")
        _, rows = ask("/v1/records", {"Authorization": "Bearer " + TOKEN,
                                      "Host": "log.example.com"})
        assert rows["records"] == []
        headers, who = ask("/v1/session", {"X-Pullwire": "1"}, json.dumps(
            {"token": TOKEN}).encode())
        assert who["role"] == "operator"
        cookie = headers["Set-Cookie"]
        for part in ("; Secure", "; HttpOnly", "; SameSite=Strict"):
            assert part in cookie
        _, who = ask("/v1/session", {"Cookie": cookie.partition(";")[0]})
        assert who["name"] == "ann"
    finally:
        stack.close()


def test_client_certificates(tmp_path):
    """Who shows a certificate that the configuration names needs no token."""
    authority = Authority(str(tmp_path))
    cert, key = authority.issue("log", san="IP:127.0.0.1")
    shown = {
        "ann": authority.issue("ann", cn="ann.example.com"),
        "bob": authority.issue("bob"),
        "eve": authority.issue("eve"),
        "self": authority.issue("self", by=None, cn="ann.example.com"),
        "old": authority.issue("old", cn="ann.example.com", days="-1"),
    }
    stack = Stack([], logger={
        "tls": {"cert": cert, "key": key, "client_ca": authority.cert},
        "tokens": [
            {"name": "ann", "role": "operator",
             "client_cert": ["ann.example.com"]},
            {"name": "bob", "client_cert": [fingerprint(shown["bob"][0])]},
            {**TOKENS[0], "name": "cy"}]})
    port = stack.logger_port
    stack.settings["logger"]["http"] = f"0.0.0.0:{port}"
    stack.write()
    stack.get_quietly = listens

    def ask(who, path="/v1/records", body=None, **headers):
        context = ssl.create_default_context(cafile=authority.cert)
        if who:
            context.load_cert_chain(*shown[who])
        request = urllib.request.Request(f"https://127.0.0.1:{port}{path}",
                                         body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60,
                                        context=context) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as e:
            return e.code, json.loads(e.read())

    try:
        stack.start("logger")
        assert ask("ann")[0] == ask("bob")[0] == 200
        assert ask("ann", "/v1/session")[1]["role"] == "operator"
        assert ask("bob", "/v1/session")[1]["name"] == "bob"
        for nobody in None, "eve", "self", "old":
            try:
                assert ask(nobody)[0] == 401, nobody
            except (urllib.error.URLError, OSError):
                assert nobody in ("self", "old")  # the handshake's end
        assert ask(None, Authorization="Bearer " + TOKEN)[0] == 200
        # Browsers show certificates unasked, as they send cookies.
        order = "/v1/jobs/none/cancel"
        assert ask("bob", order, b"{}", **{"X-Pullwire": "1"})[0] == 403
        assert ask("ann", order, b"{}")[0] == 403
        assert ask("ann", order, b"{}", **{
            "X-Pullwire": "1", "Origin": "https://evil.example.com"})[0] == 403
        assert ask("ann", order, b"{}", **{"X-Pullwire": "1"})[0] == 503
    finally:
        stack.close()


@pytest.mark.parametrize("logger,says", [
    ({"tls": {"cert": "c", "key": "k", "client_ca": "a"}, "tokens": TOKENS},
     "lets nobody in by itself"),
    ({"tokens": [{"name": "ann"}]}, "neither `sha256` nor `client_cert`"),
    ({"tokens": [{"name": "ann", "client_cert": ["ann"]}], "plain_http": True},
     "set `logger.tls`"),
    ({"tokens": [{"name": "ann", "client_cert": ["ann"]}],
      "tls": {"cert": "c", "key": "k"}}, "`logger.tls.client_ca` must say"),
    ({}, "`logger.tokens` must say who may see"),
    ({"tokens": TOKENS}, "set `logger.tls`"),
    ({"plain_http": True}, "`logger.tokens` must say who may see"),
    ({"tokens": TOKENS, "plain_http": True}, ""),
    ({"tokens": [{**TOKENS[0], "sha256": "x"}], "plain_http": True},
     "not the SHA-256 of a token"),
    ({"tokens": TOKENS * 2, "plain_http": True}, "token `ann` is already in"),
    ({"tokens": TOKENS, "plain_http": True, "hosts": ["http://x"]},
     "`http://x` is no host's name"),
])
def test_beyond_this_machine(logger, says):
    stack = Stack([], logger=logger)
    stack.settings["logger"]["http"] = "0.0.0.0:8081"
    stack.write()
    done = stack.run("logger", "-n")
    stack.close()
    assert (done.returncode == 0) == (says == "")
    assert says in done.stderr


def test_a_made_token_works():
    stack = Stack([])
    done = stack.run("logger", "token", "ann", "operator")
    assert done.returncode == 0
    token = done.stdout.split("\n\n")[1].strip()
    line = done.stdout.split("- ")[-1]
    assert token.startswith("pw_") and len(token) > 43
    assert hashlib.sha256(token.encode()).hexdigest() in line
    assert "name: ann, role: operator" in line
    assert token not in line
    for bad in ([], ["a b"], ["ann", "root"], ["ann", "viewer", "x"]):
        assert stack.run("logger", "token", *bad).returncode == 2
    stack.close()
