# A wrong command line: exit code 2, one line on standard error, nothing on standard output.
refuse() {
  rc=0
  maas-run "$@" >out 2>err || rc=$?
  [ $rc = 2 ] && [ ! -s out ] || { echo "exit code $rc for: $*"; cat out; exit 1; }
  cat err
}
refuse
refuse m.onnx --treads 2
refuse m.onnx --top 0
refuse m.onnx --top many
refuse m.onnx --repeat 0
refuse m.onnx --threads=-2
refuse m.onnx --threads 257
refuse m.onnx --random=words
refuse m.onnx --random=-1
refuse m.onnx -o out.jpeg
refuse m.onnx --shape N
refuse m.onnx --shape N=four
refuse m.onnx --shape N=-4
refuse m.onnx --shape N=4 --shape N=5
refuse m.onnx --top 2.5
refuse m.onnx --top 99999999999999999999
# A number below 0 is a value, not an option.
refuse m.onnx --top -1
refuse m.onnx --repeat -1
refuse m.onnx --threads -2
refuse m.onnx --random -1
refuse m.onnx --shape -4
refuse m.onnx --quiet -1
refuse m.onnx --top --quiet
