/// Gradients of the normalisations for one instruction set.
#include "../../norm/sums.h"

/// What is the same for all elements of a row: x is normalised to (x - mean) inverse.
typedef struct norm_slope {
  float mean, inverse;
  float shift;  ///< The mean of dy scale.
  float factor; ///< The mean of dy scale times the normalised x.
} norm_slope;

static inline vf norm_slope_scaled(const float *dy, const float *scale, int64_t n) {
  vf g = v_load_part(dy, n);
  return scale ? v_mul(g, v_load_part(scale, n)) : g;
}

static void norm_slope_means(norm_slope *s, const float *dy, const float *x, const float *scale, int64_t n,
                             bool centred) {
  vf shift = v_set(0), factor = v_set(0), mean = v_set(s->mean);
  for (int64_t i = 0; i < n; i += V_WIDTH) {
    int64_t count = maas_min64(V_WIDTH, n - i);
    vf g = norm_slope_scaled(dy + i, scale ? scale + i : NULL, count);
    shift = v_add(shift, g);
    factor = v_fma(g, v_sub(v_load_part(x + i, count), mean), factor);
  }
  s->shift = centred ? v_sum(shift) / (float)n : 0;
  s->factor = v_sum(factor) / (float)n * s->inverse;
}

/// dx = inverse (dy scale - shift - factor (x - mean) inverse)
static void norm_slope_row(const norm_slope *s, const float *dy, const float *x, const float *scale,
                           float *dx, int64_t n) {
  vf mean = v_set(s->mean), inverse = v_set(s->inverse), shift = v_set(s->shift),
     slope = v_set(-s->factor * s->inverse);
  for (int64_t i = 0; i < n; i += V_WIDTH) {
    int64_t count = maas_min64(V_WIDTH, n - i);
    vf g = v_sub(norm_slope_scaled(dy + i, scale ? scale + i : NULL, count), shift);
    vf d = v_fma(slope, v_sub(v_load_part(x + i, count), mean), g);
    v_store_part(dx + i, v_mul(inverse, d), count);
  }
}

int32_t MAAS_F32_KERNEL(layer_norm_slope)(const maas_step *step, int64_t begin, int64_t end,
                                          maas_worker *worker) {
  (void)worker;
  const maas_f32_layer_norm_params *g = step->params;
  const float *scale = step->operands[2];
  float *means = step->operands[4], *inverses = step->operands[5];
  for (int64_t row = begin; row < end; row++) {
    const float *dy = (const float *)step->operands[0] + row * g->n,
                *x = (const float *)step->operands[1] + row * g->n;
    norm_slope s = {.mean = g->rms ? 0 : row_mean(x, g->n)};
    s.inverse = 1 / sqrtf(row_sum(x, g->n, s.mean, true) / (float)g->n + g->epsilon);
    norm_slope_means(&s, dy, x, scale, g->n, !g->rms);
    norm_slope_row(&s, dy, x, scale, (float *)step->operands[3] + row * g->n, g->n);
    if (means)
      means[row] = s.mean;
    if (inverses)
      inverses[row] = s.inverse;
  }
  return MAAS_STEP_OK;
}

/// Sums in float are of so many rows; those are added up in double.
enum { norm_sum_rows = 64 };

/// `count` <= maas_norm_columns columns from `at` on.
static void layer_norm_sums_block(const maas_f32_layer_norm_params *g, void *const *operands, int64_t at,
                                  int64_t count) {
  const float *dy = (const float *)operands[0] + at, *x = (const float *)operands[1] + at,
              *means = operands[2], *inverses = operands[3];
  float *results[2] = {operands[4], operands[5]}, sums[2][maas_norm_columns];
  double totals[2][maas_norm_columns] = {{0}};
  for (int64_t r = 0; r < g->rows;) {
    memset(sums, 0, sizeof sums);
    for (int64_t end = maas_min64(g->rows, r + norm_sum_rows); r < end; r++, dy += g->n, x += g->n) {
      vf mean = v_set(means ? means[r] : 0), inverse = v_set(inverses[r]);
      for (int64_t j = 0; j < count; j += V_WIDTH) {
        int64_t n = maas_min64(V_WIDTH, count - j);
        vf own = v_load_part(dy + j, n), centred = v_sub(v_load_part(x + j, n), mean);
        v_store(sums[0] + j, v_fma(own, v_mul(centred, inverse), v_load(sums[0] + j)));
        v_store(sums[1] + j, v_add(own, v_load(sums[1] + j)));
      }
    }
    for (int s = 0; s < 2; s++)
      for (int64_t j = 0; j < count; j++)
        totals[s][j] += sums[s][j];
  }
  for (int s = 0; s < 2; s++)
    for (int64_t j = 0; results[s] && j < count; j++)
      results[s][at + j] = (float)totals[s][j];
}

