#ifndef MAAS_GEMM_PASS_H
#define MAAS_GEMM_PASS_H
/// One pass over k for a rectangle of Y, by the micro-kernels of one instruction set: what gemm and conv
/// share.
#include "real.h"

/// What is done to a tile of Y besides A B. Addresses are those of the tile's first element.
typedef struct maas_gemm_finish {
  real *y;
  int64_t y_row;
  /// Elements between the end of a panel's row of Y and the next panel's; 0 where rows are whole.
  int64_t y_gap;
  const real *c; ///< NULL: none, or added by an earlier pass.
  int64_t c_row, c_col;
  const real *residual; ///< Rows as in y. NULL: none, or added by an earlier pass.
  float alpha, beta;
  bool add;                       ///< Not the first pass: Y already holds a partial sum.
  maas_f32_activation activation; ///< Identity before the last pass.
} maas_gemm_finish;

/// A as the micro-kernel reads it: element (i, p) is a[i * row + p * col].
typedef struct maas_gemm_left {
  const real *a;
  int64_t row, col;
} maas_gemm_left;

/// The same of a panel of B: element (p, j) is b[p * row + j].
typedef struct maas_gemm_right {
  const real *b;
  int64_t row;
} maas_gemm_right;

/// A rectangle of Y. `group` is the distance between groups of rows of A, `panel` that between panels of
/// B.
typedef struct maas_gemm_pass {
  int64_t rows, columns, k;
  maas_gemm_left a;
  int64_t group;
  const real *b;
  int64_t panel;
  int64_t height;    ///< Rows of a group, at most MR; 0 for MR.
  int64_t b_gap;     ///< Elements between the end of a panel's row and the next; 0 where B is packed.
  bool rows_outside; ///< The loop over rows is the outer one: B, not A, is read again and again.
  int64_t share; ///< Bytes of the next panel that a group of rows fetches with each row of this one, or 0.
  const real *after; ///< The panel after the last one; NULL: none, or another thread's.
  /// What the shares are of in place of the next panel: `length` bytes at each address, one after the other.
  const char *const *wanted;
  int64_t wanted_count, length;
  bool streams; ///< The product is one that streams.h is for, if its rows are few.
} maas_gemm_pass;

/// Y[rows, columns] op= A[rows, k] B[k, columns].
typedef void maas_f32_gemm_pass(const maas_gemm_pass *pass, const maas_gemm_finish *f);
maas_f32_gemm_pass maas_f32_gemm_pass_scalar, maas_f32_gemm_pass_neon, maas_f32_gemm_pass_avx2,
    maas_f32_gemm_pass_avx512;

/// `whole` for the pass over [p, p + length) of k: C and R join in the
/// first, before it overwrites them where Y is in place; the activation comes in the last.
static inline maas_gemm_finish maas_gemm_finish_of_pass(const maas_gemm_finish *whole, int64_t p,
                                                        int64_t length, int64_t k) {
  maas_gemm_finish pass = *whole;
  if (p > 0) {
    pass.add = true;
    pass.c = NULL;
    pass.residual = NULL;
  }
  if (p + length < k)
    pass.activation.op = MAAS_UNARY_IDENTITY;
  return pass;
}

#endif
