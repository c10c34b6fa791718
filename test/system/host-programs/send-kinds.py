"""Sends one packet of each kind that standard input names, from this host to another through its gateway.

Arguments: gateway's link address, own and other IPv4, own and other IPv6. What a packet carries begins with
`<kind:NUMBER>`, by which it is found where it arrives; the number is the fragment's, 0 for the first."""

import sys

from scapy.all import (
    ESP, ICMP, IP, UDP, Ether, ICMPv6DestUnreach, IPOption, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop, PadN, Raw, TCP, conf, sendp,
)

conf.verb = 0
gateway, own4, other4, own6, other6 = sys.argv[1:]
FRAGMENT_BYTES = 64


def mark(kind, number=0):
    return f"<{kind}:{number}>".encode()


def cut(kind, head, port, make):
    """Three fragments; each begins with its mark where no header stands, the first behind its UDP header."""
    udp = bytes(UDP(sport=4000, dport=port, len=8 + 3 * FRAGMENT_BYTES - 8, chksum=0xFFFF))
    pieces = [(udp + mark(kind, 0)).ljust(FRAGMENT_BYTES, b".")]
    pieces += [mark(kind, number).ljust(FRAGMENT_BYTES, b".") for number in (1, 2)]
    return [head / make(number) / Raw(piece) if make(number) is not None else head / Raw(piece)
            for number, piece in enumerate(pieces)]


def ipv4_fragments(kind, port):
    pieces = cut(kind, IP(src=own4, dst=other4, proto=17, id=7000 + port), port, lambda number: None)
    for number, packet in enumerate(pieces):
        packet.frag = number * FRAGMENT_BYTES // 8
        packet.flags = "MF" if number < 2 else 0
    return pieces


def ipv6_fragments(kind, port):
    def header(number):
        offset = number * FRAGMENT_BYTES // 8
        return IPv6ExtHdrFragment(nh=17, offset=offset, m=int(number < 2), id=8000 + port)
    return cut(kind, IPv6(src=own6, dst=other6), port, header)


v4 = IP(src=own4, dst=other4)
v6 = IPv6(src=own6, dst=other6)
from_there4 = IP(src=other4, dst=own4) / UDP(sport=5001, dport=6001) / Raw(b"asked")
from_elsewhere = IP(src="192.0.2.99", dst="192.0.2.98") / UDP(sport=1, dport=2) / Raw(b"not of this tunnel")


def single(kind, packet):
    return [packet / Raw(mark(kind))]


# The length of an ICMP message's quotation is free; the mark stands behind it.
KINDS = {
    "options": lambda k: single(k, IP(src=own4, dst=other4, options=[IPOption(b"\x82\x04\x00\x00")]) / UDP(dport=443)),
    "udp": lambda k: single(k, v4 / UDP(sport=4000, dport=443)),
    "tcp": lambda k: single(k, v4 / TCP(sport=4000, dport=443, flags="PA")),
    "esp-inside": lambda k: single(k, v4 / ESP(spi=0x1234, seq=1)),
    "ip-in-ip": lambda k: single(k, v4 / IP(src="192.0.2.1", dst="192.0.2.2") / UDP(dport=443)),
    "icmp-error": lambda k: single(k, v4 / ICMP(type=3, code=1) / from_there4),
    "icmp-error-foreign": lambda k: single(k, v4 / ICMP(type=3, code=1) / from_elsewhere),
    "ipv6": lambda k: single(k, v6 / UDP(sport=4000, dport=443)),
    "hop-by-hop": lambda k: single(k, v6 / IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)]) / UDP(dport=443)),
    "destination-options": lambda k: single(k, v6 / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]) / UDP(dport=443)),
    # RFC 6275 §6.1: no next header, eight bytes, a binding update (5) and an acknowledgement (6).
    "binding-update": lambda k: [IPv6(src=own6, dst=other6, nh=135) / Raw(bytes([59, 3, 5, 0, 0, 0, 0, 0]) + mark(k).ljust(24, b"."))],
    "binding-acknowledgement": lambda k: [IPv6(src=own6, dst=other6, nh=135) / Raw(bytes([59, 3, 6, 0, 0, 0, 0, 0]) + mark(k).ljust(24, b"."))],
    "icmpv6-error": lambda k: single(k, v6 / ICMPv6DestUnreach(code=3) / IPv6(src=other6, dst=own6) / UDP(sport=5001, dport=6001)),
    "fragments-443": lambda k: ipv4_fragments(k, 443),
    "fragments-80": lambda k: ipv4_fragments(k, 80),
    "ipv6-fragments-443": lambda k: ipv6_fragments(k, 443),
    "ipv6-fragments-80": lambda k: ipv6_fragments(k, 80),
}

for kind in sys.stdin.read().split():
    for packet in KINDS[kind](kind):
        sendp(Ether(dst=gateway) / packet, iface="eth0")
