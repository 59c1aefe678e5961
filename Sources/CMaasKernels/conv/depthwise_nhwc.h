#ifndef MAAS_CONV_DEPTHWISE_NHWC_H
#define MAAS_CONV_DEPTHWISE_NHWC_H
/// Channels-last convolution with one filter per channel: a vector holds neighbouring channels.
#include "../clamp.h"
#include "../unroll.h"
#include "nhwc.h"

enum { depthwise_most_rows = 8 };

/// Taps [first, end) along a dimension that meet the input.
typedef struct tap_range {
  int64_t first, end;
} tap_range;

static inline tap_range taps_inside(const maas_f32_conv_params *g, int d, int64_t at) {
  int64_t start = at * g->stride[d] - g->pad[d], dilation = g->dilation[d];
  tap_range range = {.first = start < 0 ? maas_min64(g->kernel[d], maas_ceil_div(-start, dilation)) : 0};
  range.end =
      start >= g->input[d] ? 0 : maas_min64(g->kernel[d], maas_ceil_div(g->input[d] - start, dilation));
  range.end = maas_max64(range.first, range.end);
  return range;
}

/// One row of outputs, for a vector of channels.
typedef struct depthwise_strip {
  const maas_f32_conv_params *g;
  /// Of the vector's first channel: where the first column of the input meets the first taps that are inside, and
  /// those.
  const float *x, *weights;
  const float *residual;
  float *y;
  vf bias;
  tap_range depth, height;
  clamp clamp;
} depthwise_strip;

/// Outputs that are computed together: as many as registers hold with what they see, and widths often are multiples of.
enum { depthwise_count = V_WIDTH == 16 ? 7 : 4 };

/// How a row of the kernel is applied: tap by tap, or three taps without dilation at once; without stride either
/// neighbouring outputs share what they load. At an edge taps may lie outside the input.
typedef enum depthwise_way { BY_TAP, THREE, THREE_AT_EDGE, SHARED, SHARED_AT_EDGE } depthwise_way;

/// The row of a kernel: for `count` neighbouring outputs, the first of which sees column `left` of the input first.
typedef struct depthwise_taps {
  const float *x, *weights; ///< At `left`, and the row's first tap.
  int64_t left;
  tap_range columns;
} depthwise_taps;

#define MAAS_ALWAYS static inline __attribute__((always_inline))

MAAS_ALWAYS vf load_channels(const float *p, const bool tail, int64_t n) {
  return tail ? v_load_tail(p, n) : v_load(p);
}

MAAS_ALWAYS void add_by_tap(const maas_f32_conv_params *g, const depthwise_taps *t, const int count,
                            const bool tail, int64_t n, vf *sum) {
  int64_t channels = g->channels, step = g->stride[maas_width] * channels;
  const float *from = t->x + t->columns.first * g->dilation[maas_width] * channels;
  const float *weight = t->weights + t->columns.first * channels;
  for (int64_t kx = t->columns.first; kx < t->columns.end; kx++) {
    vf w = load_channels(weight, tail, n);
    MAAS_EACH (i, count)
      sum[i] = v_fma(w, load_channels(from + i * step, tail, n), sum[i]);
    from += g->dilation[maas_width] * channels;
    weight += channels;
  }
}

/// A vector of column left + i.
MAAS_ALWAYS vf seen_at(const maas_f32_conv_params *g, const depthwise_taps *t, int64_t i,
                       const bool at_edge) {
  static const float outside[V_WIDTH];
  bool inside = !at_edge || (uint64_t)(t->left + i) < (uint64_t)g->input[maas_width];
  return v_load(inside ? t->x + i * g->channels : outside);
}

MAAS_ALWAYS void add_three(const maas_f32_conv_params *g, const depthwise_taps *t, const int count,
                           const depthwise_way way, vf *sum) {
  bool shared = way == SHARED || way == SHARED_AT_EDGE,
       at_edge = way == THREE_AT_EDGE || way == SHARED_AT_EDGE;
  vf w[3], seen[depthwise_count + 2];
  MAAS_EACH (k, 3)
    w[k] = v_load(t->weights + k * g->channels);
  if (shared) {
    MAAS_EACH (i, count + 2)
      seen[i] = seen_at(g, t, i, at_edge);
  }
  MAAS_EACH (k, 3)
    MAAS_EACH (i, count)
      sum[i] =
          v_fma(w[k], shared ? seen[i + k] : seen_at(g, t, i * g->stride[maas_width] + k, at_edge), sum[i]);
}

