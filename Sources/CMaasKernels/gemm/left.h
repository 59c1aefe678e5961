#ifndef MAAS_GEMM_LEFT_H
#define MAAS_GEMM_LEFT_H
/// A for the micro-kernels of one instruction set. Included by files that defined MAAS_MR.
#include "pass.h"

/// A line of the cache: where rows lie a multiple of the page apart, each would push out the next one's.
enum { line = 16 };

/// Copies A[rows, k] to groups of MAAS_MR rows, each [k][MAAS_MR]; the last group keeps that stride.
static void pack_a(int64_t rows, int64_t k, maas_gemm_left a, float *to) {
  for (int64_t i = 0; i < rows; i += MAAS_MR, to += MAAS_MR * k) {
    int64_t count = rows - i < MAAS_MR ? rows - i : MAAS_MR;
    const float *from = a.a + i * a.row;
    int64_t step = a.col == 1 ? line : 1;
    for (int64_t p = 0; p < k; p += step) {
      int64_t end = p + step < k ? p + step : k;
      for (int64_t r = 0; r < count; r++)
        for (int64_t q = p; q < end; q++)
          to[q * MAAS_MR + r] = from[r * a.row + q * a.col];
    }
  }
}

#endif
