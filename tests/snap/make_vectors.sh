#!/usr/bin/env bash
# Prints the SNAP BI vectors, computed by the openssl command line alone:
#
#     tests/snap/make_vectors.sh > tests/snap/vectors.json
#
# The keys are for tests only. They are made where they are missing; as long as they stay, so do the
# vectors, for RSA by PKCS#1 v1.5 and HMAC have no randomness.
set -euo pipefail
cd "$(dirname "$0")"

make_keys() {
    mkdir -p keys
    cd keys
    [ -e rsa-2048.pem ] || openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa-2048.pem
    [ -e rsa-1024.pem ] || openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out rsa-1024.pem
    [ -e ec-p256.pem ] || openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec-p256.pem
    [ -e rsa-2048-pkcs1.pem ] || openssl rsa -in rsa-2048.pem -traditional -out rsa-2048-pkcs1.pem
    [ -e rsa-2048-encrypted.pem ] ||
        openssl pkcs8 -topk8 -v2 aes-256-cbc -passout pass:paygate -in rsa-2048.pem -out rsa-2048-encrypted.pem
    [ -e rsa-2048-pkcs1-encrypted.pem ] ||
        openssl rsa -aes256 -traditional -passout pass:paygate -in rsa-2048.pem -out rsa-2048-pkcs1-encrypted.pem
    for name in rsa-2048 rsa-1024 ec-p256; do
        [ -e "$name-public.pem" ] || openssl pkey -in "$name.pem" -pubout -out "$name-public.pem"
    done
    cd ..
}

sha256() { printf %s "$1" | openssl dgst -sha256 -r | cut -d' ' -f1; }
base64() { printf %s "$1" | openssl base64 -A; }
rsa() { printf %s "$1" | openssl dgst -sha256 -sign keys/rsa-2048.pem | openssl base64 -A; }
hmac_hex() { printf %s "$2" | openssl dgst -sha512 -hmac "$1" -r | cut -d' ' -f1; }
hmac_base64() { printf %s "$2" | openssl dgst -sha512 -hmac "$1" -binary | openssl base64 -A; }

comma=""
field() { printf '%s\n   "%s": "%s"' "$comma" "$1" "$2"; comma=,; }

# login ID CLIENT_KEY TIMESTAMP
login() {
    printf '%s\n  {' "$between"; between=,; comma=""
    field id "$1"; field client_key "$2"; field timestamp "$3"
    field rsa "$(rsa "$2|$3")"
    printf '\n  }'
}

# call ID METHOD PATH TOKEN TIMESTAMP SECRET BODY COMPACT: the body as it arrives, and as it is hashed
call() {
    local hash; hash=$(sha256 "$8")
    printf '%s\n  {' "$between"; between=,; comma=""
    field id "$1"; field method "$2"; field path "$3"; field token "$4"; field timestamp "$5"; field secret "$6"
    field body "$(base64 "$7")"; field compact "$(base64 "$8")"; field hash "$hash"
    field hmac_base64 "$(hmac_base64 "$6" "$2:$3:$4:$hash:$5")"
    field hmac_hex "$(hmac_hex "$6" "$2:$3:$4:$hash:$5")"
    field rsa "$(rsa "$2:$3:$hash:$5")"
    printf '\n  }'
}

make_keys

printf '{\n "_about": "made by make_vectors.sh; body and compact are in base64",\n "logins": ['
between=""
login plain CK-0001 2026-01-02T10:15:00+07:00
login milliseconds CK-0001 2026-01-02T03:15:00.024Z
login bar-in-the-key 'CK|0001' 2026-01-02T10:15:00+07:00
login not-ascii 'toko-kopi-é-日' 2026-01-02T10:15:00+07:00

printf '\n ],\n "calls": ['
between=""
now=2026-01-02T10:15:00+07:00
qr=/v1.0/qr/qr-mpm-generate
long=$(printf 'secret-%.0s' {1..30})
call compact POST $qr tok-1 $now secret-1 \
    '{"partnerReferenceNo":"INV-1","amount":{"value":"10000.00","currency":"IDR"}}' \
    '{"partnerReferenceNo":"INV-1","amount":{"value":"10000.00","currency":"IDR"}}'
call indented POST $qr tok-1 $now secret-1 \
    $'{\n  "partnerReferenceNo": "INV-1",\n  "amount": {\n    "value": "10000.00",\n    "currency": "IDR"\n  }\n}\n' \
    '{"partnerReferenceNo":"INV-1","amount":{"value":"10000.00","currency":"IDR"}}'
call tabs-and-crlf POST $qr tok-1 $now secret-1 \
    $'\r\n{\t"a" :\t[ 1 ,\r\n2 ] ,\t"b" : null }\r\n\t' \
    '{"a":[1,2],"b":null}'
call escapes POST $qr tok-1 $now secret-1 \
    '{ "note" : "a\"b \\ c\/d \u00e9 \n\t {} " , "last\\" : "\\\\" }' \
    '{"note":"a\"b \\ c\/d \u00e9 \n\t {} ","last\\":"\\\\"}'
call unicode POST $qr tok-1 $now secret-1 \
    '{ "name" : "Warung  Ñusantara 日本 🍜" , "kunci é" : "　wide space " }' \
    '{"name":"Warung  Ñusantara 日本 🍜","kunci é":"　wide space "}'
call spaces-in-values POST /v1.0/transfer-va/create-va tok-1 $now secret-1 \
    '{ "partnerServiceId" : "   88899" , "virtualAccountName" : "Budi  Santoso" }' \
    '{"partnerServiceId":"   88899","virtualAccountName":"Budi  Santoso"}'
call json-in-a-string POST $qr tok-1 $now secret-1 \
    '{ "extendInfo" : "{ \"promo\" : [ ] , \"x\" : \"\\\" \" }" }' \
    '{"extendInfo":"{ \"promo\" : [ ] , \"x\" : \"\\\" \" }"}'
call number-literals POST $qr tok-1 $now secret-1 \
    '{ "a" : 2000.00 , "b" : 1E3 , "c" : -0 , "d" : 1e-07 , "e" : 123456789012345678901234567890 }' \
    '{"a":2000.00,"b":1E3,"c":-0,"d":1e-07,"e":123456789012345678901234567890}'
call twice-the-same-name POST $qr tok-1 $now secret-1 '{ "z" : 1 , "a" : 2 , "z" : 3 }' '{"z":1,"a":2,"z":3}'
call empty-object POST $qr tok-1 $now secret-1 '{ }' '{}'
call no-body GET '/v1.0/balance?b=2&a=1&c=%20' tok-1 $now secret-1 '' ''
call only-space POST $qr tok-1 $now secret-1 $' \r\n\t ' ''
call delete-with-body DELETE /v1.0/transfer-va/delete-va tok-1 2026-01-02T03:15:00.024Z secret-1 '{"trxId": "1"}' '{"trxId":"1"}'
call token-with-colons POST $qr 'eyJh.b:c/d+e==' $now secret-1 '{"a":1}' '{"a":1}'
call secret-not-ascii POST $qr tok-1 $now 'rahasia-é-日' '{"a":1}' '{"a":1}'
call secret-over-a-block POST $qr tok-1 $now "$long" '{"a":1}' '{"a":1}'
printf '\n ]\n}\n'
