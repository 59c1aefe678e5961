# Sourced by the scripts: what every build and test runs under.
export ORT_DISABLE_TELEMETRY=1       # onnxruntime, the tests' second opinion, phones home otherwise
export SWIFT_BACKTRACE=enable=no     # a crash in a test must end it, not start a minutes-long symbolication
export PYTHONDONTWRITEBYTECODE=1
release=.build/release
python=.build/venv/bin/python
