/// Convolution of bytes with one filter per channel: a lane holds a channel, whose taps are taken four at a time from a
/// column of the kernel. Included by block.h of the product, whose finish it shares.
#include "shape.h"

/// Whether bytes are finished before they leave the registers, of which products need few where one instruction makes
/// them.
#if defined(MAAS_VNNI) || defined(MAAS_DOTPROD)
enum { finishes_sums = true };
#else
enum { finishes_sums = false };
#endif

/// One row of outputs, for a panel of channels.
typedef struct depthwise_row {
  const maas_f32_conv_params *g;
  /// Rows of x at the panel's first channel, as the kernel's taps meet them, four to a part of a column; NULL is
  /// outside.
  const uint8_t *const *rows;
  const uint8_t *outside; ///< MAAS_NR times x's zero point.
  const uint8_t *weights;
  const int32_t *base; ///< Added to every sum.
  int64_t width;       ///< Channels.
  bool flips;          ///< Turns the sign bits of taps.
} depthwise_row;

/// The four taps at column `x` of x, as the kernel multiplies them; the last of three is 0.
MAAS_INLINE void load_taps(const depthwise_row *d, const uint8_t *const *rows, int64_t x, const int count,
                           const bool at_edge, vi *taps) {
  bool inside = !at_edge || (uint64_t)x < (uint64_t)d->g->input[maas_width];
  const uint8_t *from[4];
  MAAS_EACH (i, 4)
    from[i] = i < count && inside && (!at_edge || rows[i]) ? rows[i] + x * d->g->channels : d->outside;
  vi_load_quads(from, d->width, count, taps);
  if (d->flips)
    MAAS_EACH (v, MAAS_NV)
      taps[v] = vi_xor(taps[v], vi_set((int32_t)0x80808080));
}

MAAS_INLINE void add_taps(const int nv, const vi *taps, const uint8_t *weights, vi *sums) {
  MAAS_EACH (v, nv)
    sums[v] = vi_dot_quads(sums[v], taps[v], vi_load((const int32_t *)(const void *)weights + v * V_WIDTH));
}

/// Sums of their own from zero on live shorter than with a beginning from memory.
MAAS_INLINE void add_base(const int nv, const int32_t *base, vi *sums) {
  MAAS_EACH (v, nv)
    sums[v] = vi_add(sums[v], vi_load(base + v * V_WIDTH));
}

MAAS_INLINE void store_sums(const int nv, const vi *from, int32_t *sums) {
  MAAS_EACH (v, nv)
    vi_store(sums + v * V_WIDTH, from[v]);
}

/// Any kernel: the output whose first tap is at column `left`.
static void sum_any(const depthwise_row *d, int64_t left, int32_t *sums) {
  const maas_f32_conv_params *g = d->g;
  int64_t parts = maas_s8_conv_column(g);
  const uint8_t *weights = d->weights;
  vi sum[MAAS_NV], taps[MAAS_NV];
  MAAS_EACH (v, MAAS_NV)
    sum[v] = vi_set(0);
  for (int64_t kz = 0; kz < g->kernel[maas_depth]; kz++)
    for (int64_t kx = 0; kx < g->kernel[maas_width]; kx++)
      for (int64_t part = 0; part < parts; part++, weights += 4 * MAAS_NR) {
        load_taps(d, d->rows + 4 * (kz * parts + part), left + kx * g->dilation[maas_width], 4, true, taps);
        add_taps(MAAS_NV, taps, weights, sum);
      }
  add_base(MAAS_NV, d->base, sum);
  store_sums(MAAS_NV, sum, sums);
}

/// Where the outputs go: bytes of rows that have nothing of their own leave the registers finished, else there are
/// sums.
typedef struct depthwise_target {
  int32_t *sums;
  const panel_columns *bytes; ///< NULL for sums.
  uint8_t *y;
  int64_t y_row, count;
} depthwise_target;

typedef void sum_function(const depthwise_row *d, int64_t left, const depthwise_target *to);
static void sum_each(const depthwise_row *d, int64_t left, const depthwise_target *to) {
  for (int64_t i = 0; i < to->count; i++)
    sum_any(d, left + i * d->g->stride[maas_width], to->sums + i * MAAS_NR);
}

#ifdef MAAS_LANES
static sum_function *sum_function_of(const maas_f32_conv_params *g) {
  (void)g;
  return sum_each;
}
#else
#include "three.h"
#endif

/// Where the taps of a row of outputs meet x.
static __attribute__((noinline)) void find_rows(const maas_f32_conv_params *g, const uint8_t *x, int64_t z,
                                                int64_t y, const uint8_t **rows) {
  int64_t parts = maas_s8_conv_column(g), line = g->input[maas_width] * g->channels;
  for (int64_t kz = 0; kz < g->kernel[maas_depth]; kz++)
    for (int64_t ky = 0; ky < 4 * parts; ky++) {
      int64_t v = y * g->stride[maas_height] - g->pad[maas_height] + ky * g->dilation[maas_height];
      int64_t w = z * g->stride[maas_depth] - g->pad[maas_depth] + kz * g->dilation[maas_depth];
      bool inside = ky < g->kernel[maas_height] && v >= 0 && v < g->input[maas_height] && w >= 0 &&
                    w < g->input[maas_depth];
      rows[kz * 4 * parts + ky] = inside ? x + (w * g->input[maas_height] + v) * line : NULL;
    }
}

#ifdef MAAS_LANES
enum { word_pairs = 7 };
#endif

/// A panel of channels.
typedef struct depthwise_panel {
  int64_t first; ///< Its first channel.
  depthwise_row row;
  panel_columns columns;
  maas_s8_block block;
#ifdef MAAS_LANES
  vi words[word_pairs][MAAS_NV]; ///< Weights; see words.h.
#endif
} depthwise_panel;

