/// The micro-kernels of gemm and conv for one instruction set: mr x MAAS_NV vectors of Y in registers over
/// one pass of k. Included by files that defined the vector vocabulary, MAAS_MR and MAAS_NV.
#include "../row.h"
#include "pass.h"

#define MAAS_NR (MAAS_NV * V_WIDTH)
/// A loop over registers, unrolled.
#define MAAS_EACH(i, count) _Pragma("clang loop unroll(full)") for (int i = 0; i < (count); i++)
#define MAAS_INLINE static inline __attribute__((always_inline))

/// Everything that the register path does not know, through a small buffer; also tiles with fewer columns.
static __attribute__((noinline)) void finish_slowly(float *tile, int64_t rows, int64_t columns,
                                                    const maas_gemm_finish *f) {
  for (int64_t i = 0; i < rows; i++) {
    float *t = tile + i * MAAS_NR;
    const float *y = f->y + i * f->y_row;
    for (int64_t j = 0; j < columns; j++) {
      t[j] *= f->alpha;
      if (f->add)
        t[j] += y[j];
      if (f->c)
        t[j] += f->beta * f->c[i * f->c_row + j * f->c_col];
      if (f->residual)
        t[j] += f->residual[i * f->y_row + j];
    }
  }
  const maas_f32_activation *g = &f->activation;
  if (g->op != MAAS_UNARY_IDENTITY)
    MAAS_F32_SHARED(unary_rows)[g->op](tile, tile, rows * MAAS_NR, g->alpha, g->beta);
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++)
      f->y[i * f->y_row + j] = tile[i * MAAS_NR + j];
}

MAAS_INLINE void add_c(const int mr, vf acc[][MAAS_NV], const maas_gemm_finish *f) {
  vf beta = v_set(f->beta);
  MAAS_EACH (i, mr) {
    const float *c = f->c + i * f->c_row;
    MAAS_EACH (v, MAAS_NV)
      acc[i][v] = v_fma(beta, f->c_col ? v_load(c + v * V_WIDTH) : v_set(*c), acc[i][v]);
  }
}

MAAS_INLINE void add_rows(const int mr, vf acc[][MAAS_NV], const float *rows, int64_t stride) {
  MAAS_EACH (i, mr)
    MAAS_EACH (v, MAAS_NV)
      acc[i][v] = v_add(acc[i][v], v_load(rows + i * stride + v * V_WIDTH));
}

MAAS_INLINE void finish_tile(const int mr, vf acc[][MAAS_NV], int64_t columns, const maas_gemm_finish *f) {
  bool relu = f->activation.op == MAAS_UNARY_RELU;
  bool known = relu || f->activation.op == MAAS_UNARY_IDENTITY;
  if (columns < MAAS_NR || !known || (f->c && f->c_col > 1)) {
    float tile[MAAS_MR * MAAS_NR];
    MAAS_EACH (i, mr)
      MAAS_EACH (v, MAAS_NV)
        v_store(tile + (i * MAAS_NV + v) * V_WIDTH, acc[i][v]);
    finish_slowly(tile, mr, columns, f);
    return;
  }
  if (f->alpha != 1) {
    MAAS_EACH (i, mr)
      MAAS_EACH (v, MAAS_NV)
        acc[i][v] = v_mul(acc[i][v], v_set(f->alpha));
  }
  if (f->add)
    add_rows(mr, acc, f->y, f->y_row);
  if (f->c)
    add_c(mr, acc, f);
  if (f->residual)
    add_rows(mr, acc, f->residual, f->y_row);
  MAAS_EACH (i, mr)
    MAAS_EACH (v, MAAS_NV)
      v_store(f->y + i * f->y_row + v * V_WIDTH, relu ? v_max(v_set(0), acc[i][v]) : acc[i][v]);
}

/// acc[mr][NV] = A[mr, k] B[k, NR].
MAAS_INLINE void multiply(const int mr, vf acc[][MAAS_NV], int64_t k, maas_gemm_left a, const float *b) {
  MAAS_EACH (i, mr)
    MAAS_EACH (v, MAAS_NV)
      acc[i][v] = v_set(0);
  for (int64_t p = 0; p < k; p++, b += MAAS_NR, a.a += a.col) {
    vf columns[MAAS_NV];
    MAAS_EACH (v, MAAS_NV)
      columns[v] = v_load(b + v * V_WIDTH);
    MAAS_EACH (i, mr) {
      vf row = v_set(a.a[i * a.row]);
      MAAS_EACH (v, MAAS_NV)
        acc[i][v] = v_fma(row, columns[v], acc[i][v]);
    }
  }
}

/// With one or two rows the sums would wait for each other: `MAAS_CHAINS` independent sums over interleaved
/// p.
#define MAAS_CHAINS 4

MAAS_INLINE void multiply_few(const int mr, vf acc[][MAAS_NV], int64_t k, maas_gemm_left a, const float *b) {
  vf sums[MAAS_CHAINS][2][MAAS_NV];
  int64_t whole = k - k % MAAS_CHAINS;
  MAAS_EACH (s, MAAS_CHAINS)
    multiply(mr, sums[s], 0, a, b);
  for (int64_t p = 0; p < whole; p += MAAS_CHAINS, a.a += MAAS_CHAINS * a.col, b += MAAS_CHAINS * MAAS_NR)
    MAAS_EACH (s, MAAS_CHAINS)
      MAAS_EACH (i, mr)
        MAAS_EACH (v, MAAS_NV)
          sums[s][i][v] =
              v_fma(v_set(a.a[i * a.row + s * a.col]), v_load(b + s * MAAS_NR + v * V_WIDTH), sums[s][i][v]);
  multiply(mr, acc, k - whole, a, b);
  MAAS_EACH (i, mr)
    MAAS_EACH (v, MAAS_NV)
      acc[i][v] =
          v_add(v_add(v_add(sums[0][i][v], sums[1][i][v]), v_add(sums[2][i][v], sums[3][i][v])), acc[i][v]);
}

typedef void micro_kernel(int64_t k, maas_gemm_left a, const float *b, int64_t columns,
                          const maas_gemm_finish *f);

#define MAAS_MICRO(rows)                                                                                     \
  static __attribute__((noinline)) void micro_##rows(int64_t k, maas_gemm_left a, const float *b,            \
                                                     int64_t columns, const maas_gemm_finish *f) {           \
    vf acc[rows][MAAS_NV];                                                                                   \
    if (rows <= 2)                                                                                           \
      multiply_few(rows, acc, k, a, b);                                                                      \
    else                                                                                                     \
      multiply(rows, acc, k, a, b);                                                                          \
    finish_tile(rows, acc, columns, f);                                                                      \
  }
