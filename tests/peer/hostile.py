#!/usr/bin/python3
"""Receivers of every temper on one port, by path: hostile.py ADDRESS PORT.

/good answers after 50 ms, /hang never, /reset cuts the connection, /drip sends
a byte a second, /big 10 GiB, /bomb 1 GiB of zeros in gzip, /headers headers
without end, /throttle 429, /loop a redirect to itself. GET /count: requests
seen, as JSON.
"""
import asyncio
import collections
import json
import socket
import struct
import sys
import zlib

seen = collections.Counter()
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def make_bomb():
    z = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(1 << 20)
    return b"".join([z.compress(zeros) for _ in range(1024)] + [z.flush()])


BOMB = make_bomb()


async def read_request(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    size = 0
    for line in head.split("\r\n"):
        if line.lower().startswith("content-length:"):
            size = int(line.split(":")[1])
    await reader.readexactly(size)
    return head.split(" ")[1].split("?")[0]


async def good(w):
    await asyncio.sleep(0.05)
    w.write(OK)


async def hang(w):
    await asyncio.sleep(3600)


async def reset(w):
    w.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    w.transport.abort()


async def drip(w):
    w.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
    while True:
        w.write(b"x")
        await w.drain()
        await asyncio.sleep(1)


async def big(w):
    w.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n")
    chunk = bytes(65536)
    for _ in range(10737418240 // len(chunk)):
        w.write(chunk)
        await w.drain()


async def bomb(w):
    w.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
            b"Content-Length: %d\r\n\r\n" % len(BOMB))
    w.write(BOMB)


async def headers(w):
    w.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        w.write(b"".join(b"X-%d: %s\r\n" % (i, b"y" * 100)
                         for i in range(100)))
        await w.drain()


async def throttle(w):
    w.write(b"HTTP/1.1 429 Too Many\r\nRetry-After: 1\r\n"
            b"Content-Length: 0\r\nConnection: close\r\n\r\n")


async def loop(w):
    w.write(b"HTTP/1.1 308 Away\r\nLocation: /loop\r\n"
            b"Content-Length: 0\r\nConnection: close\r\n\r\n")


async def count(w):
    body = json.dumps(seen).encode()
    w.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n"
            b"Connection: close\r\n\r\n" % len(body) + body)


TEMPERS = {f.__name__: f for f in (good, hang, reset, drip, big, bomb, headers,
                                   throttle, loop, count)}


async def serve(reader, writer):
    try:
        temper = (await read_request(reader)).split("/")[1]
        seen[temper] += 1
        await TEMPERS[temper](writer)
        await writer.drain()
    except (OSError, asyncio.IncompleteReadError, KeyError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(
        serve, sys.argv[1], int(sys.argv[2]), backlog=1024)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
