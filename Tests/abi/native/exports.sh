# libmaas exports the functions of maas.h and nothing else, all of version MAAS_1, under its soname.
library=$prefix/lib/libmaas.so
"$here/functions.sh" "$prefix/include/maas.h" | sed 's/$/@@MAAS_1/' >declared
# The version itself is an absolute symbol.
nm -D --defined-only --extern-only --with-symbol-versions "$library" | awk '$2 != "A" { print $3 }' | sort >exported
diff -u declared exported
readelf -d "$library" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p' | grep -x libmaas.so.1 >/dev/null
echo "$(wc -l <exported) functions"
