/// Taps that are read where they lie, for one instruction set. Included by patches.h.

/// Lines of x from `first` on as the kernel sees them, with what is outside.
static void copy_slab(const maas_s8_conv_params *p, const uint8_t *x, int64_t first, int64_t lines,
                      uint8_t outside, uint8_t *to) {
  const maas_f32_conv_params *g = &p->conv;
  int64_t width = maas_s8_conv_reach(g, maas_width, g->output[maas_width]), line = width * g->channels;
  for (int64_t i = 0; i < lines; i++)
    copy_pixels(g, image_row(g, x, 0, first + i), -g->pad[maas_width], width, outside, to + i * line);
  if (p->finish.a_is_signed)
    turn_signs(to, lines * line);
}

/// Where the pieces of taps begin, when lines of x are `line` bytes apart.
static void find_starts(const maas_f32_conv_params *g, int64_t line, int64_t *starts) {
  int64_t in_row = maas_s8_conv_pieces(g) / g->kernel[maas_height];
  for (int64_t i = 0; i < maas_s8_conv_pieces(g); i++)
    starts[i] =
        i / in_row * g->dilation[maas_height] * line + i % in_row * g->dilation[maas_width] * g->channels;
}

/// Where the taps of each position begin, when the first line of outputs begins at 0.
static void find_places(const maas_f32_conv_params *g, const conv_tile *t, int64_t line, int64_t *places) {
  const int64_t width = g->output[maas_width], step = g->stride[maas_width] * g->channels;
  int64_t x = t->position % width, first = 0;
  for (int64_t r = 0, count; r < t->rows; r += count, x = 0, first += g->stride[maas_height] * line) {
    count = maas_min64(t->rows - r, width - x);
    for (int64_t i = 0; i < count; i++)
      places[r + i] = first + (x + i) * step;
  }
}

static int32_t sum_of_pieces(const maas_s8_block *block, int64_t row) {
  const uint8_t *from = block->a + (block->places ? block->places[row] : row * block->a_row);
  uint32_t sum = 0;
  for (int64_t i = 0; i < block->pieces; i++)
    sum += (uint32_t)sum_of(from + block->starts[i], block->piece);
  return (int32_t)sum;
}

static void slide(const maas_s8_conv_params *p, const conv_tile *t, void *const *operands,
                  maas_s8_block *block, int64_t *starts, uint8_t *scratch) {
  const maas_f32_conv_params *g = &p->conv;
  const maas_s8_finish *f = &p->finish;
  int64_t width = g->output[maas_width], line = g->input[maas_width] * g->channels;
  int64_t y = t->position / width, lines = (t->position + t->rows - 1) / width - y + 1;
  int64_t first = y * g->stride[maas_height] - g->pad[maas_height];
  const uint8_t *x =
      (const uint8_t *)operands[MAAS_S8_A] + t->image * maas_window_volume(g->input) * g->channels;
  int64_t *places = (int64_t *)(void *)scratch;
  int32_t *sums = (int32_t *)(void *)(places + g->tile_m);
  if (maas_s8_conv_is_inside(g) && !f->a_is_signed) {
    block->a = x + first * line - g->pad[maas_width] * g->channels;
  } else {
    uint8_t *slab = (uint8_t *)(sums + g->tile_m);
    uint8_t outside = f->a_zeros ? *(const uint8_t *)operands[MAAS_S8_A_ZERO] : (uint8_t)f->a_zero;
    copy_slab(p, x, first, maas_s8_conv_reach(g, maas_height, lines), outside, slab);
    block->a = slab;
    line = maas_s8_conv_reach(g, maas_width, width) * g->channels;
  }
  block->a += t->group * maas_s8_conv_channels(g);
  block->piece = maas_s8_conv_piece(g), block->pieces = maas_s8_conv_pieces(g);
  find_starts(g, line, starts);
  block->starts = starts;
  block->a_row = g->stride[maas_width] * g->channels;
  if (line * g->stride[maas_height] == width * block->a_row) {
    block->a += t->position % width * block->a_row;
  } else {
    find_places(g, t, line, places);
    block->places = places;
  }
  if (!maas_s8_needs_sums(f))
    return;
  for (int64_t r = 0; r < t->rows; r++)
    sums[r] = sum_of_pieces(block, r);
  block->a_sums = sums;
}
