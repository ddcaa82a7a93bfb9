# A thin front to CMake and tools/. `make help` says what there is.

JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60

.DEFAULT_GOAL := help
.PHONY: help setup build demo test check fuzz bench clean

help:
	@echo "make demo    build, load 336,776 flights into a .hyper file and query them"
	@echo "make build   build the library and the program into build/"
	@echo "make test    build and run all tests"
	@echo "make check   formatting, layers, linters, and the tests under sanitizers"
	@echo "make fuzz    run the fuzz targets in turn, FUZZ_SECONDS each"
	@echo "make bench   measure; with PEERS=1 other clients too, which it sets up first"
	@echo "make setup   bring what demo needs (each of the others brings what it needs)"
	@echo "make clean   remove what was built; .deps/ stays"
	@echo "Variables: JOBS=N (compilers at a time), HYPERD_PATH=FILE (a Hyper server of your own),"
	@echo "           FUZZ_SECONDS=N (60), FUZZ_TARGET=NAME (one of fuzz/fuzz_NAME.c),"
	@echo "           BENCH='--runs 5' (arguments: see build/bench/hyperline-bench --help)"

setup:
	@tools/setup demo

build:
	@tools/setup build
	@tools/build release --parallel $(JOBS)

demo:
	@tools/setup demo
	@tools/build release --parallel $(JOBS) --target hyperline
	@tools/demo

test:
	@tools/setup test
	@tools/build release --parallel $(JOBS)
	@tools/run-tests

check:
	@tools/setup check
	@JOBS=$(JOBS) tools/check

fuzz:
	@tools/setup check
	@JOBS=$(JOBS) FUZZ_SECONDS=$(FUZZ_SECONDS) tools/fuzz $(FUZZ_TARGET)

bench:
	@tools/setup bench
	@tools/build release --parallel $(JOBS) --target hyperline_bench
	@$(if $(PEERS),bench/peers/setup .deps/peers)
	@build/bench/hyperline-bench $(if $(PEERS),--peers .deps/peers) $(BENCH)

clean:
	rm -rf build build-*
