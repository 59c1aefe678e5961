# maas-train: from data of every kind to a model that ONNX's checker takes and that ONNX Runtime is as good with.
"$PYTHON" "$CASE/data.py"

# try KIND LEAST DATA ARGUMENTS…
try() {
  local kind=$1 least=$2 data=$3 test=$4
  shift 4
  maas-train "$data" --test "$test" "$@" >out 2>err || { cat out err; exit 1; }
  [ ! -s err ]
  "$PYTHON" "$CASE/check.py" "$kind" "$least"
}
try people 0.9 people.csv people-test.csv --epochs 60
try people 0.85 people.csv people-test.csv --epochs 60 --target answer --encode ordinal --scale minmax \
  --impute median --text-encoding hashed
try houses 0.95 houses.csv houses-test.csv --target price --epochs 150
try arrays 0.85 x.npz x-test.npz --layers 32 --batch-norm --dropout 0.1 --epochs 60
try texts 0.95 texts texts-test --epochs 30
try texts 0.9 texts texts-test --epochs 20 --network text-mlp --length 20 --learning-rate 0.01
try sounds 0.95 sounds sounds-test --epochs 15 --network mlp
try pictures 0.95 pictures pictures-test --epochs 30 --image-size 16 --augment flip,shift

# The same command gives the same model, whatever the number of threads.
maas-train houses.csv --out a.onnx --epochs 5 --threads 1 --quiet
maas-train houses.csv --out b.onnx --epochs 5 --threads 2 --quiet
cmp a.onnx b.onnx
