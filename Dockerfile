# One image with all four programs; docker-compose.yml says which one runs.
FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
	gcc libc6-dev make pkg-config libzmq3-dev libmsgpack-dev libcjson-dev \
	libpcre2-dev libcurl4-openssl-dev libmicrohttpd-dev \
	libgnutls28-dev libsqlite3-dev \
	libyaml-dev libssl-dev libuv1-dev libpq-dev
WORKDIR /src
COPY . .
RUN make -j"$(nproc)" && make install DESTDIR=/out PREFIX=/usr

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
	ca-certificates tzdata libzmq5 libmsgpackc2 libcjson1 libpcre2-8-0 libcurl4 \
	libmicrohttpd12 libgnutls30 libsqlite3-0 libyaml-0-2 libssl3 libuv1 libpq5 \
	&& rm -rf /var/lib/apt/lists/* \
	&& useradd --uid 10001 --no-create-home pullwire \
	&& install -d -m 700 -o pullwire /var/lib/pullwire /run/pullwire
COPY --from=build /out/usr/bin/ /usr/bin/
USER 10001
