/// Convolution of bytes as a product for one instruction set: rows of taps of a tile of positions times panels of
/// weights. Included by body.h of the product.
#include "shape.h"

/// A tile of the positions of one image and the filters of one group.
typedef struct conv_tile {
  int64_t image, group, position, filter, rows, columns;
} conv_tile;

/// Tiles of positions differ by one group of rows at most. Where their rows go into lanes the tiles of filters take
/// turns first, so that rows stay there.
static conv_tile conv_tile_at(const maas_f32_conv_params *g, int64_t index) {
  int64_t positions = maas_window_volume(g->output), filters = maas_s8_conv_filters(g);
  int64_t row_tiles = maas_ceil_div(positions, g->tile_m), column_tiles = maas_ceil_div(filters, g->tile_n);
  int64_t row_groups = maas_ceil_div(positions, tile_group);
  int64_t i = has_lanes ? index / column_tiles % row_tiles : index % row_tiles;
  int64_t j = has_lanes ? index % column_tiles : index / row_tiles % column_tiles;
  conv_tile t = {.position = i * row_groups / row_tiles * tile_group,
                 .filter = j * g->tile_n,
                 .group = index / (row_tiles * column_tiles) % g->groups,
                 .image = index / (row_tiles * column_tiles) / g->groups};
  t.rows = maas_min64((i + 1) * row_groups / row_tiles * tile_group, positions) - t.position;
  t.columns = maas_min64(g->tile_n, filters - t.filter);
  return t;
}

/// `width` neighbouring pixels of a row of x, the first at column `left`; NULL is outside.
static __attribute__((noinline)) void copy_pixels(const maas_f32_conv_params *g, const uint8_t *row,
                                                  int64_t left, int64_t width, uint8_t outside, uint8_t *to) {
  int64_t size = g->channels, before = row ? maas_max64(0, maas_min64(width, -left)) : width;
  int64_t inside = maas_max64(0, maas_min64(width, g->input[maas_width] - left) - before);
  memset(to, outside, (size_t)(before * size));
  if (inside > 0)
    memcpy(to + before * size, row + (left + before) * size, (size_t)(inside * size));
  memset(to + (before + inside) * size, outside, (size_t)((width - before - inside) * size));
}

