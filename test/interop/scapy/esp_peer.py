"""ESP (RFC 4303) by scapy, driven by JSON lines: one request a line on stdin, one answer a line on stdout.

{"operation": "decapsulate" | "encapsulate", "transform": …, "keyMaterial": hex, "integrityKey": hex, "spi",
 "esn": true | false, "sequence", "packet": hex} is answered with {"packet": hex} or {"error": text}.
Encapsulated packets begin with the ESP header: the UDP header of RFC 3948 is taken off by whoever sends them.
"""

import json
import re
import struct
import sys

try:
    from scapy.layers.inet import IP
    from scapy.layers.inet6 import IPv6
    from scapy.layers.ipsec import ESP, SecurityAssociation
except ImportError as missing:
    sys.exit(str(missing))

ALGORITHMS = {
    "aes gcm": "AES-GCM",
    "aes ccm": "AES-CCM",
    "aes": "AES-CBC",
    "null": "NULL",
}
INTEGRITY = {"sha256": "SHA2-256-128", "sha384": "SHA2-384-192", "sha512": "SHA2-512-256"}
TUNNEL = IP(src="198.51.100.1", dst="203.0.113.1")


def parse(transform):
    """Name of the cipher, length of its ICV where it is a combined mode, name of the integrity algorithm."""
    if transform == "chacha20poly1305":
        return "CHACHA20-POLY1305", 16, None
    name, mode, icv, integrity = re.fullmatch(
        r"(aes|null)\d*?(?:\d{3})?(gcm|ccm)?(\d+)?(?:-(sha\d+))?", transform
    ).groups()
    algorithm = ALGORITHMS[f"{name} {mode}" if mode else name]
    return algorithm, int(icv) if mode else None, INTEGRITY.get(integrity)


def association(request):
    """scapy takes the salt from the end of the key, as RFC 4106 §8.1 has it."""
    algorithm, icv_bytes, integrity = parse(request["transform"])
    return SecurityAssociation(
        ESP,
        spi=request["spi"],
        crypt_algo=algorithm,
        crypt_key=bytes.fromhex(request["keyMaterial"]) or None,
        crypt_icv_size=icv_bytes,
        auth_algo=integrity,
        auth_key=bytes.fromhex(request["integrityKey"]) or None,
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
    sa = association(request)
    iv_bytes = sa.crypt_algo.iv_size
    # A counter for those that count; AES-CBC draws its own.
    iv = struct.pack("!Q", sequence) if iv_bytes == 8 else None
    sealed = sa.encrypt(packet, seq_num=sequence & 0xFFFFFFFF, iv=iv)
    return bytes(sealed[ESP])


OPERATIONS = {"decapsulate": decapsulate, "encapsulate": encapsulate}

for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = {"packet": OPERATIONS[request["operation"]](request).hex()}
    except Exception as error:  # a packet that is refused is an answer too
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
