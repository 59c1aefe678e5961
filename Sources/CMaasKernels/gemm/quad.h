#ifndef MAAS_GEMM_QUAD_H
#define MAAS_GEMM_QUAD_H
/// Four elements at a time, on every CPU: what packing either operand takes.
#include <string.h>
#include "real.h"

#ifdef MAAS_DOUBLE // Wider than the registers of some; no call of these functions leaves its file.
#pragma clang diagnostic ignored "-Wpsabi"
#endif

typedef real quad __attribute__((vector_size(4 * sizeof(real)), aligned(sizeof(real))));
typedef real loose __attribute__((aligned(1))); ///< A matrix may lie anywhere in a file.

static inline quad load4(const loose *p) {
  quad value;
  memcpy(&value, p, sizeof value);
  return value;
}
static inline void store4(real *p, quad value) { memcpy(p, &value, sizeof value); }

/// A 4 x 4 block of columns that are contiguous in memory.
static inline void transpose4(const loose *from, int64_t column, real *to, int64_t row) {
  quad a = load4(from), b = load4(from + column), c = load4(from + 2 * column), d = load4(from + 3 * column);
  quad ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5),
       ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  quad cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5),
       cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  store4(to, __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5));
  store4(to + row, __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7));
  store4(to + 2 * row, __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5));
  store4(to + 3 * row, __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7));
}

#endif
