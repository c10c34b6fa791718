"""ESP (RFC 4303) by scapy, driven by JSON lines: one request a line on stdin, one answer a line on stdout.

{"operation": "decapsulate" | "encapsulate", "transform": …, "keyMaterial": hex, "spi", "esn": true | false,
 "sequence", "packet": hex} is answered with {"packet": hex} or {"error": text}.
Encapsulated packets begin with the ESP header: the UDP header of RFC 3948 is taken off by whoever sends them.
"""

import json
import struct
import sys

try:
    from scapy.layers.inet import IP
    from scapy.layers.inet6 import IPv6
    from scapy.layers.ipsec import ESP, SecurityAssociation
except ImportError as missing:
    sys.exit(str(missing))

ALGORITHMS = {
    "aes128gcm16": "AES-GCM",
    "aes192gcm16": "AES-GCM",
    "aes256gcm16": "AES-GCM",
    "chacha20poly1305": "CHACHA20-POLY1305",
}
TUNNEL = IP(src="198.51.100.1", dst="203.0.113.1")


def association(request):
    """scapy takes the salt from the end of the key, as RFC 4106 §8.1 has it."""
    return SecurityAssociation(
        ESP,
        spi=request["spi"],
        crypt_algo=ALGORITHMS[request["transform"]],
        crypt_key=bytes.fromhex(request["keyMaterial"]),
        tunnel_header=TUNNEL,
        esn_en=request["esn"],
        esn=request["sequence"] >> 32,
    )


def decapsulate(request):
    packet = IP(bytes(TUNNEL / ESP(bytes.fromhex(request["packet"]))))
    inner = association(request).decrypt(packet)
    if not isinstance(inner, (IP, IPv6)):
        raise ValueError(f"the next header leads to {type(inner).__name__}")
    return inner.original


def encapsulate(request):
    inner = bytes.fromhex(request["packet"])
    packet = (IPv6 if inner[0] >> 4 == 6 else IP)(inner)
    sequence = request["sequence"]
    sealed = association(request).encrypt(
        packet, seq_num=sequence & 0xFFFFFFFF, iv=struct.pack("!Q", sequence)
    )
    return bytes(sealed[ESP])


OPERATIONS = {"decapsulate": decapsulate, "encapsulate": encapsulate}

for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = {"packet": OPERATIONS[request["operation"]](request).hex()}
    except Exception as error:  # a packet that is refused is an answer too
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
