# The only build file. `make` builds the four programs into build/,
# `make help` lists the targets.
#
#   make SAN=address,undefined   sanitizer build      (build/san)
#   make FAIL=1                  failure points in    (build/fail)
#   make CC=clang                another compiler

SHELL := /bin/bash
DAEMONS := ingress matcher deployer logger
LAYERS := base msg data io daemon

SAN ?=
FAIL ?=
OUT ?= build$(if $(SAN),/$(if $(findstring thread,$(SAN)),tsan,san))$(if $(FAIL),/fail)
PREFIX ?= /usr/local
DESTDIR ?=

VERSION := $(shell cat VERSION)

PKGS := libzmq msgpack libcjson libpcre2-8 libcurl libmicrohttpd gnutls \
	sqlite3 yaml-0.1 libpq libcrypto libuv
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null)

WARN := -std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
HARDEN := -fstack-protector-strong -fPIE -fno-strict-aliasing \
	-fno-delete-null-pointer-checks -Wformat -Wformat-security
ifeq ($(shell $(CC) -dumpmachine 2>/dev/null | cut -d- -f1),x86_64)
HARDEN += -fcf-protection -fstack-clash-protection
endif
OPT := $(if $(SAN),-O1 -fno-omit-frame-pointer,-O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
LDHARD := -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed

CPPFLAGS += -I. -D_GNU_SOURCE -DPULLWIRE_VERSION='"$(VERSION)"' \
	$(if $(FAIL),-DPULLWIRE_FAIL_POINTS)
CFLAGS_ALL := $(WARN) $(HARDEN) $(OPT) -g $(if $(SAN),-fsanitize=$(SAN)) \
	$(PKG_CFLAGS) $(CFLAGS)
LDFLAGS_ALL := $(LDHARD) $(if $(SAN),-fsanitize=$(SAN)) $(LDFLAGS)
LDLIBS := $(PKG_LIBS) -lpthread -lm $(if $(SAN),tests/ubsan_path.c)

PROTO_OBJ := $(patsubst %.c,$(OUT)/%.o,$(wildcard $(LAYERS:%=proto/%/*.c)))
PROGRAMS := $(patsubst %/main.c,$(OUT)/pullwire-%,$(wildcard $(DAEMONS:%=%/main.c)))
UNIT_SRC := $(wildcard tests/unit/*/test_*.c)
UNIT := $(UNIT_SRC:%.c=$(OUT)/%)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ := $(FUZZ_SRC:%.c=$(OUT)/%)
# What drives a fuzz target: libFuzzer (tests/fuzz/run.sh sets it), or ours.
FUZZ_ENGINE ?=
SECONDS ?= 10
MINUTES ?= 10
RATE ?= 1000
FLIPS ?= 5000
EVENTS ?= 200
WAITING ?= 1000000

# One short line a step; V=1 shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-4s %s\n' $(1) $(2))

.PHONY: all help deps run demo check check-unit build-unit build-fuzz \
	build-stores fuzz build-alloc alloc coverage test test-docker \
	test-san test-compose test-reload test-logger-away \
	test-slow storm soak faults test-engines \
	pictures powerloss mutations build-mutated backlog \
	bench bench-page bench-auth bench-log bench-rules bench-matchers bench-redeploy layers headers \
	docs install clean
.DELETE_ON_ERROR:
.SECONDARY:

all: $(OUT)/libproto.a $(DAEMONS:%=$(OUT)/lib%.a) $(PROGRAMS)

help:
	@sed -n 's/^#: //p' Makefile

# ---- objects, archives, programs -----------------------------------------

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(OUT)/libproto.a: $(PROTO_OBJ)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

# A daemon is a library plus main.c, so tests link the same objects.
define daemon_rules
$(OUT)/lib$(1).a: $(patsubst %.c,$(OUT)/%.o,$(filter-out $(1)/main.c,$(wildcard $(1)/*.c $(1)/*/*.c))) \
		$(if $(filter logger,$(1)),$(OUT)/logger/page/files.o)
	@rm -f $$@
	$(Q)$(AR) rcs $$@ $$^
$(OUT)/pullwire-$(1): $(OUT)/$(1)/main.o $(OUT)/lib$(1).a $(OUT)/libproto.a
	$$(call say,LD,$$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $$@ $$^ $(LDLIBS)
$(OUT)/tests/unit/$(1)/%: $(OUT)/tests/unit/$(1)/%.o $(OUT)/tests/unit/scratch.o \
		$(OUT)/lib$(1).a $(OUT)/libproto.a
	$$(call say,LD,$$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $$@ $$^ $(LDLIBS) -lcmocka
endef
$(foreach d,$(DAEMONS),$(eval $(call daemon_rules,$(d))))

# The page's files, in the program.
PAGE := $(filter-out %.sh,$(wildcard logger/page/*))
$(OUT)/logger/page/files.c: logger/page/embed.sh $(PAGE)
	@mkdir -p $(@D)
	$(Q)logger/page/embed.sh $(PAGE) >$@
$(OUT)/logger/page/files.o: $(OUT)/logger/page/files.c logger/page.h
	$(call say,CC,logger/page/files.c)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_ALL) -c -o $@ $<

$(OUT)/tests/unit/proto/%: $(OUT)/tests/unit/proto/%.o $(OUT)/tests/unit/scratch.o \
		$(OUT)/libproto.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LDLIBS) -lcmocka

$(OUT)/tests/bench/auth_time: $(OUT)/tests/bench/auth_time.o \
		$(OUT)/libingress.a $(OUT)/libproto.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LDLIBS)

$(OUT)/tests/bench/%: $(OUT)/tests/bench/%.o $(OUT)/libmatcher.a $(OUT)/libproto.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LDLIBS)

# A daemon's store by itself, opened by the daemon's code (tests/crash).
define stores_rules
$(OUT)/tests/crash/stores-$(1): $(OUT)/tests/crash/stores.o \
		$(OUT)/tests/crash/stores_files.o $(OUT)/tests/crash/faulty.o \
		$(OUT)/tests/crash/kind_$(1).o \
		$(OUT)/lib$(2).a $(OUT)/libproto.a
	$$(call say,LD,$$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $$@ $$^ $(LDLIBS) -ldl
endef
$(eval $(call stores_rules,spool,ingress))
$(eval $(call stores_rules,queue,deployer))
$(eval $(call stores_rules,log,logger))
STORES := $(addprefix $(OUT)/tests/crash/stores-,spool queue log)

-include $(patsubst %.c,$(OUT)/%.d,$(wildcard $(LAYERS:%=proto/%/*.c) \
	$(DAEMONS:%=%/*.c) deployer/*/*.c tests/unit/*/*.c tests/bench/*.c tests/fuzz/*.c \
	tests/crash/*.c))

#: all        build the four programs into build/
#: deps       install what pkg-config does not find (Debian, as root)
deps:
	@tests/deps.sh

#: run        run the four programs on this machine with etc/pullwire.yml
run: all
	@tests/run.sh

#: demo       engine, registry, a push, the redeploy, the access log
demo: deps
	@$(MAKE) -s --no-print-directory all
	@tests/demo.sh

#: check      headers, layers and unit tests: quick, needs no engine
check: headers layers check-unit

build-unit: $(UNIT)

# Archives that may need each other.
group = -Wl,--start-group $(filter %.a,$(1)) -Wl,--end-group

$(OUT)/tests/fuzz/fuzz_%: $(OUT)/tests/fuzz/fuzz_%.o \
		$(if $(FUZZ_ENGINE),,$(OUT)/tests/fuzz/main.o) \
		$(OUT)/libingress.a $(OUT)/libproto.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(FUZZ_ENGINE) -o $@ $(filter %.o,$^) \
		$(call group,$^) $(LDLIBS)

# It is the deployer that parses those.
$(OUT)/tests/fuzz/fuzz_registry $(OUT)/tests/fuzz/alloc_registry: $(OUT)/libdeployer.a

$(OUT)/tests/fuzz/alloc_%: $(OUT)/tests/fuzz/fuzz_%.o \
		$(OUT)/tests/fuzz/alloc.o $(OUT)/libingress.a $(OUT)/libproto.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(call group,$^) \
		$(LDLIBS)

build-fuzz: $(FUZZ)

# What decides and does nothing else: rules, queue, successors, notifications.
# Not proto/enc: libcrypto 3.0 crashes by itself when its start has no memory.
PURE := matcher/rule_eval matcher/rule_index matcher/rule_load matcher/labels \
	matcher/regex ingress/normalise ingress/provider \
	ingress/provider_collection ingress/provider_mutants \
	ingress/trigger_url deployer/queue deployer/queue_model deployer/retry \
	deployer/target deployer/verify deployer/docker_spec \
	deployer/docker_spec_places deployer/docker_fit deployer/docker_pick \
	deployer/docker_written deployer/docker_evidence \
	deployer/docker_progress deployer/docker_ref deployer/registry_auth \
	deployer/notice deployer/notice_text deployer/notification \
	deployer/signature logger/query logger/row logger/output \
	logger/processes proto/json proto/json_tree proto/yaml \
	proto/conf_labels proto/msg proto/field proto/record proto/credit \
	proto/credit_fair proto/url proto/semver proto/window
PURE_UNIT := $(foreach p,$(PURE),$(OUT)/tests/unit/$(dir $(p))test_$(notdir $(p)))

$(OUT)/tests/fuzz/alloc_unit.so: tests/unit/alloc_unit.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -Wall -Wextra -O1 -shared -fPIC -o $@ $<

build-alloc: $(FUZZ_SRC:tests/fuzz/fuzz_%.c=$(OUT)/tests/fuzz/alloc_%) \
	$(OUT)/tests/fuzz/alloc_unit.so $(PURE_UNIT)

#: alloc      parsers and all that is pure: each allocation fails in turn
alloc: build-alloc
	@tests/fuzz/alloc.sh $(OUT)/tests/fuzz $(PURE_UNIT)

build-stores: $(STORES)

#: fuzz       every parser of foreign bytes fuzzed for SECONDS=10 each
fuzz: deps
	@tests/fuzz/run.sh $(SECONDS)

check-unit: $(UNIT)
	@tests/unit.sh $(UNIT)

#: test       all tests, on a real registry and a real engine
test: deps
	@tests/test.sh

#: test-docker   the Docker driver killed before and after each of its calls
test-docker: deps
	@$(MAKE) -s --no-print-directory all
	@cd tests && PULLWIRE_KILLS=1 /usr/bin/python3 -m pytest -q \
		-p no:cacheprovider crash/test_docker_kill.py \
		flow/test_docker_*.py

#: pictures   docs/pictures: the page in Chromium, from a made-up day
pictures: deps
	@$(MAKE) -s --no-print-directory all
	@/usr/bin/python3 tests/page/pictures.py docs/pictures

#: test-san   all tests on programs built with SAN=address,undefined (or thread)
test-san: deps
	@SAN=$(or $(SAN),address,undefined) tests/test.sh

#: coverage   which share of the lines the tests run
coverage: deps
	@tests/coverage.sh

#: test-compose   the image, and Compose with three matchers; takes minutes
test-compose: deps
	@PULLWIRE_TEST_COMPOSE=1 /usr/bin/python3 -m pytest -q \
		-p no:cacheprovider tests/flow/test_compose.py

#: test-engines   the Docker driver on Engine 20.10, 26.1, 28.5 (both stores)
test-engines: deps
	@$(MAKE) -s --no-print-directory all \
		build/tests/unit/deployer/docker_drive
	@tests/engines.sh $(ENGINES)

#: test-reload   a minute of reloads at 1,000 events a second
test-reload: deps
	@$(MAKE) --no-print-directory all
	@cd tests && RELOAD_SECONDS=60 RELOAD_RATE=1000 /usr/bin/python3 -m \
		pytest -q -s -p no:cacheprovider flow/test_reload.py -k under_load

#: storm      kill -9, SIGSTOP and a logger that is away, for MINUTES=10
storm: deps
	@$(MAKE) -s --no-print-directory all
	@/usr/bin/python3 tests/storm/storm.py $$(($(MINUTES) * 60)) \
		$(RATE) $$(($(MINUTES) * 60 * $(RATE)))

#: powerloss  every prefix of what EVENTS=200 pushes write, opened again
powerloss: deps
	@$(MAKE) -s --no-print-directory all build-stores
	@/usr/bin/python3 tests/crash/powerloss.py $(EVENTS)

#: mutations  builds without fsync, lease or dedupe: the tests must fail
mutations: deps
	@$(MAKE) -s --no-print-directory all build-stores
	@$(MAKE) -s --no-print-directory FAIL=1 all build-mutated
	@cd tests && /usr/bin/python3 -m pytest -v -rP -p no:cacheprovider \
		crash/test_mutations.py

build-mutated: $(addprefix $(OUT)/tests/unit/,proto/test_credit ingress/test_spool \
	deployer/test_queue_model deployer/test_queue_store deployer/test_docker_note \
	logger/test_store logger/test_store_damage) \
	$(OUT)/tests/crash/stores-queue

#: soak       flat memory and descriptors for MINUTES=60
soak: deps
	@$(MAKE) -s --no-print-directory all
	@/usr/bin/python3 tests/storm/soak.py \
		$(if $(filter command% env%,$(origin MINUTES)),$(MINUTES),60)

#: backlog    a million events that wait: start and memory
backlog: deps
	@$(MAKE) -s --no-print-directory all build-stores
	@/usr/bin/python3 tests/storm/backlog.py $(WAITING)

#: faults     every call of every store fails in turn; FLIPS=5000 turned bits;
#:            disks that fail or are full, and links that are late, double
#:            and cut, under the daemons at work
faults: deps
	@$(MAKE) -s --no-print-directory all build-stores
	@cd tests && PULLWIRE_FAULTS=1 PULLWIRE_FLIPS=$(FLIPS) /usr/bin/python3 -m pytest -q -s \
		-p no:cacheprovider crash/test_stores.py crash/test_disk.py \
		crash/test_full.py crash/test_disk_deploy.py \
		storm/test_links.py

#: test-slow  5,000 slow headers, 500 slow bodies, JSON bombs, honest senders
test-slow: deps
	@$(MAKE) --no-print-directory all
	@cd tests && PULLWIRE_SLOW=5000 /usr/bin/python3 -m pytest -q -s \
		-p no:cacheprovider flow/test_slow.py

#: test-logger-away   ten minutes of pushes without a logger
test-logger-away: all
	@cd tests && AWAY_SECONDS=600 AWAY_RATE=50 /usr/bin/python3 -m pytest \
		-q -s -p no:cacheprovider flow/test_logger_away.py

#: bench      rates as ratios to a peer or a floor in the same run
bench: deps
	@$(MAKE) -s --no-print-directory all
	@tests/bench/run.sh
	@$(MAKE) --no-print-directory bench-rules bench-matchers bench-redeploy

#: bench-redeploy   a redeploy beside the same steps typed by a script
bench-redeploy: all
	@/usr/bin/python3 tests/bench/redeploy.py

#: bench-matchers   four matchers beside one on the same backlog
bench-matchers: all
	@/usr/bin/python3 tests/bench/matchers.py

#: bench-log   ROWS=10000000 in each store: views, ingest, readers; 26 GB, long
bench-log: all $(OUT)/tests/bench/feed
	@ROWS=$(or $(ROWS),10000000) /usr/bin/python3 tests/bench/log.py

#: bench-auth  does the time of a refusal tell why it is one?
bench-auth: $(OUT)/tests/bench/auth_time
	@$(OUT)/tests/bench/auth_time

#: bench-page   from a push to its row on the page, in Chromium
bench-page: deps
	@$(MAKE) -s --no-print-directory all
	@/usr/bin/python3 tests/bench/page.py

#: bench-rules   what a million triggers cost, beside ten
bench-rules: $(OUT)/tests/bench/rules
	@$(OUT)/tests/bench/rules

#: layers     which folder may include which; every file is in its note
layers:
	@tests/layers.sh
	@tests/notes.sh
	@tests/guarantees.sh

#: headers    every header compiles alone
headers:
	@CC="$(CC)" CFLAGS="$(CPPFLAGS) $(WARN) $(PKG_CFLAGS)" tests/headers.sh

#: docs       print CONFIG.md, WIRE.md, METRICS.md from the tables in the code
docs: all
	$(OUT)/pullwire-matcher docs config >docs/CONFIG.md
	$(OUT)/pullwire-matcher docs wire >docs/WIRE.md
	$(OUT)/pullwire-matcher docs metrics >docs/METRICS.md

#: install    programs into $(PREFIX)/bin, example into /etc/pullwire
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)/etc/pullwire
	install -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin
	test -e $(DESTDIR)/etc/pullwire/pullwire.yml || \
		install -m 600 etc/pullwire.yml $(DESTDIR)/etc/pullwire/pullwire.yml

#: clean      end the engine and registry of the tests, remove build/
clean:
	@tests/rig/down.sh
	rm -rf build
