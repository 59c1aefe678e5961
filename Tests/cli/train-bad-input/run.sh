# What maas-train refuses, with one line that says where; nothing is written.
good='a,b,label\n1,2,x\n2,3,y\n3,5,x\n4,4,y\n5,1,x\n6,2,y\n7,9,x\n8,7,y\n9,4,x\n10,3,y\n11,6,x\n12,8,y\n'

# refuse NAME DATA ARGUMENTS…: DATA is the text of NAME, unless empty.
refuse() {
  local name=$1 rc=0
  [ -z "$2" ] || printf "$2" >"$name"
  shift 2
  maas-train "$name" "$@" >out 2>err || rc=$?
  [ "$(wc -l <err)" = 1 ] && [ -z "$(ls | grep -E '^model|unchecked')" ]
  echo "$rc $(cat out err)"
}

refuse missing.csv ''
refuse good.csv "$good" --target labl
refuse ragged.csv 'a,b\n1,2\n3,4,5\n'
refuse quote.csv 'a,b\n1,"2\n'
refuse number.csv "$good"'l3,1,x\n'
refuse infinite.csv "$good"'inf,1,x\n'
refuse untargeted.csv "$good"'13,1,\n'
refuse one.csv 'a,label\n1,x\n2,x\n3,x\n'
refuse few.csv 'a,label\n1,x\n2,y\n'
refuse empty.csv ''
: >empty.csv
refuse empty.csv ''
refuse header.csv 'a,b\n'
refuse constant.csv 'a,b\n1,0.5\n1,0.7\n1,0.9\n'
printf 'a,b,label\n1,2,z\n' >more.csv
refuse good.csv '' --validation more.csv
printf 'a,label\n1,x\n' >fewer.csv
refuse good.csv '' --test fewer.csv
refuse good.csv '' --loss mse
refuse good.csv '' --augment flip
refuse good.csv '' --folds 50
refuse good.csv '' --network cnn
refuse good.csv '' --init missing.onnx
refuse good.csv '' --out missing/model.onnx

# Files of other codings and countries.
printf 'a,label\n1,x\n' | iconv -t UTF-16 >wide.csv
refuse wide.csv ''
printf 'a,label\n1,K\xf6ln\n' >latin.csv
refuse latin.csv ''
refuse comma.csv 'a;b\n1,5;2\n2,25;3\n3;4\n'

# Files of layers.
printf 'layers:\n  - dense 8\n  - dens 4\n' >net.yaml
refuse good.csv '' --network net.yaml
printf 'layers: [dense 8\n' >net.yaml
refuse good.csv '' --network net.yaml
printf 'layer: [dense 8]\n' >net.yaml
refuse good.csv '' --network net.yaml
printf 'layers: [dense 8]\noptions: {learning_rat: 1}\n' >net.yaml
refuse good.csv '' --network net.yaml

# Folders.
mkdir -p none flat/a pictures/{a,b} mixed/a sounds/{a,b} texts/{a,b}
refuse none ''
: >pictures/a/1.png
printf 'no picture at all' >pictures/b/1.png
refuse pictures '' --validation 0 --test 0
: >mixed/a/1.png
: >mixed/a/2.txt
refuse mixed ''
: >flat/a/1.xyz
refuse flat ''
printf %b 'RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x06\x00\x01\x00' \
  '\x40\x1f\x00\x00\x40\x1f\x00\x00\x01\x00\x08\x00data\x00\x00\x00\x00' >sounds/a/1.wav
cp sounds/a/1.wav sounds/b
refuse sounds '' --validation 0 --test 0
printf '\xff\xfe' >texts/a/1.txt
printf 'word' >texts/b/1.txt
refuse texts '' --validation 0 --test 0

# Arrays.
"$PYTHON" - <<'PY'
import numpy as np
x = np.arange(40, dtype=np.float32).reshape(20, 2)
np.savez("short.npz", x=x, y=np.zeros(3))
np.savez("noy.npz", x=x, z=x)
np.savez("inf.npz", x=np.where(x == 7, np.inf, x), y=np.arange(20) % 2)
np.savez("nan.npz", x=x, y=np.where(np.arange(20) == 4, np.nan, 1.5))
np.save("flat.npy", x[:, 0])
PY
for name in short.npz noy.npz inf.npz nan.npz flat.npy; do refuse $name ''; done

# Losses that leave the numbers, with the place.
"$PYTHON" - <<'PY'
import numpy as np
np.savez("big.npz", x=np.full((64, 2), 1e30, np.float32) * np.arange(64)[:, None], y=np.arange(64) * 1e30)
PY
refuse big.npz '' --scale none --learning-rate 1e20

# A network that is too deep for what the data become.
"$PYTHON" -c 'import numpy as np; np.savez("tiny.npz", x=np.zeros((30, 1, 3, 3), np.float32), y=np.arange(30) % 2)'
refuse tiny.npz '' --network cnn-small

# Wrong command lines: status 2.
refuse good.csv '' --layers 64,x
refuse good.csv '' --dropout 1.5
refuse good.csv '' --validation 0.6 --test 0.6
refuse good.csv '' --learning-rate fast
refuse good.csv '' --option nothing=1
refuse good.csv '' --resume
refuse good.csv '' --out model.txt
refuse good.csv '' --report report.pdf
refuse good.csv '' --layers 4 --network mlp
refuse good.csv '' --unknown
refuse good.csv '' --layers 1000000000
refuse good.csv '' --layers 65536,65536
refuse good.csv '' --seconds 1e300
refuse good.csv '' --bands 1000000000
refuse good.csv '' --ngrams 9
refuse good.csv '' --length 100000
refuse good.csv '' --memory=-1
refuse good.csv '' --search 1000000000
for option in epochs batch-size patience warm-up learning-rate weight-decay clip-norm label-smoothing ema seed threads \
  dropout lora search layers folds checkpoint-every memory validation vocabulary ngrams buckets length image-size bands \
  seconds rate clip-features; do
  refuse good.csv '' --$option -1
done
refuse good.csv '' --target -1
