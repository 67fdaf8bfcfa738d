#!/bin/sh
# SPDX-License-Identifier: MIT
# openssl: speed (short; by forks too), digests and ciphers over a file, keys
# and certificates, S/MIME, a bad certificate.
#
# packages: openssl
# commands: openssl
# active: openssl
# threads: one
# quick: yes

set -eu
openssl speed -seconds 1 -bytes 1024 -evp aes-128-gcm 2>&1 |
    grep -o '^AES-128-GCM'
openssl speed -seconds 1 -multi 2 ecdsap256 2>&1 | grep -o 'ecdsa (nistp256)'
seq 300000 >text
for digest in md5 sha1 sha256 sha3-256 blake2b512; do
    openssl dgst -$digest text
done
for cipher in aes-256-cbc chacha20 camellia-128-ctr; do
    openssl enc -$cipher -pbkdf2 -k secret -S 0102030405060708 -in text \
        -out text.$cipher
    sha256sum <text.$cipher
    openssl enc -d -$cipher -pbkdf2 -k secret -S 0102030405060708 \
        -in text.$cipher | cmp - text && echo same
done
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=root -keyout root.key \
    -out root.pem -days 30 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -subj /CN=leaf -keyout leaf.key -out leaf.csr 2>/dev/null
openssl x509 -req -in leaf.csr -CA root.pem -CAkey root.key -CAcreateserial \
    -days 20 -out leaf.pem 2>/dev/null
openssl verify -CAfile root.pem leaf.pem
openssl verify leaf.pem 2>&1 | grep -o 'error 20[^:]*' || true
openssl cms -sign -in text -signer leaf.pem -inkey leaf.key -outform DER \
    -nodetach -out signed -binary
openssl cms -verify -in signed -inform DER -CAfile root.pem -purpose any \
    -binary 2>&1 | sha256sum
openssl pkcs12 -export -inkey leaf.key -in leaf.pem -passout pass:x -out p12
openssl pkcs12 -in p12 -passin pass:x -nodes -nokeys | openssl x509 -noout \
    -subject
openssl prime -generate -bits 256 | wc -l
