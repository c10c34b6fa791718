"""IKEv2 messages (RFC 7296) built by scapy, as one JSON object of hexadecimal strings on stdout."""

import json
import sys

try:
    from scapy.all import load_contrib

    load_contrib("ikev2")
    from scapy.contrib import ikev2
    from scapy.contrib.ikev2 import IKEv2
except ImportError as missing:
    sys.exit(str(missing))


def chain(*payloads):
    """scapy sets Next Payload by what follows; of proposals and transforms it is Last Substruc."""
    message = payloads[0]
    for payload in payloads[1:]:
        message = message / payload
    return message


def header(exchange, first, flags, message_id=0):
    return IKEv2(
        init_SPI=bytes.fromhex("1122334455667788"),
        resp_SPI=bytes.fromhex("99aabbccddeeff00"),
        next_payload=first,
        exch_type=exchange,
        flags=flags,
        id=message_id,
    )


def transform(last, kind, identifier, bits=None):
    return ikev2.IKEv2_payload_Transform(
        next_payload=0 if last else 3,
        transform_type=kind,
        transform_id=identifier,
        **({"key_length": bits, "length": 12} if bits else {"length": 8}),
    )


def proposal():
    transforms = chain(
        transform(False, 1, 20, 256), transform(False, 2, 6), transform(True, 4, 19)
    )
    return ikev2.IKEv2_payload_Proposal(
        next_payload=0, proposal=1, proto=1, trans_nb=3, trans=transforms
    )


def selector(first, last):
    return ikev2.IPv4TrafficSelector(
        IP_protocol_ID=6, start_port=80, end_port=443,
        starting_address_v4=first, ending_address_v4=last,
    )


MESSAGES = {
    "init": chain(
        header(34, 33, 0x08),
        ikev2.IKEv2_payload_SA(next_payload=34, prop=proposal()),
        ikev2.IKEv2_payload_KE(next_payload=40, group=19, load=bytes(range(64))),
        ikev2.IKEv2_payload_Nonce(next_payload=41, load=bytes(range(32))),
        ikev2.IKEv2_payload_Notify(next_payload=43, type=16388, load=bytes(20)),
        ikev2.IKEv2_payload_VendorID(next_payload=0, vendorID=b"scapy"),
    ),
    "auth": chain(
        header(35, 35, 0x20, 1),
        # scapy cannot count an identity.
        ikev2.IKEv2_payload_IDi(next_payload=37, length=17, IDtype=2, ID=b"a.example"),
        ikev2.IKEv2_payload_CERT_STR(next_payload=39, cert_type=11, cert_data=b"key"),
        ikev2.IKEv2_payload_AUTH(next_payload=44, auth_type=2, load=bytes(32)),
        ikev2.IKEv2_payload_TSi(
            next_payload=45, number_of_TSs=1, traffic_selector=[selector("10.0.1.0", "10.0.1.255")]
        ),
        ikev2.IKEv2_payload_TSr(
            next_payload=0, number_of_TSs=1, traffic_selector=[selector("10.0.2.0", "10.0.2.255")]
        ),
    ),
    "delete": chain(
        header(37, 42, 0x28, 2),
        # scapy knows no fields of a Delete payload.
        ikev2.IKEv2_payload_Delete(next_payload=0, vendorID=bytes.fromhex("03040002c0ffee01c0ffee02")),
    ),
    "fragment": chain(
        header(35, 53, 0x08, 1),
        ikev2.IKEv2_payload_Encrypted_Fragment(
            next_payload=35, frag_number=1, frag_total=3, load=bytes(range(48))
        ),
    ),
}

if __name__ == "__main__":
    print(json.dumps({name: bytes(message).hex() for name, message in MESSAGES.items()}))
