/// Gradients of softmax and log-softmax for one instruction set. Items as those of softmax.

/// The sum of dy y, or of dy alone.
static float softmax_slope_sum(const float *dy, const float *y, int64_t n, bool log) {
  vf sum[2] = {v_set(0), v_set(0)};
  int64_t i = 0;
  for (; i + 2 * V_WIDTH <= n; i += 2 * V_WIDTH)
    for (int s = 0; s < 2; s++) {
      vf g = v_load(dy + i + s * V_WIDTH);
      sum[s] = log ? v_add(sum[s], g) : v_fma(g, v_load(y + i + s * V_WIDTH), sum[s]);
    }
  for (; i < n; i += V_WIDTH) {
    int64_t count = maas_min64(V_WIDTH, n - i);
    vf g = v_load_part(dy + i, count);
    sum[0] = log ? v_add(sum[0], g) : v_fma(g, v_load_part(y + i, count), sum[0]);
  }
  return v_sum(v_add(sum[0], sum[1]));
}

static inline vf softmax_slope_of(vf g, vf y, vf sum, bool log) {
  return log ? v_sub(g, v_mul(v_exp(y), sum)) : v_mul(y, v_sub(g, sum));
}

static void softmax_slope_row(const float *dy, const float *y, float *dx, int64_t n, bool log) {
  vf sum = v_set(softmax_slope_sum(dy, y, n, log));
  for (int64_t i = 0; i < n; i += V_WIDTH) {
    int64_t count = maas_min64(V_WIDTH, n - i);
    vf own = v_load_part(dy + i, count);
    v_store_part(dx + i, softmax_slope_of(own, v_load_part(y + i, count), sum, log), count);
  }
}

/// n <= V_WIDTH columns side by side.
static void softmax_slope_columns(const float *dy, const float *y, float *dx, int64_t n,
                                  const maas_f32_softmax_params *g) {
  vf sum = v_set(0);
  for (int64_t a = 0; a < g->axis * g->inner; a += g->inner) {
    vf own = v_load_part(dy + a, n);
    sum = g->log ? v_add(sum, own) : v_fma(own, v_load_part(y + a, n), sum);
  }
  for (int64_t a = 0; a < g->axis * g->inner; a += g->inner)
    v_store_part(dx + a, softmax_slope_of(v_load_part(dy + a, n), v_load_part(y + a, n), sum, g->log), n);
}

static void softmax_slope_block(const maas_f32_softmax_params *g, const float *dy, const float *y, float *dx,
                                int64_t index) {
  int64_t blocks = maas_ceil_div(g->inner, maas_softmax_columns);
  int64_t first = index % blocks * maas_softmax_columns,
          end = maas_min64(g->inner, first + maas_softmax_columns);
  int64_t outer = index / blocks * g->axis * g->inner;
  for (int64_t j = outer + first; j < outer + end; j += V_WIDTH)
    softmax_slope_columns(dy + j, y + j, dx + j, maas_min64(V_WIDTH, outer + end - j), g);
}

int32_t MAAS_F32_KERNEL(softmax_slope)(const maas_step *step, int64_t begin, int64_t end,
                                       maas_worker *worker) {
  (void)worker;
  const maas_f32_softmax_params *g = step->params;
  const float *dy = step->operands[0], *y = step->operands[1];
  float *dx = step->operands[2];
  for (int64_t i = begin; i < end; i++)
    if (g->inner == 1)
      softmax_slope_row(dy + i * g->axis, y + i * g->axis, dx + i * g->axis, g->axis, g->log);
    else
      softmax_slope_block(g, dy, y, dx, i);
  return MAAS_STEP_OK;
}