/// `count` neighbouring outputs from column `x` on, which see the kernel's columns [first, end).
MAAS_ALWAYS void depthwise_pixels(const depthwise_strip *d, int64_t x, tap_range columns, const int count,
                                  const depthwise_way way, const bool tail, int64_t n) {
  const maas_f32_conv_params *g = d->g;
  int64_t channels = g->channels, row = g->input[maas_width] * channels;
  int64_t rows = d->height.end - d->height.first, kernel_row = g->kernel[maas_width] * channels;
  int64_t left = x * g->stride[maas_width] - g->pad[maas_width];
  const float *plane = d->x + left * channels, *plane_weights = d->weights;
  vf sum[depthwise_count];
  MAAS_EACH (i, count)
    sum[i] = d->bias;
  for (int64_t kz = d->depth.first; kz < d->depth.end; kz++) {
    depthwise_taps t = {plane, plane_weights, left, columns};
    for (int64_t ky = 0; ky < rows; ky++) {
      if (way == BY_TAP)
        add_by_tap(g, &t, count, tail, n, sum);
      else
        add_three(g, &t, count, way, sum);
      t.x += g->dilation[maas_height] * row;
      t.weights += kernel_row;
    }
    plane += g->dilation[maas_depth] * g->input[maas_height] * row;
    plane_weights += g->kernel[maas_height] * kernel_row;
  }
  MAAS_EACH (i, count) {
    int64_t at = (x + i) * channels;
    if (d->residual)
      sum[i] = v_add(sum[i], load_channels(d->residual + at, tail, n));
    sum[i] = clamped(d->clamp, sum[i]);
    if (tail)
      v_store_tail(d->y + at, sum[i], n);
    else
      v_store(d->y + at, sum[i]);
  }
}

/// A whole vector of channels, by 3 taps without dilation. Outputs in [inner, outer) see all of them. The last group
/// begins where it ends with the row, and computes some outputs again, unless the residual lies where y does.
MAAS_ALWAYS void depthwise_by_three(const depthwise_strip *d, int64_t inner, int64_t outer,
                                    const depthwise_way way, const depthwise_way edge) {
  tap_range all = {0, 3};
  int64_t width = d->g->output[maas_width], x = 0;
  while (x < width) {
    if (x + depthwise_count > width && width >= depthwise_count && !d->residual)
      x = width - depthwise_count;
    int64_t end = x + depthwise_count;
    if (end > width)
      depthwise_pixels(d, x++, all, 1, edge, false, 0);
    else if (x >= inner && end <= outer)
      depthwise_pixels(d, x, all, depthwise_count, way, false, 0), x = end;
    else
      depthwise_pixels(d, x, all, depthwise_count, edge, false, 0), x = end;
  }
}

/// A walk along a row of x: a column is loaded once, and goes into the three outputs that see it. With 16 registers
/// three columns of weights leave no room for several outputs at once besides.
enum { walks_columns = V_WIDTH >= 8 };

/// The column of x that comes next, in rows `row` apart, and the weights.
typedef struct column_walk {
  const float *from;
  int64_t step, row;
  vf weights[3][3];
} column_walk;

MAAS_ALWAYS column_walk column_walk_of(const depthwise_strip *d, const int rows) {
  const maas_f32_conv_params *g = d->g;
  column_walk walk = {.from = d->x,
                      .step = g->channels,
                      .row = g->dilation[maas_height] * g->input[maas_width] * g->channels};
  MAAS_EACH (r, rows)
    MAAS_EACH (k, 3)
      walk.weights[r][k] = v_load(d->weights + (3 * r + k) * g->channels);
  return walk;
}

MAAS_ALWAYS void next_column(column_walk *walk, const int rows, vf *column) {
  MAAS_EACH (r, rows)
    column[r] = v_load(walk->from + r * walk->row);
  walk->from += walk->step;
}

