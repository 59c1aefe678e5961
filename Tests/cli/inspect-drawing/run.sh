# maas-model inspect --svg and --html: well-formed, every node drawn, nothing on top of anything else, nothing loaded.
"$PYTHON" "$CASE/check.py"
[ "$(ls)" = "$(printf 'page.html\nslow.svg\nstrange.onnx\nstrange.svg')" ] # no temporary files are left
