#!/bin/bash
# certificates.sh FOLDER: a root, and certificates that are good, or bad in one
# way each: NAME.pem has the chain and the key that a server shows.
set -euo pipefail
mkdir -p "$1"
cd "$1"
quiet() { "$@" 2>>openssl.log || { tail -5 openssl.log >&2; exit 1; }; }

ca() { # NAME SUBJECT [SIGNER]
	quiet openssl req -new -newkey rsa:2048 -nodes -keyout "$1.key" \
		-subj "/CN=$2" -out "$1.csr"
	printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n' >ca.ext
	if [ $# -gt 2 ]; then
		quiet openssl x509 -req -in "$1.csr" -CA "$3.crt" -CAkey "$3.key" \
			-CAcreateserial -days 30 -sha256 -extfile ca.ext -out "$1.crt"
	else
		quiet openssl x509 -req -in "$1.csr" -signkey "$1.key" -days 30 \
			-sha256 -extfile ca.ext -out "$1.crt"
	fi
}
leaf() { # NAME HOST SIGNER [OPTION...]
	local name=$1 host=$2 signer=$3
	shift 3
	quiet openssl req -new -newkey rsa:2048 -nodes -keyout "$name.key" \
		-subj "/CN=$host" -out "$name.csr"
	printf 'subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth\n' "$host" >leaf.ext
	quiet openssl x509 -req -in "$name.csr" -CA "$signer.crt" \
		-CAkey "$signer.key" -CAcreateserial -extfile leaf.ext \
		-out "$name.crt" "${@:--sha256}"
	cat "$name.crt" "$name.key" >"$name.pem"
}

ca root "Pullwire test root"
ca middle "Pullwire test intermediate" root
ca stranger "A root that nobody knows"
leaf good good.test root
leaf chained chained.test middle
cat middle.crt >>chained.pem
leaf missing missing.test middle # ... and does not send it
leaf wrong other.test root
leaf unknown unknown.test stranger
cat stranger.crt >>unknown.pem
leaf sha1 sha1.test root -sha1 -days 30
leaf old old.test root # for a server of TLS 1.1
# OpenSSL's x509 cannot date back: `ca` can.
mkdir -p db
: >db/index.txt
echo 01 >db/serial
cat >ca.conf <<-EOT
	[ca]
	default_ca = d
	[d]
	database = db/index.txt
	serial = db/serial
	new_certs_dir = db
	default_md = sha256
	policy = p
	[p]
	commonName = supplied
EOT
quiet openssl req -new -newkey rsa:2048 -nodes -keyout expired.key \
	-subj /CN=expired.test -out expired.csr
printf 'subjectAltName=DNS:expired.test\n' >leaf.ext
quiet openssl ca -batch -config ca.conf -cert root.crt -keyfile root.key \
	-in expired.csr -startdate 20200101000000Z -enddate 20200201000000Z \
	-extfile leaf.ext -notext -out expired.crt
cat expired.crt expired.key >expired.pem
quiet openssl req -x509 -newkey rsa:2048 -nodes -keyout self.key -days 30 \
	-subj /CN=self.test -addext subjectAltName=DNS:self.test -out self.crt
cat self.crt self.key >self.pem
