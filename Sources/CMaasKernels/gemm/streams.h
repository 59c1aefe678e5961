#ifndef MAAS_GEMM_STREAMS_H
#define MAAS_GEMM_STREAMS_H
/// Few rows of A and several panels of B at once: memory gives several streams sooner than one. Included by body.h.
#ifdef MAAS_STRETCH

/// The tiles at columns from j on, in as many panels.
MAAS_INLINE void tiles_of(const int mr, const int panels, const maas_gemm_pass *pass,
                          const maas_gemm_finish *f, int64_t j) {
  vf acc[4][2][MAAS_NV], sums[4][2][MAAS_NV];
  const real *rows[MAAS_MR], *b = pass->b + j / MAAS_NR * pass->panel;
  rows_of(mr, pass->a, rows);
  MAAS_EACH (q, panels)
    MAAS_EACH (i, mr)
      MAAS_EACH (v, MAAS_NV)
        acc[q][i][v] = v_set(0);
  for (int64_t p = 0; p < pass->k; p++, b += MAAS_NR + pass->b_gap)
    MAAS_EACH (q, panels)
      add_products(mr, MAAS_NV, acc[q], rows, p * pass->a.col, b + q * pass->panel);
  MAAS_EACH (q, panels)
    MAAS_EACH (i, mr)
      MAAS_EACH (v, MAAS_NV)
        sums[q][i][v] = acc[q][i][v]; // Only these have an address.
  for (int q = 0; q < panels; q++)
    finish_tile(mr, MAAS_NV, sums[q], pass->columns - j - q * MAAS_NR, f, 0, j + q * MAAS_NR);
}

#define MAAS_STREAMS(rows, panels)                                                                           \
  static __attribute__((noinline)) void streams_##rows(const maas_gemm_pass *pass,                           \
                                                       const maas_gemm_finish *f, int64_t j) {               \
    tiles_of(rows, panels, pass, f, j);                                                                      \
  }
MAAS_STREAMS(1, 4)
MAAS_STREAMS(2, 3)

/// Computes as many columns as that serves, and tells the first of the others.
static int64_t first_after_streams(const maas_gemm_pass *pass, const maas_gemm_finish *f) {
  static const struct {
    void (*run)(const maas_gemm_pass *, const maas_gemm_finish *, int64_t j);
    int panels;
  } streams[] = {{streams_1, 4}, {streams_2, 3}};
  int64_t j = 0;
  if (pass->rows > 0 && pass->rows <= (int64_t)(sizeof streams / sizeof streams[0]))
    for (int64_t width = streams[pass->rows - 1].panels * MAAS_NR; j + width <= pass->columns; j += width)
      streams[pass->rows - 1].run(pass, f, j);
  return j;
}

#else
static int64_t first_after_streams(const maas_gemm_pass *pass, const maas_gemm_finish *f) {
  return (void)pass, (void)f, 0;
}
#endif
#endif
