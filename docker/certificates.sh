#!/bin/sh
# Make an authority and certificates to try TLS with: certificates.sh FOLDER SERVER_NAME...
# FOLDER/server and FOLDER/client then hold tls.crt, tls.key and ca.crt, which is how cert-manager and Kubernetes name
# them. An authority that is there already signs again. In production, take the certificates of your own authority.
set -eu
[ $# -ge 2 ] || { echo "usage: $0 FOLDER SERVER_NAME..." >&2; exit 2; }
folder=$1
shift
umask 077
mkdir -p "$folder/server" "$folder/client"
cd "$folder"

names=
for name in "$@"; do
    case $name in
        *[!0-9.]*) names="$names,DNS:$name" ;;
        *) names="$names,IP:$name" ;;
    esac
done

new_key() {
    openssl ecparam -genkey -name prime256v1 -noout -out "$1"
}

if [ ! -f ca.key ]; then
    new_key ca.key
    openssl req -x509 -new -key ca.key -days 3650 -subj "/CN=fer-triton trial authority" -out ca.crt
fi

# sign FOLDER EXTENSIONS: a key, and a certificate for a year that the authority signs.
sign() {
    new_key "$1/tls.key"
    openssl req -new -key "$1/tls.key" -subj "/CN=fer-triton $1" -out "$1/request.csr"
    printf 'basicConstraints=critical,CA:FALSE\n%s\n' "$2" > "$1/extensions"
    openssl x509 -req -in "$1/request.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 \
        -extfile "$1/extensions" -out "$1/tls.crt" 2> "$1/log" || { cat "$1/log" >&2; exit 1; }
    rm "$1/request.csr" "$1/extensions" "$1/log"
    cp ca.crt "$1/ca.crt"
}

sign server "extendedKeyUsage=serverAuth
subjectAltName=${names#,}"
sign client "extendedKeyUsage=clientAuth"
