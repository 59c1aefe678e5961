/// Pooling for one instruction set: taps over a strip (window/strip.h).
#include "../simd/math.h"
#include "pool.h"

/// A block of output rows of one slice; `first` is true for the first slice of the window.
typedef struct pool_slice {
  const maas_f32_pool_params *g;
  const int64_t *taps;
  int64_t row_step; ///< Between kernel rows in the strip.
  bool first;
} pool_slice;

static inline __attribute__((always_inline)) void pool_columns(const pool_slice *s, const bool max,
                                                               const float *row, float *y, const int vectors,
                                                               const bool tail, int64_t n) {
  vf sum[4];
  for (int v = 0; v < vectors; v++)
    if (s->first)
      sum[v] = v_set(max ? -INFINITY : 0);
    else
      sum[v] = tail ? v_load_tail(y, n) : v_load(y + v * V_WIDTH);
  for (int64_t ky = 0; ky < s->g->kernel[maas_height]; ky++, row += s->row_step)
    for (int64_t kx = 0; kx < s->g->kernel[maas_width]; kx++)
      for (int v = 0; v < vectors; v++) {
        const float *x = row + s->taps[kx] + v * V_WIDTH;
        vf value = tail ? v_load_tail(x, n) : v_load(x);
        sum[v] = max ? v_maximum(sum[v], value) : v_add(sum[v], value);
      }
  for (int v = 0; v < vectors; v++)
    if (tail)
      v_store_tail(y, sum[v], n);
    else
      v_store(y + v * V_WIDTH, sum[v]);
}

static inline __attribute__((always_inline)) void pool_row_of(const pool_slice *s, const bool max,
                                                              const float *row, float *y) {
  int64_t width = s->g->output[maas_width], j = 0;
  for (; j + 4 * V_WIDTH <= width; j += 4 * V_WIDTH)
    pool_columns(s, max, row + j, y + j, 4, false, 0);
  for (; j + V_WIDTH <= width; j += V_WIDTH)
    pool_columns(s, max, row + j, y + j, 1, false, 0);
  if (j < width)
    pool_columns(s, max, row + j, y + j, 1, true, width - j);
}
static void pool_row(const pool_slice *s, const float *row, float *y) {
  if (s->g->op == MAAS_POOL_MAX)
    pool_row_of(s, true, row, y);
  else
    pool_row_of(s, false, row, y);
}

static void divide_row(const float *counts, float others, float *y, int64_t n) {
  for (int64_t j = 0; j < n; j++)
    y[j] /= counts[j] * others > 0 ? counts[j] * others : 1;
}

static void pool_block(const maas_f32_pool_params *g, const float *plane, int64_t z, int64_t first,
                       int64_t rows, float *y, void *scratch) {
  maas_window w = maas_pool_window(g);
  float *counts = (float *)((char *)scratch + maas_pool_taps_bytes(g));
  float *strip = (float *)((char *)counts + maas_pool_counts_bytes(g));
  int64_t *taps = scratch, width = g->output[maas_width], length = maas_strip_row(&w);
  pool_slice s = {.g = g, .taps = taps, .row_step = length * g->dilation[maas_height]};
  for (int64_t kx = 0; kx < g->kernel[maas_width]; kx++)
    taps[kx] = maas_strip_tap(&w, kx);
  int64_t first_z, end_z;
  maas_pool_range(g, maas_depth, z, 0, g->input[maas_depth], &first_z, &end_z);
  if (first_z >= end_z) { // The first tap is outside, like all others, and gives padding.
    first_z = 0;
    end_z = 1;
  }
  for (int64_t kz = first_z; kz < end_z; kz++) {
    int64_t input_z = z * g->stride[maas_depth] - g->pad_begin[maas_depth] + kz * g->dilation[maas_depth];
    s.first = kz == first_z;
    maas_strip_fill(&w, plane, input_z, first, rows, strip);
    for (int64_t r = 0; r < rows; r++)
      pool_row(&s, strip + r * g->stride[maas_height] * length, y + r * width);
  }
  if (g->op != MAAS_POOL_AVERAGE)
    return;
  for (int64_t j = 0; j < width; j++)
    counts[j] = (float)maas_pool_count(g, maas_width, j);
  for (int64_t r = 0; r < rows; r++)
    divide_row(counts,
               (float)(maas_pool_count(g, maas_depth, z) * maas_pool_count(g, maas_height, first + r)),
               y + r * width, width);
}

/// Items: planes x output slices x blocks of rows; with indices only whole planes are done, by their first
/// item.
int32_t MAAS_F32_KERNEL(pool)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  const maas_f32_pool_params *g = step->params;
  maas_window w = maas_pool_window(g);
  int64_t height = maas_strip_rows(&w), blocks = maas_ceil_div(g->output[maas_height], height);
  if (step->operands[2]) {
    int64_t per_plane = blocks * g->output[maas_depth];
    maas_f32_pool_with_indices(g, step->operands, maas_ceil_div(begin, per_plane),
                               maas_ceil_div(end, per_plane));
    return MAAS_STEP_OK;
  }
  for (int64_t i = begin; i < end; i++) {
    int64_t plane = i / blocks / g->output[maas_depth], z = i / blocks % g->output[maas_depth];
    int64_t first = i % blocks * height;
    int64_t y =
        ((plane * g->output[maas_depth] + z) * g->output[maas_height] + first) * g->output[maas_width];
    pool_block(g, (const float *)step->operands[0] + plane * maas_window_volume(g->input), z, first,
               maas_min64(height, g->output[maas_height] - first), (float *)step->operands[1] + y,
               worker->scratch);
  }
  return MAAS_STEP_OK;
}
