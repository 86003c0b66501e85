# SPDX-License-Identifier: GPL-2.0-only
"""Thousands of clients' sockets at once, and a server that answers each with its own words."""

import contextlib
import os
import resource
import select
import signal
import socket
import time

import lab
import traffic

BATCH = 100  # a longer burst overruns the ring of a veth with XDP
NUMBER = 4


def answer_to(question):
    return b"you said " + question


class Server:
    """A process that answers datagrams and connections at a port until it is closed."""

    def __init__(self, ns, family, port):
        udp, listener = traffic.udp(ns, family, port), traffic.listen(ns, family, port)
        listener.listen(4096)
        self._pid = os.fork()
        if self._pid:
            udp.close()
            listener.close()
            return
        try:
            allow_many_files()
            _serve(udp, listener)
        finally:
            os._exit(1)

    def close(self):
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


def _serve(udp, listener):
    ready, connections = select.epoll(), {}
    for sock in (udp, listener):
        sock.setblocking(False)
        ready.register(sock, select.EPOLLIN)
    while True:
        for fd, _ in ready.poll():
            if fd == udp.fileno():
                question, sender = udp.recvfrom(100)
                udp.sendto(answer_to(question), sender)
            elif fd == listener.fileno():
                accepted, _ = listener.accept()
                connections[accepted.fileno()] = accepted
                ready.register(accepted, select.EPOLLIN)
            else:
                _answer(connections, fd)


def _answer(connections, fd):
    try:
        question = connections[fd].recv(100)
        if question:
            connections[fd].send(answer_to(question))
            return
    except ConnectionError:
        pass
    connections.pop(fd).close()


def allow_many_files():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextlib.contextmanager
def many_files():
    """As many sockets as there may be; the limit of before comes back."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    allow_many_files()
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


class Crowd:
    """Sockets of a client that ask the same endpoint, each with words of its own."""

    def __init__(self, ns, family, asked, kind):
        self._ns, self._family, self.asked, self._kind = ns, family, asked, kind
        self._count = 0
        self.socks = []

    def grow(self, count):
        """More sockets, whose requests are sent."""
        for _ in range(count):
            sock = self._ns.socket(self._family.af, self._kind)
            sock.setblocking(False)
            if self._kind == socket.SOCK_STREAM:  # leaves nothing behind
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.connect_ex(self.asked)
            self.socks.append(sock)

    def connected(self, wait=4 * lab.PATIENCE):
        """Those whose connection is open, once all are or the time is over."""
        deadline = time.monotonic() + wait
        while True:
            opened = [sock for sock in self.socks if _is_open(sock)]
            if len(opened) == len(self.socks) or time.monotonic() > deadline:
                return opened
            time.sleep(0.05)

    def ask(self, socks=None):
        """Each is answered with its own words; what gets lost in a burst is asked again, as UDP clients do."""
        socks = self.socks if socks is None else socks
        for first in range(0, len(socks), BATCH):
            self._ask_batch(socks[first : first + BATCH])

    def _ask_batch(self, socks):
        ready, waiting = select.epoll(), {}
        deadline = time.monotonic() + 4 * lab.PATIENCE
        for sock in socks:
            self._count += 1
            question = self._count.to_bytes(NUMBER, "big") + sock.getsockname()[1].to_bytes(2, "big")
            waiting[sock.fileno()] = sock, question
            ready.register(sock, select.EPOLLIN)
            sock.send(question)
        while waiting:
            events = ready.poll(1.0)
            for fd, _ in events:
                sock, question = waiting.pop(fd, (None, None))
                if sock:
                    ready.unregister(fd)
                    assert sock.recv(100) == answer_to(question), "somebody else's answer"
            assert time.monotonic() < deadline, f"{len(waiting)} of {len(socks)} were not answered"
            if not events and self._kind == socket.SOCK_DGRAM:
                for sock, question in waiting.values():
                    sock.send(question)

    def leave(self, socks):
        for number, sock in enumerate(socks, 1):
            sock.close()
            if number % BATCH == 0:
                self._ns.settle()
        gone = {id(sock) for sock in socks}
        self.socks = [sock for sock in self.socks if id(sock) not in gone]


def _is_open(sock):
    try:
        sock.getpeername()
        return True
    except OSError:
        return False