/// Of an output whose k-th column this is.
MAAS_ALWAYS vf add_column(const column_walk *walk, const int rows, const int k, const vf *column, vf sum) {
  MAAS_EACH (r, rows)
    sum = v_fma(walk->weights[r][k], column[r], sum);
  return sum;
}

/// How many columns the last output sees behind the input; below 0 where it sees less than all.
static inline int64_t columns_beyond(const maas_f32_conv_params *g) {
  int64_t last = (g->output[maas_width] - 1) * g->stride[maas_width] - g->pad[maas_width] + 2;
  return last + 1 - g->input[maas_width];
}

/// A row of y, of which at most the first output's first column and the last one's last lie outside the input.
MAAS_ALWAYS void walk_row(const depthwise_strip *d, const int rows, const int stride) {
  const maas_f32_conv_params *g = d->g;
  column_walk walk = column_walk_of(d, rows);
  const vf bias = d->bias, low = v_set(d->clamp.low), high = v_set(d->clamp.high);
  bool is_cut = columns_beyond(g) > 0;
  float *y = d->y, *whole = y + (g->output[maas_width] - is_cut) * g->channels;
  vf column[3], sum = bias, next = bias;
  if (g->pad[maas_width] == 0) {
    next_column(&walk, rows, column);
    sum = add_column(&walk, rows, 0, column, bias);
  }
  if (stride == 1) {
    next_column(&walk, rows, column);
    sum = add_column(&walk, rows, 1, column, sum);
    next = add_column(&walk, rows, 0, column, bias);
  }
  _Pragma("clang loop unroll(disable)") for (; y < whole; y += g->channels) {
    if (stride == 2) {
      next_column(&walk, rows, column);
      sum = add_column(&walk, rows, 1, column, sum);
    }
    next_column(&walk, rows, column);
    v_store(y, v_min(high, v_max(low, add_column(&walk, rows, 2, column, sum))));
    sum = stride == 1 ? add_column(&walk, rows, 1, column, next) : add_column(&walk, rows, 0, column, bias);
    next = add_column(&walk, rows, 0, column, bias);
  }
  if (is_cut && stride == 2) {
    next_column(&walk, rows, column);
    sum = add_column(&walk, rows, 1, column, sum);
  }
  if (is_cut)
    v_store(y, v_min(high, v_max(low, sum)));
}

#define MAAS_WALK(rows, stride)                                                                              \
  static __attribute__((noinline)) void walk_##rows##_##stride(const depthwise_strip *d) {                   \
    walk_row(d, rows, stride);                                                                               \
  }
MAAS_WALK(2, 1)
MAAS_WALK(2, 2)
MAAS_WALK(3, 1)
MAAS_WALK(3, 2)

/// The walk along the row where its kernel has three columns without dilation; else NULL.
static void (*walk_of(const depthwise_strip *d))(const depthwise_strip *) {
  const maas_f32_conv_params *g = d->g;
  int64_t rows = d->height.end - d->height.first, stride = g->stride[maas_width], pad = g->pad[maas_width];
  bool fits = (rows == 2 || rows == 3) && (stride == 1 || stride == 2) && (pad == 0 || pad == 1);
  if (!fits || columns_beyond(g) > 1 || d->residual || d->depth.end - d->depth.first != 1)
    return NULL;
  if (stride == 1)
    return rows == 2 ? walk_2_1 : walk_3_1;
  return rows == 2 ? walk_2_2 : walk_3_2;
}

/// Outputs in [inner, outer) see whole rows of the kernel.
MAAS_ALWAYS void depthwise_by_tap(const depthwise_strip *d, int64_t inner, int64_t outer, const bool tail,
                                  int64_t n) {
  const maas_f32_conv_params *g = d->g;
  for (int64_t x = 0; x < g->output[maas_width];)
    if (x >= inner && x + depthwise_count <= outer) {
      depthwise_pixels(d, x, (tap_range){0, g->kernel[maas_width]}, depthwise_count, BY_TAP, tail, n);
      x += depthwise_count;
    } else {
      depthwise_pixels(d, x, taps_inside(g, maas_width, x), 1, BY_TAP, tail, n);
      x++;
    }
}

