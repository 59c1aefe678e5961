#ifndef MAAS_GEMM_RIGHT_H
#define MAAS_GEMM_RIGHT_H
/// B to panels (layout.h).
#include "layout.h"
#include "quad.h"

/// B[p, j] = b[p * row + j * col].
typedef struct maas_gemm_plain {
  const loose *b;
  int64_t row, col, k, columns;
} maas_gemm_plain;

/// Columns [0, width) of a panel whose columns lie contiguous in memory, `column` apart: a line of each at a
/// time, as those a multiple of the page apart push each other out of the cache.
static inline void pack_quads(const loose *from, int64_t column, int64_t k, int64_t width, int64_t nr,
                              real *to) {
  enum { line = 16 };
  int64_t quads = width - width % 4, whole = k - k % 4;
  for (int64_t p = 0; p < whole; p += line)
    for (int64_t j = 0; j < quads; j += 4)
      for (int64_t q = p; q < p + line && q < whole; q += 4)
        transpose4(from + j * column + q, column, to + q * nr + j, nr);
  for (int64_t j = 0; j < width; j++)
    for (int64_t p = j < quads ? whole : 0; p < k; p++)
      to[p * nr + j] = from[j * column + p];
}

#if defined(V_TRANSPOSE) && !defined(MAAS_DOUBLE) && !defined(MAAS_CORE)
static inline void transpose_block(const loose *from, int64_t column, real *to, int64_t row) {
  vf rows[V_WIDTH];
  for (int i = 0; i < V_WIDTH; i++)
    memcpy(&rows[i], from + i * column, sizeof rows[i]);
  v_transpose(rows);
  for (int i = 0; i < V_WIDTH; i++)
    v_store(to + i * row, rows[i]);
}

/// As pack_quads, in blocks of as many rows and columns as a vector has elements; what is left of both in quads.
static inline void pack_columns(const loose *from, int64_t column, int64_t k, int64_t width, int64_t nr,
                                real *to) {
  int64_t columns = width - width % V_WIDTH, rows = columns ? k - k % V_WIDTH : k;
  for (int64_t p = 0; p < rows; p += V_WIDTH)
    for (int64_t j = 0; j < columns; j += V_WIDTH)
      transpose_block(from + j * column + p, column, to + p * nr + j, nr);
  pack_quads(from + columns * column, column, rows, width - columns, nr, to + columns);
  pack_quads(from + rows, column, k - rows, width, nr, to + rows * nr);
}
#else
static inline void pack_columns(const loose *from, int64_t column, int64_t k, int64_t width, int64_t nr,
                                real *to) {
  pack_quads(from, column, k, width, nr, to);
}
#endif

/// A stretch of a row for each of some whole panels; what lies `next` bytes behind it is fetched.
static inline void pack_stretches(const loose *from, int64_t next, int64_t panels, int64_t nr,
                                  int64_t panel_rows, real *to) {
  enum { line = 64 / sizeof(real) };
  for (int64_t j = 0; j < panels; j++, from += nr, to += nr * panel_rows) {
    for (int64_t i = 0; i < nr; i += line)
      __builtin_prefetch((const char *)(from + i) + next);
    for (int64_t i = 0; i < nr; i += 4) // Inline, unlike memcpy.
      store4(to + i, load4(from + i));
  }
}

/// Rows that are contiguous (or neither are): one stretch of a row at a time.
static inline void pack_rows(const maas_gemm_plain *b, int64_t nr, int64_t panel_rows, real *to) {
  enum { ahead = 16 };
  int64_t panels = b->col == 1 ? b->columns / nr : 0, next = ahead * b->row * (int64_t)sizeof(real);
  const loose *from = b->b;
  for (int64_t p = 0; p < b->k; p++, from += b->row, to += nr) {
    pack_stretches(from, next, panels, nr, panel_rows, to);
    for (int64_t j = panels * nr; j < b->columns; j += nr)
      for (int64_t i = 0; i < maas_min64(nr, b->columns - j); i++)
        to[j * panel_rows + i] = from[(j + i) * b->col];
  }
}

static inline void pad_panel(real *panel, int64_t k, int64_t width, int64_t nr) {
  for (int64_t p = 0; p < k; p++)
    memset(panel + p * nr + width, 0, (size_t)(nr - width) * sizeof(real));
}

/// Copies B to panels of `nr` columns, which may be some rows of panels with more.
static inline void pack_b(const maas_gemm_plain *b, int64_t nr, int64_t panel_rows, real *to) {
  int64_t rest = b->columns % nr;
  if (rest)
    pad_panel(to + (b->columns - rest) * panel_rows, b->k, rest, nr);
  if (b->row != 1 || b->col == 1) {
    pack_rows(b, nr, panel_rows, to);
    return;
  }
  for (int64_t j = 0; j < b->columns; j += nr)
    pack_columns(b->b + j * b->col, b->col, b->k, maas_min64(nr, b->columns - j), nr, to + j * panel_rows);
}

#endif
