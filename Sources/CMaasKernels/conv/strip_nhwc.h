#ifndef MAAS_CONV_STRIP_NHWC_H
#define MAAS_CONV_STRIP_NHWC_H
/// Channels-last convolution as a product. For a block of output positions the taps of each are copied next to
/// each other, so that a row of the kernel (or all of it) is a stretch of a row of the left-hand matrix: padding,
/// stride and dilation are gone, and every element is copied no more often than the kernel is wide.
#include "../gemm/share.h"
#include "nhwc.h"

/// A block of positions of one image, slice and group, and a tile of its filters.
typedef struct nhwc_item {
  int64_t image, group, z, y, x;
  int64_t rows, columns; ///< Of positions.
  int64_t filter, filters;
} nhwc_item;

static nhwc_item nhwc_item_at(const maas_f32_conv_params *g, int64_t index) {
  int64_t filters = g->filters / g->groups, filter_tiles = maas_ceil_div(filters, g->tile_n);
  int64_t row_tiles = maas_ceil_div(g->output[maas_height], g->tile_m);
  int64_t column_tiles = maas_ceil_div(g->output[maas_width], g->tile_x);
  nhwc_item item;
  item.filter = index % filter_tiles * g->tile_n;
  index /= filter_tiles;
  item.x = index % column_tiles * g->tile_x;
  index /= column_tiles;
  item.y = index % row_tiles * g->tile_m;
  index /= row_tiles;
  item.z = index % g->output[maas_depth];
  index /= g->output[maas_depth];
  item.group = index % g->groups;
  item.image = index / g->groups;
  item.rows = maas_min64(g->tile_m, g->output[maas_height] - item.y);
  item.columns = maas_min64(g->tile_x, g->output[maas_width] - item.x);
  item.filters = maas_min64(g->tile_n, filters - item.filter);
  return item;
}

/// The last of several vectors begins where it ends with the run: parts of vectors are slow.
static inline void copy_run(const float *from, float *to, int64_t n) {
  if (n < V_WIDTH) {
    v_store_tail(to, v_load_tail(from, n), n);
    return;
  }
  for (int64_t i = 0; i < n - V_WIDTH; i += V_WIDTH)
    v_store(to + i, v_load(from + i));
  v_store(to + n - V_WIDTH, v_load(from + n - V_WIDTH));
}
static inline void zero_run(float *to, int64_t n) {
  int64_t i = 0;
  for (; i + V_WIDTH <= n; i += V_WIDTH)
    v_store(to + i, v_set(0));
  if (i < n)
    v_store_tail(to + i, v_set(0), n - i);
}

/// Positions [begin, end) of a row, each with taps that are partly outside the input or apart from each other.
static void fill_apart(const maas_f32_conv_params *g, const nhwc_item *item, const float *row, float *to,
                       int64_t pitch, int64_t begin, int64_t end) {
  int64_t channels = maas_nhwc_channels(g);
  for (int64_t j = begin; j < end; j++) {
    int64_t x = (item->x + j) * g->stride[maas_width] - g->pad[maas_width];
    for (int64_t kx = 0; kx < g->kernel[maas_width]; kx++, x += g->dilation[maas_width])
      if (x >= 0 && x < g->input[maas_width])
        copy_run(row + x * g->channels, to + j * pitch + kx * channels, channels);
      else
        zero_run(to + j * pitch + kx * channels, channels);
  }
}

/// The same where all taps of a position are one stretch of the row, from `from` on.
static void fill_together(const float *from, int64_t step, float *to, int64_t pitch, int64_t count,
                          int64_t n) {
  if (n <= V_WIDTH)
    for (int64_t j = 0; j < count; j++, from += step, to += pitch)
      v_store_tail(to, v_load_tail(from, n), n);
  else
    for (int64_t j = 0; j < count; j++, from += step, to += pitch)
      copy_run(from, to, n);
}

