#!/bin/sh
# A root, an issuing CA and leaves as cameras serve them; made once with the openssl command and kept. Run it again only
# to change what they hold. Private keys are not kept: nothing in the tests signs with them.
set -e
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$tmp/$1.key"; }
sign() { # name subject issuer extensions days
  openssl req -new -key "$tmp/$1.key" -subj "$2" -out "$tmp/$1.csr"
  printf '%s\n' "$4" > "$tmp/$1.ext"
  openssl x509 -req -in "$tmp/$1.csr" -CA "$3.pem" -CAkey "$tmp/$3.key" -days "$5" -sha256 -extfile "$tmp/$1.ext" \
    -set_serial "0x$(openssl rand -hex 16)" -out "$1.pem" 2>/dev/null
}
for name in root other_root issuer camera foreign expired self_signed; do key $name; done
for name in root other_root; do
  openssl req -x509 -key "$tmp/$name.key" -subj "/CN=Test $name" -days 36500 -out $name.pem \
    -addext keyUsage=critical,keyCertSign,cRLSign
done
sign issuer "/CN=Test issuer" root "basicConstraints=critical,CA:TRUE,pathlen:0
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid" 36500
leaf="basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
authorityKeyIdentifier=keyid"
sign camera "/CN=cam.example.test" issuer "$leaf
subjectAltName=DNS:cam.example.test,IP:192.0.2.7" 36499
sign expired "/CN=cam.example.test" issuer "$leaf
subjectAltName=DNS:cam.example.test,IP:192.0.2.7" 1
sign foreign "/CN=cam.example.test" other_root "$leaf
subjectAltName=DNS:cam.example.test,IP:192.0.2.7" 36499
openssl req -x509 -key "$tmp/self_signed.key" -subj "/CN=axis-accc8ef7de6b" -days 36500 -out self_signed.pem

# Requests as cameras make them: all names, the common name alone, a foreign name.
openssl req -new -key "$tmp/camera.key" -subj "/CN=cam.example.test" -addext "subjectAltName=DNS:cam.example.test,IP:192.0.2.7" -out san.csr
openssl req -new -key "$tmp/camera.key" -subj "/CN=cam.example.test" -out cn.csr
openssl req -new -key "$tmp/camera.key" -subj "/CN=cam.example.test" -addext "subjectAltName=DNS:cam.example.test,DNS:evil.example.test,IP:192.0.2.7" -out foreign_name.csr
openssl req -new -key "$tmp/camera.key" -subj "/CN=evil.example.test" -addext "subjectAltName=DNS:cam.example.test,IP:192.0.2.7" -out foreign_cn.csr
openssl req -new -key "$tmp/camera.key" -subj "/CN=192.0.2.7" -out address_cn.csr