/// The taps of one row of the kernel, whose first column meets `left` of a row of x; NULL is outside.
static void copy_kernel_row(const maas_f32_conv_params *g, const uint8_t *row, int64_t left, uint8_t outside,
                            uint8_t *to) {
  int64_t channels = maas_s8_conv_channels(g), width = g->kernel[maas_width],
          dilation = g->dilation[maas_width];
  if (dilation == 1 && g->groups == 1) {
    copy_pixels(g, row, left, width, outside, to);
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

/// What the patches of a tile are copied of: an image and where x ends, how much of a patch lies in one row of x, as
/// how much that is copied, and the distance between patches.
typedef struct patch_source {
  const uint8_t *x, *end;
  int64_t run, copied, pitch;
  uint8_t outside;
} patch_source;

/// The positions from x = `first` to `last` of a row, the first of whose patches begins at `start`, all of whose taps
/// lie inside, in rows that can be copied as wholes.
typedef struct inner_positions {
  int64_t first, last;
} inner_positions;

static inner_positions inner_positions_of(const maas_f32_conv_params *g, const patch_source *s,
                                          const int64_t *start) {
  int64_t bottom = start[maas_height] + (g->kernel[maas_height] - 1) * g->dilation[maas_height];
  if (g->channels == 0 || g->groups > 1 || g->dilation[maas_width] > 1 || g->kernel[maas_depth] > 1 ||
      start[maas_depth] < 0 || start[maas_depth] >= g->input[maas_depth] || start[maas_height] < 0 ||
      bottom >= g->input[maas_height])
    return (inner_positions){0, 0};
  int64_t stride = g->stride[maas_width], pad = g->pad[maas_width], room = s->end - s->x - s->copied;
  int64_t rows = (start[maas_depth] * g->input[maas_height] + bottom) * g->input[maas_width];
  int64_t most = maas_min64(room / g->channels - rows, g->input[maas_width] - g->kernel[maas_width]) + pad;
  return (inner_positions){maas_ceil_div(pad, stride), room < 0 || most < 0 ? 0 : most / stride + 1};
}

/// Copies `count` patches that lie inside, short runs as if they were of 16 or 32 bytes, or of whole 64: what is too
/// much comes to lie where the next one goes.
static inline __attribute__((always_inline)) void copy_inside(const maas_f32_conv_params *g,
                                                              const patch_source *s, const uint8_t *from,
                                                              int64_t count, const int64_t piece,
                                                              uint8_t *to) {
  int64_t line = g->dilation[maas_height] * g->input[maas_width] * g->channels;
  int64_t step = g->stride[maas_width] * g->channels, copied = piece < 64 ? piece : s->copied;
  for (int64_t ky = 0; ky < g->kernel[maas_height]; ky++)
    for (int64_t done = 0; done < copied; done += piece) {
      const uint8_t *x = from + ky * line + done;
      uint8_t *y = to + ky * s->run + done;
#pragma clang loop unroll(disable)
      for (int64_t i = 0; i < count; i++, x += step, y += s->pitch)
        memcpy(y, x, (size_t)piece);
    }
}

static void copy_inner(const maas_f32_conv_params *g, const patch_source *s, const int64_t *start,
                       int64_t count, uint8_t *to) {
  const uint8_t *from = s->x + ((start[0] * g->input[1] + start[1]) * g->input[2] + start[2]) * g->channels;
  if (s->copied == 16)
    copy_inside(g, s, from, count, 16, to);
  else if (s->copied == 32)
    copy_inside(g, s, from, count, 32, to);
  else
    copy_inside(g, s, from, count, 64, to);
}

/// All taps of the positions from `at` on, which lie in one row.
static void copy_row_of_patches(const maas_f32_conv_params *g, const patch_source *s, const int64_t *at,
                                int64_t count, uint8_t *to) {
  int64_t start[MAAS_SPATIAL_RANK], x = at[maas_width], end = x + count;
  for (int d = 0; d < MAAS_SPATIAL_RANK; d++)
    start[d] = at[d] * g->stride[d] - g->pad[d];
  inner_positions inner = inner_positions_of(g, s, start);
  while (x < end) {
    start[maas_width] = x * g->stride[maas_width] - g->pad[maas_width];
    int64_t inside = x < inner.first ? 0 : maas_min64(end, inner.last) - x;
    if (inside > 0)
      copy_inner(g, s, start, inside, to);
    else
      copy_patch(g, s->x, start, s->outside, to);
    inside = maas_max64(1, inside);
    x += inside, to += inside * s->pitch;
  }
}

/// The rows of a tile, and behind them their sums if the weights have zero points.
static void copy_patches(const maas_s8_conv_params *p, const conv_tile *t, void *const *operands,
                         maas_s8_block *block, uint8_t *scratch) {
  const maas_f32_conv_params *g = &p->conv;
  const maas_s8_finish *f = &p->finish;
  const uint8_t *x = (const uint8_t *)operands[MAAS_S8_A] +
                     t->image * maas_window_volume(g->input) * g->channels +
                     t->group * maas_s8_conv_channels(g);
  patch_source source = {
      .x = x, .run = g->kernel[maas_width] * maas_s8_conv_channels(g), .pitch = block->a_row};
  source.copied = source.run <= 16 ? 16 : source.run <= 32 ? 32 : maas_round_up(source.run, 64);
  source.end = (const uint8_t *)operands[MAAS_S8_A] + g->batch * maas_window_volume(g->input) * g->channels;
  source.outside = f->a_zeros ? *(const uint8_t *)operands[MAAS_S8_A_ZERO] : (uint8_t)f->a_zero;
  int64_t width = g->output[maas_width], height = g->output[maas_height];
  for (int64_t r = 0, count; r < t->rows; r += count) {
    int64_t position = t->position + r;
    int64_t at[] = {position / width / height, position / width % height, position % width};
    count = maas_min64(t->rows - r, width - at[maas_width]);
    copy_row_of_patches(g, &source, at, count, scratch + r * block->a_row);
  }
  int32_t *sums = (int32_t *)(void *)(scratch + g->tile_m * block->a_row);
  for (int64_t r = 0; r < t->rows; r++) {
    uint8_t *row = scratch + r * block->a_row;
    if (f->a_is_signed)
      turn_signs(row, block->k);
    if (maas_s8_needs_sums(f))
      sums[r] = sum_of(row, block->k);
  }
  block->a = scratch;
  block->a_sums = maas_s8_needs_sums(f) ? sums : NULL;
}

#include "slide.h"

static bool has_same_rows(const conv_tile *a, const conv_tile *b) {
  return a->image == b->image && a->group == b->group && a->position == b->position;
}

/// The rows of a tile, of which `starts` has room for where their pieces begin.
static maas_s8_block rows_of(const maas_s8_conv_params *p, void *const *operands, const conv_tile *t,
                             int64_t *starts, uint8_t *scratch) {
  int64_t k = maas_s8_conv_rows(&p->conv);
  maas_s8_block block = {.rows = t->rows,
                         .k = k,
                         .pieces = 1,
                         .piece = k,
                         .starts = &maas_s8_no_start,
                         .a_row = maas_s8_row(k),
                         .y_row = p->conv.filters,
                         .finish = &p->finish,
                         .operands = operands};
  if (maas_s8_conv_slides(&p->conv))
    slide(p, t, operands, &block, starts, scratch);
  else
    copy_patches(p, t, operands, &block, scratch);
  return block;
}

static void choose_columns(const maas_f32_conv_params *g, void *const *operands, const conv_tile *t,
                           maas_s8_lanes *lanes, maas_s8_block *block) {
  int64_t filters = maas_s8_conv_filters(g), panels = maas_ceil_div(filters, MAAS_NR);
  int64_t filter = t->group * filters + t->filter;
  int64_t position = t->image * maas_window_volume(g->output) + t->position;
  block->columns = t->columns;
  block->column = block->bias = filter;
  block->y = position * g->filters + filter;
  int64_t panel = t->group * panels + t->filter / MAAS_NR;
  block->b = (const uint8_t *)operands[MAAS_S8_B] + panel * maas_s8_panel(block->k, MAAS_NR);
  lanes->notes = maas_s8_notes_of(block->b, panel, g->groups * panels, block->k, MAAS_NR);
  block->lanes = lanes;
}

static void product_items(const maas_s8_conv_params *p, void *const *operands, int64_t begin, int64_t end,
                          uint8_t *scratch) {
  int64_t starts[maas_s8_conv_most_pieces];
  maas_s8_lanes lanes = {.spare = scratch + maas_s8_conv_copied(&p->conv, p->conv.tile_m)};
  conv_tile last = {.image = -1};
  maas_s8_block block;
  for (int64_t i = begin; i < end; i++) {
    conv_tile t = conv_tile_at(&p->conv, i);
    bool same = has_same_rows(&t, &last);
    if (!same)
      block = rows_of(p, operands, &t, starts, scratch);
    block.is_turned = same;
    choose_columns(&p->conv, operands, &t, &lanes, &block);
    MAAS_S8_BLOCK(&block);
    last = t;
  }
}

#ifdef MAAS_LANES
#include "winograd.h"
#endif

typedef void conv_items_function(const maas_s8_conv_params *p, void *const *operands, int64_t begin,
                                 int64_t end, uint8_t *scratch);
/// For each path but depthwise.
static conv_items_function *const conv_items[] = {
    [maas_s8_conv_product] = product_items,
#ifdef MAAS_LANES
    [maas_s8_conv_winograd] = winograd_items,
#endif
};

int32_t MAAS_S8_KERNEL(conv)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  const maas_s8_conv_params *p = step->params;
  if (p->conv.path == maas_s8_conv_depthwise)
    MAAS_S8_DEPTHWISE(p, step->operands, begin, end, worker->scratch);
  else
    conv_items[p->conv.path](p, step->operands, begin, end, worker->scratch);
  return MAAS_STEP_OK;
}
