#ifndef MAAS_WINDOW_STRIP_H
#define MAAS_WINDOW_STRIP_H
/// What depthwise convolution and pooling share: a window slides over one plane [depth, height, width].
///
/// The input rows that a block of output rows needs are copied to a strip in scratch, padded, and each row
/// with its elements sorted by their index modulo the stride. Every tap of the window then reads consecutive
/// elements for consecutive outputs, without a bounds check, for any stride and dilation.
#include <string.h>
#include "../split.h"
#include "maas_windows.h"

typedef struct maas_window {
  const int64_t *input, *output, *kernel, *stride, *dilation, *pad; // Depth, height, width.
  float padding;
} maas_window;

enum { maas_depth, maas_height, maas_width };

static inline int64_t maas_window_volume(const int64_t *extent) { return extent[0] * extent[1] * extent[2]; }

/// Elements of the padded input that one row of outputs reaches, per phase of the stride.
static inline int64_t maas_strip_phase(const maas_window *w) {
  int64_t reach = (w->output[maas_width] - 1) * w->stride[maas_width] +
                  (w->kernel[maas_width] - 1) * w->dilation[maas_width] + 1;
  return maas_ceil_div(reach, w->stride[maas_width]);
}
static inline int64_t maas_strip_row(const maas_window *w) {
  return maas_strip_phase(w) * w->stride[maas_width];
}
static inline int64_t maas_strip_height(const maas_window *w, int64_t output_rows) {
  return (output_rows - 1) * w->stride[maas_height] +
         (w->kernel[maas_height] - 1) * w->dilation[maas_height] + 1;
}
/// Where tap `kx` finds its element for output column 0, from the start of a strip's row.
static inline int64_t maas_strip_tap(const maas_window *w, int64_t kx) {
  int64_t x = kx * w->dilation[maas_width], stride = w->stride[maas_width];
  return x % stride * maas_strip_phase(w) + x / stride;
}

/// One row of the strip from one row of the input.
static inline void maas_strip_fill_row(const maas_window *w, const float *x, float *row) {
  int64_t stride = w->stride[maas_width], phase = maas_strip_phase(w), width = w->input[maas_width];
  for (int64_t s = 0; s < stride; s++, row += phase) {
    int64_t first = s - w->pad[maas_width]; // Input index of row[0].
    int64_t lo = first >= 0 ? 0 : maas_min64(phase, maas_ceil_div(-first, stride));
    int64_t hi =
        first >= width ? lo : maas_max64(lo, maas_min64(phase, maas_ceil_div(width - first, stride)));
    for (int64_t i = 0; i < lo; i++)
      row[i] = w->padding;
    if (stride == 1)
      memcpy(row + lo, x + first + lo, (size_t)(hi - lo) * sizeof(float));
    else
      for (int64_t i = lo; i < hi; i++)
        row[i] = x[first + i * stride];
    for (int64_t i = hi; i < phase; i++)
      row[i] = w->padding;
  }
}

/// The strip for `rows` output rows from `first` on, out of the input slice z; all padding if z is outside.
static inline void maas_strip_fill(const maas_window *w, const float *plane, int64_t z, int64_t first,
                                   int64_t rows, float *strip) {
  bool outside = z < 0 || z >= w->input[maas_depth];
  int64_t height = maas_strip_height(w, rows), length = maas_strip_row(w);
  int64_t y = first * w->stride[maas_height] - w->pad[maas_height];
  const float *slice = plane + (outside ? 0 : z) * w->input[maas_height] * w->input[maas_width];
  for (int64_t i = 0; i < height; i++, y++, strip += length) {
    if (!outside && y >= 0 && y < w->input[maas_height])
      maas_strip_fill_row(w, slice + y * w->input[maas_width], strip);
    else
      for (int64_t j = 0; j < length; j++)
        strip[j] = w->padding;
  }
}

/// Output rows per strip: as many as keep it within the first-level cache, at least one.
static inline int64_t maas_strip_rows(const maas_window *w) {
  enum { budget = 6144 }; // Elements.
  int64_t overlap = maas_strip_height(w, 1), length = maas_max64(1, maas_strip_row(w));
  int64_t rows = (budget / length - overlap) / w->stride[maas_height] + 1;
  return maas_max64(1, maas_min64(w->output[maas_height], rows));
}
/// More than any machine has where the product is; the plan refuses it.
static inline int64_t maas_strip_bytes(const maas_window *w) {
  int64_t bytes;
  if (__builtin_mul_overflow(maas_strip_height(w, maas_strip_rows(w)) * (int64_t)sizeof(float),
                             maas_strip_row(w), &bytes))
    return INT64_MAX / 4;
  return maas_min64(bytes, INT64_MAX / 4);
}

#endif
