#ifndef MAAS_GEMM_STRETCH_H
#define MAAS_GEMM_STRETCH_H
/// The inner loop of a micro-kernel where instructions are what is short, as on a core that two threads share: nothing
/// is fetched ahead, and MAAS_STRETCH rows of B are read at constant distances. Included by micro.h.

enum { fetches = false };

static inline maas_gemm_ahead ahead_of(const maas_gemm_pass *pass, const real *b, int64_t i, int64_t j) {
  return (void)pass, (void)b, (void)i, (void)j, (maas_gemm_ahead){NULL, 0};
}

/// Where the rows of A begin, each in a register of its own: one index steps through all of them.
MAAS_INLINE void rows_of(const int mr, maas_gemm_left a, const real *rows[]) {
  MAAS_EACH (i, mr) {
    rows[i] = a.a + i * a.row;
    __asm__("" : "+r"(rows[i]));
  }
}

/// acc[mr][nv] += the elements at `at` of the rows of A times a row of B.
MAAS_INLINE void add_products(const int mr, const int nv, vf acc[][MAAS_NV], const real *const rows[],
                              int64_t at, const real *b) {
  vf columns[MAAS_NV];
  MAAS_EACH (v, nv)
    columns[v] = v_load(b + v * V_WIDTH);
  MAAS_EACH (i, mr) {
    vf row = v_set(rows[i][at]);
    MAAS_EACH (v, nv)
      acc[i][v] = v_fma(row, columns[v], acc[i][v]);
  }
}

/// acc[mr][nv] = A[mr, k] B[k, NR].
MAAS_INLINE void multiply(const int mr, const int nv, vf acc[][MAAS_NV], int64_t k, maas_gemm_left a,
                          maas_gemm_right b, maas_gemm_ahead ahead) {
  (void)ahead;
  MAAS_EACH (i, mr)
    MAAS_EACH (v, nv)
      acc[i][v] = v_set(0);
  const real *rows[MAAS_MR];
  rows_of(mr, a, rows);
  int64_t p = 0;
  if (mr * nv > MAAS_FEW && a.col == 1 && b.row == MAAS_NR)
    for (; p + MAAS_STRETCH <= k; p += MAAS_STRETCH, b.b += MAAS_STRETCH * MAAS_NR)
      MAAS_EACH (s, MAAS_STRETCH)
        add_products(mr, nv, acc, rows, p + s, b.b + s * MAAS_NR);
  for (int64_t at = p * a.col; p < k; p++, b.b += b.row, at += a.col)
    add_products(mr, nv, acc, rows, at, b.b);
}

#endif
