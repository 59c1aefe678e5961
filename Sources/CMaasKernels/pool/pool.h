#ifndef MAAS_POOL_H
#define MAAS_POOL_H
/// What pooling's split decides and its kernels follow.
#include "../window/strip.h"

static inline maas_window maas_pool_window(const maas_f32_pool_params *g) {
  return (maas_window){g->input,
                       g->output,
                       g->kernel,
                       g->stride,
                       g->dilation,
                       g->pad_begin,
                       g->op == MAAS_POOL_MAX ? -INFINITY : 0};
}

/// Scratch: an offset per kernel column, the count of valid taps per output column, the strip.
static inline int64_t maas_pool_taps_bytes(const maas_f32_pool_params *g) {
  return maas_round_up(g->kernel[maas_width] * (int64_t)sizeof(int64_t), 64);
}
static inline int64_t maas_pool_counts_bytes(const maas_f32_pool_params *g) {
  return maas_round_up(g->output[maas_width] * (int64_t)sizeof(float), 64);
}

/// The first tap along dimension d in [low, high) of the input for output position `at`, and one past the
/// last; a window may be much larger than the input.
static inline void maas_pool_range(const maas_f32_pool_params *g, int d, int64_t at, int64_t low,
                                   int64_t high, int64_t *first, int64_t *end) {
  int64_t start = at * g->stride[d] - g->pad_begin[d], dilation = g->dilation[d];
  *first = start < low ? maas_min64(g->kernel[d], maas_ceil_div(low - start, dilation)) : 0;
  *end = start >= high ? 0 : maas_min64(g->kernel[d], maas_ceil_div(high - start, dilation));
}

/// How many taps along dimension d count in the average for output position `at`.
static inline int64_t maas_pool_count(const maas_f32_pool_params *g, int d, int64_t at) {
  int64_t first, end, pads = g->count_include_pad;
  maas_pool_range(g, d, at, -g->pad_begin[d] * pads, g->input[d] + g->pad_end[d] * pads, &first, &end);
  return maas_max64(0, end - first);
}

/// Maxima with their places: planes [begin, end).
void maas_f32_pool_with_indices(const maas_f32_pool_params *g, void *const *operands, int64_t begin,
                                int64_t end);

#endif