/// Panels of neighbouring channels, which lie in one cache line.
enum {
  group_panels = MAAS_NR < maas_s8_conv_line ? maas_s8_conv_line / MAAS_NR : 1,
  group_channels = group_panels * MAAS_NR
};
typedef struct depthwise_group {
  int64_t first, count; ///< Its first channel, and its panels.
  depthwise_panel panels[group_panels];
} depthwise_group;

/// What the outputs of an item see: a row of y of one image, and x at the group's first channel.
typedef struct depthwise_item {
  const uint8_t *x;
  int64_t row, z, y;
} depthwise_item;

#ifdef MAAS_LANES
#include "words.h"
#endif

static __attribute__((noinline)) void load_panel(const maas_s8_conv_params *p, void *const *operands,
                                                 int64_t first, depthwise_panel *to) {
  const maas_f32_conv_params *g = &p->conv;
  int64_t k = maas_s8_conv_rows(g);
  to->first = first;
  to->block = (maas_s8_block){.k = k, .y_row = g->filters, .finish = &p->finish, .operands = operands};
  to->columns = (panel_columns){.width = maas_min64(MAAS_NR, g->channels - first)};
  to->row.g = g;
  to->row.flips = p->finish.a_is_signed != (quads_flip != 0);
  to->row.width = to->columns.width;
  to->row.base = to->columns.base;
  to->row.weights = (const uint8_t *)operands[MAAS_S8_B] + first / MAAS_NR * maas_s8_panel(k, MAAS_NR);
  load_integers(&to->block, first, (const int32_t *)(const void *)(to->row.weights + k * MAAS_NR),
                &to->columns);
#ifdef MAAS_LANES
  if (maas_s8_conv_copies_lines(g))
    load_word_weights(to->row.weights, to->words);
#endif
  if (p->finish.y_type != MAAS_ELEMENT_S32)
    load_floats(&to->block, first, &to->columns);
  to->columns.is_plain =
      !to->columns.adds_more && !operands[MAAS_S8_RESIDUAL] && p->finish.y_type != MAAS_ELEMENT_S32;
}

static void load_group(const maas_s8_conv_params *p, void *const *operands, int64_t first,
                       depthwise_group *to) {
  to->first = first;
  to->count = 0;
  for (int64_t end = maas_min64(p->conv.channels, first + group_channels); first < end; first += MAAS_NR)
    load_panel(p, operands, first, &to->panels[to->count++]);
}

/// Row `y` of all the slices of y.
static __attribute__((noinline)) void depthwise_outputs(depthwise_panel *p, int64_t y) {
  const maas_f32_conv_params *g = p->row.g;
  int64_t width = g->output[maas_width];
  bool is_plain = p->columns.is_plain;
  sum_function *sum = sum_function_of(g);
  bool to_bytes = finishes_sums && is_plain && p->block.finish->y_type != MAAS_ELEMENT_F32 && sum != sum_each;
  int32_t sums[MAAS_MR * MAAS_NR];
  depthwise_target to = {.sums = sums, .bytes = to_bytes ? &p->columns : NULL, .y_row = g->filters};
  p->block.y = y * width * g->filters;
  to.y = (uint8_t *)p->block.operands[MAAS_S8_Y] + p->block.y + p->first;
  for (int64_t x = 0; x < width; x += MAAS_MR, to.y += MAAS_MR * to.y_row) {
    to.count = maas_min64(MAAS_MR, width - x);
    sum(&p->row, x * g->stride[maas_width] - g->pad[maas_width], &to);
    if (!to_bytes)
      (is_plain ? finish_plain_rows : finish_other_rows)(&p->block, &p->columns, x, to.count, p->first, sums);
  }
}

static void group_outputs(depthwise_group *group, const depthwise_item *item, const uint8_t *outside,
                          const uint8_t **rows) {
  for (int64_t i = 0; i < group->count; i++) {
    depthwise_panel *panel = &group->panels[i];
    panel->row.rows = rows, panel->row.outside = outside;
    find_rows(panel->row.g, item->x + i * MAAS_NR, item->z, item->y, rows);
    depthwise_outputs(panel, item->row);
  }
}

void MAAS_S8_SHARED(depthwise)(const maas_s8_conv_params *p, void *const *operands, int64_t begin,
                               int64_t end, void *scratch) {
  const maas_f32_conv_params *g = &p->conv;
  int64_t height = g->output[maas_height], rows = height * g->output[maas_depth];
  int64_t groups = maas_ceil_div(g->channels, group_channels),
          plane = maas_window_volume(g->input) * g->channels;
  uint8_t outside[MAAS_NR];
  memset(outside, p->finish.a_zeros ? *(const uint8_t *)operands[MAAS_S8_A_ZERO] : (uint8_t)p->finish.a_zero,
         MAAS_NR);
  depthwise_group group = {.first = -1};
#ifdef MAAS_LANES
  kept_lines lines = lines_in(g, *outside, scratch);
#endif
  for (int64_t i = begin; i < end; i++) {
    int64_t first = i / rows % groups * group_channels, image = i / rows / groups, y = i % rows;
    if (first != group.first)
      load_group(p, operands, first, &group);
    depthwise_item item = {.x = (const uint8_t *)operands[MAAS_S8_A] + image * plane + first,
                           .row = image * rows + y,
                           .z = y / height,
                           .y = y % height};
#ifdef MAAS_LANES
    if (maas_s8_conv_copies_lines(g)) {
      word_rows(&group, &item, &lines);
      continue;
    }
#endif
    group_outputs(&group, &item, outside, scratch);
  }
}
