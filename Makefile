# A thin front: each target is one call of cmake, ctest or switchyard. `make help` lists them.
PRESET ?= release
BUILD := build/$(PRESET)
# Tests side by side: two at most, of those that may (tests/CMakeLists.txt).
JOBS := $(shell test "$$(nproc)" -gt 1 && echo 2 || echo 1)
RUN := $(shell ls -dt results/*/run.json 2>/dev/null | head -n 1 | xargs -r dirname)

.PHONY: help deps references build bench bench-full smoke test test-long report doctor clean

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make deps        install what is missing (apt; BOOTSTRAP=off only says what)
deps:
	@scripts/bootstrap

## make references  install what the other runtimes and cross-checks want, as far as it is to be had, and build with it
references: deps
	@scripts/bootstrap --references
	@cmake --preset $(PRESET) >/dev/null
	@cmake --build $(BUILD)

## make build       build into build/release (PRESET=debug, asan, tsan, ... for the others)
build: deps
	@test -e $(BUILD)/build.ninja || cmake --preset $(PRESET) >/dev/null
	@cmake --build $(BUILD)

## make bench       the default plan, about ten minutes; ends with a table and the path of the report
bench: build
	@$(BUILD)/switchyard run $(ARGS)

## make bench-full  every cell: hours
bench-full: build
	@$(BUILD)/switchyard run --plan full $(ARGS)

## make smoke       one tiny cell per (model, workload): certificates only
smoke: build
	@$(BUILD)/switchyard run --smoke $(ARGS)

## make test        build and run the tests (label ci)
test: build
	@ctest --test-dir $(BUILD) -L ci -j $(JOBS) --output-on-failure --no-tests=error

## make test-long   the long tests: stress
test-long: build
	@ctest --test-dir $(BUILD) -L long --output-on-failure --no-tests=error

## make report      write the report of the newest run again (RUN=results/... for another)
report: build
	@$(BUILD)/switchyard report $(RUN)

## make doctor      what this machine can and cannot measure, with fixes
doctor: build
	@$(BUILD)/switchyard doctor

## make clean       remove build/ (results stay)
clean:
	@rm -rf build
