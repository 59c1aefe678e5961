#ifndef MAAS_GEMM_LEFT_H
#define MAAS_GEMM_LEFT_H
/// A for the micro-kernels of one instruction set. Included by files that defined MAAS_MR.
#include "pass.h"

static inline void copy_few(const real *from, int64_t n, real *to) {
  int64_t i = 0;
  for (; i + V_WIDTH <= n; i += V_WIDTH)
    v_store(to + i, v_load(from + i));
  if (i < n)
    v_store_tail(to + i, v_load_tail(from + i, n - i), n - i);
}

/// Of a transposed A: a stretch of one of its rows at a time, with what comes next fetched, as those rows may lie a
/// page apart. Whole vectors are stored where what they hold too much is written over afterwards: parts of them are
/// slow.
static void pack_transposed_a(int64_t rows, int64_t height, int64_t k, maas_gemm_left a, real *to) {
  enum { ahead = 16, line = 64 / sizeof(real) };
  for (int64_t p = 0; p < k; p++, a.a += a.col, to += height) {
    for (int64_t i = 0; i < rows; i += line)
      __builtin_prefetch((const char *)(a.a + i) + ahead * a.col * (int64_t)sizeof(real));
    bool has_room = height <= V_WIDTH && (k - p) * height >= V_WIDTH;
    int64_t i = 0;
    for (; has_room && i + V_WIDTH <= rows; i += height)
      v_store(to + i * k, v_load(a.a + i));
    for (; i < rows; i += height)
      copy_few(a.a + i, rows - i < height ? rows - i : height, to + i * k);
  }
}

/// Copies A[rows, k] to groups of `height` rows, each [k][height]; the last group keeps that stride.
static void pack_a(int64_t rows, int64_t height, int64_t k, maas_gemm_left a, real *to) {
  if (a.row == 1) {
    pack_transposed_a(rows, height, k, a, to);
    return;
  }
  for (int64_t i = 0; i < rows; i += height, to += height * k) {
    int64_t count = rows - i < height ? rows - i : height;
    const real *from = a.a + i * a.row;
    for (int64_t p = 0; p < k; p++)
      for (int64_t r = 0; r < count; r++)
        to[p * height + r] = from[r * a.row + p * a.col];
  }
}

#endif
