#ifndef MAAS_CONV_PATCH_H
#define MAAS_CONV_PATCH_H
/// The right-hand matrix of an implicit product: column = output position, row = (channel, tap). Never stored
/// as a whole: a tile's columns are written to scratch as panels, one pass of rows at a time.
#include <string.h>
#include "../split.h"
#include "maas_windows.h"

/// Neighbouring columns of one panel that lie in one row of the output.
typedef struct patch_run {
  int64_t to; ///< Column within the panel, plus the panel's number times the panel's size.
  int64_t length;
  int64_t z, y, x; ///< Input position of the window's first tap for the run's first column.
} patch_run;

enum { patch_most_columns = 128 };

static inline int64_t patch_runs(const maas_f32_conv_params *g, int64_t first, int64_t columns, int64_t nr,
                                 int64_t panel, patch_run *runs) {
  int64_t count = 0;
  for (int64_t j = 0; j < columns;) {
    int64_t position = first + j, x = position % g->output[2], y = position / g->output[2] % g->output[1];
    int64_t z = position / g->output[2] / g->output[1];
    int64_t length = maas_min64(columns - j, maas_min64(nr - j % nr, g->output[2] - x));
    runs[count++] = (patch_run){.to = j / nr * panel + j % nr,
                                .length = length,
                                .z = z * g->stride[0] - g->pad[0],
                                .y = y * g->stride[1] - g->pad[1],
                                .x = x * g->stride[2] - g->pad[2]};
    j += length;
  }
  return count;
}

/// A row of the matrix: the channel's plane and the tap's distance from the window's first.
typedef struct patch_tap {
  const float *plane;
  int64_t z, y, x;
} patch_tap;

static inline patch_tap patch_tap_at(const maas_f32_conv_params *g, const float *image, int64_t p) {
  int64_t kx = p % g->kernel[2], ky = p / g->kernel[2] % g->kernel[1];
  int64_t kz = p / g->kernel[2] / g->kernel[1] % g->kernel[0];
  int64_t channel = p / g->kernel[2] / g->kernel[1] / g->kernel[0];
  return (patch_tap){.plane = image + channel * g->input[0] * g->input[1] * g->input[2],
                     .z = kz * g->dilation[0],
                     .y = ky * g->dilation[1],
                     .x = kx * g->dilation[2]};
}

/// A run that touches the border, or steps.
static inline void patch_copy_steps(const float *row, int64_t x, int64_t width, int64_t stride,
                                    int64_t length, float *to) {
  for (int64_t i = 0; i < length; i++, x += stride)
    to[i] = x >= 0 && x < width ? row[x] : 0;
}

static inline void patch_copy(const maas_f32_conv_params *g, const patch_tap *tap, const patch_run *run,
                              float *to) {
  int64_t z = run->z + tap->z, y = run->y + tap->y, x = run->x + tap->x;
  if (z < 0 || z >= g->input[0] || y < 0 || y >= g->input[1]) {
    for (int64_t i = 0; i < run->length; i++)
      to[i] = 0;
    return;
  }
  const float *row = tap->plane + (z * g->input[1] + y) * g->input[2];
  if (g->stride[2] != 1 || x < 0 || x + run->length > g->input[2]) {
    patch_copy_steps(row, x, g->input[2], g->stride[2], run->length, to);
    return;
  }
  int64_t i = 0;
  for (; i + V_WIDTH <= run->length; i += V_WIDTH)
    v_store(to + i, v_load(row + x + i));
  if (i < run->length)
    v_store_tail(to + i, v_load_tail(row + x + i, run->length - i), run->length - i);
}

#endif
