"""external.json: short vectors of others, each checked against maker/primitives.py."""

import hashlib
import json

from maker.primitives import (hkdf_expand, hkdf_extract, hmac_sha256, siv_decrypt, siv_encrypt,
                              xaes_decrypt, xaes_encrypt)

XAES_NONCE = b"ABCDEFGHIJKLMNOPQRSTUVWX"
XAES_TEXT = b"XAES-256-GCM"
XAES = [
    ("K of 01, no associated data", b"\x01" * 32, b"",
     "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
    ("K of 03 with associated data", b"\x03" * 32, b"c2sp.org/XAES-256-GCM",
     "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"),
]
XAES_ACCUMULATED = [
    (10000, "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"),
    (1000000, "2163ae1445985a30b60585ee67daa55674df06901b890593e824b8a7c885ab15"),
]
ACCUMULATED_NOTE = (
    "One SHAKE128 of the empty string is the source. Each round reads key 32, nonce 24, a length "
    "byte and that many bytes of plaintext, a length byte and that many of associated data; "
    "ciphertext and tag go into a second SHAKE128, whose first 32 bytes are the value.")

HKDF = [
    ("RFC 5869 A.1", b"\x0b" * 22, bytes(range(0x0D)), bytes(range(0xF0, 0xFA)), 42,
     "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
     "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"),
    ("RFC 5869 A.2", bytes(range(0x50)), bytes(range(0x60, 0xB0)), bytes(range(0xB0, 0x100)), 82,
     "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
     "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e"
     "590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"),
    ("RFC 5869 A.3", b"\x0b" * 22, b"", b"", 42,
     "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
     "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"),
]

LARGER_DATA = (b"This is a test using a larger than block-size key and a larger than block-size "
               b"data. The key needs to be hashed before being used by the HMAC algorithm.")
HMAC = [
    (1, b"\x0b" * 20, b"Hi There",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (2, b"Jefe", b"what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (3, b"\xaa" * 20, b"\xdd" * 50,
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (4, bytes(range(1, 26)), b"\xcd" * 50,
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    (5, b"\x0c" * 20, b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b"),
    (6, b"\xaa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
    (7, b"\xaa" * 131, LARGER_DATA,
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
]

SIV = [
    ("Wycheproof tcId 296: empty text, one empty component",
     "bc7635c1fd566aa8357fd103714bfaee1c9e5b3c578b3980401a981030254a54"
     "b1756a8c96e600b7252fd0aab12f39d115d256b3f3e7c2c41a7fece72ba7c3c4",
     "", "", "44b1c6fe8a8c07dee5377b161f283c31"),
]
SIV_RFC5297_A1 = [bytes.fromhex(value) for value in (
    "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
    "101112131415161718191a1b1c1d1e1f2021222324252627", "112233445566778899aabbccddee",
    "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c")]

ROUND_BYTES_MAX = 32 + 24 + 2 * 256


def accumulate_xaes(rounds):
    stream = hashlib.shake_128(b"").digest(min(rounds * 330 + 10000, rounds * ROUND_BYTES_MAX))
    output, at = hashlib.shake_128(), 0

    def take(size):
        nonlocal at
        at += size
        assert at <= len(stream)
        return stream[at - size:at]

    for _ in range(rounds):
        key, nonce = take(32), take(24)
        plaintext = take(take(1)[0])
        output.update(xaes_encrypt(key, nonce, plaintext, take(take(1)[0])))
    return output.digest(32).hex()


def check_xaes():
    for name, key, aad, expected in XAES:
        ciphertext = xaes_encrypt(key, XAES_NONCE, XAES_TEXT, aad)
        assert ciphertext.hex() == expected, name
        assert xaes_decrypt(key, XAES_NONCE, ciphertext, aad) == XAES_TEXT, name


def check_hashes():
    for name, ikm, salt, info, length, prk, okm in HKDF:
        assert hkdf_extract(salt, ikm).hex() == prk, name
        assert hkdf_expand(bytes.fromhex(prk), info, length).hex() == okm, name
    for number, key, message, mac in HMAC:
        assert hmac_sha256(key, message).hex()[:len(mac)] == mac, number


def check_siv():
    for name, key, aad, plaintext, expected in SIV:
        key, aad, plaintext = map(bytes.fromhex, (key, aad, plaintext))
        assert siv_encrypt(key, [aad], plaintext).hex() == expected, name
    key, aad, plaintext, expected = SIV_RFC5297_A1
    assert siv_encrypt(key, [aad], plaintext) == expected
    assert siv_decrypt(key, [aad], expected) == plaintext


def check(rounds_max):
    """The primitives agree with all values here; accumulated XAES up to `rounds_max`."""
    check_xaes()
    check_hashes()
    check_siv()
    for rounds, expected in XAES_ACCUMULATED:
        assert rounds > rounds_max or accumulate_xaes(rounds) == expected, rounds


def xaes_groups():
    direct = [{"name": name, "key": key.hex(), "nonce": XAES_NONCE.hex(),
               "plaintext": XAES_TEXT.hex(), "aad": aad.hex(), "ciphertext": ciphertext}
              for name, key, aad, ciphertext in XAES]
    accumulated = [{"name": "%d rounds" % rounds, "rounds": rounds, "output": output}
                   for rounds, output in XAES_ACCUMULATED]
    source = "C2SP XAES-256-GCM.md (https://c2sp.org/XAES-256-GCM), test vectors"
    return [{"algorithm": "XAES-256-GCM", "source": source, "cases": direct},
            {"algorithm": "XAES-256-GCM accumulated", "source": source, "note": ACCUMULATED_NOTE,
             "cases": accumulated}]


def rfc_groups():
    hkdf = [{"name": name, "ikm": ikm.hex(), "salt": salt.hex(), "info": info.hex(),
             "length": length, "prk": prk, "okm": okm}
            for name, ikm, salt, info, length, prk, okm in HKDF]
    hmac = [{"name": "RFC 4231 test case %d" % number, "key": key.hex(), "message": message.hex(),
             "mac": mac} for number, key, message, mac in HMAC]
    siv = [{"name": name, "key": key, "aad": aad, "plaintext": plaintext, "ciphertext": ciphertext}
           for name, key, aad, plaintext, ciphertext in SIV]
    return [
        {"algorithm": "HKDF-SHA256", "source": "RFC 5869, appendix A.1 to A.3", "cases": hkdf},
        {"algorithm": "HMAC-SHA256", "source": "RFC 4231, section 4, test cases 1 to 7",
         "note": "test case 5 gives the first 16 bytes of the MAC", "cases": hmac},
        {"algorithm": "AES-256-SIV", "source": "Wycheproof aes_siv_cmac_test.json", "cases": siv}]


def render():
    groups = xaes_groups() + rfc_groups()
    lines = []
    for group in groups:
        cases = ",\n".join(json.dumps(case) for case in group.pop("cases"))
        lines.append(json.dumps(group)[:-1] + ', "cases": [\n' + cases + "\n]}")
    head = '{"format": "vectors of others",\n"source": "named by group",\n"groups": ['
    return head + "\n" + ",\n".join(lines) + "\n]}\n"


def counts():
    return "%d outside" % (len(XAES) + len(XAES_ACCUMULATED) + len(HKDF) + len(HMAC) + len(SIV))
