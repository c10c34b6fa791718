"""Sends UDP datagrams over IPv4 again as they were, from whatever source they name.

send-again.py FILE: packets in hexadecimal, one in a line. They go out by the routes of this host."""

import socket
import sys

with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw, open(sys.argv[1]) as lines:
    for line in lines:
        packet = bytearray.fromhex(line)
        # A capture has them before the checksum is complete; zero is none (RFC 768).
        packet[26:28] = bytes(2)
        raw.sendto(packet, (socket.inet_ntoa(packet[16:20]), 0))
