#ifndef MAAS_GEMM_LEFT_H
#define MAAS_GEMM_LEFT_H
/// A for the micro-kernels of one instruction set. Included by files that defined MAAS_MR.
#include "pass.h"
#include "quad.h"

/// `height` >= 4 rows that are contiguous, in blocks of four; the last four rows may overlap others.
static void pack_group(int64_t k, int64_t height, const float *from, int64_t row, float *to) {
  enum { line = 16 }; // Of the cache: rows a multiple of the page apart push each other out of it.
  int64_t quads = k - k % 4;
  for (int64_t p = 0; p < quads; p += line)
    for (int64_t r = 0; r < height; r += 4) {
      int64_t i = r + 4 <= height ? r : height - 4;
      for (int64_t near = 0; near < 4; near++)
        __builtin_prefetch(from + (i + near) * row + p + 2 * line);
      for (int64_t q = p; q < p + line && q < quads; q += 4)
        transpose4(from + i * row + q, row, to + q * height + i, height);
    }
  for (int64_t p = quads; p < k; p++)
    for (int64_t r = 0; r < height; r++)
      to[p * height + r] = from[r * row + p];
}

/// Copies A[rows, k] to groups of `height` rows, each [k][height]; the last group keeps that stride.
static void pack_a(int64_t rows, int64_t height, int64_t k, maas_gemm_left a, float *to) {
  for (int64_t i = 0; i < rows; i += height, to += height * k) {
    int64_t count = rows - i < height ? rows - i : height;
    const float *from = a.a + i * a.row;
    if (a.col == 1 && count == height && height >= 4) {
      pack_group(k, height, from, a.row, to);
      continue;
    }
    for (int64_t p = 0; p < k; p++)
      for (int64_t r = 0; r < count; r++)
        to[p * height + r] = from[r * a.row + p * a.col];
  }
}

#endif
