#!/usr/bin/env python3
"""Writes ike-oracle.json: SK payloads, AUTH values and digital signatures by python3-cryptography and hmac alone.

Run it again only to add cases: keys of signatures are drawn anew each time.
"""
import hashlib
import hmac
import json
import os

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, aead, algorithms, modes

HEADER = bytes.fromhex("0011223344556677 8899aabbccddeeff 2e202308 00000001 000000ff 27000000")


def octets(label, length):
    return hashlib.shake_128(label.encode()).digest(length)


def sk_payloads():
    for bits in (128, 192, 256):
        yield combined(20, bits, bits // 8, aead.AESGCM)
    yield combined(28, None, 32, aead.ChaCha20Poly1305)
    for bits in (128, 192, 256):
        for integrity, name, key_bytes in ((12, "sha256", 32), (13, "sha384", 48), (14, "sha512", 64)):
            for inner_bytes, extra in ((0, 0), (15, 0), (16, 0), (100, 240)):
                yield cbc(bits, integrity, name, key_bytes, inner_bytes, extra)


def combined(encryption, bits, key_bytes, algorithm):
    material = octets(f"combined {encryption} {bits}", key_bytes + 4)
    iv, inner = octets("iv", 8), octets("inner", 77)
    sealed = algorithm(material[:key_bytes]).encrypt(material[key_bytes:] + iv, inner + b"\0", HEADER)
    return case(encryption, bits, 0, material, b"", iv, inner, iv + sealed, True)


def cbc(bits, integrity, name, key_bytes, inner_bytes, extra):
    encryption, key = octets(f"cbc {bits}", bits // 8), octets(f"mac {name}", key_bytes)
    iv, inner = octets("iv", 16), octets("inner", inner_bytes)
    pad = -(inner_bytes + 1) % 16 + extra
    # Padding of any content has to be accepted; what is least, and zeros, is what Isthmus sends.
    plain = inner + (octets("padding", pad) if extra else bytes(pad)) + bytes([pad])
    encryptor = Cipher(algorithms.AES(encryption), modes.CBC(iv)).encryptor()
    sealed = iv + encryptor.update(plain) + encryptor.finalize()
    icv = hmac.new(key, HEADER + sealed, name).digest()[: key_bytes // 2]
    return case(12, bits, integrity, encryption, key, iv, inner, sealed + icv, extra == 0)


def case(encryption, bits, integrity, key, integrity_key, iv, inner, body, least):
    return {
        "encryptionId": encryption,
        "keyBits": bits,
        "integrityId": integrity,
        "encryptionKey": key.hex(),
        "integrityKey": integrity_key.hex(),
        "iv": iv.hex(),
        "header": HEADER.hex(),
        "inner": inner.hex(),
        "body": body.hex(),
        "leastPadding": least,
    }


def shared_key_auths():
    for prf_id, name in ((5, "sha256"), (6, "sha384"), (7, "sha512")):
        def prf(key, data):
            return hmac.new(key, data, name).digest()

        message, nonce, sk_p = octets("message", 300), octets("nonce", 32), octets("sk_p", len(prf(b"", b"")))
        id_body, psk = bytes.fromhex("02000000") + b"moon.example", b"correct horse battery staple"
        signed = message + nonce + prf(sk_p, id_body)
        yield {
            "prfId": prf_id,
            "message": message.hex(),
            "nonce": nonce.hex(),
            "skP": sk_p.hex(),
            "idBody": id_body.hex(),
            "sharedSecret": psk.hex(),
            "signedOctets": signed.hex(),
            "auth": prf(prf(psk, b"Key Pad for IKEv2"), signed).hex(),
        }


def signatures():
    """Authentication data as RFC 7427 §3 and Appendix A print it: length, algorithm identifier, signature."""
    data = octets("signed octets", 400)
    rsa_key = rsa.generate_private_key(65537, 2048)
    sha = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
    identifiers = {
        "rsa 256": "300d06092a864886f70d01010b0500",
        "rsa 384": "300d06092a864886f70d01010c0500",
        "rsa 512": "300d06092a864886f70d01010d0500",
        "pss 256": "304106092a864886f70d01010a3034a00f300d06096086480165030402010500"
        "a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120",
        "ecdsa 256": "300a06082a8648ce3d040302",
        "ecdsa 384": "300a06082a8648ce3d040303",
        "ecdsa 512": "300a06082a8648ce3d040304",
        "ed25519": "300506032b6570",
    }
    for bits, digest in sha.items():
        yield signature(f"rsa {bits}", identifiers, rsa_key, rsa_key.sign(data, padding.PKCS1v15(), digest), data)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    yield signature("pss 256", identifiers, rsa_key, rsa_key.sign(data, pss, hashes.SHA256()), data)
    for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()):
        key = ec.generate_private_key(curve)
        for bits, digest in sha.items():
            yield signature(f"ecdsa {bits}", identifiers, key, key.sign(data, ec.ECDSA(digest)), data, curve.name)
    key = ed25519.Ed25519PrivateKey.generate()
    yield signature("ed25519", identifiers, key, key.sign(data), data)
    sha1 = rsa_key.sign(data, padding.PKCS1v15(), hashes.SHA1())
    yield {**signature("rsa 256", identifiers, rsa_key, b"", data), "id": "method 1", "identifier": "", "authData": sha1.hex()}


def signature(name, identifiers, key, value, data, curve=""):
    identifier = bytes.fromhex(identifiers[name])
    encoding, no_encryption = serialization.Encoding.DER, serialization.NoEncryption()
    return {
        "id": f"{name} {curve}".strip(),
        "identifier": identifier.hex(),
        "publicKey": key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo).hex(),
        "privateKey": key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, no_encryption).hex(),
        "octets": data.hex(),
        "authData": (bytes([len(identifier)]) + identifier + value).hex(),
    }


with open(os.path.join(os.path.dirname(__file__), "ike-oracle.json"), "w") as file:
    tests = {
        "source": "ike-oracle.py, by python3-cryptography (OpenSSL) and hmac",
        "licence": "as the project",
        "fields": "Hexadecimal. keyBits null: no Key Length attribute. leastPadding: as Isthmus pads.",
        "skPayloads": list(sk_payloads()),
        "sharedKeyAuths": list(shared_key_auths()),
        "signatures": list(signatures()),
    }
    json.dump(tests, file, indent=1)
    file.write("\n")
