# A program linked with maas may embed Python, and that import onnx, which has a protobuf of its own.
read -r library home packages < <("$PYTHON" -c '
import os, sysconfig
get = sysconfig.get_config_var
folders = (get("LIBDIR") or "", os.path.join(get("LIBDIR") or "", get("MULTIARCH") or ""))
found = [p for f in folders for n in (get("LDLIBRARY"), get("INSTSONAME")) if n and ".so" in n
         for p in [os.path.join(f, n)] if os.path.exists(p)]
print(found[0] if found else "-", get("prefix"), sysconfig.get_path("purelib"))')
if [ "$library" = - ]; then
  echo "skipped: this Python has no shared library to embed (Debian: libpython3-dev)"
  exit 0
fi
gcc -std=gnu99 "-I$prefix/include" "$here/embed.c" -o embed "-L$prefix/lib" -lmaas "$library" \
  "-Wl,-rpath,$prefix/lib:$(dirname "$library")"
cat >work.py <<'END'
import sys, onnx
model = onnx.load(sys.argv[1])
onnx.checker.check_model(model, full_check=True)
print(model.graph.name, "is sound")
END
PYTHONHOME=$home PYTHONPATH=$packages ./embed "$work/models/digits.onnx" work.py "$work/models/digits.onnx"
