# maas-model quantize: ONNX's checker takes what it writes, ONNX Runtime and maas give the same, what is wrong is
# refused.
"$PYTHON" "$CASE/data.py" "$DIGITS"
cp "$DIGITS/digits.onnx" .

# try LEAST_DB ARGUMENTS…: quantizes the demo model; the outputs must keep that much.
try() {
  local least=$1
  shift
  maas-model quantize digits.onnx out.onnx --report report.json "$@" >table
  "$PYTHON" "$CASE/check.py" digits.onnx out.onnx report.json "$least" samples.npz
  echo "$*: $(grep -c ' yes ' table) layers"
  rm out.onnx
}
try 30
try 30 --mode weights
try 20 --mode weights --bits 4
try 20 --mode weights --bits 4 --block 16 --symmetric
try 5 --mode weights --bits 2 --block 16 --calibrate samples.npz
for method in minmax entropy percentile mse; do
  try 25 --mode static --calibrate samples.npz --method $method
done
try 25 --mode static --calibrate samples.npy --calibrate folder

# The report as a page and as text.
maas-model quantize digits.onnx out.onnx --mode static --calibrate samples.npz --report page.html >table
maas-model quantize digits.onnx out.onnx --mode static --calibrate samples.npz --report table.txt >/dev/null
"$PYTHON" "$CASE/page.py" page.html table table.txt

# What older opsets had as attributes stands as inputs.
"$PYTHON" "$CASE/older.py" older.onnx older.npz
maas-model quantize older.onnx out.onnx --mode static --calibrate older.npz --report report.json >table
"$PYTHON" "$CASE/check.py" older.onnx out.onnx report.json 30 older.npz
grep quantized table

# Nothing is written where something is wrong.
refuse() {
  rc=0
  maas-model quantize digits.onnx none.onnx "$@" >out 2>err || rc=$?
  [ ! -s out ] && [ -s err ] && [ ! -e none.onnx ]
  echo "$*: $rc $(head -n 1 err | sed -E 's/^(Error|maas-model): //')"
}
refuse --bits 3
refuse --bits 4
refuse --mode weights --block 48
refuse --mode static
refuse --mode static --calibrate missing.npz
refuse --mode static --calibrate none.npz
refuse --mode static --calibrate empty
for data in nan inf zeros name shape rank dtype counts; do refuse --mode static --calibrate $data.npz; done
refuse --mode static --calibrate samples.npz --accuracy nine.npy
refuse --mode static --calibrate samples.npz --accuracy eleven.npy
refuse --mode static --calibrate samples.npz --accuracy floats.npy
refuse --exclude gem
refuse --error-budget 200% --calibrate samples.npz
refuse --sqnr 35
refuse --calibrate samples.npz --sqnr -8
refuse --calibrate samples.npz --error-budget -1%
refuse --bits -8
refuse --mode weights --block -32
refuse --threads -1
refuse --bits four
refuse --report report.pdf
[ -z "$(ls | grep -v -E '\.(onnx|np[yz]|json|html|txt)$|^(folder|empty|table|out|err)$')" ]
