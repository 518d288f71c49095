.DEFAULT_GOAL := help
.PHONY: help install run test fuzz chaos simulated-worlds houses endurance check bench format protos lock clean
BIN := .venv/bin
THROUGH_A_POOLER := machine e2e browser integration contract leads
WITH_STORES_OF_THEIR_OWN := integration/test_local_stores.py e2e/test_refusing_to_start.py
LONGEST_FIRST := $(patsubst %,tests/chaos/test_%.py,worker_kills store_kills outages model_faults frozen_workers webhooks poison crash_points)
COMING_AND_GOING := tests/chaos/test_scaling.py tests/chaos/test_two_machines.py
ACTING_ONCE := tests/e2e/shared_house/test_acting_once.py tests/e2e/test_killed_while_acting.py
OVERLOAD := tests/chaos/test_outages.py::test_twice_as_much_comes_as_can_be_done

help: ## Show what there is
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: ## Install everything that is needed to work on the code
	@tools/install.sh dev

run: ## Start everything on this machine: stores, REST, gRPC, workers, scheduler, simulators
	@tools/install.sh runtime
	@exec $(BIN)/frontdesk dev --with-parent

test: install ## Run all tests on real Postgres, real Valkey and a real browser
	@tools/programs.sh chromium pgbouncer promtool
	tools/in_memory.sh $(BIN)/pytest -n 2 --dist loadgroup $(ARGS)

fuzz: install ## Hold the running REST door against its description with more than 10,000 cases
	FUZZ_PHASES=examples,coverage,fuzzing,stateful FUZZ_EXAMPLES=200 FUZZ_CASES_MIN=10000 FUZZ_SECONDS_MAX=3600 \
		$(BIN)/pytest -n 0 tests/fuzz $(ARGS)

chaos: install ## Run the long proofs: everything behind a pooler, 100,000 simulated worlds, then kill, freeze and flood a house
	@tools/programs.sh chromium pgbouncer
	CHAOS_MACHINE_EXAMPLES=300 CHAOS_EXTRACTIONS_EXAMPLES=60 CHAOS_MACHINE_STEPS=40 CHAOS_LAST_CREDIT_ROUNDS=200 FRONTDESK_TESTS_POOLED=1 \
		tools/in_memory.sh $(BIN)/pytest $(addprefix tests/,$(THROUGH_A_POOLER)) -n 4 --dist loadgroup -p no:randomly \
		$(addprefix --ignore tests/,$(WITH_STORES_OF_THEIR_OWN)) $(ARGS)
	$(MAKE) -j 2 --output-sync=line simulated-worlds houses
	$(BIN)/pytest $(OVERLOAD) -n 0 --timeout 1800 $(ARGS)

simulated-worlds: install # No clock is theirs: they take what the houses beside them leave of the machine
	SIMULATION_SEEDS=100000 nice -n 19 $(BIN)/pytest -n 2 tests/simulation/test_simulation.py $(ARGS)

houses: install
	$(BIN)/pytest $(LONGEST_FIRST) --deselect $(OVERLOAD) -n 4 --maxschedchunk 1 -p no:randomly --timeout 1800 $(ARGS)

endurance: install ## Run what takes longest: workers that come, go, hang and are cut off, requests that act once, quiet periods
	@tools/programs.sh ip
	$(BIN)/pytest $(COMING_AND_GOING) -n 2 --maxschedchunk 1 -p no:randomly --timeout 1800 $(ARGS)
	CHAOS_ONCE_KEYS=100 CHAOS_ONCE_AT_ONCE=64 CHAOS_ONCE_KILLS=50 \
		$(BIN)/pytest -n 2 $(ACTING_ONCE) --timeout 1800 $(ARGS)
	CHAOS_EXTRACTIONS_EXAMPLES=300 CHAOS_MACHINE_STEPS=40 $(BIN)/pytest -n 0 tests/machine/test_extractions.py $(ARGS)

check: install ## Check format, lint, types, import contracts, protos and that generated code is fresh
	$(BIN)/ruff format --check src tests bench
	$(BIN)/ruff check src tests bench
	$(BIN)/mypy src bench
	PYTHONPATH=src $(BIN)/lint-imports
	cd protos && ../$(BIN)/buf lint
	PATH="$(CURDIR)/$(BIN):$$PATH" tools/generate_protos.sh --check
	$(BIN)/squawk migrations/*.sql

bench: install ## Measure throughput, latency and cost per message, and print the table
	$(BIN)/python -m bench $(ARGS)

format: install ## Format the code
	$(BIN)/ruff format src tests bench
	$(BIN)/ruff check --fix src tests bench

protos: install ## Generate the gRPC code from protos/
	PATH="$(CURDIR)/$(BIN):$$PATH" tools/generate_protos.sh

lock: ## Compile the locked requirements (needs uv)
	tools/lock.sh

clean: ## Remove the virtual environment and everything `make run` has stored
	rm -rf .venv .frontdesk .mypy_cache .ruff_cache .pytest_cache .hypothesis
