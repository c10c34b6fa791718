"""Sends, or receives, what a kernel hands over as super-packets: a TCP stream and trains of UDP datagrams (UDP_SEGMENT).

send TARGET-IPV4 TARGET-IPV6, or receive. Both print the same JSON where everything arrived: by family the length and digest
of the stream, and length and digest of each datagram in order. The receiver says "ready" first."""

import hashlib
import json
import random
import select
import socket
import sys
import time

PORT = 7000
STREAM_BYTES = 1 << 20
TRAINS = 3
SEGMENTS = 40
SEGMENT_BYTES = 1200
LAST_BYTES = 700
PATIENCE_SECONDS = 30
UDP_SEGMENT = 103
SO_RCVBUFFORCE = 33
FAMILIES = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}


def described(data):
    return [len(data), hashlib.sha256(data).hexdigest()]


def send(targets):
    source = random.Random(2026)
    sent = {}
    for name, family in FAMILIES.items():
        stream = source.randbytes(STREAM_BYTES)
        with socket.create_connection((targets[name], PORT), PATIENCE_SECONDS) as tcp:
            tcp.sendall(stream)
        datagrams = []
        with socket.socket(family, socket.SOCK_DGRAM) as udp:
            udp.setsockopt(socket.SOL_UDP, UDP_SEGMENT, SEGMENT_BYTES)
            for _ in range(TRAINS):
                train = source.randbytes(SEGMENTS * SEGMENT_BYTES + LAST_BYTES)
                udp.sendto(train, (targets[name], PORT))
                datagrams += [train[at : at + SEGMENT_BYTES] for at in range(0, len(train), SEGMENT_BYTES)]
        sent[name] = {"stream": described(stream), "datagrams": [described(one) for one in datagrams]}
    return sent


def receive():
    received = {}
    sockets = {}
    for name, family in FAMILIES.items():
        received[name] = {"stream": None, "datagrams": []}
        tcp = socket.create_server(("", PORT), family=family)
        udp = socket.socket(family, socket.SOCK_DGRAM)
        udp.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 23)
        if family == socket.AF_INET6:
            udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        udp.bind(("", PORT))
        sockets[tcp], sockets[udp] = name, name
    print("ready", flush=True)
    missing = len(FAMILIES) * (1 + TRAINS * (SEGMENTS + 1))
    end = time.monotonic() + PATIENCE_SECONDS
    while missing > 0 and (left := end - time.monotonic()) > 0:
        for ready in select.select(list(sockets), [], [], left)[0]:
            of = received[sockets[ready]]
            if ready.type == socket.SOCK_STREAM:
                with ready.accept()[0] as connection, connection.makefile("rb") as stream:
                    of["stream"] = described(stream.read())
            else:
                of["datagrams"].append(described(ready.recv(65535)))
            missing -= 1
    return received


print(json.dumps(send({"ipv4": sys.argv[2], "ipv6": sys.argv[3]}) if sys.argv[1] == "send" else receive()))
