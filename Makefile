# Every command we ever type. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help demo stop web test check torture bench tidy fmt clean

CARGO ?= cargo

help: ## List these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: web ## Build, start the platform, fill it with this machine's own readings, say what to try next
	$(CARGO) build --package iobeam-cli
	@$(CARGO) run --quiet --package iobeam-cli -- demo

stop: ## Stop the platform that `make demo` left running
	@$(CARGO) run --quiet --package iobeam-cli -- demo --stop

# Built anew when a file of it is newer than what was built; cargo then puts it into the program.
WEB = $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/dist/*' -not -path 'web/screenshots/*' -not -path 'web/test-results/*' -not -path 'web/.venv/*' -not -path 'web/e2e/*' -not -path 'web/measure/*' -not -name schema.d.ts) crates/client/examples/first_steps.rs

web: web/dist/index.html ## Build the web app, unless it is up to date

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	cd web && npm ci
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(WEB)
	cd web && npm run --silent build

test: web check ## Everything that is checked before a change lands
	$(CARGO) build --workspace
	cd web && npm run --silent check && npm run --silent unit && npm run --silent e2e
	$(CARGO) test --workspace
	$(CARGO) test --manifest-path tests/hand_over/Cargo.toml
	./python/run_tests.sh

check: ## Format, lints, order of the modules, documents
	$(CARGO) fmt --all --check
	$(CARGO) xtask tidy
	$(CARGO) clippy --workspace --all-targets -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --workspace --no-deps --document-private-items --quiet

# How much, and from which seed on; `make torture CYCLES=100 CASES=500 QUESTIONS=300` is a rehearsal.
CYCLES ?= 1000
CASES ?= 10000
QUESTIONS ?= 3000
SCHEDULES ?= 100000
BAD_ROUNDS ?= 100
NAMESPACES ?= 400
SENDS ?= 1000
REAL_MINUTES ?= 20
EXAMPLES ?= 200
HOSTILE ?= 100
DIFFERENTIAL ?= 100000
SEED := $(or $(SEED),$(shell date +%s))
# One set of packages for all of it, so that what they share is built once.
TORTURE = $(CARGO) test --release --package iobeam-cli --package iobeam-store --package iobeam-promises

torture: ## Break it on purpose for an hour: power cuts, kills, random questions, thread orders
	@echo "torture: CYCLES=$(CYCLES) CASES=$(CASES) QUESTIONS=$(QUESTIONS) SCHEDULES=$(SCHEDULES) BAD_ROUNDS=$(BAD_ROUNDS) NAMESPACES=$(NAMESPACES) SENDS=$(SENDS) HOSTILE=$(HOSTILE) DIFFERENTIAL=$(DIFFERENTIAL) SEED=$(SEED)"
	$(CARGO) build --release --package iobeam-cli --package iobeam-promises
	IOBEAM_MODEL_CASES=$(CASES) IOBEAM_MODEL_SEED=$(SEED) $(TORTURE) --test store -- --nocapture whatever_is_done
	IOBEAM_KILL_CYCLES=$(CYCLES) IOBEAM_SEED=$(SEED) $(TORTURE) --test survives_a_kill -- --nocapture
	IOBEAM_QUESTIONS=$(QUESTIONS) IOBEAM_SEED=$(SEED) $(TORTURE) --test agrees_with_duckdb -- --nocapture
	IOBEAM_BAD_ROUNDS=$(BAD_ROUNDS) IOBEAM_SEED=$(SEED) $(TORTURE) --test outlasts_bad_clients -- --nocapture
	IOBEAM_SENDS=$(SENDS) IOBEAM_REAL_MINUTES=$(REAL_MINUTES) $(TORTURE) --test keeps_a_connection_between_readings -- --nocapture
	IOBEAM_EXAMPLES=$(EXAMPLES) $(TORTURE) --test keeps_to_its_document -- --nocapture
	IOBEAM_NAMESPACES=$(NAMESPACES) $(TORTURE) --test lives_in_little_memory -- --nocapture
	IOBEAM_HOSTILE=$(HOSTILE) $(TORTURE) --test one_reader_cannot_hurt_others -- --nocapture
	IOBEAM_HOSTILE=$(HOSTILE) $(CARGO) test --release --package iobeam-query --test functions -- --nocapture
	IOBEAM_DIFFERENTIAL_QUERIES=$(DIFFERENTIAL) IOBEAM_SEED=$(SEED) $(CARGO) test --release --package iobeam-query --test answers -- --nocapture differential::
	IOBEAM_TORTURE=1 $(TORTURE) --package iobeam-query --test store --test answers -- --nocapture damage::
	IOBEAM_TORTURE=1 IOBEAM_SEED=$(SEED) $(TORTURE) --test a_flipped_byte_is_never_an_answer -- --nocapture
	IOBEAM_SCHEDULES=$(SCHEDULES) $(CARGO) test --manifest-path tests/hand_over/Cargo.toml --quiet
	@echo "torture: all of it passed; SEED=$(SEED) repeats it"

bench: ## Build fully optimised and measure beside the peers that are installed (bench/README.md), in 15 minutes and what builds take
	$(CARGO) build --release --package iobeam-cli --package iobeam-bench
	$(CARGO) run --release --package iobeam-bench -- $(BENCH)
	$(CARGO) run --release --package iobeam-bench -- readme

fmt: ## Lay the code out
	$(CARGO) fmt --all

clean: ## Forget all that was built
	$(CARGO) clean
