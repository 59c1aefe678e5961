#ifndef MAAS_GEMM_LAYOUT_H
#define MAAS_GEMM_LAYOUT_H
/// The packed B: panels of nr columns, each [k][nr], the last one padded with zeros. A panel is read from
/// front to back by every micro-kernel, whatever the blocking of k.
#include "../split.h"

/// Rows of k in one pass over a tile of Y: a panel's pass stays in the first-level cache.
#define MAAS_GEMM_KC 512

/// The passes over k are of equal length, so that the last one is not a crumb.
static inline int64_t maas_gemm_kc(int64_t k) {
  return maas_ceil_div(k, maas_max64(1, maas_ceil_div(k, MAAS_GEMM_KC)));
}

/// Passes over k only pay where a panel is read more than once.
static inline int64_t maas_gemm_pass_length(int64_t k, int64_t rows, int64_t mr) {
  return rows <= mr ? maas_max64(k, 1) : maas_max64(maas_gemm_kc(k), 1);
}

#endif
