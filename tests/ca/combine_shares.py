#!/usr/bin/env python3
# combine_shares.py FILE...: the passphrase from the files of shares, by nothing but the textbook: Lagrange's formula at
# zero, octet by octet, in GF(256) with the polynomial x^8 + x^4 + x^3 + x^2 + 1. A judge that shares no line with those
# who split it, and does not ask whether it was given enough.
import base64
import sys

POLYNOMIAL = 0x11D


def multiply(a, b):
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 0x100:
            a ^= POLYNOMIAL
        b >>= 1
    return product


def inverse(a):
    return next(b for b in range(1, 256) if multiply(a, b) == 1)


def read(path):
    lines = dict(line.split(None, 1) for line in open(path) if line.startswith(("Number ", "Share ")))
    return int(lines["Number"]), base64.b32decode(lines["Share"].replace(" ", "").strip())


shares = dict(map(read, sys.argv[1:]))
secret = bytearray(20)
for x, octets in shares.items():
    factor = 1
    for other in shares:
        if other != x:
            factor = multiply(factor, multiply(other, inverse(other ^ x)))
    for i, octet in enumerate(octets):
        secret[i] ^= multiply(factor, octet)
print(base64.b32encode(secret).decode())
