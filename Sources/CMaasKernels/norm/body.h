/// Layer normalisation and per-channel scaling for one instruction set.
#include "../row.h"
#include "../simd/math.h"
#include "sums.h"

typedef struct norm_row {
  const float *x, *scale, *bias;
  float *y;
  float mean, inverse;
} norm_row;

static inline __attribute__((always_inline)) void norm_columns(const norm_row *r, int64_t i, int64_t n) {
  vf d = v_mul(v_sub(v_load_tail(r->x + i, n), v_set(r->mean)), v_set(r->inverse));
  if (r->scale)
    d = v_mul(d, v_load_tail(r->scale + i, n));
  if (r->bias)
    d = v_add(d, v_load_tail(r->bias + i, n));
  v_store_tail(r->y + i, d, n);
}

/// The common form, whole vectors; the rest goes through norm_columns with the same operations.
static int64_t norm_vectors(const norm_row *r, int64_t n) {
  vf mean = v_set(r->mean), inverse = v_set(r->inverse);
  int64_t i = 0;
  for (; i + V_WIDTH <= n; i += V_WIDTH) {
    vf d = v_mul(v_sub(v_load(r->x + i), mean), inverse);
    if (r->scale)
      d = v_mul(d, v_load(r->scale + i));
    if (r->bias)
      d = v_add(d, v_load(r->bias + i));
    v_store(r->y + i, d);
  }
  return i;
}

static void layer_norm_row(const maas_f32_layer_norm_params *g, void *const *operands, int64_t row) {
  norm_row r = {.x = (const float *)operands[0] + row * g->n,
                .scale = operands[1],
                .bias = operands[2],
                .y = (float *)operands[3] + row * g->n};
  r.mean = g->rms ? 0 : row_mean(r.x, g->n);
  r.inverse = 1 / sqrtf(row_sum(r.x, g->n, r.mean, true) / (float)g->n + g->epsilon);
  int64_t i = norm_vectors(&r, g->n);
  if (i < g->n)
    norm_columns(&r, i, g->n - i);
  if (operands[4])
    ((float *)operands[4])[row] = r.mean;
  if (operands[5])
    ((float *)operands[5])[row] = r.inverse;
}

int32_t MAAS_F32_KERNEL(layer_norm)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  (void)worker;
  for (int64_t i = begin; i < end; i++)
    layer_norm_row(step->params, step->operands, i);
  return MAAS_STEP_OK;
}

/// y = x * scale + shift, either of them one value or consecutive ones.
static inline __attribute__((always_inline)) void
affine_row(const float *x, const float *scale, const float *shift, const bool each, float *y, int64_t n) {
  int64_t i = 0;
  for (; i + V_WIDTH <= n; i += V_WIDTH)
    v_store(y + i, v_fma(v_load(x + i), each ? v_load(scale + i) : v_set(*scale),
                         each ? v_load(shift + i) : v_set(*shift)));
  if (i < n)
    v_store_tail(y + i,
                 v_fma(v_load_tail(x + i, n - i), each ? v_load_tail(scale + i, n - i) : v_set(*scale),
                       each ? v_load_tail(shift + i, n - i) : v_set(*shift)),
                 n - i);
}

/// Items: channels of an outer row, or whole outer rows where inner is 1.
int32_t MAAS_F32_KERNEL(channel_affine)(const maas_step *step, int64_t begin, int64_t end,
                                        maas_worker *worker) {
  (void)worker;
  const maas_f32_channel_affine_params *g = step->params;
  const maas_f32_activation *f = &g->activation;
  const float *x = step->operands[0], *scale = step->operands[1], *shift = step->operands[2];
  float *y = step->operands[3];
  int64_t n = g->inner == 1 ? g->channels : g->inner;
  for (int64_t i = begin; i < end; i++) {
    int64_t channel = i % g->channels;
    if (g->inner == 1)
      affine_row(x + i * n, scale, shift, true, y + i * n, n);
    else
      affine_row(x + i * n, scale + channel, shift + channel, false, y + i * n, n);
    if (f->op != MAAS_UNARY_IDENTITY)
      MAAS_F32_SHARED(unary_rows)[f->op](y + i * n, y + i * n, n, f->alpha, f->beta);
  }
  return MAAS_STEP_OK;
}
