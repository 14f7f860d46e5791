#!/usr/bin/python3
"""pictures.py FOLDER: the page as PNG files, light, dark and narrow, from the
story of story.py. Run by `make pictures`, with the fonts that are there."""
import hashlib
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from page.puppet import Puppet  # noqa: E402
from page.story import ENGINES, TRIGGERS, Story  # noqa: E402
from rig.browser import Browser  # noqa: E402
from rig.stack import Stack, wait_for  # noqa: E402

TOKEN = "for-the-pictures"


class Crew:
    """All processes but the logger, played; their counters go up."""

    def __init__(self, stack):
        self.began = time.time()
        self.all = [Puppet(stack, role, f"{role}@shop-{n}")
                    for role, n in (("deployer", 1), ("ingress", 1),
                                    ("matcher", 1), ("matcher", 2))]
        self.deployer = self.all[0]
        threading.Thread(target=self.work, daemon=True).start()

    def work(self):
        while self.deployer.open:
            for puppet in self.all:
                puppet.metrics = Story.metrics(
                    puppet.role, time.time() - self.began)
            time.sleep(0.3)

    def close(self):
        for puppet in self.all:
            puppet.close()


def take(browser, base, folder, event):
    def view(name, path, css, width, height):
        browser.size(width, height)
        browser.go(base + path)
        browser.find(css)
        time.sleep(1.5)  # what is drawn after the first data
        browser.picture(os.path.join(folder, name + ".png"))

    at = "/?event=" + event
    for name, dark in (("", False), ("-dark", True)):
        browser.dark(dark)
        view("log" + name, "/", "a.row", 1280, 760)
        view("event" + name, at, ".attempt", 1100, 1060)
        view("triggers" + name, "/?view=triggers", ".trigger", 1280, 900)
    browser.dark(False)
    view("queue", "/?view=queue", ".job", 1280, 480)
    view("log-narrow", "/", "a.row", 390, 760)
    view("event-narrow", at, ".attempt", 390, 1400)
    browser.size(1280, 560)
    browser.go(base + "/?view=processes")
    time.sleep(25)  # for the lines of the rates
    browser.picture(os.path.join(folder, "processes.png"))


def main(folder):
    os.makedirs(folder, exist_ok=True)
    os.environ["TZ"] = "UTC"
    stack = Stack(TRIGGERS, ENGINES, logger={"tokens": [
        {"name": "ann", "role": "operator",
         "sha256": hashlib.sha256(TOKEN.encode()).hexdigest()}]})
    browser = crew = None
    try:
        stack.start("logger")
        base = f"http://127.0.0.1:{stack.logger_port}"
        crew, browser = Crew(stack), Browser()
        browser.size(1280, 760)
        browser.go(base)
        browser.write("#token", TOKEN)
        browser.click("#sign-in-go")
        browser.find(".steps")
        browser.picture(os.path.join(folder, "first-steps.png"))
        story = Story(crew.deployer)
        event = story.tell()["event"]
        crew.deployer.queue = story.queue()
        wait_for("the rows are stored",
                 lambda: crew.deployer.acked >= story.rows)
        take(browser, base, folder, event)
    finally:
        if browser:
            browser.close()
        if crew:
            crew.close()
        stack.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
