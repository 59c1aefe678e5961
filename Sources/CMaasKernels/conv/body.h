/// Convolution for one instruction set: an implicit product through gemm's micro-kernels, or, with one
/// channel per group, taps over a strip. Included by files that defined MAAS_MR and MAAS_NR.
#include "../gemm/layout.h"
#include "../gemm/pass.h"
#include "../row.h"
#include "conv.h"
#include "depthwise.h"
#include "patch.h"
#include "strip_nhwc.h"
#include "winograd.h"

/// A tile of one image's and one group's filters x positions.
typedef struct conv_item {
  const float *image, *weights;
  maas_gemm_finish finish;
  int64_t rows, first, columns;
} conv_item;

static conv_item conv_item_at(const maas_f32_conv_params *g, void *const *operands, int64_t index) {
  int64_t filters = g->filters / g->groups, channels = g->channels / g->groups,
          positions = maas_window_volume(g->output);
  int64_t row_tiles = maas_ceil_div(filters, g->tile_m), column_tiles = maas_ceil_div(positions, g->tile_n);
  int64_t i = index % row_tiles * g->tile_m, first = index / row_tiles % column_tiles * g->tile_n;
  int64_t group = index / (row_tiles * column_tiles) % g->groups;
  int64_t image = index / (row_tiles * column_tiles) / g->groups, filter = group * filters + i;
  int64_t y = (image * g->filters + filter) * positions + first;
  const float *bias = operands[2], *residual = operands[3];
  return (conv_item){.image = (const float *)operands[0] +
                              (image * g->channels + group * channels) * maas_window_volume(g->input),
                     .weights =
                         (const float *)operands[1] + filter * channels * maas_window_volume(g->kernel),
                     .finish = {.y = (float *)operands[4] + y,
                                .y_row = positions,
                                .c = bias ? bias + filter : NULL,
                                .c_row = 1,
                                .residual = residual ? residual + y : NULL,
                                .alpha = 1,
                                .beta = 1,
                                .activation = g->activation},
                     .rows = maas_min64(g->tile_m, filters - i),
                     .first = first,
                     .columns = maas_min64(g->tile_n, positions - first)};
}

/// Rows [p, p + k) of the tile's patch matrix, as panels of [k][MAAS_NR].
static void pack_patches(const maas_f32_conv_params *g, const conv_item *item, const patch_run *runs,
                         int64_t count, int64_t p, int64_t k, float *to) {
  int64_t last = item->columns / MAAS_NR * MAAS_NR, width = item->columns - last;
  for (int64_t row = 0; width > 0 && row < k; row++)
    for (int64_t j = width; j < MAAS_NR; j++) // Never stored, but garbage may be slow to compute with.
      to[last * k + row * MAAS_NR + j] = 0;
  for (int64_t row = 0; row < k; row++, to += MAAS_NR) {
    patch_tap tap = patch_tap_at(g, item->image, p + row);
    for (int64_t r = 0; r < count; r++)
      patch_copy(g, &tap, &runs[r], to + runs[r].to);
  }
}

static void conv_tile(const maas_f32_conv_params *g, const conv_item *item, float *scratch) {
  int64_t total = g->channels / g->groups * maas_window_volume(g->kernel),
          length = maas_max64(1, maas_gemm_kc(total));
  int64_t p = 0;
  do {
    int64_t k = maas_min64(length, total - p);
    patch_run runs[patch_most_columns];
    int64_t count = patch_runs(g, item->first, item->columns, MAAS_NR, MAAS_NR * k, runs);
    pack_patches(g, item, runs, count, p, k, scratch);
    maas_gemm_finish finish = maas_gemm_finish_of_pass(&item->finish, p, k, total);
    maas_gemm_pass pass = {.rows = item->rows,
                           .columns = item->columns,
                           .k = k,
                           .a = {item->weights + p, total, 1},
                           .group = MAAS_MR * total,
                           .b = scratch,
                           .panel = MAAS_NR * k,
                           .rows_outside = true};
    MAAS_F32_SHARED(gemm_pass)(&pass, &finish);
    p += k;
  } while (p < total);
}

int32_t MAAS_F32_KERNEL(conv)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  const maas_f32_conv_params *g = step->params;
  for (int64_t i = begin; i < end; i++) {
    if (g->path == maas_conv_depthwise) {
      depthwise_item(g, step->operands, i, worker->scratch);
    } else {
      conv_item item = conv_item_at(g, step->operands, i);
      conv_tile(g, &item, worker->scratch);
    }
  }
  return MAAS_STEP_OK;
}

int32_t MAAS_F32_KERNEL(conv_nhwc)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  const maas_f32_conv_params *g = step->params;
  if (g->path == maas_nhwc_depthwise) {
    for (int64_t i = begin; i < end; i += depthwise_most_rows)
      depthwise_rows_nhwc(g, step->operands, i, maas_min64(end, i + depthwise_most_rows));
    return MAAS_STEP_OK;
  }
  for (int64_t i = begin; i < end; i++)
    if (g->path == maas_nhwc_winograd)
      winograd_item(g, step->operands, i, worker->scratch);
    else
      strip_item(g, step->operands, i, worker->scratch);
  return MAAS_STEP_OK;
}
