# What a developer types. `make` alone lists it.

GO       ?= go
FUZZTIME ?= 20s
# Tests that run programs of others, Chromium above all, are built with the tag programs: `go test ./web/check` takes
# seconds without them.
# Two packages at a time: each may have a PostgreSQL cluster and a browser of its own. Linked without what only a debugger
# reads, which takes a third of the time of linking, and not vetted once more.
LINKFAST  := -vet=off -ldflags='-s -w'
TESTFLAGS ?= -tags programs $(LINKFAST) -p 2 -parallel 4 -timeout 20m
LINTER   := 2.15.0
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

export CGO_ENABLED ?= 0

.PHONY: help
help: ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do printf '  make %-11s %s\n' "$$name" "$$text"; done

.PHONY: run
run: build ## Build and run everything on SQLite at http://localhost:8000 (needs only Go)
	bin/punctual up

.PHONY: build
build: ## Build the static binary bin/punctual
	$(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/punctual ./cmd/punctual

# Built first, so that no test spends its own time on compiling the program it runs. The package that takes longest, and
# waits most, begins first, so that it does not run alone in the end.
.PHONY: test
test: ## Run all tests; installs PostgreSQL, PgBouncer, Chromium, systemd-analyze, promtool, wrk, curl and wget on Debian when missing
	.ci/deps
	$(GO) build ./...
	$(GO) vet -tags programs ./...
	PUNCTUAL_TEST_REQUIRE=1 $(GO) test $(TESTFLAGS) ./internal/e2e ./...

# Nothing that starts a browser, a PostgreSQL cluster or a process: for while one works.
.PHONY: test-fast
test-fast: ## Run the tests that need neither a browser nor a PostgreSQL cluster
	$(GO) test $(LINKFAST) -short $$($(GO) list ./... | grep -vE '/(cmd/bench|internal/db/pgtest|internal/e2e|internal/conformance|internal/testkit/browser|migrations|packaging)$$')

.PHONY: lint
lint: bin/golangci-lint-$(LINTER) ## Run golangci-lint, pinned, and our own rules; verify the modules; look for known vulnerabilities
	$(GO) mod verify
	$(GO) run ./cmd/lint
	bin/golangci-lint-$(LINTER) run
	GO=$(GO) .ci/vulncheck

# Whole processes and browsers are left out: the detector sees nothing of other processes, and browsers time out beside it.
.PHONY: race
race: ## Run the tests of all packages but those of whole processes and browsers under the race detector
	.ci/deps postgresql pgbouncer prometheus gcc
	CGO_ENABLED=1 PUNCTUAL_TEST_REQUIRE=1 $(GO) test -race -p 2 -parallel 4 -timeout 30m $$($(GO) list ./... | grep -vE '/(cmd/bench|internal/e2e|internal/testkit/browser)$$')

bin/golangci-lint-$(LINTER):
	GOBIN=$(CURDIR)/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$(LINTER)
	mv bin/golangci-lint $@

.PHONY: fuzz
fuzz: ## Fuzz every parser that faces the network, FUZZTIME (20s) each
	@git grep -n --untracked '^func Fuzz' -- '*_test.go' | while IFS=: read -r file _ code; do \
		target=$${code#func }; \
		$(GO) test -run '^$$' -fuzz "^$${target%%(*}\$$" -fuzztime $(FUZZTIME) "./$${file%/*}" || exit 1; \
	done

.PHONY: bench
bench: ## Measure against this machine's ceiling (docs/performance.md); flags in BENCHFLAGS
	.ci/deps postgresql wrk
	@mkdir -p artifacts
	$(GO) run ./cmd/bench -json artifacts/bench.json $(if $(BENCH_CHECKS),-checks $(BENCH_CHECKS)) $(BENCHFLAGS)

# SQLite, PostgreSQL, mail servers, webhooks, clocks and the processes themselves in trouble. The table says what was lost;
# it comes also when the tests are stopped. FAULTS=Killed runs the tests with that in their name.
.PHONY: faults
faults: ## Kill, cut off and fill up everything, 20 to 100 times each (docs/reliability.md)
	.ci/deps postgresql curl
	@mkdir -p artifacts && echo "No test has begun." >artifacts/faults.txt
	@trap 'cat artifacts/faults.txt' EXIT; trap : INT TERM; \
		PUNCTUAL_TEST_REQUIRE=1 PUNCTUAL_FAULTS=$(CURDIR)/artifacts/faults.txt $(GO) test -count=1 -parallel 4 -timeout 30m -run '^TestFault.*($(FAULTS))' ./internal/e2e

# The demo in Chromium; docs/gallery.md shows the pictures.
.PHONY: screenshots
screenshots: ## Take the pictures of docs/gallery.md anew, from the data of `punctual up --demo`
	.ci/deps chromium
	PUNCTUAL_TEST_REQUIRE=1 PUNCTUAL_GALLERY=$(CURDIR)/docs/img/gallery $(GO) test -count=1 -timeout 20m -run '^TestGallery$$' ./internal/e2e

.PHONY: pages
pages: ## Take pictures of every page, wide and narrow, light and dark, to artifacts/screenshots
	.ci/deps chromium
	PUNCTUAL_TEST_REQUIRE=1 PUNCTUAL_ARTIFACTS=$(CURDIR)/artifacts $(GO) test -count=1 -run '^Test(EveryPage|PeriodAndGraceDialogs|ExpressionsWithPreview|AddAndRenameInDialogs)$$' ./internal/e2e

.PHONY: clean
clean: ## Remove what the other targets made
	rm -rf bin artifacts