/// For each position of a row its taps in one row of the input, `pitch` apart; `row` is NULL outside the input.
static __attribute__((noinline)) void fill_taps(const maas_f32_conv_params *g, const nhwc_item *item,
                                                const float *row, float *to, int64_t pitch) {
  int64_t width = g->kernel[maas_width], stride = g->stride[maas_width];
  int64_t n = width * maas_nhwc_channels(g), first = item->x * stride - g->pad[maas_width];
  bool together = width == 1 || (g->dilation[maas_width] == 1 && g->groups == 1);
  if (row == NULL) {
    for (int64_t j = 0; j < item->columns; j++)
      zero_run(to + j * pitch, n);
    return;
  }
  int64_t begin = first < 0 ? maas_min64(item->columns, maas_ceil_div(-first, stride)) : 0;
  int64_t room = g->input[maas_width] - width - first;
  int64_t end = !together || room < 0 ? begin : maas_min64(item->columns, room / stride + 1);
  end = maas_max64(begin, end);
  fill_apart(g, item, row, to, pitch, 0, begin);
  fill_together(row + (first + begin * stride) * g->channels, stride * g->channels, to + begin * pitch, pitch,
                end - begin, n);
  fill_apart(g, item, row, to, pitch, end, item->columns);
}

/// The group's channels in row `y` of slice `z` of the item's image, or NULL.
static const float *input_row(const maas_f32_conv_params *g, const nhwc_item *item, const float *x, int64_t z,
                              int64_t y) {
  if (z < 0 || z >= g->input[maas_depth] || y < 0 || y >= g->input[maas_height])
    return NULL;
  return x +
         ((item->image * g->input[maas_depth] + z) * g->input[maas_height] + y) * g->input[maas_width] *
             g->channels +
         item->group * maas_nhwc_channels(g);
}

/// All taps of a position in a row of the strip.
static void fill_joined(const maas_f32_conv_params *g, const nhwc_item *item, const float *x, int64_t pitch,
                        float *strip) {
  int64_t run = g->kernel[maas_width] * maas_nhwc_channels(g);
  for (int64_t r = 0; r < item->rows; r++, strip += item->columns * pitch) {
    float *to = strip;
    for (int64_t kz = 0; kz < g->kernel[maas_depth]; kz++)
      for (int64_t ky = 0; ky < g->kernel[maas_height]; ky++, to += run) {
        int64_t z = item->z * g->stride[maas_depth] - g->pad[maas_depth] + kz * g->dilation[maas_depth];
        int64_t y =
            (item->y + r) * g->stride[maas_height] - g->pad[maas_height] + ky * g->dilation[maas_height];
        fill_taps(g, item, input_row(g, item, x, z, y), to, pitch);
      }
  }
}

/// Input rows sorted by their index modulo the stride, each with the taps that lie in it.
static void fill_slice(const maas_f32_conv_params *g, const nhwc_item *item, const float *x, int64_t z,
                       int64_t pitch, float *strip) {
  int64_t stride = g->stride[maas_height], dilation = g->dilation[maas_height];
  int64_t rows = maas_nhwc_phase_rows(g, item->rows), row = item->columns * pitch;
  for (int64_t phase = 0; phase < stride; phase++) {
    int64_t last = -1; // The last row that a tap of this phase reads.
    for (int64_t ky = 0; ky < g->kernel[maas_height]; ky++)
      if (ky * dilation % stride == phase)
        last = ky * dilation / stride + item->rows - 1;
    for (int64_t r = 0; r <= last; r++) {
      int64_t y = (item->y + r) * stride + phase - g->pad[maas_height];
      fill_taps(g, item, input_row(g, item, x, z, y), strip + (phase * rows + r) * row, pitch);
    }
  }
}

static maas_gemm_finish nhwc_finish(const maas_f32_conv_params *g, void *const *operands, int64_t position,
                                    int64_t filter) {
  const float *bias = operands[2], *residual = operands[3];
  int64_t y = position * g->filters + filter;
  return (maas_gemm_finish){.y = (float *)operands[4] + y,
                            .y_row = g->filters,
                            .c = bias ? bias + filter : NULL,
                            .c_col = 1,
                            .residual = residual ? residual + y : NULL,
                            .alpha = 1,
                            .beta = 1,
                            .activation = g->activation};
}

