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

/// How many taps along dimension d count in the average for output position `at`.
static inline int64_t maas_pool_count(const maas_f32_pool_params *g, int d, int64_t at) {
  int64_t lo = g->count_include_pad ? -g->pad_begin[d] : 0;
  int64_t hi = g->input[d] + (g->count_include_pad ? g->pad_end[d] : 0);
  int64_t position = at * g->stride[d] - g->pad_begin[d], count = 0;
  for (int64_t k = 0; k < g->kernel[d]; k++, position += g->dilation[d])
    count += position >= lo && position < hi;
  return count;
}

/// Maxima with their places: planes [begin, end).
void maas_f32_pool_with_indices(const maas_f32_pool_params *g, void *const *operands, int64_t begin,
                                int64_t end);

#endif
