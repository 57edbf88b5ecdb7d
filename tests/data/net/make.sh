#!/bin/sh
# Certificates for the tests of base/net, by openssl. Run in this folder; needs nothing else. Valid for a century, so that
# no test grows old.
#   root.pem                    a private root
#   issuing.pem                 below it
#   server.pem server.key       cam.example and 127.0.0.1, below issuing
#   chain.pem                   server.pem and issuing.pem, as a server should send them
#   second.pem second.key       the same names, another key: for the exchange while serving
#   other.pem other.key         self-signed, unrelated, name other.example
#   expired.pem (server.key)    as server.pem, ended in 2001
#   weak.pem weak.key           self-signed RSA-1024 with SHA-1, as ancient devices have it
set -e
new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }
for name in root issuing server second other; do new_key $name.key; done
cat > ext.cnf <<END
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:cam.example,IP:127.0.0.1
[other]
subjectAltName = DNS:other.example
END
openssl req -new -x509 -key root.key -subj "/CN=Test Root" -days 36500 -out root.pem \
  -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
sign() { # subject key ca out section [date options]
  openssl req -new -key $2 -subj "$1" -out tmp.csr -config /etc/ssl/openssl.cnf
  openssl x509 -req -in tmp.csr -CA $3.pem -CAkey $3.key -CAcreateserial -extfile ext.cnf -extensions $5 -out $4 ${6:--days 36500}
}
sign "/CN=Test Issuing" issuing.key root issuing.pem ca
sign "/CN=camera" server.key issuing server.pem leaf
cat server.pem issuing.pem > chain.pem
sign "/CN=camera" second.key issuing second.pem leaf
openssl req -new -x509 -key other.key -subj "/CN=other" -days 36500 -out other.pem -addext subjectAltName=DNS:other.example
mkdir -p ca && : > ca/index.txt && echo 77 > ca/serial
cat > ca.cnf <<END
[ca]
default_ca = x
[x]
database = ca/index.txt
serial = ca/serial
new_certs_dir = ca
default_md = sha256
policy = p
[p]
commonName = supplied
END
openssl req -new -key server.key -subj "/CN=camera" -out tmp.csr -config /etc/ssl/openssl.cnf
openssl ca -batch -config ca.cnf -cert issuing.pem -keyfile issuing.key -in tmp.csr -out expired.pem -notext -extfile ext.cnf \
  -extensions leaf -startdate 20000101000000Z -enddate 20010101000000Z
openssl req -new -x509 -newkey rsa:1024 -nodes -keyout weak.key -sha1 -subj "/CN=weak" -days 36500 -out weak.pem
rm -rf ca ca.cnf ext.cnf tmp.csr ./*.srl root.key issuing.key
