#!/usr/bin/env bash
# Prints signature_key vectors, computed by the openssl command line alone:
#
#     plugins/midtrans/tests/make_vectors.sh > plugins/midtrans/tests/vectors.json
#
# The keys are made up. `basic` is the key as it stands in the Authorization header.
set -euo pipefail

sha512() { printf %s "$1" | openssl dgst -sha512 -r | cut -d' ' -f1; }

between=""
# vector ID ORDER_ID STATUS_CODE GROSS_AMOUNT SERVER_KEY
vector() {
    printf '%s\n {"id": "%s", "order_id": "%s", "status_code": "%s", "gross_amount": "%s", "server_key": "%s",' \
        "$between" "$1" "$2" "$3" "$4" "$5"
    printf '\n  "basic": "%s",' "$(printf %s "$5:" | openssl base64 -A)"
    printf '\n  "signature_key": "%s"}' "$(sha512 "$2$3$4$5")"
    between=,
}

sandbox=SB-Mid-server-0000made0up0000
production=Mid-server-0000made0up0000
printf '['
vector settled INV-0001 200 20000.00 "$sandbox"
vector pending INV-0001 201 20000.00 "$sandbox"
vector expired INV-0002 202 50000.00 "$sandbox"
vector production INV-0001 200 20000.00 "$production"
vector large INV-0003 200 99999999999999.00 "$sandbox"
vector one-rupiah INV-0004 200 1.00 "$sandbox"
vector every-sign Az09-_~. 200 20000.00 "$sandbox"
vector longest 01234567890123456789012345678901234567890123456789 200 20000.00 "$sandbox"
vector cut-elsewhere INV-00012 002 0000.00 "$sandbox"
vector without-decimals INV-0001 200 20000 "$sandbox"
printf '\n]\n'
