# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy in front of a broker that breaks a connection at a chosen request.

It knows as much of Kafka's protocol as that takes: frames and their lengths, which request an
answer belongs to, and whose transaction a request is part of. A broker is reached through it only
where a listener is advertised at its port: Kafka(proxy=...) makes one.
"""

import socket
import struct
import threading
from collections import Counter
from enum import Enum, IntEnum

ILLEGAL_GENERATION = 22


class Api(IntEnum):
    """What a transaction is made of, by its numbers in the protocol; and what reads."""

    PRODUCE = 0
    FETCH = 1
    INIT_PRODUCER_ID = 22
    ADD_PARTITIONS_TO_TXN = 24
    ADD_OFFSETS_TO_TXN = 25
    END_TXN = 26
    TXN_OFFSET_COMMIT = 28


class Act(Enum):
    """What becomes of a request. The connection that it came on breaks, but for HOLD."""

    LOSE_REQUEST = "the broker never sees it"
    HALF_REQUEST = "the broker sees its first half"
    LOSE_ANSWER = "the broker does it and nobody hears"
    HALF_ANSWER = "its answer breaks off"
    HOLD = "its answer takes a while"
    LATE = "it arrives in the middle of a later transaction"
    LEFT_BEHIND = "the broker does it, nobody hears, and the group refuses the transaction"


class Fault:
    """One fault, which acts on the first request of its kind. `happened` is set when it has."""

    def __init__(self, api: Api, act: Act, hold=0.2):
        self.api, self.act, self.hold = api, act, hold
        self.happened = threading.Event()
        self.name = None        # the transactional id of the request
        self.done = threading.Event()  # LATE, LEFT_BEHIND: the broker has answered it
        self.frame = None       # LATE: the request, its number and its way to the broker
        self.correlation = None
        self.kept = None
        self.ended = False      # LATE: the transaction it belonged to is over
        self.answer = None      # LATE: what the broker said in the end

    def __str__(self):
        return f"{self.api.name} {self.act.name}"

    def refused(self) -> bool:
        """Whether the broker's answer to a late request is an error. It is the last field there is,
        before tags in a newer form; each request here is about one partition."""
        end = -3 if self.api == Api.TXN_OFFSET_COMMIT else len(self.answer)
        return self.answer[:end][-2:] != b"\0\0"


class Request:
    """The head of a request, and the transactional id if it has one."""

    def __init__(self, frame: bytes):
        self.api, self.version, self.correlation = struct.unpack_from(">hhi", frame, 0)
        self.transaction = None
        if self.api not in list(Api) or self.api == Api.FETCH:
            return
        at = 10 + max(0, struct.unpack_from(">h", frame, 8)[0])  # behind the client's name
        newer = {Api.TXN_OFFSET_COMMIT: 3, Api.INIT_PRODUCER_ID: 2}.get(self.api, 99)
        if self.version >= newer:  # behind tags, and with a length of 7 bits a byte
            size, at = frame[at + 1], at + 2
            if size > 127:
                size, at = size - 128 + 128 * frame[at], at + 1
            size -= 1
        else:
            size, at = struct.unpack_from(">h", frame, at)[0], at + 2
        self.transaction = frame[at:at + size] if size > 0 else None


def _read(sock, count) -> bytes:
    out = bytearray()
    while len(out) < count:
        got = sock.recv(count - len(out))
        if not got:
            raise OSError("closed")
        out += got
    return bytes(out)


def _read_frame(sock) -> bytes:
    return _read(sock, struct.unpack(">i", _read(sock, 4))[0])


def _framed(frame: bytes) -> bytes:
    return struct.pack(">i", len(frame)) + frame


def _refused(answer: bytes) -> bytes:
    """An answer to TxnOffsetCommit (version 3) that says that the group has moved on."""
    out = bytearray(answer)
    at = 9  # behind correlation, tags and throttle time
    topics, at = out[at] - 1, at + 1
    for _ in range(topics):
        at += out[at]  # its name
        partitions, at = out[at] - 1, at + 1
        for _ in range(partitions):
            struct.pack_into(">h", out, at + 4, ILLEGAL_GENERATION)
            at += 7
        at += 1
    assert at + 1 == len(out), "an answer to TxnOffsetCommit that is none"
    return bytes(out)


class _Connection:
    """A client and its broker, with a thread for each direction."""

    def __init__(self, proxy, client):
        self.proxy = proxy
        self.client = client
        self.broker = socket.create_connection(("127.0.0.1", proxy.target))
        self.broker.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.waiting = {}  # correlation id: what to do with the answer
        for run in (self._requests, self._answers):
            threading.Thread(target=self._guard, args=(run,), daemon=True).start()

    def _guard(self, run):
        try:
            run()
        except OSError:
            pass
        finally:
            if not self.proxy.is_kept(self):
                self.cut()

    @staticmethod
    def _close(sock):
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        sock.close()

    def cut_client(self):
        self._close(self.client)

    def cut(self):
        self._close(self.client)
        self._close(self.broker)

    def send(self, frame):
        self.broker.sendall(_framed(frame))

    def _requests(self):
        while True:
            frame = _read_frame(self.client)
            request = Request(frame)
            self.proxy.before(request)
            fault = self.proxy.take(request)
            if fault is None:
                self.send(frame)
            elif not self._act(fault, request, frame):
                return

    def _act(self, fault, request, frame) -> bool:
        """False: no more is read from this client."""
        if fault.act == Act.LOSE_REQUEST:
            self.cut()
            self.proxy.has_hit(fault)
            return False
        if fault.act == Act.HALF_REQUEST:
            self.broker.sendall(_framed(frame)[:2 + len(frame) // 2])
            self.cut()
            self.proxy.has_hit(fault)
            return False
        if fault.act == Act.LATE:
            self.proxy.keep(fault, self, request, frame)
            self.cut_client()
            return False
        self.waiting[request.correlation] = fault
        self.send(frame)
        return True

    def _answers(self):
        while True:
            answer = _read_frame(self.broker)
            correlation = struct.unpack_from(">i", answer, 0)[0]
            fault = self.waiting.pop(correlation, None)
            if self.proxy.is_kept(self):
                self.proxy.kept_back(correlation, answer)
            elif fault is None:
                self.client.sendall(_framed(answer))
            elif self._act_on(fault, answer):
                self.proxy.has_hit(fault)

    def _act_on(self, fault, answer) -> bool:
        """False: the fault has not come to its end."""
        if fault.act == Act.LEFT_BEHIND and not fault.done.is_set():
            fault.done.set()  # a Produce, whose answer nobody gets
            return False
        if fault.act == Act.HOLD:
            self.proxy.released.wait(fault.hold)
            self.client.sendall(_framed(answer))
            return True
        if fault.act == Act.LEFT_BEHIND:
            self.client.sendall(_framed(_refused(answer)))
        elif fault.act == Act.HALF_ANSWER:
            self.client.sendall(_framed(answer)[:2 + len(answer) // 2])
        self.cut()
        return True


class Proxy:
    """Listens at `port`; hands everything on to `target` until a fault is armed."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.target = None
        self.fault = None
        self.hits = Counter()  # (api, act): how often
        self._moved = set()    # transactions that have their offsets already
        self.released = threading.Event()  # nothing is held any longer
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _Connection(self, client)
            except OSError:
                if self.listener.fileno() < 0:
                    return

    def close(self):
        self.released.set()
        self.listener.close()

    def arm(self, fault: Fault) -> Fault:
        with self._lock:
            assert self.fault is None, f"{self.fault} has not happened yet"
            self.fault = fault
        return fault

    # --- for connections ------------------------------------------------------------------

    def take(self, request: Request):
        """The fault that acts on this request, if one does."""
        with self._lock:
            fault = self.fault
            if fault is None or not (request.transaction or fault.api == request.api == Api.FETCH):
                return None
            # Offsets that were sent before the records can't be refused after them.
            if fault.act == Act.LEFT_BEHIND and fault.name is None \
                    and request.transaction in self._moved:
                return None
            if fault.name is None and fault.api == request.api:
                fault.name = request.transaction
                return fault
            second = fault.act == Act.LEFT_BEHIND and request.api == Api.TXN_OFFSET_COMMIT
            return fault if second and fault.name == request.transaction else None

    def keep(self, fault, connection, request, frame):
        with self._lock:
            fault.kept, fault.correlation, fault.frame = connection, request.correlation, frame

    def kept_back(self, correlation, answer):
        """The broker has answered something on a connection that is kept."""
        fault = self.fault
        if fault is not None and correlation == fault.correlation:
            fault.answer = answer
            fault.done.set()

    def is_kept(self, connection) -> bool:
        fault = self.fault
        return fault is not None and fault.kept is connection

    def before(self, request: Request):
        """A request that is late goes to the broker right before this one."""
        with self._lock:
            if request.api == Api.TXN_OFFSET_COMMIT:
                self._moved.add(request.transaction)
            elif request.api in (Api.END_TXN, Api.INIT_PRODUCER_ID):
                self._moved.discard(request.transaction)
            fault = self.fault
            if fault is None or fault.act != Act.LATE or fault.frame is None \
                    or request.transaction != fault.name:
                return
            # What moves the position goes behind what the later transaction says about it.
            last = Api.END_TXN if fault.api == Api.TXN_OFFSET_COMMIT else Api.TXN_OFFSET_COMMIT
            now = fault.ended and request.api == last
            fault.ended = fault.ended or request.api == Api.END_TXN
            if not now:
                return
            frame, fault.frame = fault.frame, None
        fault.kept.send(frame)
        assert fault.done.wait(5), f"the broker did not answer a late {fault.api.name}"
        kept = fault.kept
        self.has_hit(fault)
        kept.cut()

    def has_hit(self, fault):
        with self._lock:
            assert self.fault is fault
            self.fault = None
            self.hits[fault.api, fault.act] += 1
        fault.happened.set()
