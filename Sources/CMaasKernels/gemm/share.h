#ifndef MAAS_GEMM_SHARE_H
#define MAAS_GEMM_SHARE_H
/// What each of the groups of rows that read a panel of B in turn fetches of the next one. Included by files that
/// defined MAAS_NR.
#include "../split.h"
#include "pass.h"

enum { line_bytes = 64 };
#ifdef MAAS_STRETCH
enum { line_share = line_bytes / MAAS_STRETCH };

/// Bytes of the next panel that each of some groups of rows fetches with a row of this one. What the second-level cache
/// holds of B is not fetched, and no more than a line at a time of what the third holds.
static inline int64_t share_of_group(int64_t groups, int64_t rows, int64_t b_bytes) {
  enum { second_level = 1 << 18, third_level = 1 << 21 };
  (void)rows;
  if (b_bytes < second_level || (b_bytes < third_level && groups == 1))
    return 0;
  int64_t share = maas_ceil_div(MAAS_NR * (int64_t)sizeof(real), groups);
  return b_bytes < third_level ? maas_min64(share, line_share) : share;
}

#else

/// Bytes of the next panel that each of some groups of rows fetches with a row of this one; a single one reads on
/// anyway, which suffices unless its rows are many and B comes from beyond the second-level cache.
static inline int64_t share_of_group(int64_t groups, int64_t rows, int64_t b_bytes) {
  enum { near = 1 << 20, most_vectors = 14 };
  bool reads_on = groups < 2 && (rows * (MAAS_NR / V_WIDTH) <= most_vectors || b_bytes < near);
  return reads_on ? 0 : maas_ceil_div(MAAS_NR * (int64_t)sizeof(real), groups);
}

#endif

/// Has groups of pass->height rows, which read a panel in turn, fetch the next one meanwhile: of a B of so many
/// elements, and `after` the last panel of the pass.
static inline void share_next(maas_gemm_pass *pass, int64_t elements, const real *after) {
  int64_t groups = pass->rows <= pass->height ? 1 : maas_ceil_div(pass->rows, pass->height);
  pass->share = share_of_group(groups, pass->rows, elements * (int64_t)sizeof(real));
  pass->after = after;
}

/// Has them fetch `count` things that are wanted, `length` bytes of each, while they read a panel.
static inline void share_wanted(maas_gemm_pass *pass, const char *const *wanted, int64_t count,
                                int64_t length) {
  int64_t groups = maas_ceil_div(pass->rows, pass->height);
  if (count == 0 || pass->columns > MAAS_NR)
    return;
  pass->wanted = wanted, pass->wanted_count = count, pass->length = length;
  pass->share = maas_ceil_div(count * length, maas_max64(1, groups * pass->k));
}
#endif