int32_t MAAS_F32_KERNEL(layer_norm_sums)(const maas_step *step, int64_t begin, int64_t end,
                                         maas_worker *worker) {
  (void)worker;
  const maas_f32_layer_norm_params *g = step->params;
  for (int64_t i = begin * maas_norm_columns; i < maas_min64(g->n, end * maas_norm_columns);
       i += maas_norm_columns)
    layer_norm_sums_block(g, step->operands, i, maas_min64(maas_norm_columns, g->n - i));
  return MAAS_STEP_OK;
}

/// The sums over the rows of a channel that its gradient needs.
typedef struct channel_sums {
  double x, squares, dy, products;
} channel_sums;

/// Adds a row's: those of (x - mean), its square, dy, and dy (x - mean).
static void channel_sums_row(channel_sums *s, const float *dy, const float *x, float mean, int64_t n) {
  vf centre = v_set(mean), xs = v_set(0), squares = v_set(0), dys = v_set(0), products = v_set(0);
  for (int64_t i = 0; i < n; i += V_WIDTH) {
    int64_t count = maas_min64(V_WIDTH, n - i);
    vf d = v_first(v_sub(v_load_part(x + i, count), centre), count), g = v_load_part(dy + i, count);
    xs = v_add(xs, d);
    squares = v_fma(d, d, squares);
    dys = v_add(dys, g);
    products = v_fma(g, d, products);
  }
  s->x += v_sum(xs);
  s->squares += v_sum(squares);
  s->dy += v_sum(dys);
  s->products += v_sum(products);
}

enum { channel_stretch = 1024 };

static channel_sums channel_sums_of(const maas_f32_channel_norm_params *g, const float *dy, const float *x,
                                    float mean) {
  channel_sums s = {0};
  for (int64_t o = 0; o < g->outer; o++, dy += g->channels * g->inner, x += g->channels * g->inner)
    for (int64_t i = 0; i < g->inner; i += channel_stretch)
      channel_sums_row(&s, dy + i, x + i, mean, maas_min64(channel_stretch, g->inner - i));
  return s;
}

static void channel_norm_slope_item(const maas_f32_channel_norm_params *g, void *const *operands, int64_t c) {
  const float *dy = (const float *)operands[0] + c * g->inner, *x = (const float *)operands[1] + c * g->inner;
  const float *scale = operands[2], *mean = operands[3], *variance = operands[4];
  double count = (double)g->outer * (double)g->inner;
  norm_slope s = {.mean = mean ? mean[c] : 0};
  if (!mean) // The second sum takes back the rounding of the first one.
    for (int i = 0; i < 2; i++)
      s.mean += (float)(channel_sums_of(g, x, x, s.mean).x / count);
  channel_sums sums = channel_sums_of(g, dy, x, s.mean);
  double deviation = sqrt((variance ? variance[c] : sums.squares / count) + (double)g->epsilon);
  float *dx = operands[5], *dscale = operands[6], *dbias = operands[7];
  if (dscale)
    dscale[c] = (float)(sums.products / deviation);
  if (dbias)
    dbias[c] = (float)sums.dy;
  s.inverse = (float)(1 / deviation);
  s.shift = mean ? 0 : (float)(sums.dy / count);
  s.factor = mean ? 0 : (float)(sums.products / deviation / count);
  vf by = v_set(scale[c] * s.inverse), shift = v_set(s.shift), slope = v_set(-s.factor * s.inverse),
     centre = v_set(s.mean);
  dx = dx ? dx + c * g->inner : NULL;
  for (int64_t o = 0; dx && o < g->outer; o++) {
    int64_t row = o * g->channels * g->inner;
    for (int64_t i = 0; i < g->inner; i += V_WIDTH) {
      int64_t n = maas_min64(V_WIDTH, g->inner - i);
      vf own = v_sub(v_load_part(dy + row + i, n), shift);
      own = v_fma(slope, v_sub(v_load_part(x + row + i, n), centre), own);
      v_store_part(dx + row + i, v_mul(by, own), n);
    }
  }
}

int32_t MAAS_F32_KERNEL(channel_norm_slope)(const maas_step *step, int64_t begin, int64_t end,
                                            maas_worker *worker) {
  (void)worker;
  for (int64_t c = begin; c < end; c++)
    channel_norm_slope_item(step->params, step->operands, c);
  return MAAS_STEP_OK;
}
