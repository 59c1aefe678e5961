# Models of a table, texts and sounds are as good as those of scikit-learn's networks, and ONNX Runtime answers with
# them as maas-train says. `make trained` has more sets and seeds; of a single one the noise is larger.
"$PYTHON" "$ROOT/Tests/trained/compare.py" maas-train --seeds 1 --margin 0.1 \
  wine diabetes texts sounds >out || { cat out; exit 1; }
sed 1,2d out | cut -d'|' -f2,9
