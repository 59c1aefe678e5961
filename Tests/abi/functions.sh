#!/bin/bash
# Names of all functions that a maas.h declares, sorted: functions.sh HEADER
set -euo pipefail
ctags -x --language-force=C --kinds-C=p -I MAAS_API --_xformat=%N "$1" | sort
