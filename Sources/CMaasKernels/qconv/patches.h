/// Convolution of bytes as a product for one instruction set: rows of taps of a tile of positions times panels of weights.
/// Included by body.h of the product.
#include "shape.h"

/// A tile of the positions of one image and the filters of one group.
typedef struct conv_tile {
  int64_t image, group, position, filter, rows, columns;
} conv_tile;

static conv_tile conv_tile_at(const maas_f32_conv_params *g, int64_t index) {
  int64_t positions = maas_window_volume(g->output), filters = maas_s8_conv_filters(g);
  int64_t row_tiles = maas_ceil_div(positions, g->tile_m), column_tiles = maas_ceil_div(filters, g->tile_n);
  conv_tile t = {.position = index % row_tiles * g->tile_m,
                 .filter = index / row_tiles % column_tiles * g->tile_n,
                 .group = index / (row_tiles * column_tiles) % g->groups,
                 .image = index / (row_tiles * column_tiles) / g->groups};
  t.rows = maas_min64(g->tile_m, positions - t.position);
  t.columns = maas_min64(g->tile_n, filters - t.filter);
  return t;
}

/// The taps of one row of the kernel, whose first column meets `left` of a row of x; NULL is outside.
static void copy_kernel_row(const maas_f32_conv_params *g, const uint8_t *row, int64_t left, uint8_t outside,
                            uint8_t *to) {
  int64_t channels = maas_s8_conv_channels(g), width = g->kernel[maas_width],
          dilation = g->dilation[maas_width];
  if (row && left >= 0 && left + width <= g->input[maas_width] && dilation == 1 && g->groups == 1) {
    memcpy(to, row + left * channels, (size_t)(width * channels));
    return;
  }
  for (int64_t k = 0; k < width; k++, to += channels, left += dilation)
    if (row && left >= 0 && left < g->input[maas_width])
      memcpy(to, row + left * g->channels, (size_t)channels);
    else
      memset(to, outside, (size_t)channels);
}

static const uint8_t *image_row(const maas_f32_conv_params *g, const uint8_t *x, int64_t z, int64_t y) {
  bool inside = z >= 0 && z < g->input[maas_depth] && y >= 0 && y < g->input[maas_height];
  return inside ? x + (z * g->input[maas_height] + y) * g->input[maas_width] * g->channels : NULL;
}

/// All taps of the position whose first one is at `start`.
static void copy_patch(const maas_f32_conv_params *g, const uint8_t *x, const int64_t *start, uint8_t outside,
                       uint8_t *to) {
  int64_t run = g->kernel[maas_width] * maas_s8_conv_channels(g);
  for (int64_t kz = 0; kz < g->kernel[maas_depth]; kz++)
    for (int64_t ky = 0; ky < g->kernel[maas_height]; ky++, to += run) {
      const uint8_t *row = image_row(g, x, start[maas_depth] + kz * g->dilation[maas_depth],
                                     start[maas_height] + ky * g->dilation[maas_height]);
      copy_kernel_row(g, row, start[maas_width], outside, to);
    }
}

/// Where x ends, and how much of a patch lies in one row of x.
typedef struct patch_source {
  const uint8_t *x, *end;
  int64_t run;
  uint8_t outside;
} patch_source;

/// Copies short runs as if they were of 16, 32 or 64 bytes: what is too much comes to lie where the next one goes.
static inline __attribute__((always_inline)) void copy_runs(const maas_f32_conv_params *g,
                                                            const patch_source *s, const uint8_t *from,
                                                            const int64_t size, uint8_t *to) {
  int64_t line = g->dilation[maas_height] * g->input[maas_width] * g->channels;
  for (int64_t ky = 0; ky < g->kernel[maas_height]; ky++, to += s->run, from += line)
    memcpy(to, from, (size_t)size);
}

/// Whether all taps lie inside, in rows that can be copied as wholes, and `slack` bytes behind them too.
static bool is_inside(const maas_f32_conv_params *g, const patch_source *s, const int64_t *start,
                      int64_t slack) {
  if (g->groups > 1 || g->dilation[maas_width] > 1 || g->kernel[maas_depth] > 1)
    return false;
  for (int d = 0; d < MAAS_SPATIAL_RANK; d++)
    if (start[d] < 0 || start[d] + (g->kernel[d] - 1) * g->dilation[d] >= g->input[d])
      return false;
  int64_t row =
      (start[0] * g->input[1] + start[1] + (g->kernel[1] - 1) * g->dilation[1]) * g->input[2] + start[2];
  return s->end - s->x - row * g->channels >= slack;
}

