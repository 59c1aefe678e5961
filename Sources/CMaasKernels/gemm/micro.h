/// The micro-kernels of gemm and conv for one instruction set: mr x MAAS_NV vectors of Y in registers over
/// one pass of k. Included by files that defined the vector vocabulary, MAAS_MR and MAAS_NV.
#include "../clamp.h"
#include "../row.h"
#include "../split.h"
#include "../unroll.h"
#include "pass.h"

#define MAAS_NR (MAAS_NV * V_WIDTH)
#include "share.h"

/// A tile: rows from i and columns from j on.
typedef struct maas_gemm_place {
  int64_t i, j, rows, columns;
} maas_gemm_place;

/// C for `n` columns from (i, j) on.
static vf c_at(const maas_gemm_finish *f, int64_t i, int64_t j, int64_t n) {
  const real *c = f->c + i * f->c_row + j * f->c_col;
  if (f->c_col == 0)
    return v_set(*c);
  if (f->c_col == 1)
    return v_load_tail(c, n);
  real gathered[V_WIDTH] = {0};
  for (int64_t l = 0; l < n; l++)
    gathered[l] = c[l * f->c_col];
  return v_load(gathered);
}

/// The first n columns of `rows` rows of a tile, `width` apart, from (i, j) on: all but an activation that is no clamp.
static void finish_columns(real *t, int64_t width, int64_t rows, int64_t i, int64_t j, int64_t n,
                           const maas_gemm_finish *f) {
  vf alpha = v_set(f->alpha), beta = v_set(f->beta);
  clamp limits = clamp_of(&f->activation);
  for (int64_t end = i + rows; i < end; i++, t += width) {
    int64_t at = i * f->y_row + j;
    vf sum = v_mul(v_load(t), alpha);
    if (f->add)
      sum = v_add(sum, v_load_tail(f->y + at, n));
    if (f->c)
      sum = v_fma(beta, c_at(f, i, j, n), sum);
    if (f->residual)
      sum = v_add(sum, v_load_tail(f->residual + at, n));
    v_store(t, clamped(limits, sum));
  }
}

static void store_row(const real *t, real *y, int64_t columns) {
  int64_t whole = columns - columns % V_WIDTH;
  for (int64_t j = 0; j < whole; j += V_WIDTH)
    v_store(y + j, v_load(t + j));
  if (whole < columns)
    v_store_tail(y + whole, v_load(t + whole), columns - whole);
}

/// The activations that are no clamps, which products of doubles do not have.
static void activate(const maas_f32_activation *f, real *tile, int64_t n) {
#ifndef MAAS_DOUBLE
  if (!is_clamp(f))
    MAAS_F32_SHARED(unary_rows)[f->op](tile, tile, n, f->alpha, f->beta);
#else
  (void)f, (void)tile, (void)n;
#endif
}

/// What registers do not do, through a small buffer: fewer columns, any activation, any C. Of a `summed` tile only the
/// activation is left.
static __attribute__((noinline)) void finish_in_memory(real *tile, maas_gemm_place at, int64_t width,
                                                       bool summed, const maas_gemm_finish *f) {
  for (int64_t j = 0; j < at.columns && !summed; j += V_WIDTH)
    finish_columns(tile + j, width, at.rows, at.i, at.j + j, maas_min64(V_WIDTH, at.columns - j), f);
  activate(&f->activation, tile, at.rows * width);
  for (int64_t r = 0; r < at.rows; r++)
    store_row(tile + r * width, f->y + (at.i + r) * f->y_row + at.j, at.columns);
}

/// A tile of one vector may have fewer columns, a wider one has them all.
MAAS_INLINE vf load_columns(const int nv, const real *p, int v, int64_t columns) {
  return nv == 1 ? v_load_tail(p, columns) : v_load(p + v * V_WIDTH);
}

MAAS_INLINE void store_columns(const int nv, real *p, int v, vf a, int64_t columns) {
  if (nv == 1)
    v_store_tail(p, a, columns);
  else
    v_store(p + v * V_WIDTH, a);
}

