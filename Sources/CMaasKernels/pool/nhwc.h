/// Channels-last pooling for one instruction set: a vector holds neighbouring channels. Included after body.h.

/// Taps along each dimension that count for one output position.
typedef struct pool_box {
  int64_t first[MAAS_SPATIAL_RANK], end[MAAS_SPATIAL_RANK];
  float divisor; ///< Of an average.
} pool_box;

static pool_box pool_box_at(const maas_f32_pool_params *g, const int64_t *at) {
  pool_box box;
  int64_t count = 1;
  for (int d = 0; d < MAAS_SPATIAL_RANK; d++) {
    maas_pool_range(g, d, at[d], 0, g->input[d], &box.first[d], &box.end[d]);
    count *= maas_pool_count(g, d, at[d]);
  }
  box.divisor = g->op == MAAS_POOL_AVERAGE && count > 0 ? (float)count : 1;
  return box;
}

/// The box of another output of the same row, whose first tap is at column `left`.
static inline void pool_box_move(const maas_f32_pool_params *g, const int64_t *at, int64_t left,
                                 pool_box *box) {
  int64_t last = left + (g->kernel[maas_width] - 1) * g->dilation[maas_width];
  box->first[maas_width] = 0, box->end[maas_width] = g->kernel[maas_width];
  if (left < 0 || last >= g->input[maas_width])
    maas_pool_range(g, maas_width, at[maas_width], 0, g->input[maas_width], &box->first[maas_width],
                    &box->end[maas_width]);
}

/// Channels [c, c + vectors * V_WIDTH), or the last n < V_WIDTH. `x` is where the window's first tap would be.
static inline __attribute__((always_inline)) void pool_pixel(const maas_f32_pool_params *g, const bool max,
                                                             const pool_box *box, const float *x, float *y,
                                                             const int vectors, const bool tail, int64_t n) {
  int64_t step = g->dilation[maas_width] * g->channels;
  vf sum[4];
  for (int v = 0; v < vectors; v++)
    sum[v] = v_set(max ? -INFINITY : 0);
  for (int64_t kz = box->first[maas_depth]; kz < box->end[maas_depth]; kz++)
    for (int64_t ky = box->first[maas_height]; ky < box->end[maas_height]; ky++) {
      int64_t row = kz * g->dilation[maas_depth] * g->input[maas_height] + ky * g->dilation[maas_height];
      const float *from = x + row * g->input[maas_width] * g->channels + box->first[maas_width] * step;
      for (int64_t kx = box->first[maas_width]; kx < box->end[maas_width]; kx++, from += step)
        for (int v = 0; v < vectors; v++) {
          vf value = tail ? v_load_tail(from, n) : v_load(from + v * V_WIDTH);
          sum[v] = max ? v_maximum(sum[v], value) : v_add(sum[v], value);
        }
    }
  for (int v = 0; v < vectors; v++) {
    vf value = max ? sum[v] : v_div(sum[v], v_set(box->divisor));
    if (tail)
      v_store_tail(y, value, n);
    else
      v_store(y + v * V_WIDTH, value);
  }
}

static inline __attribute__((always_inline)) void
pool_channels(const maas_f32_pool_params *g, const bool max, const pool_box *box, const float *x, float *y) {
  int64_t c = 0;
  for (; c + 4 * V_WIDTH <= g->channels; c += 4 * V_WIDTH)
    pool_pixel(g, max, box, x + c, y + c, 4, false, 0);
  for (; c + V_WIDTH <= g->channels; c += V_WIDTH)
    pool_pixel(g, max, box, x + c, y + c, 1, false, 0);
  if (c < g->channels)
    pool_pixel(g, max, box, x + c, y + c, 1, true, g->channels - c);
}

/// Items: rows of y.
int32_t MAAS_F32_KERNEL(pool_nhwc)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  (void)worker;
  const maas_f32_pool_params *g = step->params;
  int64_t width = g->output[maas_width];
  for (int64_t i = begin; i < end; i++) {
    int64_t image = i / g->output[maas_height] / g->output[maas_depth];
    int64_t at[] = {i / g->output[maas_height] % g->output[maas_depth], i % g->output[maas_height], 0};
    int64_t z = at[0] * g->stride[0] - g->pad_begin[0], y = at[1] * g->stride[1] - g->pad_begin[1];
    int64_t row = (image * g->input[0] + z) * g->input[1] + y;
    float *to = (float *)step->operands[1] + i * width * g->channels;
    for (; at[maas_width] < width; at[maas_width]++, to += g->channels) {
      int64_t left = at[maas_width] * g->stride[maas_width] - g->pad_begin[maas_width];
      const float *x = (const float *)step->operands[0] + (row * g->input[maas_width] + left) * g->channels;
      pool_box box = pool_box_at(g, at);
      if (g->op == MAAS_POOL_MAX)
        pool_channels(g, true, &box, x, to);
      else
        pool_channels(g, false, &box, x, to);
    }
  }
  return MAAS_STEP_OK;
}
