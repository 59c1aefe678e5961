# maas.h and the examples are clean C99 and C++17, for both compilers.
c="-std=c99" cpp="-x c++ -std=c++17"
clang=$(dirname "$(readlink -f "$(command -v swiftc)")")/clang
printf '%s\n' '#include <maas.h>' '#include <maas.h>' \
  'int main(void) { return maas_abi_version() != MAAS_ABI_VERSION; }' >header.c
for compiler in gcc "$clang"; do
  for language in "$c" "$cpp"; do
    # shellcheck disable=SC2086
    "$compiler" $language -Wall -Wextra -Werror -pedantic -fsyntax-only "-I$prefix/include" header.c
  done
  for example in "$root"/bindings/c/examples/*.c; do
    "$compiler" -std=gnu99 -Wall -Wextra -Werror -pedantic -fsyntax-only "-I$prefix/include" "$example"
  done
  # shellcheck disable=SC2086
  "$compiler" $cpp -Wall -Wextra -Werror -pedantic -fsyntax-only "-I$prefix/include" "$here/consumer.cpp"
done
