#!/usr/bin/python3
"""A scripted receiver of trigger URLs.

Records what it was asked and answers as told: statuses in the order given,
the last one for ever. As a library: Sink([500, 200]); as a program:
sink.py PORT [STATUS...] prints each request as a JSON line.
"""
import http.server
import json
import sys
import threading
import time


class Sink:
    def __init__(self, statuses=(200,), port=0, delay=0.0, on_request=None,
                 host="127.0.0.1"):
        self.statuses = list(statuses)
        self.delay = delay
        self.requests = []  # dicts: time, method, path, headers, body
        self.lock = threading.Lock()
        self.on_request = on_request
        self.redirect = False  # /to/HOST is answered 302 http://HOST:PORT/
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                size = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(size).decode(errors="replace")
                status = sink.note(self, body)
                away = sink.redirect and self.path.startswith("/to/")
                status = 302 if away else status
                time.sleep(sink.delay)
                text = b'{"sink":true}\n'
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                if 300 <= status < 400:
                    self.send_header(
                        "Location", f"http://{self.path[4:]}:{sink.port}/"
                        if away else "/elsewhere")
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_CONNECT = answer

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self.server = Server((host, port), Handler)
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       args=(0.05,), daemon=True)
        self.thread.start()

    def note(self, handler, body):
        with self.lock:
            asked = {"time": time.time(), "method": handler.command,
                     "path": handler.path, "headers": dict(handler.headers),
                     "body": body}
            self.requests.append(asked)
            status = self.statuses[0]
            if len(self.statuses) > 1:
                self.statuses.pop(0)
        if self.on_request:
            self.on_request(asked)
        return status

    def url(self, path="/hook"):
        return f"http://127.0.0.1:{self.port}{path}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    sink = Sink([int(s) for s in sys.argv[2:]] or [200], port,
                on_request=lambda r: print(json.dumps(r), flush=True))
    print(sink.url(), file=sys.stderr, flush=True)
    try:
        sink.thread.join()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
