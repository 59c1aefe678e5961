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

/// Whether a row of a panel is a line of the caches at most.
static inline bool maas_gemm_is_narrow(int64_t nr) { return nr <= 16; }

/// Panels of a plain B that are copied together: rows of narrow ones are a line each, which memory gives slowly.
static inline int64_t maas_gemm_slab_panels(int64_t nr) { return maas_gemm_is_narrow(nr) ? 4 : 1; }

/// Rows of A that scratch memory has room for: those that are contiguous are read in place.
static inline int64_t maas_gemm_packed_rows(const maas_f32_gemm_params *g, int64_t mr) {
  return g->a_col == 1 ? 0 : maas_round_up(g->tile_m, mr);
}

/// Rows of k that leave room in the first-level cache for what else a copied panel's pass touches.
#define MAAS_GEMM_SHORT 128

/// Passes over k only pay where a panel is read more than twice, or is copied before it is read; few rows of a copied
/// one need short ones. Scratch memory holds a packed A of one pass, no longer one.
static inline int64_t maas_gemm_pass_length(int64_t k, int64_t rows, int64_t mr, bool copied, bool packs_a) {
  if (packs_a || (copied ? 2 * rows > mr : rows > 2 * mr))
    return maas_gemm_kc(k);
  return maas_max64(copied ? maas_min64(k, MAAS_GEMM_SHORT) : k, 1);
}

/// Rows of k that scratch memory has room for: no pass has more.
static inline int64_t maas_gemm_most_rows(int64_t k) {
  return maas_max64(maas_gemm_kc(k), maas_min64(k, MAAS_GEMM_SHORT));
}

#endif
