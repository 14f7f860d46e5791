"""Visits to the page: where it is, who may sign in, and that it is live."""
import hashlib

from rig.stack import wait_for

TOKENS = {"operator": "the-operators", "viewer": "the-viewers"}


def tokens():
    return [{"name": role, "role": role,
             "sha256": hashlib.sha256(token.encode()).hexdigest()}
            for role, token in TOKENS.items()]


def base(stack):
    return f"http://127.0.0.1:{stack.logger_port}"


def sign_in(browser, stack, role="operator", path="/"):
    browser.go(base(stack) + path)
    browser.write("#token", TOKENS[role])
    browser.click("#sign-in-go")
    browser.wait_text("#who", role)


def wait_live(browser):
    wait_for("the stream is open", lambda: browser.run(
        "return document.getElementById('live').dataset.state") == "live")