MAAS_INLINE void add_c(const int mr, const int nv, vf acc[][MAAS_NV], int64_t columns,
                       const maas_gemm_finish *f, int64_t i, int64_t j) {
  vf beta = v_set(f->beta);
  const real *c = f->c + i * f->c_row + j * f->c_col;
  MAAS_EACH (r, mr)
    MAAS_EACH (v, nv) {
      vf row = f->c_col ? load_columns(nv, c + r * f->c_row, v, columns) : v_set(c[r * f->c_row]);
      acc[r][v] = v_fma(beta, row, acc[r][v]);
    }
}

MAAS_INLINE void add_rows(const int mr, const int nv, vf acc[][MAAS_NV], int64_t columns, const real *rows,
                          int64_t stride) {
  MAAS_EACH (r, mr)
    MAAS_EACH (v, nv)
      acc[r][v] = v_add(acc[r][v], load_columns(nv, rows + r * stride, v, columns));
}

/// alpha A B + beta C + R, and what earlier passes came to.
MAAS_INLINE void add_up(const int mr, const int nv, vf acc[][MAAS_NV], int64_t columns,
                        const maas_gemm_finish *f, int64_t i, int64_t j) {
  int64_t at = i * f->y_row + j;
  if (f->alpha != 1) {
    MAAS_EACH (r, mr)
      MAAS_EACH (v, nv)
        acc[r][v] = v_mul(acc[r][v], v_set(f->alpha));
  }
  if (f->add)
    add_rows(mr, nv, acc, columns, f->y + at, f->y_row);
  if (f->c)
    add_c(mr, nv, acc, columns, f, i, j);
  if (f->residual)
    add_rows(mr, nv, acc, columns, f->residual + at, f->y_row);
}

/// Finishes the tile at (i, j).
MAAS_INLINE void finish_tile(const int mr, const int nv, vf acc[][MAAS_NV], int64_t columns,
                             const maas_gemm_finish *f, int64_t i, int64_t j) {
  bool summed = !is_compact && (nv == 1 || columns >= nv * V_WIDTH) && !(f->c && f->c_col > 1);
  if (summed)
    add_up(mr, nv, acc, columns, f, i, j);
  if (!summed || !is_clamp(&f->activation)) {
    real tile[MAAS_MR * MAAS_NR];
    MAAS_EACH (r, mr)
      MAAS_EACH (v, nv)
        v_store(tile + (r * nv + v) * V_WIDTH, acc[r][v]);
    int64_t width = nv * V_WIDTH;
    maas_gemm_place at = {i, j, mr, columns < width ? columns : width};
    finish_in_memory(tile, at, width, summed, f);
    return;
  }
  clamp limits = clamp_of(&f->activation);
  real *y = f->y + i * f->y_row + j;
  MAAS_EACH (r, mr)
    MAAS_EACH (v, nv)
      store_columns(nv, y + r * f->y_row, v, clamped(limits, acc[r][v]), columns);
}

/// With few sums in flight they would wait for each other: `MAAS_CHAINS` independent ones over interleaved p.
#define MAAS_CHAINS 4
#define MAAS_FEW 4

/// What is fetched while the registers are busy: from `at`, `step` bytes on with each row of B, and, but where
/// instructions are short, the tile of Y.
typedef struct maas_gemm_ahead {
  const char *at;
  int64_t step;
  const real *y;
  int64_t y_row;
} maas_gemm_ahead;

/// Whether something else than the next panel is to be fetched, which only training has.
static inline bool wants(const maas_gemm_pass *pass) {
#if defined(MAAS_CORE) || defined(MAAS_DOUBLE)
  return (void)pass, false;
#else
  return pass->wanted;
#endif
}

/// What is `before` bytes behind the beginning of all that is wanted; where nothing is any more, the beginning again.
static inline const char *wanted_at(const maas_gemm_pass *pass, int64_t before) {
  int64_t which = before / pass->length;
  return which < pass->wanted_count ? pass->wanted[which] + before % pass->length : pass->wanted[0];
}

