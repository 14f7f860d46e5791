"""A bad network between the daemons: a proxy in front of each of their links.

It knows ZMTP's frames (RFC 37, mechanism NULL) and the envelope of our
messages. A message is late by as much as `delay` allows, in either direction,
in order, as TCP keeps it (handshakes are not: who cannot finish one within
five seconds never connects). `twice` is the chance that a payload or an ACK is
passed on twice, `cut` the chance that the connection ends in the midst of one.
While it is `silent` nothing gets through, no connection either; what was under
way comes afterwards, also from those who have hung up.
"""
import asyncio
import collections
import random
import struct
import threading

GREETING = 64
LONG, COMMAND = 2, 4
ENVELOPE = b"\x95\xa2PW\x01"  # ["PW", 1, type, lease, body]
TYPES = {4: "ACK", 16: "EVENT", 17: "JOB", 18: "RECORD"}


class BadLinks:
    def __init__(self, seed):
        self.delay = (0.0, 0.0)  # seconds, from and to
        self.twice = self.cut = 0.0
        self.silent = False
        self.count = collections.Counter()
        self.random = random.Random(seed)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever,
                                       daemon=True)
        self.thread.start()

    def front(self, port):
        """The port of a proxy to this one of 127.0.0.1."""
        async def listen():
            server = await asyncio.start_server(
                lambda r, w: self.connection(port, r, w), "127.0.0.1", 0)
            return server.sockets[0].getsockname()[1]
        return asyncio.run_coroutine_threadsafe(listen(),
                                                self.loop).result()

    def be(self, delay=0.0, twice=0.0, cut=0.0):
        self.delay, self.twice, self.cut = (0.0, delay), twice, cut

    def close(self):
        async def end():
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        asyncio.run_coroutine_threadsafe(end(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    # ---- in the loop

    async def audible(self):
        while self.silent:
            await asyncio.sleep(0.05)

    async def connection(self, port, reader, writer):
        await self.audible()
        try:
            far_reader, far_writer = await asyncio.open_connection(
                "127.0.0.1", port)
        except OSError:
            writer.transport.abort()
            return
        self.count["connections"] += 1
        writers = (writer, far_writer)
        try:
            await asyncio.gather(
                self.direction(reader, far_writer, writers),
                self.direction(far_reader, writer, writers))
        finally:
            for w in writers:
                w.transport.abort()

    async def direction(self, reader, writer, writers):
        """One of the two, until it ends and what it had to say is said."""
        queue = asyncio.Queue()
        sends = asyncio.create_task(self.send(queue, writer, writers))
        try:
            await self.receive(reader, queue)
        except (asyncio.IncompleteReadError, OSError):
            pass
        queue.put_nowait((self.due(), b"", False))
        await sends

    def due(self):
        return self.loop.time() + self.random.uniform(*self.delay)

    async def receive(self, reader, queue):
        left = GREETING  # each end waits for parts of the other's
        while left:
            some = await reader.read(left)
            if not some:
                return
            left -= len(some)
            queue.put_nowait((0, some, False))
        while True:
            head = await reader.readexactly(2)
            if head[0] & LONG:
                head += await reader.readexactly(7)
                size = struct.unpack(">Q", head[1:])[0]
            else:
                size = head[1]
            body = await reader.readexactly(size)
            if head[0] & COMMAND:
                queue.put_nowait((0, head + body, False))
            else:
                self.message(queue, head + body, body)

    def message(self, queue, frame, body):
        name, cut = None, False
        if body.startswith(ENVELOPE):
            name = TYPES.get(body[len(ENVELOPE)])
        self.count[name or "other"] += 1
        if name:
            cut = self.random.random() < self.cut
            if self.random.random() < self.twice and not cut:
                self.count[name + " twice"] += 1
                frame *= 2
        queue.put_nowait((self.due(), frame, cut))

    async def send(self, queue, writer, writers):
        while True:
            due, some, cut = await queue.get()
            await asyncio.sleep(max(0, due - self.loop.time()))
            await self.audible()
            if cut:
                self.count["cut"] += 1
                some = some[:len(some) // 2]
            try:
                writer.write(some)
                await writer.drain()
            except OSError:
                return
            if cut:
                await asyncio.sleep(0.05)  # so that the half gets there
                for w in writers:
                    w.transport.abort()
            if cut or not some:
                return
