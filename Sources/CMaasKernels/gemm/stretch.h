#ifndef MAAS_GEMM_STRETCH_H
#define MAAS_GEMM_STRETCH_H
/// The inner loop of a micro-kernel where instructions are what is short, as on a core that two threads share:
/// MAAS_STRETCH rows of B are read at constant distances, and nothing is fetched with them but lines of the next panel.
/// Included by micro.h.

/// Where the rows of A begin, each in a register of its own: one index steps through all of them. Numbers are added, as
/// an empty A may be NULL.
MAAS_INLINE void rows_of(const int mr, maas_gemm_left a, const real *rows[]) {
  MAAS_EACH (i, mr) {
    rows[i] = (const real *)((uintptr_t)a.a + (uintptr_t)(i * a.row) * sizeof(real));
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

/// To the second-level cache: the panel that is being read fills the first. The fewer groups share a panel, the more
/// lines of it each fetches.
MAAS_INLINE void fetch_later(maas_gemm_ahead *ahead) {
  __builtin_prefetch(ahead->at, 0, 2);
  if (ahead->step > line_share)
    __builtin_prefetch(ahead->at + line_bytes, 0, 2);
  if (ahead->step > 2 * line_share) {
    __builtin_prefetch(ahead->at + 2 * line_bytes, 0, 2);
    __builtin_prefetch(ahead->at + 3 * line_bytes, 0, 2);
  }
  ahead->at += MAAS_STRETCH * ahead->step;
}

/// acc[mr][nv] = A[mr, k] B[k, NR].
MAAS_INLINE void multiply(const int mr, const int nv, vf acc[][MAAS_NV], int64_t k, maas_gemm_left a,
                          maas_gemm_right b, maas_gemm_ahead ahead) {
  MAAS_EACH (i, mr)
    MAAS_EACH (v, nv)
      acc[i][v] = v_set(0);
  const real *rows[MAAS_MR];
  rows_of(mr, a, rows);
  int64_t p = 0;
  if (mr * nv > MAAS_FEW && a.col == 1 && b.row == MAAS_NR)
    for (; p + MAAS_STRETCH <= k; p += MAAS_STRETCH, b.b += MAAS_STRETCH * MAAS_NR) {
      fetch_later(&ahead);
      MAAS_EACH (s, MAAS_STRETCH)
        add_products(mr, nv, acc, rows, p + s, b.b + s * MAAS_NR);
    }
  for (int64_t at = p * a.col; p < k; p++, b.b += b.row, at += a.col)
    add_products(mr, nv, acc, rows, at, b.b);
}

#endif
