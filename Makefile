# The commands of the house. Those a newcomer needs ask for Python 3.11 and pip only; `make help` lists all.

PORT ?= 8000
WORKERS ?= 3
PYTHON ?= python3
export PYTHON

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test test-packages environment environment-test clients graphiql graphiql-if-npm bench profile lock schema clean

help: ## この一覧を表示します
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: environment graphiql-if-npm ## 見本の信用組合を http://127.0.0.1:8000 で動かします（PORT=8001 で番号を変更）
	@exec .venv/bin/madoguchi serve --sample --port $(PORT)

test: test-packages environment-test clients graphiql ## すべての検査を行います（WORKERS=3 並行数、PYTEST_ADDOPTS で絞り込み）
	@echo "== 検査を始めます（並行 $(WORKERS)）"
	@exec .venv/bin/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test-packages: ## 検査に要る Debian のパッケージをそろえます（root で）
	@backend/setup/packages.sh

environment:
	@backend/setup/environment.sh requirements.txt

environment-test:
	@backend/setup/environment.sh requirements-test.txt

clients: environment-test
	@backend/setup/clients.sh

graphiql: environment
	@backend/setup/graphiql.sh

graphiql-if-npm: environment
	@backend/setup/graphiql.sh optional

bench: test-packages environment-test ## 速さを、手書きの相手と並べて測ります（PostgreSQL、約20分。結果は tests/bench）
	@exec .venv/bin/python -m tests.bench.run $(BENCH)

profile: test-packages environment-test ## 1回の照会の時間を、段階ごとに表にします
	@exec .venv/bin/python -m tests.bench.profile

lock: environment-test ## requirements*.txt と package-lock.json を作り直します（UPGRADE=1 で最新の版へ）
	@backend/setup/lock.sh $(if $(UPGRADE),upgrade)

schema: environment ## schema.graphql をコードから書き出します
	@.venv/bin/madoguchi schema > schema.graphql.new && mv schema.graphql.new schema.graphql

clean: ## make が作ったもの（.venv など）を消します。data/ の記録は残します
	rm -rf .venv dist tests/clients/node_modules frontend/graphiql/node_modules frontend/static/built .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find backend tests -name __pycache__ -type d -prune -exec rm -rf {} +