/// All taps of a position, most of which are in the middle of an image.
static void copy_position(const maas_f32_conv_params *g, const patch_source *s, const int64_t *at,
                          uint8_t *to) {
  int64_t start[MAAS_SPATIAL_RANK], run = s->run;
  for (int d = 0; d < MAAS_SPATIAL_RANK; d++)
    start[d] = at[d] * g->stride[d] - g->pad[d];
  if (run > 64 || !is_inside(g, s, start, 64)) {
    copy_patch(g, s->x, start, s->outside, to);
    return;
  }
  const uint8_t *from = s->x + ((start[0] * g->input[1] + start[1]) * g->input[2] + start[2]) * g->channels;
  if (run <= 16)
    copy_runs(g, s, from, 16, to);
  else if (run <= 32)
    copy_runs(g, s, from, 32, to);
  else
    copy_runs(g, s, from, 64, to);
}

static void next_position(const maas_f32_conv_params *g, int64_t *at) {
  for (int d = MAAS_SPATIAL_RANK - 1; d >= 0 && ++at[d] == g->output[d] && d > 0; d--)
    at[d] = 0;
}

/// The rows of a tile, and behind them their sums if the weights have zero points.
static void copy_patches(const maas_s8_conv_params *p, const conv_tile *t, void *const *operands,
                         maas_s8_block *block, uint8_t *scratch) {
  const maas_f32_conv_params *g = &p->conv;
  const maas_s8_finish *f = &p->finish;
  const uint8_t *x = (const uint8_t *)operands[MAAS_S8_A] +
                     t->image * maas_window_volume(g->input) * g->channels +
                     t->group * maas_s8_conv_channels(g);
  patch_source source = {.x = x, .run = g->kernel[maas_width] * maas_s8_conv_channels(g)};
  source.end = (const uint8_t *)operands[MAAS_S8_A] + g->batch * maas_window_volume(g->input) * g->channels;
  source.outside = f->a_zeros ? *(const uint8_t *)operands[MAAS_S8_A_ZERO] : (uint8_t)f->a_zero;
  int64_t width = g->output[maas_width], height = g->output[maas_height];
  int64_t at[] = {t->position / width / height, t->position / width % height, t->position % width};
  int32_t *sums = (int32_t *)(void *)(scratch + g->tile_m * block->a_row);
  for (int64_t r = 0; r < t->rows; r++, next_position(g, at)) {
    uint8_t *to = scratch + r * block->a_row;
    copy_position(g, &source, at, to);
    for (int64_t i = 0; f->a_is_signed && i < block->k; i++)
      to[i] ^= 0x80;
    memset(to + block->k, 0, (size_t)(-block->k & 3));
    if (maas_s8_needs_sums(f))
      sums[r] = sum_of(to, block->k);
  }
  block->a = scratch;
  block->a_sums = maas_s8_needs_sums(f) ? sums : NULL;
}

/// Rows of x that need no copy: of whole groups of four unsigned bytes, not all in the same cache sets.
static bool is_direct(const maas_s8_conv_params *p) {
  const maas_f32_conv_params *g = &p->conv;
  return maas_s8_conv_is_whole(g) && g->groups == 1 && g->channels % 4 == 0 && g->channels % 512 != 0 &&
         !p->finish.a_is_signed && !maas_s8_needs_sums(&p->finish);
}

static void product_item(const maas_s8_conv_params *p, void *const *operands, int64_t item,
                         uint8_t *scratch) {
  const maas_f32_conv_params *g = &p->conv;
  conv_tile t = conv_tile_at(g, item);
  int64_t k = maas_s8_conv_rows(g), filters = maas_s8_conv_filters(g),
          panels = maas_ceil_div(filters, MAAS_NR);
  int64_t filter = t.group * filters + t.filter,
          position = t.image * maas_window_volume(g->output) + t.position;
  maas_s8_block block = {.rows = t.rows,
                         .columns = t.columns,
                         .k = k,
                         .a_row = maas_s8_row(k),
                         .column = filter,
                         .bias = filter,
                         .y = position * g->filters + filter,
                         .y_row = g->filters,
                         .finish = &p->finish,
                         .operands = operands};
  block.b = (const uint8_t *)operands[MAAS_S8_B] +
            (t.group * panels + t.filter / MAAS_NR) * maas_s8_panel(k, MAAS_NR);
  if (is_direct(p)) {
    block.a = (const uint8_t *)operands[MAAS_S8_A] + position * g->channels;
    block.a_row = g->channels;
  } else {
    copy_patches(p, &t, operands, &block, scratch);
  }
  MAAS_S8_BLOCK(&block);
}

int32_t MAAS_S8_KERNEL(conv)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  const maas_s8_conv_params *p = step->params;
  if (p->conv.path == maas_s8_conv_depthwise)
    MAAS_S8_DEPTHWISE(p, step->operands, begin, end, worker->scratch);
  else
    for (int64_t i = begin; i < end; i++)
      product_item(p, step->operands, i, worker->scratch);
  return MAAS_STEP_OK;
}
