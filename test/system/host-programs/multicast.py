"""Sends text to a group, or waits for it: `multicast.py send GROUP DEVICE SOURCE TEXT TIMES`,
`multicast.py receive GROUP DEVICE`.

A sender names its device as routing daemons do: the kernel's own route for ff00::/8 stands before every rule.

The receiver says `joined`, then the sender's address and text of each datagram, and ends at the text `end`."""

import socket
import struct
import sys

PORT = 5007
role, group, device = sys.argv[1:4]
family = socket.AF_INET6 if ":" in group else socket.AF_INET
udp = socket.socket(family, socket.SOCK_DGRAM)
if role == "send":
    source, text, times = sys.argv[4:]
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    udp.bind((source, 0))
    for _ in range(int(times)):
        udp.sendto(text.encode(), (group, PORT))
    sys.exit()

index = socket.if_nametoindex(device)
udp.bind((group, PORT))
if family == socket.AF_INET:
    request = socket.inet_aton(group) + struct.pack("@4xi", index)
    udp.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
else:
    request = socket.inet_pton(family, group) + struct.pack("@i", index)
    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)
print("joined", flush=True)
text = ""
while text != "end":
    data, source = udp.recvfrom(2048)
    text = data.decode()
    print(source[0], text, flush=True)
