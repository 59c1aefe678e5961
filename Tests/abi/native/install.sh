# Installing honours DESTDIR, replaces what is there at once, and takes another library.
DESTDIR=$PWD/stage "$root/scripts/install.sh" /opt/maas >/dev/null
(cd stage/opt/maas && find . | sort) >staged
(cd "$prefix" && find . | sort) | diff - staged
if grep -rl "$PWD\|/opt/maas" stage/opt/maas/lib/pkgconfig stage/opt/maas/lib/cmake; then exit 1; fi

# A program that runs keeps its library.
before=$(stat -Lc %i stage/opt/maas/lib/libmaas.so)
exec 3<stage/opt/maas/lib/libmaas.so
DESTDIR=$PWD/stage "$root/scripts/install.sh" /opt/maas >/dev/null
[ "$(stat -Lc %i stage/opt/maas/lib/libmaas.so)" != "$before" ]
cmp - "$prefix/lib/libmaas.so" <&3

"$root/scripts/install.sh" --library "$prefix/lib/libmaas.so" "$PWD/other" >/dev/null
cmp "$prefix/lib/libmaas.so" other/lib/libmaas.so
[ ! -e other/bin ]

refuses() { if "$root/scripts/install.sh" "$@" 2>message; then echo "accepted: $*"; exit 1; fi; }
refuses --library no-such.so "$PWD/none"
grep -q no-such.so message
[ ! -e none ]
refuses --library
refuses --option
refuses a b
