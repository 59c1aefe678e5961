/// Channels-last maxima of bytes for one instruction set. Included after nhwc.h.

typedef uint8_t u8_row __attribute__((vector_size(4 * V_WIDTH), aligned(1), may_alias));
typedef int8_t s8_row __attribute__((vector_size(4 * V_WIDTH), aligned(1), may_alias));

/// The channels of one output: `x` is where the window's first tap would be.
#define MAAS_RAISE(name, row, one)                                                                           \
  static void name(const maas_f32_pool_params *g, const pool_box *box, const uint8_t *x, uint8_t *y) {       \
    int64_t step = g->dilation[maas_width] * g->channels, line = g->input[maas_width] * g->channels, c = 0;  \
    for (; c + (int64_t)sizeof(row) <= g->channels; c += (int64_t)sizeof(row)) {                             \
      row most = *(const row *)(const void *)(y + c);                                                        \
      MAAS_TAPS(most = __builtin_elementwise_max(most, *(const row *)(const void *)(from + c)))              \
      *(row *)(void *)(y + c) = most;                                                                        \
    }                                                                                                        \
    for (; c < g->channels; c++) {                                                                           \
      one most = (one)y[c];                                                                                  \
      MAAS_TAPS(most = most > (one)from[c] ? most : (one)from[c])                                            \
      y[c] = (uint8_t)most;                                                                                  \
    }                                                                                                        \
  }
#define MAAS_TAPS(body)                                                                                      \
  for (int64_t kz = box->first[maas_depth]; kz < box->end[maas_depth]; kz++)                                 \
    for (int64_t ky = box->first[maas_height]; ky < box->end[maas_height]; ky++) {                           \
      int64_t above = kz * g->dilation[maas_depth] * g->input[maas_height] + ky * g->dilation[maas_height];  \
      const uint8_t *from = x + above * line + box->first[maas_width] * step;                                \
      for (int64_t kx = box->first[maas_width]; kx < box->end[maas_width]; kx++, from += step)               \
        body;                                                                                                \
    }
MAAS_RAISE(raise_u8, u8_row, uint8_t)
MAAS_RAISE(raise_s8, s8_row, int8_t)

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
    pool_box box = pool_box_at(g, at);
    memset(to, g->is_signed ? 0x80 : 0, (size_t)line);
    for (; at[maas_width] < g->output[maas_width]; at[maas_width]++, to += g->channels) {
      int64_t left = at[maas_width] * g->stride[maas_width] - g->pad_begin[maas_width];
      const uint8_t *x =
          (const uint8_t *)step->operands[0] + (row * g->input[maas_width] + left) * g->channels;
      pool_box_move(g, at, left, &box);
      (g->is_signed ? raise_s8 : raise_u8)(g, &box, x, to);
    }
  }
  return MAAS_STEP_OK;
}
