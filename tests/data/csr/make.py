#!/usr/bin/env python3
"""Makes the certificate signing requests of this folder: `./make.py` writes NAME.der beside itself.

DER is written by hand here, so that what no library would write can be written; keys and signatures come from the
openssl command. Private keys live in a temporary folder only. Keys and signatures differ with every run, what the files
are about does not. What is expected of each file stands in tests/base/x509/csr_test.cc.
"""
import functools
import hashlib
import pathlib
import random
import subprocess
import tempfile

HERE = pathlib.Path(__file__).parent
TMP = tempfile.TemporaryDirectory()
rng = random.Random(20260101)


# --- DER ---------------------------------------------------------------------------------------------------------------
def tlv(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    if n < 0x80:
        length = bytes([n])
    else:
        octets = n.to_bytes((n.bit_length() + 7) // 8, "big")
        length = bytes([0x80 | len(octets)]) + octets
    return bytes([tag]) + length + body


def seq(*parts): return tlv(0x30, *parts)
def set_(*parts): return tlv(0x31, *sorted(parts))
def integer(n): return tlv(2, n.to_bytes(n.bit_length() // 8 + 1, "big", signed=True))
def bits(octets): return tlv(3, b"\0" + octets)
def octets(value): return tlv(4, value)
def null(): return tlv(5)
def utf8(text): return tlv(12, text.encode() if isinstance(text, str) else text)
def printable(text): return tlv(19, text.encode())
def ctx(n, *parts): return tlv(0x80 | n, *parts)
def ctxc(n, *parts): return tlv(0xA0 | n, *parts)
TRUE = tlv(1, b"\xff")
FALSE = tlv(1, b"\x00")


def oid(text):
    arcs = [int(a) for a in text.split(".")]
    out = b""
    for arc in [arcs[0] * 40 + arcs[1]] + arcs[2:]:
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(0x80 | arc & 0x7F)
        out += bytes(reversed(digits))
    return tlv(6, out)


# --- keys --------------------------------------------------------------------------------------------------------------
def run(*args, data=None):
    return subprocess.run(args, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True).stdout


class Key:
    def __init__(self, name, *genpkey):
        self.path = f"{TMP.name}/{name}.pem"
        run("openssl", "genpkey", "-out", self.path, *genpkey)
        self.spki = run("openssl", "pkey", "-in", self.path, "-pubout", "-outform", "DER")

    def sign(self, data, digest="sha256", *options):
        return run("openssl", "dgst", "-" + digest, "-sign", self.path, *options, data=data)


def ec(curve, *more): return Key(curve + "".join(more).replace(":", "_"), "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:" + curve, *more)
def rsa(size, *more): return Key(f"rsa{size}" + "".join(more).replace(":", "_"), "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{size}", *more)


P256 = ec("P-256")
P384 = ec("P-384")
P521 = ec("P-521")
RSA = rsa(2048)
ECDSA = {"sha1": "1.2.840.10045.4.1", "sha224": "1.2.840.10045.4.3.1", "sha256": "1.2.840.10045.4.3.2",
         "sha384": "1.2.840.10045.4.3.3", "sha512": "1.2.840.10045.4.3.4"}
PKCS1 = {"md5": "1.2.840.113549.1.1.4", "sha1": "1.2.840.113549.1.1.5", "sha224": "1.2.840.113549.1.1.14",
         "sha256": "1.2.840.113549.1.1.11", "sha384": "1.2.840.113549.1.1.12", "sha512": "1.2.840.113549.1.1.13"}


def scheme(key, digest):
    return seq(oid(PKCS1[digest]), null()) if "rsa" in key.path else seq(oid(ECDSA[digest]))


# --- requests ----------------------------------------------------------------------------------------------------------
EXTENSION_REQUEST = oid("1.2.840.113549.1.9.14")
MICROSOFT = oid("1.3.6.1.4.1.311.2.1.14")
SAN, BASIC, KEY_USAGE, EKU, NAME_CONSTRAINTS = (oid("2.5.29." + n) for n in ("17", "19", "15", "37", "30"))


def rdn(type_, value): return set_(seq(oid(type_), value))
def cn(value): return rdn("2.5.4.3", value if isinstance(value, bytes) else utf8(value))
def name(*rdns): return seq(*rdns)
def dns(text): return ctx(2, text.encode() if isinstance(text, str) else text)
def ip(*octets_): return ctx(7, bytes(octets_))
def ext(id_, value, critical=b""): return seq(id_, critical, octets(value))
def san(*names): return ext(SAN, seq(*names))
def attr(type_, *values): return seq(type_, set_(*values))
def request(*extensions): return attr(EXTENSION_REQUEST, seq(*extensions))


GOOD_SAN = san(dns("cam1.example"), ip(10, 20, 0, 1))


def info(subject=name(), spki=None, attributes=None, version=integer(0)):
    if attributes is None:
        attributes = request(GOOD_SAN)
    if isinstance(attributes, list):
        attributes = b"".join(attributes)
    return seq(version, subject, spki or P256.spki, ctxc(0, attributes))


def csr(body=None, key=P256, digest="sha256", algorithm=None, **fields):
    if body is None:
        body = info(spki=key.spki, **fields)
    return seq(body, algorithm or scheme(key, digest), bits(key.sign(body, digest)))


def unsigned(spki):
    """A key that nobody can sign with; it must be refused before the signature is looked at."""
    return seq(info(spki=spki), seq(oid(PKCS1["sha256"]), null()), bits(b"\1" * 256))


def rsa_spki(n, e):
    return seq(seq(oid("1.2.840.113549.1.1.1"), null()), bits(seq(integer(n), integer(e))))


def ec_spki(curve, point):
    return seq(seq(oid("1.2.840.10045.2.1"), oid(curve)), bits(point))


def is_prime(n):
    if n < 2 or any(n % p == 0 for p in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37) if n != p):
        return False
    if n < 1600:
        return True
    d, s = n - 1, 0
    while d % 2 == 0:
        d, s = d // 2, s + 1
    for _ in range(20):
        x = pow(rng.randrange(2, n - 1), d, n)
        if x in (1, n - 1):
            continue
        for _ in range(s - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def prime(size):
    while not is_prime(p := rng.getrandbits(size) | 1 | 3 << size - 2):
        pass
    return p


def roca_prime(size):
    """A prime as the chips of CVE-2017-15361 made them: k*M + 65537^a mod M, M the product of small primes."""
    m, p, count = 1, 2, 0
    while count < 126:
        if is_prime(p):
            m, count = m * p, count + 1
        p += 1
    while True:
        k = rng.getrandbits(size - m.bit_length() + 1) | 1 << size - m.bit_length()
        p = k * m + pow(65537, rng.getrandbits(256), m)
        if p.bit_length() == size and p >> size - 2 == 3 and is_prime(p):
            return p


def next_prime(n):
    n += 2
    while not is_prime(n):
        n += 2
    return n


def e1():
    """With e = 1 the signature is the padded hash itself: anybody can write it."""
    n = prime(1024) * prime(1024)
    body = info(spki=rsa_spki(n, 1))
    prefix = bytes.fromhex("3031300d060960864801650304020105000420")
    tail = b"\0" + prefix + hashlib.sha256(body).digest()
    padded = b"\0\1" + b"\xff" * (256 - 2 - len(tail)) + tail
    return seq(body, seq(oid(PKCS1["sha256"]), null()), bits(padded))


def longer_length(der):
    """The outer length written in one octet more than needed."""
    assert der[1] == 0x82
    return der[:1] + b"\x83\0" + der[2:]


def indefinite(der):
    return b"\x30\x80" + der[4:] + b"\0\0"


files = {}

# Good ones.
files["good_p256"] = csr()
files["good_p384"] = csr(key=P384, digest="sha384")
files["good_p521"] = csr(key=P521, digest="sha512")
files["good_p521_sha256"] = csr(key=P521)
files["good_rsa2048"] = csr(key=RSA)
files["good_rsa2048_sha512"] = csr(key=RSA, digest="sha512")
files["good_rsa3072"] = csr(key=rsa(3072))
files["good_rsa4096"] = csr(key=rsa(4096))
files["good_common_name_and_san"] = csr(subject=name(rdn("2.5.4.6", printable("SE")), cn("cam1.example")))
files["good_common_name_only"] = csr(subject=name(cn("Cam1.Example")), attributes=[])
files["good_common_name_printable"] = csr(subject=name(cn(printable("cam1.example"))), attributes=[])
files["good_common_name_is_address"] = csr(subject=name(cn("10.20.0.1")), attributes=[])
files["good_common_name_is_text"] = csr(subject=name(cn("Kamera Eingang Süd")), attributes=[])
files["good_common_name_is_wildcard"] = csr(subject=name(cn("*.cams.example")), attributes=[])
files["good_common_name_beside_other_name"] = csr(subject=name(cn("other.example")))
files["good_no_subject_no_names"] = csr(attributes=[])
files["good_attributes_left_out"] = csr(seq(integer(0), name(cn("cam1.example")), P256.spki))
files["good_other_subject_types"] = csr(subject=name(rdn("2.5.4.10", tlv(0x14, b"Teletex\xe9")), cn("cam1.example")))
files["good_challenge_password"] = csr(attributes=sorted([attr(oid("1.2.840.113549.1.9.7"), utf8("secret")), request(GOOD_SAN)]))
files["good_usages_critical"] = csr(attributes=request(ext(KEY_USAGE, tlv(3, b"\5\xa0"), TRUE), ext(EKU, seq(oid("1.3.6.1.5.5.7.3.1")), TRUE), GOOD_SAN))
files["good_key_cert_sign_ignored"] = csr(attributes=request(ext(KEY_USAGE, tlv(3, b"\2\x04")), GOOD_SAN))
files["good_san_critical"] = csr(attributes=request(ext(SAN, seq(dns("cam1.example"), ip(10, 20, 0, 1)), TRUE)))
files["good_ca_false"] = csr(attributes=request(ext(BASIC, seq(), TRUE), GOOD_SAN))
files["good_ca_false_written"] = csr(attributes=request(ext(BASIC, seq(FALSE)), GOOD_SAN))
files["good_unknown_extension"] = csr(attributes=request(ext(oid("1.3.6.1.4.1.99999.1"), null()), GOOD_SAN))
files["good_name_constraints_ignored"] = csr(attributes=request(ext(NAME_CONSTRAINTS, seq(ctxc(0, seq(dns("example"))))), GOOD_SAN))
files["good_policies_and_aia_ignored"] = csr(attributes=request(ext(oid("2.5.29.32"), seq(seq(oid("2.23.140.1.2.1")))), ext(oid("1.3.6.1.5.5.7.1.1"), seq(seq(oid("1.3.6.1.5.5.7.48.1"), ctx(6, b"http://evil.example/")))), GOOD_SAN))
files["good_same_name_twice"] = csr(attributes=request(san(dns("cam1.example"), dns("CAM1.example"), ip(10, 20, 0, 1), ip(10, 20, 0, 1))))
files["good_a_label"] = csr(attributes=request(san(dns("xn--bcher-kva.example"))))
files["good_wildcard"] = csr(attributes=request(san(dns("*.cams.example"))))
files["good_ipv6"] = csr(attributes=request(san(ip(0x20, 1, 0xd, 0xb8, *[0] * 11, 1))))
files["good_names_100"] = csr(attributes=request(san(*(dns(f"c{i}.example") for i in range(100)))))
config = f"{TMP.name}/req.cnf"
pathlib.Path(config).write_text("[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nC=SE\nO=Example\nCN=cam1.example\n")
files["good_made_by_openssl"] = run("openssl", "req", "-new", "-config", config, "-key", RSA.path, "-outform", "DER", "-addext",
                                    "subjectAltName=DNS:cam1.example,IP:10.20.0.1", "-addext", "keyUsage=critical,digitalSignature")

# Not DER, or not only DER.
plain = csr()
files["der_empty"] = b""
files["der_empty_sequence"] = seq()
files["der_text"] = b"-----BEGIN CERTIFICATE REQUEST-----\n"
files["der_cut"] = plain[:-1]
files["der_trailing_octet"] = plain + b"\0"
files["der_twice"] = plain + plain
files["der_length_not_minimal"] = longer_length(csr(key=RSA))
files["der_length_long_form"] = csr(seq(b"\x02\x81\x01\x00", name(), P256.spki, ctxc(0, request(GOOD_SAN))))
files["der_length_of_five_octets"] = b"\x30\x85\0\0\0\0\x02\x05\0"
files["der_length_beyond_end"] = b"\x30\x84\xff\xff\xff\xff\x02\x01\x00"
files["der_indefinite_length"] = indefinite(csr(key=RSA))
files["der_indefinite_inside"] = csr(seq(integer(0), b"\x30\x80\0\0", P256.spki, ctxc(0, request(GOOD_SAN))))
files["der_constructed_string"] = csr(attributes=attr(EXTENSION_REQUEST, seq(seq(SAN, tlv(0x24, octets(seq(dns("cam1.example"))))))))
files["der_boolean_1"] = csr(attributes=request(ext(KEY_USAGE, tlv(3, b"\5\xa0"), tlv(1, b"\1")), GOOD_SAN))
files["der_critical_false_written"] = csr(attributes=request(ext(KEY_USAGE, tlv(3, b"\5\xa0"), FALSE), GOOD_SAN))
files["der_oid_padded"] = csr(attributes=request(ext(tlv(6, b"\x2a\x80\x03"), null()), GOOD_SAN))
files["der_attributes_unsorted"] = csr(attributes=sorted([attr(oid("1.2.840.113549.1.9.7"), utf8("secret")), request(GOOD_SAN)], reverse=True))
files["der_set_unsorted"] = csr(subject=name(tlv(0x31, *sorted([seq(oid("2.5.4.10"), utf8("O")), seq(oid("2.5.4.3"), utf8("cam1.example"))], reverse=True))))
files["der_deep"] = csr(attributes=attr(oid("1.2.3.4"), functools.reduce(lambda inner, _: seq(inner), range(60), null())))
files["der_multi_octet_tag"] = csr(seq(integer(0), name(), P256.spki, ctxc(0), b"\x1f\x81\x01\x00"))
files["der_octets_after_signature"] = seq(info(), scheme(P256, "sha256"), bits(P256.sign(info())), null())
files["der_octets_after_attributes"] = csr(seq(integer(0), name(), P256.spki, ctxc(0, request(GOOD_SAN)), null()))
files["der_signature_with_unused_bits"] = seq(info(), scheme(P256, "sha256"), tlv(3, b"\1" + P256.sign(info())))

files["der_too_large"] = csr(attributes=request(ext(oid("1.2.3.4"), bytes(17_000)), GOOD_SAN))

# Version.
files["version_1"] = csr(version=integer(1))
files["version_5"] = csr(version=integer(5))
files["version_minus_1"] = csr(version=integer(-1))
files["version_0_in_two_octets"] = csr(version=tlv(2, b"\0\0"))
files["version_missing"] = csr(seq(name(), P256.spki, ctxc(0, request(GOOD_SAN))))

# Attributes and extensions.
files["attributes_two_extension_requests"] = csr(attributes=sorted([request(GOOD_SAN), request(san(dns("evil.example")))]))
files["attributes_two_values"] = csr(attributes=attr(EXTENSION_REQUEST, seq(GOOD_SAN), seq(san(dns("evil.example")))))
files["attributes_no_value"] = csr(attributes=attr(EXTENSION_REQUEST))
files["attributes_microsoft_alone"] = csr(attributes=attr(MICROSOFT, seq(GOOD_SAN)))
files["attributes_microsoft_beside"] = csr(attributes=sorted([request(GOOD_SAN), attr(MICROSOFT, seq(san(dns("evil.example"))))]))
files["extensions_two_san"] = csr(attributes=request(GOOD_SAN, san(dns("evil.example"))))
files["extensions_two_unknown"] = csr(attributes=request(GOOD_SAN, ext(oid("1.2.3.4"), null()), ext(oid("1.2.3.4"), null())))
files["extensions_ca_true"] = csr(attributes=request(ext(BASIC, seq(TRUE)), GOOD_SAN))
files["extensions_ca_true_critical"] = csr(attributes=request(ext(BASIC, seq(TRUE, integer(0)), TRUE), GOOD_SAN))
files["extensions_ca_in_no_form"] = csr(attributes=request(ext(BASIC, b"\x30\x03\x01\x01\x01"), GOOD_SAN))
files["extensions_unknown_critical"] = csr(attributes=request(ext(oid("1.2.3.4"), null(), TRUE), GOOD_SAN))
files["extensions_name_constraints_critical"] = csr(attributes=request(ext(NAME_CONSTRAINTS, seq(ctxc(0, seq(dns("example")))), TRUE), GOOD_SAN))

# Names.
UPN = ctxc(0, oid("1.3.6.1.4.1.311.20.2.3"), ctxc(0, utf8("admin@corp.example")))
for case, bad in {
    "dns_empty": dns(""), "dns_nul": dns(b"cam1.example\0.evil.example"), "dns_space": dns("cam 1.example"),
    "dns_utf8": dns("bücher.example"), "dns_underscore": dns("_cam.example"), "dns_trailing_dot": dns("cam1.example."),
    "dns_leading_dot": dns(".example"), "dns_is_address": dns("10.20.0.1"), "dns_digits_last": dns("cam.123"),
    "dns_star_inside": dns("a.*.example"), "dns_star_part": dns("a*.example"), "dns_star_alone": dns("*"),
    "dns_label_64": dns("a" * 64 + ".example"), "dns_254": dns(".".join(["a" * 63] * 3) + "." + "a" * 62),
    "dns_bad_a_label": dns("xn--a.example"), "dns_fake_a_label": dns("xn--abc-.example"),
    "ip_empty": ip(), "ip_5": ip(10, 20, 0, 1, 0), "ip_8": ip(10, 20, 0, 1, 255, 255, 255, 255), "ip_32": ip(*[0xfe] * 32),
    "ip_v4_mapped": ip(*[0] * 10, 255, 255, 10, 20, 0, 1),
    "email": ctx(1, b"root@example"), "uri": ctx(6, b"https://cam1.example/"), "user_principal": UPN,
    "x400": ctxc(3, seq()), "directory": ctxc(4, name(cn("x"))), "edi": ctxc(5, ctxc(1, utf8("x"))),
    "registered_id": ctx(8, b"\x2a\x03"), "dns_constructed": ctxc(2, tlv(0x16, b"cam1.example")),
}.items():
    files["san_" + case] = csr(attributes=request(san(dns("cam1.example"), bad)))
files["san_empty"] = csr(attributes=request(san()))
files["san_no_sequence"] = csr(attributes=request(ext(SAN, dns("cam1.example"))))
files["san_trailing"] = csr(attributes=request(ext(SAN, seq(dns("cam1.example")) + b"\0")))
files["san_names_101"] = csr(attributes=request(san(*(dns(f"c{i}.example") for i in range(101)))))
files["cn_nul"] = csr(subject=name(cn("cam1.example\0.evil.example")), attributes=[])
files["cn_newline"] = csr(subject=name(cn("cam1.example\nX: y")), attributes=[])
files["cn_bmp"] = csr(subject=name(cn(tlv(30, "cam1.example".encode("utf-16-be")))), attributes=[])
files["cn_teletex"] = csr(subject=name(cn(tlv(20, b"cam1.example"))), attributes=[])
files["cn_ia5"] = csr(subject=name(cn(tlv(22, b"cam1.example"))), attributes=[])
files["cn_universal"] = csr(subject=name(cn(tlv(28, "cam1.example".encode("utf-32-be")))), attributes=[])
files["cn_bad_utf8"] = csr(subject=name(cn(utf8(b"cam\xc0\xaf"))), attributes=[])
files["cn_printable_8_bit"] = csr(subject=name(cn(tlv(19, b"cam\xc3\xbc"))), attributes=[])
files["cn_two"] = csr(subject=name(cn("cam1.example"), cn("evil.example")), attributes=[])
files["cn_two_in_one_set"] = csr(subject=name(set_(seq(oid("2.5.4.3"), utf8("cam1.example")), seq(oid("2.5.4.3"), utf8("evil.example")))), attributes=[])
files["cn_254"] = csr(subject=name(cn("a" * 254)), attributes=[])
files["cn_empty_set"] = csr(subject=name(tlv(0x31)), attributes=[])

# Keys. What cannot be signed with is refused before the signature is looked at.
n2048 = prime(1024) * prime(1024)
files["key_rsa_e1"] = e1()
files["key_rsa_e3"] = csr(key=rsa(2048, "-pkeyopt", "rsa_keygen_pubexp:3"))
files["key_rsa_e_even"] = unsigned(rsa_spki(n2048, 65538))
files["key_rsa_e_large"] = unsigned(rsa_spki(n2048, (1 << 256) + 1))
files["key_rsa_e_as_n"] = unsigned(rsa_spki(n2048, n2048 - 2))
files["key_rsa_1024"] = csr(key=rsa(1024))
files["key_rsa_2047"] = unsigned(rsa_spki((1 << 2046) + rng.getrandbits(2040) | 1, 65537))
files["key_rsa_2056"] = csr(key=rsa(2056))
files["key_rsa_8192"] = unsigned(rsa_spki(1 << 8191 | rng.getrandbits(8190) | 1, 65537))
files["key_rsa_16384"] = unsigned(rsa_spki(1 << 16383 | rng.getrandbits(16382) | 1, 65537))
files["key_rsa_even"] = unsigned(rsa_spki(n2048 + 1, 65537))
files["key_rsa_negative"] = unsigned(rsa_spki(-n2048, 65537))
files["key_rsa_zero"] = unsigned(rsa_spki(0, 65537))
while True:  # 2048 bits with the factor 751
    n = 751 * (prime(1024) * prime(1014))
    if n.bit_length() == 2048:
        break
files["key_rsa_small_factor"] = unsigned(rsa_spki(n, 65537))
files["key_rsa_roca"] = unsigned(rsa_spki(roca_prime(1024) * roca_prime(1024), 65537))
p = prime(1024)
files["key_rsa_close_primes"] = unsigned(rsa_spki(p * next_prime(p), 65537))
files["key_rsa_prime_below_root"] = unsigned(rsa_spki(p * next_prime(p + (1 << 515)), 65537))
# primes that are searched from numbers that are mostly zeros: so is their product
files["key_rsa_pattern"] = unsigned(rsa_spki(next_prime((0xC0 << 1016) - 1) * next_prime((0xE0 << 1016) - 1), 65537))
files["key_rsa_square"] = unsigned(rsa_spki(p * p, 65537))
files["key_rsa_no_null"] = unsigned(seq(seq(oid("1.2.840.113549.1.1.1")), bits(seq(integer(n2048), integer(65537)))))
files["key_rsa_trailing"] = unsigned(seq(seq(oid("1.2.840.113549.1.1.1"), null()), bits(seq(integer(n2048), integer(65537)) + b"\0")))
files["key_rsa_padded_modulus"] = unsigned(seq(seq(oid("1.2.840.113549.1.1.1"), null()), bits(seq(tlv(2, b"\0\0" + n2048.to_bytes(256, "big")), integer(65537)))))
files["key_rsa_pss"] = csr(key=Key("rsapss", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"))
files["key_secp256k1"] = csr(key=ec("secp256k1"))
files["key_p224"] = csr(key=ec("P-224"))
files["key_explicit_curve"] = csr(key=ec("P-256", "-pkeyopt", "ec_param_enc:explicit"))
point = P256.spki[-64:]
files["key_ec_off_curve"] = unsigned(ec_spki("1.2.840.10045.3.1.7", b"\4" + point[:-1] + bytes([point[-1] ^ 1])))
files["key_ec_infinity"] = unsigned(ec_spki("1.2.840.10045.3.1.7", b"\0"))
files["key_ec_zero"] = unsigned(ec_spki("1.2.840.10045.3.1.7", b"\4" + bytes(64)))
files["key_ec_compressed"] = unsigned(ec_spki("1.2.840.10045.3.1.7", bytes([2 + point[-1] % 2]) + point[:32]))
files["key_ec_hybrid"] = unsigned(ec_spki("1.2.840.10045.3.1.7", bytes([6 + point[-1] % 2]) + point))
files["key_ec_wrong_curve"] = unsigned(ec_spki("1.3.132.0.34", b"\4" + point))
files["key_ec_no_curve"] = unsigned(seq(seq(oid("1.2.840.10045.2.1")), bits(b"\4" + point)))
files["key_ec_implicit_curve"] = unsigned(seq(seq(oid("1.2.840.10045.2.1"), null()), bits(b"\4" + point)))
ed = Key("ed25519", "-algorithm", "ED25519")
pathlib.Path(f"{TMP.name}/tbs").write_bytes(info(spki=ed.spki))
files["key_ed25519"] = seq(info(spki=ed.spki), seq(oid("1.3.101.112")), bits(
    run("openssl", "pkeyutl", "-sign", "-rawin", "-inkey", ed.path, "-in", f"{TMP.name}/tbs")))
files["key_unknown_type"] = unsigned(seq(seq(oid("1.2.3.4")), bits(b"\1")))
files["key_dsa_number"] = unsigned(seq(seq(oid("1.2.840.10040.4.1")), bits(integer(5))))

# Signatures.
for digest in ("md5", "sha1", "sha224"):
    files["signature_rsa_" + digest] = csr(key=RSA, digest=digest)
files["signature_ecdsa_sha1"] = csr(digest="sha1")
files["signature_ecdsa_sha224"] = csr(digest="sha224")
pss = seq(oid("1.2.840.113549.1.1.10"), seq(ctxc(0, seq(oid("2.16.840.1.101.3.4.2.1"), null())), ctxc(1, seq(oid("1.2.840.113549.1.1.8"), seq(oid("2.16.840.1.101.3.4.2.1"), null()))), ctxc(2, integer(32))))
body = info(spki=RSA.spki)
files["signature_rsa_pss"] = seq(body, pss, bits(RSA.sign(body, "sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32")))
files["signature_rsa_without_null"] = csr(key=RSA, algorithm=seq(oid(PKCS1["sha256"])))
files["signature_ecdsa_with_null"] = csr(algorithm=seq(oid(ECDSA["sha256"]), null()))
files["signature_scheme_of_other_key_type"] = csr(algorithm=seq(oid(PKCS1["sha256"]), null()))
files["signature_scheme_of_other_hash"] = csr(algorithm=seq(oid(ECDSA["sha384"])))
files["signature_scheme_unknown"] = csr(algorithm=seq(oid("1.2.3.4")))
files["signature_by_other_key"] = seq(info(), scheme(P256, "sha256"), bits(ec("P-256", "-pkeyopt", "ec_param_enc:named_curve").sign(info())))
files["signature_of_other_content"] = seq(info(subject=name(cn("evil.example"))), scheme(P256, "sha256"), bits(P256.sign(info())))
files["signature_empty"] = seq(info(), scheme(P256, "sha256"), bits(b""))
files["signature_zero"] = seq(info(), scheme(P256, "sha256"), bits(seq(integer(0), integer(0))))
files["signature_raw_form"] = seq(info(), scheme(P256, "sha256"), bits(bytes(range(64))))

for old in HERE.glob("*.der"):
    old.unlink()
for file, data in files.items():
    (HERE / f"{file}.der").write_bytes(data)
print(f"{len(files)} files")
