#!/usr/bin/python3
"""From a push's request to its row on the page, in Chromium, by the page's own
observer: the matcher's decision, and the answer of a trigger URL."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from peer.sink import Sink  # noqa: E402
from rig.browser import Browser  # noqa: E402
from rig.stack import Stack, wait_for  # noqa: E402

PUSHES = 100
OBSERVE = """
    window.seen = {};
    new MutationObserver(() => {
        for (const li of document.querySelectorAll('ol.rows li'))
            window.seen[li.dataset.id] ??= Date.now();
    }).observe(document.body, {childList: true, subtree: true});"""


def main():
    sink = Sink()
    stack = Stack([
        {"name": "web", "repository": "shop/web", "url": sink.url("/web")},
        {"name": "idle", "repository": "shop/web", "tags": ["never"],
         "url": sink.url("/idle")}])
    browser = None
    took = {"idle/0/untriggered": [], "web/1/200": []}
    try:
        stack.start()
        browser = Browser()
        browser.go(f"http://127.0.0.1:{stack.logger_port}/")
        wait_for("the stream is open", lambda: browser.run(
            "return document.getElementById('live').dataset.state") == "live")
        browser.run(OBSERVE)
        for i in range(PUSHES):
            began = time.time() * 1000
            event = stack.push("shop/web", f"v{i}")
            for row, times in took.items():
                times.append(wait_for("the row", lambda: browser.run(
                    "return window.seen[arguments[0]]", f"{event}/{row}"), 5)
                    - began)
    finally:
        if browser:
            browser.close()
        stack.close()
        sink.close()
    for row, times in took.items():
        times.sort()
        print(f"{row.rpartition('/')[2]:12} p50 {times[PUSHES // 2]:.0f} ms, "
              f"p95 {times[PUSHES * 95 // 100]:.0f} ms, "
              f"most {times[-1]:.0f} ms")


if __name__ == "__main__":
    main()
