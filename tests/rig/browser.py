"""Chromium, driven over the W3C WebDriver protocol in plain HTTP.

Browser() starts chromedriver with a profile of its own; the browser makes no
request but those of the page. Both end with close().
"""
import base64
import json
import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request

from .stack import free_port, wait_for

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
         "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-extensions",
         "--disable-dev-shm-usage", "--hide-scrollbars",
         "--force-color-profile=srgb", "--lang=en"]


def missing():
    for program in ("chromium", "chromedriver"):
        if not shutil.which(program):
            return f"{program} is not installed"
    return ""


class Browser:
    def __init__(self, width=1280, height=860):
        self.profile = tempfile.mkdtemp(prefix="pw-chromium-")
        self.port = free_port()
        self.driver = subprocess.Popen(
            ["chromedriver", f"--port={self.port}", "--log-level=OFF"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, "TZ": "UTC", "LANG": "C.UTF-8"})
        self.session = None
        wait_for("chromedriver answers", self.is_up)
        options = {"args": FLAGS + [f"--user-data-dir={self.profile}",
                                    f"--window-size={width},{height}"]}
        answer = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"}}}})
        self.session = answer["sessionId"]

    def is_up(self):
        try:
            return self.ask("GET", "/status")["ready"]
        except OSError:
            return False

    def ask(self, method, path, body=None):
        if self.session and not path.startswith("/status"):
            path = f"/session/{self.session}{path}"
        data = json.dumps(body if body is not None else {}).encode() \
            if method == "POST" else None
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data,
            {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=300) as answer:
                return json.loads(answer.read())["value"]
        except urllib.error.HTTPError as answer:
            value = json.loads(answer.read())["value"]
            raise AssertionError(f"{value['error']}: {value['message']}") \
                from None

    # ---- what a person does

    def go(self, url):
        self.ask("POST", "/url", {"url": url})

    def url(self):
        return self.ask("GET", "/url")

    def find(self, css):
        """The element; waits until it is there and shown."""
        return wait_for(f"{css} is shown", lambda: self.shown(css))

    def shown(self, css):
        ids = self.ask("POST", "/elements",
                       {"using": "css selector", "value": css})
        for element in ids:
            try:
                if self.ask("GET", f"/element/{element[ELEMENT]}/displayed"):
                    return element[ELEMENT]
            except AssertionError:
                continue  # drawn anew in the meantime
        return None

    def click(self, css):
        def clicked():
            try:
                self.ask("POST", f"/element/{self.find(css)}/click")
            except AssertionError as e:
                if "stale" in str(e) or "intercepted" in str(e):
                    return False
                raise
            return True
        wait_for(f"{css} is clicked", clicked)

    def write(self, css, text):
        element = self.find(css)
        self.ask("POST", f"/element/{element}/clear")
        self.ask("POST", f"/element/{element}/value", {"text": text})

    def keys(self, text):
        self.ask("POST", "/actions", {"actions": [
            {"type": "key", "id": "keys", "actions": [
                step for c in text for step in
                ({"type": "keyDown", "value": c},
                 {"type": "keyUp", "value": c})]}]})

    # ---- what there is to see

    def run(self, script, *args):
        return self.ask("POST", "/execute/sync",
                        {"script": script, "args": list(args)})

    def text(self, css="body"):
        """What is there to read, of all that fit."""
        return self.run("return [...document.querySelectorAll(arguments[0])]"
                        ".map(e => e.innerText).join('\\n')", css)

    def count(self, css):
        return self.run("return document.querySelectorAll(arguments[0])"
                        ".length", css)

    def wait_text(self, css, part):
        return wait_for(f"{css} says {part!r}",
                        lambda: part in self.text(css))

    def log(self):
        """What the console got since the last look."""
        return self.ask("POST", "/se/log", {"type": "browser"})

    # ---- how it looks

    def command(self, name, **params):
        return self.ask("POST", "/goog/cdp/execute",
                        {"cmd": name, "params": params})

    def dark(self, on):
        self.command("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if on
             else "light"}])

    def size(self, width, height, scale=1):
        self.command("Emulation.setDeviceMetricsOverride", width=width,
                     height=height, deviceScaleFactor=scale, mobile=False)

    def picture(self, path):
        with open(path, "wb") as f:
            f.write(base64.b64decode(self.ask("GET", "/screenshot")))

    def close(self):
        try:
            if self.session:
                self.ask("DELETE", "")
        except (OSError, AssertionError):
            pass
        self.driver.terminate()
        try:
            self.driver.wait(10)
        except subprocess.TimeoutExpired:
            self.driver.kill()
            self.driver.wait()
        shutil.rmtree(self.profile, ignore_errors=True)
