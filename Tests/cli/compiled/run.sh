# maas-model compile: what maas-run makes of it, what is refused, and what --rebuild does.
cp "$DIGITS/digits.onnx" "$DIGITS/images/3.npy" .
maas-model compile digits.onnx digits.maas >out
grep -Eq '^digits.maas: [0-9]+ bytes for .*: weights [0-9]+, packed [1-9][0-9]*$' out
maas-model check digits.maas | sed 's/for .*, whole/for CPU, whole/'

maas-run digits.onnx 3.npy >answer
maas-run digits.maas 3.npy | diff answer -
maas-run digits.maas --inputs | diff <(maas-run digits.onnx --inputs) -
maas-model compile digits.onnx again.maas --shape N=64 >/dev/null
maas-run again.maas 3.npy | diff answer -

# fails COMMAND…: exit status and message of a command that prints nothing else.
fails() {
  local rc=0
  "$@" >out 2>err || rc=$?
  [ ! -s out ]
  echo "$rc: $(sed -E 's/expected [^,]*, found [^;]*/expected A, found B/' err)"
}

# Another CPU: the portable kernels want other panels.
MAAS_ISA=scalar fails maas-run digits.maas 3.npy
head -c 5000 digits.maas >cut.maas
fails maas-run cut.maas 3.npy
# A changed weight is no reason to refuse the file when it is opened, but to complain when it is checked.
"$PYTHON" - <<'EOF'
data = bytearray(open("digits.maas", "rb").read())
data[-1] ^= 1
open("weights.maas", "wb").write(data)
EOF
maas-run weights.maas 3.npy >out
fails maas-model check weights.maas

cp digits.onnx cut.onnx
maas-run cut.maas 3.npy --rebuild | diff answer -
cmp cut.maas digits.maas
rm cut.maas
maas-run cut.maas 3.npy --rebuild | diff answer -
fails maas-run none.maas 3.npy --rebuild
fails maas-model compile digits.onnx out.maas --shape M=4
fails maas-model compile digits.onnx none/out.maas
fails maas-model compile none.onnx out.maas
[ ! -e out.maas ]
