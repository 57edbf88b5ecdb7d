#!/usr/bin/env python3
"""Makes good.json, eab.json and key_change.json: request bodies, external account bindings and inner JWS of key changes,
signed by Python and the openssl command, so that our own code is tested against another implementation. The keys are
thrown away. Give the names of the files to make; without names, all are made anew."""
import base64, hashlib, hmac, json, os, re, subprocess, sys, tempfile


def b64(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def openssl(*args, stdin=b""):
    return subprocess.run(["openssl", *args], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True).stdout


def hex_block(text, label):
    match = re.search(label + r":\s*\n((?:\s+[0-9a-f:]+\n)+)", text)
    return bytes.fromhex(re.sub(r"[\s:]", "", match.group(1)))


def jwk_of(key_file, kind, curve):
    text = openssl("pkey", "-in", key_file, "-noout", "-text_pub").decode()
    if kind == "RSA":
        modulus = hex_block(text, "Modulus").lstrip(b"\0")
        exponent = int(re.search(r"Exponent: (\d+)", text).group(1))
        return {"kty": "RSA", "n": b64(modulus), "e": b64(exponent.to_bytes(3, "big"))}
    octets = hex_block(text, "pub")
    if kind == "OKP":
        return {"kty": "OKP", "crv": curve, "x": b64(octets)}
    half = len(octets) // 2
    return {"kty": "EC", "crv": curve, "x": b64(octets[1:1 + half]), "y": b64(octets[1 + half:])}


def raw_ecdsa(der, half):
    def integer(at):
        assert der[at] == 2
        return at + 2 + der[at + 1], int.from_bytes(der[at + 2:at + 2 + der[at + 1]], "big")
    start = 3 if der[1] & 0x80 else 2
    at, r = integer(start)
    _, s = integer(at)
    return r.to_bytes(half, "big") + s.to_bytes(half, "big")


def sign(key_file, kind, hash_name, half, data):
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        if kind == "OKP":
            return openssl("pkeyutl", "-sign", "-inkey", key_file, "-rawin", "-in", file.name)
        der = openssl("dgst", "-" + hash_name, "-sign", key_file, file.name)
    return raw_ecdsa(der, half) if kind == "EC" else der


ROWS = [
    ("ES256", "EC", "P-256", "sha256", 32, ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
    ("ES384", "EC", "P-384", "sha384", 48, ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]),
    ("ES512", "EC", "P-521", "sha512", 66, ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"]),
    ("RS256", "RSA", "", "sha256", 0, ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
    ("EdDSA", "OKP", "Ed25519", "", 0, ["-algorithm", "ED25519"]),
]
NONCE = "6S8IqOGY7eL2lsGoTZYifg"
URL = "https://ca.cams.example/acme/new-account"
PAYLOAD = {"contact": ["mailto:video@example.org"]}
MACS = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}

ACCOUNT = "https://ca.cams.example/acme/account/7"
KEY_CHANGE = "https://ca.cams.example/acme/key-change"

good, eab, key_change = [], [], []
old = None  # the key of the row before: each change leads to a key of another kind
with tempfile.TemporaryDirectory() as folder:
    for alg, kind, curve, hash_name, half, genpkey in ROWS:
        key_file = os.path.join(folder, alg)
        openssl("genpkey", *genpkey, "-out", key_file)
        jwk = jwk_of(key_file, kind, curve)
        required = json.dumps({m: jwk[m] for m in sorted(jwk)}, separators=(",", ":"))
        for signer in ({"jwk": dict(jwk, alg=alg, use="sig")}, {"kid": "https://ca.cams.example/acme/account/7"}):
            for payload in (json.dumps(PAYLOAD), ""):
                protected = b64(json.dumps(dict({"alg": alg, "nonce": NONCE, "url": URL, "typ": "JOSE"}, **signer)).encode())
                text = b64(payload.encode())
                signature = b64(sign(key_file, kind, hash_name, half, (protected + "." + text).encode()))
                good.append({"name": alg + ("_jwk" if "jwk" in signer else "_kid") + ("" if payload else "_post_as_get"),
                             "alg": alg, "jwk": jwk, "kid": signer.get("kid", ""), "nonce": NONCE, "url": URL, "payload": payload,
                             "thumbprint": b64(hashlib.sha256(required.encode()).digest()),
                             "body": json.dumps({"protected": protected, "payload": text, "signature": signature})})
        for mac_name, function in MACS.items():
            mac_key = os.urandom(32)
            protected = b64(json.dumps({"alg": mac_name, "kid": "agent-7", "url": URL}).encode())
            text = b64(json.dumps(dict(jwk, use="sig", kid="optional")).encode())
            mac = b64(hmac.new(mac_key, (protected + "." + text).encode(), function).digest())
            eab.append({"name": mac_name + "_" + alg, "kid": "agent-7", "url": URL, "mac_key": b64(mac_key), "jwk": jwk,
                        "binding": {"protected": protected, "payload": text, "signature": mac}})
        if old:
            protected = b64(json.dumps({"alg": alg, "jwk": jwk, "url": KEY_CHANGE}).encode())
            text = b64(json.dumps({"account": ACCOUNT, "oldKey": dict(old, use="sig", kid="optional")}).encode())
            signature = b64(sign(key_file, kind, hash_name, half, (protected + "." + text).encode()))
            key_change.append({"name": alg, "url": KEY_CHANGE, "account": ACCOUNT, "old": old, "new": jwk,
                               "payload": json.dumps({"protected": protected, "payload": text, "signature": signature})})
        old = jwk

for name, cases in (("good.json", good), ("eab.json", eab), ("key_change.json", key_change)):
    if sys.argv[1:] and name not in sys.argv[1:]:
        continue
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), "w") as file:
        json.dump(cases, file, indent=1)
        file.write("\n")
