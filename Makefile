# Every target does its own set-up on Debian 12 with Swift 6.3; see CONTRIBUTING.md.
PREFIX ?= /usr/local
STAGES ?=
SECONDS ?= 60
BENCH ?=
TRAINED ?=

.PHONY: help run test exported trained bench bench-train fuzz build install wheel docs format clean
help:
	@echo 'make run                 build, then show the demo model at work on real images'
	@echo 'make test                everything that must hold (STAGES="swift cli" picks some)'
	@echo 'make exported            models that torch, scikit-learn and Keras export equal ONNX Runtime'
	@echo 'make trained             maas-train without options beside scikit-learn (TRAINED="wine --seeds 3")'
	@echo 'make bench               maas beside ONNX Runtime, OpenVINO and PyTorch (BENCH="--quick --only bert*")'
	@echo 'make bench-train         training on maas beside PyTorch, JAX, Keras and scikit-learn'
	@echo 'make fuzz                look for inputs that crash maas (SECONDS=600 per fuzzer)'
	@echo 'make build               release build of the library and the programs'
	@echo 'make wheel               the Python wheel, in dist'
	@echo 'make install             build and install to PREFIX, default /usr/local (DESTDIR is honoured)'
	@echo 'make docs                write docs/operators.md: what maas reads, found by trying'
	@echo 'make format              format Swift, C and C++ in place'
	@echo 'make clean               remove .build'

run:
	@scripts/setup.sh run
	@scripts/run.sh

test:
	@scripts/setup.sh test
	@scripts/test.sh $(STAGES)

exported:
	@scripts/setup.sh test
	@scripts/exported.sh

trained:
	@scripts/setup.sh test
	@scripts/build.sh maas-train
	@.build/venv/bin/python Tests/trained/compare.py .build/release/maas-train $(TRAINED)

bench:
	@scripts/setup.sh test
	@scripts/bench.sh $(BENCH)

bench-train:
	@scripts/setup.sh test
	@scripts/bench.sh train.py $(BENCH)

fuzz:
	@scripts/setup.sh test
	@scripts/fuzz.sh $(SECONDS)

build:
	@scripts/setup.sh test
	@scripts/build.sh

wheel:
	@scripts/setup.sh test
	@scripts/build.sh maas
	@scripts/build-wheel.sh

install: build
	@scripts/install.sh '$(PREFIX)'

docs:
	@scripts/setup.sh test
	@scripts/build.sh maas maas-model
	@.build/release/maas-model operators --json >.build/operators.json
	@.build/venv/bin/python scripts/operators-doc.py .build/operators.json

format:
	@scripts/format.sh

clean:
	rm -rf .build