/// Groups of equal height, each of which fetches its share of the panel after the one it reads; `after` the last one.
static __attribute__((noinline)) void share_panels(maas_gemm_pass *pass, int64_t elements,
                                                   const float *after) {
  pass->height = maas_ceil_div(pass->rows, maas_ceil_div(pass->rows, MAAS_MR));
  pass->group = pass->height * pass->a.row;
  share_next(pass, elements, after);
}

/// One stretch [p, p + k) of the taps: a[position * pitch + ...] against all filters of the item. After the last of
/// `total` taps come the panels after the whole.
static __attribute__((noinline)) void multiply_run(const maas_gemm_pass *whole,
                                                   const maas_gemm_finish *finish, int64_t p, int64_t total) {
  int64_t length = maas_max64(1, maas_gemm_kc(whole->k)), q = 0;
  do {
    maas_gemm_pass pass = *whole;
    pass.k = maas_min64(length, whole->k - q);
    pass.a.a += q;
    pass.b += (p + q) * MAAS_NR;
    if (pass.share && p + q + pass.k < total)
      pass.after = pass.b + pass.k * MAAS_NR;
    maas_gemm_finish f = maas_gemm_finish_of_pass(finish, p + q, pass.k, total);
    MAAS_F32_SHARED(gemm_pass)(&pass, &f);
    q += pass.k;
  } while (q < whole->k);
}

/// Where the panels of the item after this one begin.
static const float *panels_after(const maas_f32_conv_params *g, const nhwc_item *item, const float *panels) {
  int64_t filter = item->filter + item->filters;
  return filter < g->filters / g->groups ? panels + filter * maas_nhwc_taps(g) : panels;
}

static void strip_item(const maas_f32_conv_params *g, void *const *operands, int64_t index, float *strip) {
  nhwc_item item = nhwc_item_at(g, index);
  const float *x = operands[0];
  bool flat = g->path == maas_nhwc_flat, joined = maas_nhwc_joins(g);
  int64_t total = maas_nhwc_taps(g), run = flat ? total : maas_nhwc_run(g);
  int64_t pitch = flat ? g->channels : maas_nhwc_pitch(run);
  int64_t panels = maas_ceil_div(g->filters / g->groups, MAAS_NR) * MAAS_NR * total;
  const float *weights = (const float *)operands[1] + item.group * panels;
  int64_t position = ((item.image * g->output[maas_depth] + item.z) * g->output[maas_height] + item.y) *
                         g->output[maas_width] +
                     item.x;
  maas_gemm_finish finish =
      nhwc_finish(g, operands, position, item.group * (g->filters / g->groups) + item.filter);
  maas_gemm_pass pass = {.rows = item.rows * item.columns,
                         .columns = item.filters,
                         .k = run,
                         .a = {strip, pitch, 1},
                         .group = MAAS_MR * pitch,
                         .b = weights + item.filter * total,
                         .panel = total * MAAS_NR};
  share_panels(&pass, panels, panels_after(g, &item, weights));
  if (flat || joined) {
    if (flat)
      pass.a.a = input_row(g, &item, x, item.z, item.y) + item.x * g->channels;
    else
      fill_joined(g, &item, x, pitch, strip);
    multiply_run(&pass, &finish, 0, total);
    return;
  }
  int64_t stride = g->stride[maas_height], rows = maas_nhwc_phase_rows(g, item.rows), p = 0;
  for (int64_t kz = 0; kz < g->kernel[maas_depth]; kz++) {
    int64_t z = item.z * g->stride[maas_depth] - g->pad[maas_depth] + kz * g->dilation[maas_depth];
    fill_slice(g, &item, x, z, pitch, strip);
    for (int64_t ky = 0; ky < g->kernel[maas_height]; ky++, p += run) {
      int64_t reach = ky * g->dilation[maas_height];
      pass.a.a = strip + (reach % stride * rows + reach / stride) * item.columns * pitch;
      multiply_run(&pass, &finish, p, total);
    }
  }
}

#endif
