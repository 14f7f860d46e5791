#!/usr/bin/python3
"""A healthy receiver of trigger URLs that keeps the ids.

sink.py FILE: prints its port, answers every POST 200, and writes a line
`PATH WEBHOOK-ID` to FILE for each one before it answers.
"""
import asyncio
import sys

ANSWER = (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
          b"Content-Type: text/plain\r\n\r\nok")


class Receiver(asyncio.Protocol):
    def __init__(self, out):
        self.out, self.buffer = out, b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer += data
        while True:
            head, mark, rest = self.buffer.partition(b"\r\n\r\n")
            if not mark:
                return
            lines = head.decode().split("\r\n")
            fields = {k.lower(): v.strip() for k, _, v in
                      (line.partition(":") for line in lines[1:])}
            length = int(fields.get("content-length", 0))
            if len(rest) < length:
                return
            self.buffer = rest[length:]
            self.out.write(f"{lines[0].split()[1]} {fields['webhook-id']}\n")
            self.transport.write(ANSWER)


async def main():
    with open(sys.argv[1], "a", buffering=1) as out:
        server = await asyncio.get_running_loop().create_server(
            lambda: Receiver(out), "127.0.0.1", 0, backlog=512)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
