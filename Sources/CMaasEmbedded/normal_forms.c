/// Embedded Swift compares texts by their normal forms, with tables of 32 kB. Names and labels of models are equal when
/// their bytes are: here every scalar is its own normal form, so that the tables are not linked.
#include <stdint.h>

const uint8_t _swift_stdlib_nfd_decompositions[1];

/// Combining class 0, and normal in all forms.
uint16_t _swift_stdlib_getNormData(uint32_t scalar) {
  (void)scalar;
  return 0;
}

/// An entry for another scalar than those asked for: there is no decomposition.
uint32_t _swift_stdlib_getDecompositionEntry(uint32_t scalar) {
  (void)scalar;
  return 0;
}

/// No composition.
uint32_t _swift_stdlib_getComposition(uint32_t first, uint32_t second) {
  (void)first, (void)second;
  return UINT32_MAX;
}
