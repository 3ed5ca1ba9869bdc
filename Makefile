# make            what CI runs: formatting, vet, build and test of every module
# make help       the other targets
#
# The file modules is the list of modules, a folder a line.

SHELL   := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := all

GO       ?= go
FUZZTIME ?= 30s
ARGS     ?=
MODULES  := $(shell cat modules)
PACKAGES := $(patsubst %,./%/...,$(MODULES))

# See examples/snippets_test.go.
export CACHEX_DOCS := $(shell cat README.md core/doc.go adapters/*/doc.go backends/*/doc.go | cksum)

# A pinned version, built through the module proxy into a folder that git ignores.
GOLANGCI_LINT := v2.15.0
TOOLS         := $(CURDIR)/.tools

.PHONY: all
all: fmt-check vet test ## formatting, vet and test: what CI runs (without lint, which takes minutes to build)

.PHONY: setup
setup: ## install what the tests need, and say so
	@scripts/setup

.PHONY: fmt
fmt: ## format all Go files
	gofmt -w $(MODULES)

.PHONY: fmt-check
fmt-check: ## fail when a Go file is not formatted
	@unformatted=$$(gofmt -l $(MODULES)); \
	if [ -n "$$unformatted" ]; then echo "not formatted (make fmt):"; echo "$$unformatted"; exit 1; fi

.PHONY: vet
vet: setup ## go vet, in the workspace
	$(GO) vet $(PACKAGES)

.PHONY: test
test: setup test-workspace test-modules ## all tests: in the workspace with -race, then each module by itself

.PHONY: test-workspace
test-workspace: setup ## all tests in the workspace, with the race detector
	$(GO) test -race -timeout 30m $(PACKAGES)

# Without the race detector, which has seen the same tests already: this asks
# whether a module's own go.mod holds all that it needs.
.PHONY: test-modules
test-modules: setup ## build, vet and test each module by itself (GOWORK=off)
	@for m in $(MODULES); do \
		echo "$$m with GOWORK=off: build, vet, test"; \
		( cd $$m && export GOWORK=off && $(GO) build ./... && $(GO) vet ./... && $(GO) test -timeout 30m ./... ); \
	done

.PHONY: cover
cover: setup ## coverage of each module's own tests, in cover/
	@mkdir -p cover
	@for m in $(MODULES); do \
		f=$(CURDIR)/cover/$${m//\//-}.out; \
		( cd $$m && $(GO) test -coverprofile=$$f ./... && $(GO) tool cover -func=$$f | tail -n 1 ); \
	done

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (30s)
	@scripts/fuzz $(FUZZTIME)

.PHONY: tidy
tidy: ## go mod tidy in each module
	@for m in $(MODULES); do echo "$$m: go mod tidy"; ( cd $$m && GOWORK=off $(GO) mod tidy ); done

.PHONY: lint
lint: $(TOOLS)/golangci-lint-$(GOLANGCI_LINT) ## golangci-lint (the first time builds it, which takes minutes)
	$< run $(PACKAGES)

$(TOOLS)/golangci-lint-$(GOLANGCI_LINT):
	@echo "installing golangci-lint $(GOLANGCI_LINT) in .tools"
	GOWORK=off GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT)
	@mv $(TOOLS)/golangci-lint $@

.PHONY: cache-tests
cache-tests: ## the public suite http-cache-tests (needs node and npm); ARGS="-frameworks gin -v", ARGS="-run ID"
	$(GO) run ./conformance/cachetests $(ARGS)

# benchmarks is no module of the workspace: see benchmarks/doc.go.
BENCHSTAT := v0.0.0-20260908200009-22c9c6c9d4da
BENCH     := cd benchmarks && GOWORK=off $(GO)

.PHONY: test-benchmarks
test-benchmarks: ## build, vet and test the benchmarks: each contender does the work that it is measured for
	@unformatted=$$(gofmt -l benchmarks); \
	if [ -n "$$unformatted" ]; then echo "not formatted:"; echo "$$unformatted"; exit 1; fi
	$(BENCH) vet ./...
	$(BENCH) test ./...

.PHONY: bench
bench: ## measure all contenders into docs/benchmarks.md (ten minutes or so; ARGS="-rounds 2 -many-rounds 0" is shorter)
	$(BENCH) run ./cmd/bench $(ARGS)

.PHONY: bench-compare
bench-compare: $(TOOLS)/benchstat-$(BENCHSTAT) ## measure anew and hold it against the stored run with benchstat
	$(BENCH) run ./cmd/bench -doc= -chart= -many-rounds 0 -raw $(TOOLS)/bench.txt $(ARGS)
	$< benchmarks/testdata/last.txt $(TOOLS)/bench.txt

.PHONY: bench-http
bench-http: ## hits over sockets with wrk, beside nginx and Varnish, into docs/benchmarks.md (installs what is missing)
	@scripts/setup-sockets
	cd benchmarks && PATH=$$PATH:/usr/sbin GOWORK=off $(GO) run ./cmd/sockets $(ARGS)

.PHONY: bench-scale
bench-scale: ## a million entries, a flood and hit ratios, into docs/benchmarks.md (takes 3 GiB of memory)
	$(BENCH) run ./cmd/scale $(ARGS)

.PHONY: bench-instructions
bench-instructions: ## instructions of a hit and a 304, by valgrind, into docs/benchmarks.md (installs it where it is missing)
	@scripts/setup-valgrind
	$(BENCH) run ./cmd/instructions $(ARGS)

$(TOOLS)/benchstat-$(BENCHSTAT):
	@echo "installing benchstat $(BENCHSTAT) in .tools"
	GOWORK=off GOBIN=$(TOOLS) $(GO) install golang.org/x/perf/cmd/benchstat@$(BENCHSTAT)
	@mv $(TOOLS)/benchstat $@

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | while IFS=$$'\t' read -r t d; do printf '  %-16s %s\n' "$$t" "$$d"; done
