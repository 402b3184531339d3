# The front door. `make help` says what there is.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup build test demo redteam bench soak fuzz format tidy check clean install

JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
TEST_TIMEOUT ?= 300

# ccache may reuse objects that were built with the tests' precompiled header.
export CCACHE_SLOPPINESS ?= pch_defines,time_macros
# Paths inside the tree do not count, so that a fresh clone on the same machine finds what another one compiled.
export CCACHE_BASEDIR ?= $(CURDIR)
export CCACHE_NOHASHDIR ?= 1

# A terminal shows ninja's own line; elsewhere every tenth percent and whatever is no progress line.
PROGRESS := awk 'match($$0, /^\[[0-9]+\/[0-9]+\] /) { \
    split(substr($$0, 2, RLENGTH - 3), n, "/"); step = int(n[1] * 10 / n[2]); \
    if (step > last) { last = step; print "  " step * 10 "% of " n[2]; fflush() } next } { print; fflush() }'
configure = @echo "== $(1): configure"; mkdir -p build; \
    cmake --preset $(1) --log-level=WARNING > build/$(1).configure.log 2>&1 || { cat build/$(1).configure.log; exit 1; }
compile = @echo "== $(1): build"; \
    if [[ -t 1 ]]; then cmake --build build/$(1) -j $(JOBS); else cmake --build build/$(1) -j $(JOBS) | $(PROGRESS); fi
ctest = ctest --test-dir build/$(1) --output-on-failure --no-tests=error --timeout $(TEST_TIMEOUT) $(2)

# What a tree's last ctest ran: its entries, and the single tests inside GoogleTest and unittest binaries.
count = log=build/$(1)/Testing/Temporary/LastTest.log; \
    cases=$$(sed -nE 's/^\[==========\] ([0-9]+) tests? from .* ran\..*/\1/p; s/^Ran ([0-9]+) tests? in .*/\1/p' $$log \
      | awk '{ n += $$1 } END { print n + 0 }'); \
    skipped=$$(sed -nE 's/^\[  SKIPPED \] ([0-9]+) tests?, listed below:/\1/p; s/^OK \(skipped=([0-9]+)\)/\1/p' $$log \
      | awk '{ n += $$1 } END { print n + 0 }')

help: ## this list
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18
	@echo "Settings: JOBS=$(JOBS) FUZZ_SECONDS=$(FUZZ_SECONDS) PREFIX=$(PREFIX) TEST_TIMEOUT=$(TEST_TIMEOUT) (seconds)"

setup: ## install the missing Debian packages
	@tools/setup

build: build-release ## build/release, binaries in build/release/bin
build-%:
	$(call configure,$*)
	$(call compile,$*)

test: setup build-release build-asan build-tsan ## install, build, run every test in the release, asan and tsan trees
	@status=0; summary=""; total=0; \
	for tree in release asan tsan; do \
	  echo "== $$tree: test"; \
	  $(call ctest,$$tree,-LE '^(soak|bench)$$' -j $(JOBS)) 2>&1 | tee build/$$tree.ctest.log || status=1; \
	  $(call count,$$tree); total=$$((total + cases)); \
	  line=$$(grep -E '% tests passed|^No tests were found' build/$$tree.ctest.log || echo "did not finish"); \
	  summary+="  $$tree: $$line; $$cases single tests in them, $$skipped skipped"$$'\n'; \
	done; \
	echo "== total: $$total single tests"; printf '%s' "$$summary"; \
	[[ $$status == 0 ]] && echo "make test: passed" || { echo "make test: FAILED"; exit 1; }

demo: setup build-release ## install, build, run the main job once on the embedded default, show it, clean up
	@bash tests/demo/demo.sh build/release/bin

redteam: setup build-release ## attack all that a database superuser holds; then again with each defence taken away
	@python3 tests/redteam/redteam.py build/release/bin build/release/pgext $(REDTEAM)
	@python3 tests/redteam/broken_test.py build/release/bin build/release/pgext --all

bench: build-release ## run the benchmarks
	@$(call ctest,release,-L '^bench$$' --verbose -j 1)

soak: build-release ## run the long simulations
	@$(call ctest,release,-L '^soak$$' --timeout 14400 -j $(JOBS))

fuzz: build-fuzz ## fuzz each target for FUZZ_SECONDS; new inputs in build/fuzz/found
	@shopt -s nullglob; status=0; ran=0; \
	for list in build/fuzz/fuzz/*.corpus; do \
	  name=$$(basename "$$list" .corpus); mkdir -p "build/fuzz/found/$$name"; \
	  echo "== fuzz $$name, $(FUZZ_SECONDS) s"; ran=$$((ran + 1)); \
	  "build/fuzz/fuzz/$$name" -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
	    -artifact_prefix="build/fuzz/found/$$name.crash-" "build/fuzz/found/$$name" "$$(cat "$$list")" \
	    > "build/fuzz/$$name.log" 2>&1 || { status=1; tail -60 "build/fuzz/$$name.log"; }; \
	  grep -E 'number_of_executed_units|new_units_added' "build/fuzz/$$name.log" || true; \
	done; \
	echo "== fuzzed $$ran targets"; [[ $$status == 0 && $$ran != 0 ]]

format: ## clang-format every C++ file
	@git ls-files -co --exclude-standard '*.h' '*.cc' | xargs -r clang-format-14 -i

tidy: build-release ## clang-tidy over the product folders
	@git ls-files -co --exclude-standard '*.cc' | grep -vE '^(tests|bench|pgext)/' \
	  | xargs -r run-clang-tidy-14 -quiet -j $(JOBS) -p build/release \
	    -extra-arg=-Wno-unknown-warning-option -extra-arg=-Wthread-safety

check: ## the house rules (also a test)
	@tools/check

clean: ## remove build/
	@rm -rf build

install: build-release ## install into PREFIX
	@cmake --install build/release --prefix "$(PREFIX)"
