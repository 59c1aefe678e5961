# libmaas is small and needs only the C and C++ run-time libraries.
library=$prefix/lib/libmaas.so
readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort >needed
printf '%s\n' ld-linux-x86-64.so.2 libc.so.6 libgcc_s.so.1 libm.so.6 libstdc++.so.6 >allowed
comm -23 needed <(sort allowed) >others
[ ! -s others ] || { echo "needs also:"; cat others; exit 1; }
size=$(stat -Lc %s "$library")
echo "$size bytes; needs $(paste -sd' ' needed)"
[ "$size" -lt 8000000 ]
readelf -SW "$library" | grep '\.symtab' >/dev/null && { echo "is not stripped"; exit 1; }
true
