# Help goes to standard output, shows every option and examples, and is no failure.
maas-run --help >help
maas-run -h | diff help -
for word in EXAMPLES model.onnx --output --top --shape --random --threads --repeat --bench --profile --inputs \
  --quiet; do
  grep -q -e "$word" help || { echo "no $word in the help"; exit 1; }
done
