"""Sends COUNT echo requests to TARGET, INTERVAL seconds apart, and prints how many were answered.

iputils' ping goes when twice the longest round trip has passed without the last answers; where other programs have the
processor, that is too soon. This one waits PATIENCE seconds for what is missing."""

import ipaddress
import os
import select
import socket
import struct
import sys
import time

target, count, interval, patience = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
is_ipv4 = ipaddress.ip_address(target).version == 4
request, reply = (8, 0) if is_ipv4 else (128, 129)
family, protocol = (socket.AF_INET, socket.IPPROTO_ICMP) if is_ipv4 else (socket.AF_INET6, socket.IPPROTO_ICMPV6)
icmp = socket.socket(family, socket.SOCK_RAW, protocol)
identifier = os.getpid() & 0xFFFF
answered = set()


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def send(sequence):
    data = bytes(range(56))
    message = struct.pack("!BBHHH", request, 0, 0, identifier, sequence) + data
    # The kernel writes the checksum of ICMPv6 itself.
    if is_ipv4:
        message = struct.pack("!BBHHH", request, 0, checksum(message), identifier, sequence) + data
    try:
        icmp.sendto(message, (target, 0))
    except OSError:
        # Unreachable, as policies may want it: not answered.
        pass


def receive(until):
    while (left := until - time.monotonic()) > 0 and len(answered) < count:
        if not select.select([icmp], [], [], left)[0]:
            return
        packet, source = icmp.recvfrom(4096)
        message = packet[(packet[0] & 15) * 4:] if is_ipv4 else packet
        kind, _, _, found, sequence = struct.unpack("!BBHHH", message[:8])
        if kind == reply and found == identifier and source[0] == target:
            answered.add(sequence)


start = time.monotonic()
for sequence in range(count):
    receive(start + sequence * interval)
    send(sequence)
receive(time.monotonic() + patience)
print(len(answered))
