#ifndef MAAS_GEMM_STREAMS_H
#define MAAS_GEMM_STREAMS_H
/// Few rows of A with a B that they read as memory gives it soonest: several panels at once, as it gives several
/// streams sooner than one, or half a vector at a time. Included by body.h.
#if defined(MAAS_STRETCH) && !defined(MAAS_DOUBLE)

/// Panels that one row and two rows read at once: their sums fill the registers.
enum { panels_of_one = 4, panels_of_two = 3 };

/// The tiles at columns from j on, in as many panels.
MAAS_INLINE void tiles_of(const int mr, const int panels, const maas_gemm_pass *pass,
                          const maas_gemm_finish *f, int64_t j) {
  vf acc[panels_of_one][2][MAAS_NV];
  real tiles[panels_of_one][2 * MAAS_NR];
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
        v_store(tiles[q] + i * MAAS_NR + v * V_WIDTH, acc[q][i][v]);
  for (int q = 0; q < panels; q++, j += MAAS_NR) {
    maas_gemm_place at = {0, j, mr, maas_min64(MAAS_NR, pass->columns - j)};
    finish_in_memory(tiles[q], at, MAAS_NR, false, f);
  }
}

#define MAAS_STREAMS(name, rows, panels)                                                                     \
  static __attribute__((noinline)) void name(const maas_gemm_pass *pass, const maas_gemm_finish *f,          \
                                             int64_t j) {                                                    \
    tiles_of(rows, panels, pass, f, j);                                                                      \
  }
MAAS_STREAMS(stream_one, 1, panels_of_one)
MAAS_STREAMS(stream_two, 2, panels_of_two)
MAAS_STREAMS(rest_of_one, 1, 1)
MAAS_STREAMS(rest_of_two, 2, 1)

/// A pass of one or two rows; panels that are too few for all streams one by one. All add up in the same order, so that
/// equal columns have equal results.
static void stream_panels(const maas_gemm_pass *pass, const maas_gemm_finish *f) {
  bool one = pass->rows == 1;
  int64_t width = (one ? panels_of_one : panels_of_two) * MAAS_NR, j = 0;
  for (; j + width <= pass->columns; j += width)
    (one ? stream_one : stream_two)(pass, f, j);
  for (; j < pass->columns; j += MAAS_NR)
    (one ? rest_of_one : rest_of_two)(pass, f, j);
}

static bool streams_pay(const maas_gemm_pass *pass) {
  return pass->streams && pass->rows > 0 && pass->rows <= 2;
}

/// Whether a product has as many panels as are read at once, and rows of B from which on finishing their sums through
/// memory is worth it.
static bool has_streams(const maas_f32_gemm_params *g) { return g->n >= 4 * MAAS_NR && g->k >= 256; }

#elif defined(V_HALVES)

/// The row's sums of a panel, in the order of multiply_few.
MAAS_INLINE void row_of_panel(const maas_gemm_pass *pass, const real *b, real *sums) {
  vf_half acc[MAAS_CHAINS][2 * MAAS_NV], rest[2 * MAAS_NV];
  const real *a = pass->a.a;
  int64_t p = 0, row = MAAS_NR + pass->b_gap;
  MAAS_EACH (h, 2 * MAAS_NV) {
    rest[h] = v_half_set(0);
    MAAS_EACH (s, MAAS_CHAINS)
      acc[s][h] = v_half_set(0);
  }
  for (; p + MAAS_CHAINS <= pass->k; p += MAAS_CHAINS)
    MAAS_EACH (s, MAAS_CHAINS) {
      MAAS_EACH (h, 2 * MAAS_NV)
        acc[s][h] = v_half_fma(v_half_set(*a), v_half_load(b + h * V_HALF), acc[s][h]);
      a += pass->a.col, b += row;
    }
  for (; p < pass->k; p++, a += pass->a.col, b += row)
    MAAS_EACH (h, 2 * MAAS_NV)
      rest[h] = v_half_fma(v_half_set(*a), v_half_load(b + h * V_HALF), rest[h]);
  MAAS_EACH (h, 2 * MAAS_NV) {
    vf_half total = v_half_add(v_half_add(acc[0][h], acc[1][h]), v_half_add(acc[2][h], acc[3][h]));
    v_half_store(sums + h * V_HALF, v_half_add(total, rest[h]));
  }
}

static __attribute__((noinline)) void stream_panels(const maas_gemm_pass *pass, const maas_gemm_finish *f) {
  for (int64_t j = 0; j < pass->columns; j += MAAS_NR) {
    real sums[MAAS_NR];
    row_of_panel(pass, pass->b + j / MAAS_NR * pass->panel, sums);
    maas_gemm_place at = {0, j, 1, maas_min64(MAAS_NR, pass->columns - j)};
    finish_in_memory(sums, at, MAAS_NR, false, f);
  }
}

static bool streams_pay(const maas_gemm_pass *pass) { return pass->streams && pass->rows == 1; }

static bool has_streams(const maas_f32_gemm_params *g) { return g->b_is_far; }

#else
static void stream_panels(const maas_gemm_pass *pass, const maas_gemm_finish *f) { (void)pass, (void)f; }
static bool streams_pay(const maas_gemm_pass *pass) { return (void)pass, false; }
static bool has_streams(const maas_f32_gemm_params *g) { return (void)g, false; }
#endif
#endif
