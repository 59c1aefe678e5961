/// Softmax for one instruction set: maximum, sum of exponentials, scale. A row without a finite maximum gives
/// NaN, as the formula does.
#include "../simd/math.h"
#include "softmax.h"

/// The largest element; of a NaN it knows nothing: that shows in the exponentials.
static float row_maximum(const float *x, int64_t n) {
  vf most[4] = {v_set(-INFINITY), v_set(-INFINITY), v_set(-INFINITY), v_set(-INFINITY)};
  int64_t i = 0;
  for (; i + 4 * V_WIDTH <= n; i += 4 * V_WIDTH)
    for (int s = 0; s < 4; s++)
      most[s] = v_max(v_load(x + i + s * V_WIDTH), most[s]);
  for (; i + V_WIDTH <= n; i += V_WIDTH)
    most[0] = v_max(v_load(x + i), most[0]);
  if (i < n)
    most[1] = v_max(v_load_tail_or(x + i, n - i, -INFINITY), most[1]);
  return v_max_lane(v_max(v_max(most[0], most[1]), v_max(most[2], most[3])));
}

/// The sum of e^(x - most); the exponentials themselves go to y unless that is NULL. Where they are `normal`, what is
/// below 2^-126 does not count.
static inline __attribute__((always_inline)) float row_exponentials(const float *x, float *y, int64_t n,
                                                                    float most, const bool normal) {
  vf sum = v_set(0), shift = v_set(most);
  int64_t i = 0;
  for (; i + V_WIDTH <= n; i += V_WIDTH) {
    vf shifted = v_sub(v_load(x + i), shift), e = normal ? v_exp_normal(shifted) : v_exp_negative(shifted);
    if (y)
      v_store(y + i, e);
    sum = v_add(sum, e);
  }
  if (i < n) {
    vf shifted = v_sub(v_load_tail(x + i, n - i), shift);
    vf e = normal ? v_exp_normal(shifted) : v_exp_negative(shifted);
    if (y)
      v_store_tail(y + i, e, n - i);
    sum = v_add(sum, v_first(e, n - i));
  }
  return v_sum(sum);
}

static void row_scale(float *y, int64_t n, float scale) {
  vf s = v_set(scale);
  int64_t i = 0;
  for (; i + V_WIDTH <= n; i += V_WIDTH)
    v_store(y + i, v_mul(v_load(y + i), s));
  if (i < n)
    v_store_tail(y + i, v_mul(v_load_tail(y + i, n - i), s), n - i);
}

static void row_shift(const float *x, float *y, int64_t n, float most, float log_sum) {
  vf m = v_set(most), l = v_set(log_sum);
  int64_t i = 0;
  for (; i + V_WIDTH <= n; i += V_WIDTH)
    v_store(y + i, v_sub(v_sub(v_load(x + i), m), l));
  if (i < n)
    v_store_tail(y + i, v_sub(v_sub(v_load_tail(x + i, n - i), m), l), n - i);
}

static void softmax_row(const float *x, float *y, int64_t n, bool log) {
  float most = row_maximum(x, n), sum = row_exponentials(x, log ? NULL : y, n, most, false);
  if (log)
    row_shift(x, y, n, most, logf(sum));
  else
    row_scale(y, n, 1 / sum);
}

/// n <= V_WIDTH columns side by side, `axis` elements each, `inner` apart.
static void softmax_columns(const float *x, float *y, int64_t n, int64_t axis, int64_t inner, bool log) {
  vf most = v_set(-INFINITY), sum = v_set(0);
  for (int64_t a = 0; a < axis; a++)
    most = v_maximum(most, v_load_tail(x + a * inner, n));
  for (int64_t a = 0; a < axis; a++) {
    vf e = v_exp_negative(v_sub(v_load_tail(x + a * inner, n), most));
    sum = v_add(sum, e);
    if (!log)
      v_store_tail(y + a * inner, e, n);
  }
  vf last = log ? v_log(sum) : v_div(v_set(1), sum);
  for (int64_t a = 0; a < axis; a++)
    if (log)
      v_store_tail(y + a * inner, v_sub(v_sub(v_load_tail(x + a * inner, n), most), last), n);
    else
      v_store_tail(y + a * inner, v_mul(v_load_tail(y + a * inner, n), last), n);
}

static void softmax_block(const maas_f32_softmax_params *g, const float *x, float *y, int64_t index) {
  int64_t blocks = maas_ceil_div(g->inner, maas_softmax_columns);
  int64_t first = index % blocks * maas_softmax_columns,
          end = maas_min64(g->inner, first + maas_softmax_columns);
  int64_t outer = index / blocks * g->axis * g->inner;
  for (int64_t j = first; j < end; j += V_WIDTH)
    softmax_columns(x + outer + j, y + outer + j, maas_min64(V_WIDTH, end - j), g->axis, g->inner, g->log);
}

int32_t MAAS_F32_KERNEL(softmax)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  (void)worker;
  const maas_f32_softmax_params *g = step->params;
  const float *x = step->operands[0];
  float *y = step->operands[1];
  for (int64_t i = begin; i < end; i++)
    if (g->inner == 1)
      softmax_row(x + i * g->axis, y + i * g->axis, g->axis, g->log);
    else
      softmax_block(g, x, y, i);
  return MAAS_STEP_OK;
}

static void add_mask(float *x, const float *mask, int64_t n) {
  vf hidden = v_set(-INFINITY);
  int64_t i = 0;
  for (; i + V_WIDTH <= n; i += V_WIDTH) {
    vf m = v_load(mask + i);
    v_store(x + i, v_select(v_equal(m, hidden), hidden, v_add(v_load(x + i), m)));
  }
  if (i < n) {
    vf m = v_load_tail(mask + i, n - i);
    v_store_tail(x + i, v_select(v_equal(m, hidden), hidden, v_add(v_load_tail(x + i, n - i), m)), n - i);
  }
}

static void apply_mask(const maas_f32_online_softmax_params *g, float *x, const void *mask, int64_t row) {
  if (g->mask == MAAS_MASK_ADDED)
    add_mask(x, (const float *)mask + row * g->mask_row, g->mask_n);
  const uint8_t *chosen = (const uint8_t *)mask + row * g->mask_row;
  if (g->mask == MAAS_MASK_CHOSEN)
    for (int64_t i = 0; i < g->mask_n; i++)
      x[i] = chosen[i] ? x[i] : g->fill;
}

static void online_row(float *x, int64_t n, float *maximum, float *sum, float *y, int64_t width) {
  float tile = row_maximum(x, n);
  float most = tile > *maximum || isnan(tile) ? tile : *maximum;
  float shift = most == -INFINITY ? 0 : most;
  float keep = expf(*maximum - shift);
  bool is_first = *sum == 0;
  *sum = keep * *sum + row_exponentials(x, x, n, shift, true);
  *maximum = most;
  if (keep != 1 && !is_first)
    row_scale(y, width, keep);
}

int32_t MAAS_F32_KERNEL(online_softmax)(const maas_step *step, int64_t begin, int64_t end,
                                        maas_worker *worker) {
  (void)worker;
  const maas_f32_online_softmax_params *g = step->params;
  float *x = step->operands[0], *maximum = step->operands[1], *sum = step->operands[2],
        *y = step->operands[3];
  for (int64_t i = begin; i < end; i++) {
    if (g->mask != MAAS_MASK_NONE)
      apply_mask(g, x + i * g->n, step->operands[4], i);
    online_row(x + i * g->n, g->n, maximum + i, sum + i, y + i * g->width, g->width);
  }
  return MAAS_STEP_OK;
}
