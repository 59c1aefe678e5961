#ifndef MAAS_GEMM_LEFT_H
#define MAAS_GEMM_LEFT_H
/// A for the micro-kernels of one instruction set. Included by files that defined MAAS_MR.
#include "pass.h"

/// Copies A[rows, k] to groups of `height` rows, each [k][height]; the last group keeps that stride.
static void pack_a(int64_t rows, int64_t height, int64_t k, maas_gemm_left a, real *to) {
  for (int64_t i = 0; i < rows; i += height, to += height * k) {
    int64_t count = rows - i < height ? rows - i : height;
    const real *from = a.a + i * a.row;
    for (int64_t p = 0; p < k; p++)
      for (int64_t r = 0; r < count; r++)
        to[p * height + r] = from[r * a.row + p * a.col];
  }
}

#endif