/// The row for the n <= V_WIDTH channels of the strip.
static __attribute__((noinline)) void depthwise_line(const depthwise_strip *d, int64_t inner, int64_t outer,
                                                     int64_t n) {
  const maas_f32_conv_params *g = d->g;
  bool three = g->kernel[maas_width] == 3 && g->dilation[maas_width] == 1;
  void (*walk)(const depthwise_strip *) = walks_columns && three ? walk_of(d) : NULL;
  if (n < V_WIDTH)
    depthwise_by_tap(d, inner, outer, true, n);
  else if (walk)
    walk(d);
  else if (!three || walks_columns)
    depthwise_by_tap(d, inner, outer, false, 0);
  else if (g->stride[maas_width] == 1)
    depthwise_by_three(d, inner, outer, SHARED, SHARED_AT_EDGE);
  else
    depthwise_by_three(d, inner, outer, THREE, THREE_AT_EDGE);
}

/// Where the first channel of a row of y is worked on, and the columns that see whole rows of the kernel.
typedef struct depthwise_place {
  depthwise_strip strip;
  int64_t inner, outer;
} depthwise_place;

static depthwise_place depthwise_place_at(const maas_f32_conv_params *g, void *const *operands,
                                          int64_t index) {
  int64_t y = index % g->output[maas_height], z = index / g->output[maas_height] % g->output[maas_depth];
  int64_t image = index / g->output[maas_height] / g->output[maas_depth], width = g->output[maas_width];
  int64_t row = index * width * g->channels;
  tap_range depth = taps_inside(g, maas_depth, z), height = taps_inside(g, maas_height, y);
  int64_t plane = image * g->input[maas_depth] + z * g->stride[maas_depth] - g->pad[maas_depth] +
                  depth.first * g->dilation[maas_depth];
  int64_t first = plane * g->input[maas_height] + y * g->stride[maas_height] - g->pad[maas_height] +
                  height.first * g->dilation[maas_height];
  int64_t kernel_row = depth.first * g->kernel[maas_height] + height.first;
  const float *residual = operands[3];
  depthwise_place place = {
      .strip = {.g = g,
                .x = (const float *)operands[0] + first * g->input[maas_width] * g->channels,
                .weights = (const float *)operands[1] + kernel_row * g->kernel[maas_width] * g->channels,
                .residual = residual ? residual + row : NULL,
                .y = (float *)operands[4] + row,
                .depth = depth,
                .height = height,
                .clamp = clamp_of(&g->activation)},
      .outer = width};
  while (place.inner < width && taps_inside(g, maas_width, place.inner).first > 0)
    place.inner++;
  while (place.outer > place.inner && taps_inside(g, maas_width, place.outer - 1).end < g->kernel[maas_width])
    place.outer--;
  return place;
}

/// The strip from channel `c` on.
static depthwise_strip depthwise_strip_at(const depthwise_strip *whole, const float *bias, int64_t c,
                                          int64_t n) {
  depthwise_strip strip = *whole;
  strip.x += c;
  strip.weights += c;
  strip.y += c;
  if (strip.residual)
    strip.residual += c;
  strip.bias = bias ? v_load_tail(bias + c, n) : v_set(0);
  return strip;
}

/// Rows [first, end) of y: all rows for one cache line of channels after the other, as they share rows of x.
static void depthwise_rows_nhwc(const maas_f32_conv_params *g, void *const *operands, int64_t first,
                                int64_t end) {
  depthwise_place places[depthwise_most_rows];
  for (int64_t i = first; i < end; i++)
    places[i - first] = depthwise_place_at(g, operands, i);
  for (int64_t line = 0; line < g->channels; line += maas_nhwc_line)
    for (int64_t i = 0; i < end - first; i++)
      for (int64_t c = line; c < maas_min64(line + maas_nhwc_line, g->channels); c += V_WIDTH) {
        int64_t n = maas_min64(V_WIDTH, g->channels - c);
        depthwise_strip strip = depthwise_strip_at(&places[i].strip, operands[2], c, n);
        depthwise_line(&strip, places[i].inner, places[i].outer, n);
      }
  float *y = places[0].strip.y;
  if (!is_clamp(&g->activation))
    MAAS_F32_SHARED(unary_rows)
  [g->activation.op](y, y, (end - first) * g->output[maas_width] * g->channels, g->activation.alpha,
                     g->activation.beta);
}

#endif