/// Groups of rows that read a panel in turn also fetch their shares of the next one, so that memory never rests.
static inline maas_gemm_ahead ahead_of(const maas_gemm_pass *pass, const real *b, const maas_gemm_finish *f,
                                       int64_t i, int64_t j) {
  maas_gemm_ahead ahead = {(const char *)b, 0, f->y + i * f->y_row + j, f->y_row};
  const real *next = j + MAAS_NR < pass->columns ? b + pass->panel : pass->after;
  if (pass->share == 0 || !(next || wants(pass)))
    return ahead;
  int64_t before = maas_ceil_div(i, pass->height) * pass->share * pass->k;
  ahead.at = wants(pass) ? wanted_at(pass, before) : (const char *)next + before;
  ahead.step = pass->share;
  return ahead;
}

#ifdef MAAS_STRETCH
#include "stretch.h"
#else
#include "ahead.h"
#endif

MAAS_INLINE void multiply_few(const int mr, const int nv, vf acc[][MAAS_NV], int64_t k, maas_gemm_left a,
                              maas_gemm_right b) {
  vf sums[MAAS_CHAINS][MAAS_FEW][MAAS_NV];
  int64_t whole = k - k % MAAS_CHAINS;
  maas_gemm_ahead nothing = {NULL, 0, NULL, 0};
  MAAS_EACH (s, MAAS_CHAINS)
    multiply(mr, nv, sums[s], 0, a, b, nothing);
  for (int64_t p = 0; p < whole; p += MAAS_CHAINS, a.a += MAAS_CHAINS * a.col)
    MAAS_EACH (s, MAAS_CHAINS) {
      MAAS_EACH (i, mr)
        MAAS_EACH (v, nv)
          sums[s][i][v] = v_fma(v_set(a.a[i * a.row + s * a.col]), v_load(b.b + v * V_WIDTH), sums[s][i][v]);
      b.b += b.row;
    }
  multiply(mr, nv, acc, k - whole, a, b, nothing);
  MAAS_EACH (i, mr)
    MAAS_EACH (v, nv)
      acc[i][v] =
          v_add(v_add(v_add(sums[0][i][v], sums[1][i][v]), v_add(sums[2][i][v], sums[3][i][v])), acc[i][v]);
}

/// The tile at (i, j) of the pass, with `first` its first row of A.
MAAS_INLINE void tile_of(const int mr, const int nv, const maas_gemm_pass *pass, const real *first,
                         const maas_gemm_finish *f, int64_t i, int64_t j) {
  vf acc[MAAS_MR][MAAS_NV];
  maas_gemm_left a = {first, pass->a.row, pass->a.col};
  maas_gemm_right b = {pass->b + j / MAAS_NR * pass->panel, MAAS_NR + pass->b_gap};
  if (mr * nv <= MAAS_FEW)
    multiply_few(mr, nv, acc, pass->k, a, b);
  else
    multiply(mr, nv, acc, pass->k, a, b, ahead_of(pass, b.b, f, i, j));
  finish_tile(mr, nv, acc, pass->columns - j, f, i, j);
}

/// The tile at (i, j), whose rows of A begin at `a`. Operands stay where they are: what is written to be read at once
/// in another width waits for every store before it.
typedef void micro_kernel(const maas_gemm_pass *pass, const real *a, const maas_gemm_finish *f, int64_t i,
                          int64_t j);

/// Columns that one vector holds are not worth the others.
#define MAAS_MICRO(rows)                                                                                     \
  static __attribute__((noinline)) void micro_##rows(const maas_gemm_pass *pass, const real *a,              \
                                                     const maas_gemm_finish *f, int64_t i, int64_t j) {      \
    if (!is_compact && pass->columns - j <= V_WIDTH)                                                         \
      tile_of(rows, 1, pass, a, f, i, j);                                                                    \
    else                                                                                                     \
      tile_of(rows, MAAS_NV, pass, a, f, i, j);                                                              \
  }
