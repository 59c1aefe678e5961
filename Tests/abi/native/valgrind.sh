# Opening, running and closing reads and writes only what it may, and loses nothing.
for program in sessions operators operator-errors train train-errors; do
  "${CC:-cc}" -std=gnu99 -g "-I$prefix/include" "$here/programs/$program.c" "$here/programs/check.c" -o "$program" \
    "-L$prefix/lib" -lmaas "-Wl,-rpath,$prefix/lib" -pthread
  valgrind --quiet --error-exitcode=9 --trace-children=yes --leak-check=full --show-leak-kinds=definite \
    --errors-for-leak-kinds=definite "./$program" "$work/models"
done
