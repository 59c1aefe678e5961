# maas-model operators: all, some, none; and docs/operators.md says what is read.
maas-model operators conv
maas-model operators adam
rc=0
maas-model operators Sofmax >out 2>err || rc=$?
echo "$rc: $(cat err)"
[ ! -s out ]

maas-model operators --json >table.json
bin=$(dirname "$(command -v maas-model)")
MAAS_LIBRARY=$bin/libmaas.so "$PYTHON" "$ROOT/scripts/operators-doc.py" table.json --check
