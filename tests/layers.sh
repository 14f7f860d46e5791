#!/bin/bash
# layers.sh [ROOT]: which folder may include which. Prints each violation as
# file:line: sentence, and "layers: ok" when there is none.
#
#   proto/base <- proto/msg, proto/data, proto/io <- proto/daemon
#              <- ingress, matcher, deployer, logger
#
# Layers side by side never include each other; daemons talk.
cd "${1:-$(dirname "$0")/..}" || exit 1

# Third-party header -> the files that may include it (a file that was split
# in two is named twice). A pattern ends with *.
owners='
cjson/cJSON.h		proto/data/json.c
cmocka.h		tests/unit/*
curl/*			proto/io/http_client.c
curl/*			proto/io/http_transfer.c
curl/*			proto/io/http_transfer.h
gnutls/*		proto/io/http_tls_material.h
libpq-fe.h		proto/data/pg_inside.h
microhttpd.h		proto/io/http_server.c
microhttpd.h		proto/io/http_peer.c
microhttpd.h		proto/io/http_reply.c
microhttpd.h		proto/io/http_stream.c
microhttpd.h		proto/io/http_headers.c
msgpack.h		proto/msg/field.c
openssl/*		proto/base/enc.c
pcre2.h			matcher/regex.c
sqlite3.h		proto/data/db.c
uv.h			proto/io/loop.c
yaml.h			proto/data/yaml.c
zmq.h			proto/io/link_sock.c
zmq.h			proto/io/link_context.c
zmq.h			proto/io/link_monitor.c
zmq.h			proto/io/link_curve.c
zmq.h			proto/io/link_zap.c
zmq.h			proto/io/keys.c
'

# What the C library and the kernel bring: everyone may include it.
standard='assert ctype dirent dlfcn errno fcntl fnmatch getopt glob grp ifaddrs
inttypes libgen limits locale malloc math netdb poll pthread pwd sched semaphore setjmp signal
spawn stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib string
strings syslog termios time unistd wchar arpa/ linux/ net/ netinet/ sys/'

export owners standard
find proto ingress matcher deployer logger tests \
	\( -name '*.c' -o -name '*.h' \) -type f 2>/dev/null | LC_ALL=C sort |
	xargs grep -nH '^[[:space:]]*#[[:space:]]*include' /dev/null |
	LC_ALL=C awk '
function bad(text) {
	print file ":" line ": " text
	faults++
}

# The layer of a path: "proto/base", "matcher", "tests/unit/matcher", ...
function layer(path,    part, n) {
	n = split(path, part, "/")
	if (part[1] == "proto" && n > 2)
		return "proto/" part[2]
	if (path ~ /^tests\/fuzz\//)
		return "tests/fuzz"
	if (path ~ /^tests\/unit\/.*\//)
		return "tests/unit/" part[3]
	return part[1]
}

function may(from, to) {
	if (from == to || to == "proto/base" || from == "tests")
		return 1
	if (from == "tests/fuzz")
		return 1
	if (from ~ /^tests\/unit\//) {
		sub(/^tests\/unit\//, "", from)
		return to ~ /^proto\// || to == from
	}
	if (to !~ /^proto\//)
		return 0
	if (from == "proto/daemon" || from !~ /^proto\//)
		return 1
	return 0
}

function matches(text, pattern) {
	if (pattern ~ /\*$/)
		return index(text, substr(pattern, 1,
			length(pattern) - 1)) == 1
	return text == pattern
}

function is_standard(name,    i) {
	for (i = 1; i <= n_std; i++) {
		if (name == std[i] ".h")
			return 1
		if (substr(std[i], length(std[i])) == "/" &&
				index(name, std[i]) == 1)
			return 1
	}
	return 0
}

function third_party(name,    i, known) {
	for (i = 1; i < n_own; i += 2) {
		if (!matches(name, own[i]))
			continue
		if (matches(file, own[i + 1]))
			return
		known = known (known ? " or " : "") own[i + 1]
	}
	if (known)
		bad("<" name "> is included by " known " only")
	else
		bad("<" name "> is not on the list of tests/layers.sh")
}

function above(folder) {
	sub(/[^\/]*\/$/, "", folder)
	return folder
}

# The first include of foo.c is foo.h; of a file that is one part of a module
# or one implementation of a contract, a header of its own folder or, in a
# folder within a daemon, of the one above.
function first(name, quoted,    own_header, folder) {
	if (file !~ /\.c$/ || file ~ /(^|\/)main\.c$/ || file ~ /^tests\//)
		return
	own_header = file
	sub(/c$/, "h", own_header)
	folder = file
	sub(/[^\/]*$/, "", folder)
	if (own_header in headers) {
		if (name != own_header)
			bad("includes " name " before its own header")
	} else if (!quoted || (index(name, folder) != 1 &&
			name !~ "^" above(folder) "[^/]*$")) {
		bad("includes " name " before a header of its own folder")
	}
}

BEGIN {
	n_own = split(ENVIRON["owners"], own)
	n_std = split(ENVIRON["standard"], std)
	while (("find . -name \"*.h\" -type f" | getline path) > 0)
		headers[substr(path, 3)] = 1
}

{
	match($0, /:[0-9]+:/)
	file = substr($0, 1, RSTART - 1)
	line = substr($0, RSTART + 1, RLENGTH - 2)
	text = substr($0, RSTART + RLENGTH)
	if (!match(text, /["<][^">]*[">]/)) {
		bad("an include without a name: " text)
		next
	}
	name = substr(text, RSTART + 1, RLENGTH - 2)
	quoted = substr(text, RSTART, 1) == "\""
	if (!(file in seen))
		first(name, quoted)
	seen[file] = 1
	if (!quoted) {
		if (!is_standard(name))
			third_party(name)
	} else if (!(name in headers)) {
		bad("\"" name "\" is no header, seen from the root")
	} else if (!may(layer(file), layer(name))) {
		bad(layer(file) " may not include " name)
	}
}

END {
	if (faults)
		exit 1
	print "layers: ok"
}
'
