# Every command we ever type. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help demo stop test check bench tidy fmt clean

CARGO ?= cargo

help: ## List these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: ## Build, start the platform, fill it with this machine's own readings, say what to try next
	$(CARGO) build --package iobeam-cli
	@$(CARGO) run --quiet --package iobeam-cli -- demo

stop: ## Stop the platform that `make demo` left running
	@$(CARGO) run --quiet --package iobeam-cli -- demo --stop

test: check ## Everything that is checked before a change lands
	$(CARGO) build --workspace
	$(CARGO) test --workspace
	./python/run_tests.sh

check: ## Format, lints, order of the modules, documents
	$(CARGO) fmt --all --check
	$(CARGO) xtask tidy
	$(CARGO) clippy --workspace --all-targets -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --workspace --no-deps --document-private-items --quiet

bench: ## Build fully optimised and measure beside the peers that are installed (bench/README.md), in 15 minutes
	$(CARGO) build --release --package iobeam-cli --package iobeam-bench
	$(CARGO) run --release --package iobeam-bench -- $(BENCH)
	$(CARGO) run --release --package iobeam-bench -- readme

fmt: ## Lay the code out
	$(CARGO) fmt --all

clean: ## Forget all that was built
	$(CARGO) clean
