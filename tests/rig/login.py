"""Registries that ask who one is: docker-registry with htpasswd, and with a
token server of our own (the Docker registry's v2 token authentication).
"""
import base64
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .stack import free_port, wait_for

USER = "ci"
# In standard base64 the JSON with it has both + and /.
PASSWORD = "s3cret~~~>>>???"
# bcrypt of it, made by `htpasswd -nbB`.
HASH = "$2b$05$2YogDmwlX5.yXuKNkmSW6OcVfgUiC1hUuxkLFZWxAa9C.AuIMtq3a"
REFRESH = "refresh-token-of-ours"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class TokenServer(ThreadingHTTPServer):
    """Gives tokens to USER, and for REFRESH; signs them by a key of its own,
    whose certificate is folder/cert.pem."""
    daemon_threads = True

    def __init__(self, folder):
        self.key = os.path.join(folder, "key.pem")
        self.cert = os.path.join(folder, "cert.pem")
        self.asked = []  # (method, scope, who)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048",
                        "-nodes", "-subj", "/CN=issuer", "-days", "2",
                        "-keyout", self.key, "-out", self.cert], check=True,
                       stderr=subprocess.DEVNULL)
        super().__init__(("127.0.0.1", 0), TokenHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def token(self, service, scope):
        der = subprocess.run(["openssl", "x509", "-in", self.cert, "-outform",
                              "der"], check=True, capture_output=True).stdout
        access = []
        if scope:
            kind, rest = scope.split(":", 1)
            name, actions = rest.rsplit(":", 1)
            access = [{"type": kind, "name": name,
                       "actions": actions.split(",")}]
        now = int(time.time())
        head = {"typ": "JWT", "alg": "RS256",
                "x5c": [base64.b64encode(der).decode()]}
        body = {"iss": "issuer", "sub": USER, "aud": service, "iat": now - 5,
                "nbf": now - 5, "exp": now + 300, "jti": str(now),
                "access": access}
        signed = b64(json.dumps(head).encode()) + "." + \
            b64(json.dumps(body).encode())
        made = subprocess.run(["openssl", "dgst", "-sha256", "-sign",
                               self.key], input=signed.encode(), check=True,
                              capture_output=True).stdout
        return signed + "." + b64(made)


class TokenHandler(BaseHTTPRequestHandler):
    def answer(self, query, known):
        scope = (query.get("scope") or [""])[0]
        self.server.asked.append((self.command, scope, known))
        told = {"details": "incorrect username or password"}
        if known:
            key = "token" if self.command == "GET" else "access_token"
            told = {key: self.server.token(query["service"][0], scope)}
        body = json.dumps(told).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
        want = "Basic " + base64.b64encode(
            f"{USER}:{PASSWORD}".encode()).decode()
        self.answer(query, self.headers.get("Authorization") == want)

    def do_POST(self):
        size = int(self.headers.get("Content-Length") or 0)
        form = urllib.parse.parse_qs(self.rfile.read(size).decode())
        self.answer(form, form.get("refresh_token") == [REFRESH] and
                    form.get("grant_type") == ["refresh_token"])

    def log_message(self, *args):
        pass


class PrivateRegistry:
    """kind: "htpasswd" or "token"."""

    def __init__(self, kind):
        self.dir = tempfile.mkdtemp(prefix="pw-login-", dir="/tmp")
        self.host = f"localhost:{free_port()}"
        self.tokens = TokenServer(self.dir) if kind == "token" else None
        auth = {"htpasswd": {"realm": "ours",
                             "path": self.path("htpasswd")}}
        if self.tokens:
            port = self.tokens.server_address[1]
            auth = {"token": {"realm": f"http://127.0.0.1:{port}/token",
                              "service": "ours", "issuer": "issuer",
                              "rootcertbundle": self.tokens.cert}}
        with open(self.path("htpasswd"), "w") as f:
            f.write(f"{USER}:{HASH}\n")
        with open(self.path("config.yml"), "w") as f:
            json.dump({"version": "0.1", "log": {"level": "warn"}, "auth": auth,
                       "storage": {"filesystem": {"rootdirectory":
                                                  self.path("data")},
                                   "delete": {"enabled": True}},
                       "http": {"addr": "127.0.0.1:" +
                                self.host.rpartition(":")[2]}}, f)
        self.start()

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self):
        with open(self.path("log"), "ab") as log:
            self.process = subprocess.Popen(
                ["docker-registry", "serve", self.path("config.yml")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for("the private registry answers", self.answers)

    def answers(self):
        try:
            urllib.request.urlopen(f"http://{self.host}/v2/", timeout=60)
        except urllib.error.HTTPError as e:
            return e.code == 401
        except OSError:
            return False

    def stop(self):
        self.process.kill()
        self.process.wait()

    def config(self, name, text):
        """A config.json of that text; its path."""
        os.makedirs(self.path(name), exist_ok=True)
        path = os.path.join(self.path(name), "config.json")
        with open(path, "w") as f:
            f.write(text if isinstance(text, str) else json.dumps(text))
        return path

    def pair(self, password=PASSWORD):
        """auths with this login."""
        text = base64.b64encode(f"{USER}:{password}".encode()).decode()
        return {"auths": {self.host: {"auth": text}}}

    def push(self, engine, ref):
        """As Engine.push(), with the login."""
        auth = base64.urlsafe_b64encode(json.dumps({
            "username": USER, "password": PASSWORD,
            "serveraddress": self.host}).encode()).decode()
        return engine.push(ref, auth)

    def close(self):
        self.stop()
        if self.tokens:
            self.tokens.shutdown()
            self.tokens.server_close()
        shutil.rmtree(self.dir)
