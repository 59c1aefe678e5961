maas-run "$DIGITS/digits.onnx" --inputs
