/// Channels-last maxima of bytes for one instruction set. Included after nhwc.h.

#define MAAS_RAISE(name, type)                                                                               \
  static void name(const void *x, void *y, int64_t n) {                                                      \
    const type *restrict from = x;                                                                           \
    type *restrict to = y;                                                                                   \
    for (int64_t i = 0; i < n; i++)                                                                          \
      to[i] = to[i] > from[i] ? to[i] : from[i];                                                             \
  }
MAAS_RAISE(raise_u8, uint8_t)
MAAS_RAISE(raise_s8, int8_t)

/// `x` is where the window's first tap would be, `to` holds the lowest byte.
static void raise_pixel(const maas_f32_pool_params *g, const pool_box *box, bool is_signed, const uint8_t *x,
                        uint8_t *to) {
  int64_t step = g->dilation[maas_width] * g->channels;
  for (int64_t kz = box->first[maas_depth]; kz < box->end[maas_depth]; kz++)
    for (int64_t ky = box->first[maas_height]; ky < box->end[maas_height]; ky++) {
      int64_t row = kz * g->dilation[maas_depth] * g->input[maas_height] + ky * g->dilation[maas_height];
      const uint8_t *from = x + row * g->input[maas_width] * g->channels;
      for (int64_t kx = box->first[maas_width]; kx < box->end[maas_width]; kx++)
        (is_signed ? raise_s8 : raise_u8)(from + kx * step, to, g->channels);
    }
}

/// Items: rows of y.
int32_t MAAS_JOIN4_EXPANDED(maas_s8_, pool_nhwc, MAAS_TILE, MAAS_ISA_SUFFIX)(const maas_step *step,
                                                                             int64_t begin, int64_t end,
                                                                             maas_worker *worker) {
  (void)worker;
  const maas_f32_pool_params *g = step->params;
  int64_t line = g->output[maas_width] * g->channels;
  for (int64_t i = begin; i < end; i++) {
    int64_t image = i / g->output[maas_height] / g->output[maas_depth];
    int64_t at[] = {i / g->output[maas_height] % g->output[maas_depth], i % g->output[maas_height], 0};
    int64_t z = at[0] * g->stride[0] - g->pad_begin[0], y = at[1] * g->stride[1] - g->pad_begin[1];
    int64_t row = (image * g->input[0] + z) * g->input[1] + y;
    uint8_t *to = (uint8_t *)step->operands[1] + i * line;
    memset(to, g->is_signed ? 0x80 : 0, (size_t)line);
    for (; at[maas_width] < g->output[maas_width]; at[maas_width]++, to += g->channels) {
      int64_t left = at[maas_width] * g->stride[maas_width] - g->pad_begin[maas_width];
      const uint8_t *x =
          (const uint8_t *)step->operands[0] + (row * g->input[maas_width] + left) * g->channels;
      pool_box box = pool_box_at(g, at);
      raise_pixel(g, &box, g->is_signed, x, to);
    }
  }
  return MAAS_STEP_OK;
}
