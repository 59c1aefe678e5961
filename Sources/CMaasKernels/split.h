#ifndef MAAS_SPLIT_H
#define MAAS_SPLIT_H
/// Helpers for the ..._split functions.
#include "maas_kernels.h"

static inline int64_t maas_min64(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t maas_max64(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t maas_ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static inline int64_t maas_round_up(int64_t a, int64_t b) { return maas_ceil_div(a, b) * b; }

/// Work worth handing to another thread: waking one costs some microseconds.
#define MAAS_CHUNK_NANOSECONDS 10000.0

/// A split of `items` items that take about `item_ns` nanoseconds each.
static inline maas_split maas_split_by_cost(int64_t items, double item_ns, int64_t scratch) {
  double per_chunk = MAAS_CHUNK_NANOSECONDS / (item_ns > 1e-3 ? item_ns : 1e-3);
  int64_t grain = per_chunk < 1 ? 1 : per_chunk < 4e18 ? (int64_t)per_chunk : INT64_MAX / 2;
  return (maas_split){.items = items, .grain = grain, .scratch = scratch};
}

#endif
