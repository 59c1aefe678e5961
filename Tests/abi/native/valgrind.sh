# Opening, running and closing reads and writes only what it may, and loses nothing.
"${CC:-cc}" -std=gnu99 -g "-I$prefix/include" "$here/programs/sessions.c" "$here/programs/check.c" -o sessions \
  "-L$prefix/lib" -lmaas "-Wl,-rpath,$prefix/lib"
valgrind --quiet --error-exitcode=9 --trace-children=yes --leak-check=full --show-leak-kinds=definite \
  --errors-for-leak-kinds=definite ./sessions "$work/models"
