/// What attention needs for one instruction set: products of few rows with a matrix that is read once and therefore
/// not packed, where a work item is a row of y, and the rotation of heads.
#include "../split.h"
#include "../simd/math.h"

static vf partial(const float *a, const float *b, vf sum, int64_t n) {
  return v_fma(v_load_tail(a, n), v_load_tail(b, n), sum);
}

/// The products of x with four neighbouring rows of b.
static void four_dots(const float *x, const float *b, int64_t b_row, int64_t n, float *sums) {
  vf s[4] = {v_set(0), v_set(0), v_set(0), v_set(0)};
  int64_t i = 0;
  for (; i + V_WIDTH <= n; i += V_WIDTH) {
    vf own = v_load(x + i);
    for (int r = 0; r < 4; r++)
      s[r] = v_fma(own, v_load(b + r * b_row + i), s[r]);
  }
  for (int r = 0; r < 4; r++) {
    if (i < n)
      s[r] = partial(x + i, b + r * b_row + i, s[r], n - i);
    sums[r] = v_sum(s[r]);
  }
}

static float one_dot(const float *x, const float *b, int64_t n) {
  vf s = v_set(0);
  int64_t i = 0;
  for (; i + V_WIDTH <= n; i += V_WIDTH)
    s = v_fma(v_load(x + i), v_load(b + i), s);
  if (i < n)
    s = partial(x + i, b + i, s, n - i);
  return v_sum(s);
}

int32_t MAAS_F32_KERNEL(row_dots)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  (void)worker;
  const maas_f32_rows_params *g = step->params;
  const float *b = step->operands[1];
  for (int64_t r = begin; r < end; r++) {
    const float *x = (const float *)step->operands[0] + r * g->x_row;
    float *y = (float *)step->operands[2] + r * g->y_row, sums[4];
    int64_t j = 0;
    for (; j + 4 <= g->n; j += 4) {
      four_dots(x, b + j * g->b_row, g->b_row, g->width, sums);
      for (int s = 0; s < 4; s++)
        y[j + s] = g->alpha * sums[s];
    }
    for (; j < g->n; j++)
      y[j] = g->alpha * one_dot(x, b + j * g->b_row, g->width);
  }
  return MAAS_STEP_OK;
}

/// y += the sum of the rows of b, each times an element of x, for 4 V_WIDTH columns.
static void four_columns(const maas_f32_rows_params *g, const float *x, const float *b, float *y) {
  vf s[4];
  for (int c = 0; c < 4; c++)
    s[c] = v_load(y + c * V_WIDTH);
  for (int64_t j = 0; j < g->n; j++) {
    vf weight = v_set(x[j]);
    for (int c = 0; c < 4; c++)
      s[c] = v_fma(weight, v_load(b + j * g->b_row + c * V_WIDTH), s[c]);
  }
  for (int c = 0; c < 4; c++)
    v_store(y + c * V_WIDTH, s[c]);
}

/// The same for at most V_WIDTH columns.
static void last_columns(const maas_f32_rows_params *g, const float *x, const float *b, float *y, int64_t n) {
  vf s = v_load_tail(y, n);
  for (int64_t j = 0; j < g->n; j++)
    s = v_fma(v_set(x[j]), v_load_tail(b + j * g->b_row, n), s);
  v_store_tail(y, s, n);
}

int32_t MAAS_F32_KERNEL(row_sums)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  (void)worker;
  const maas_f32_rows_params *g = step->params;
  const float *b = step->operands[1];
  for (int64_t r = begin; r < end; r++) {
    const float *x = (const float *)step->operands[0] + r * g->x_row;
    float *y = (float *)step->operands[2] + r * g->y_row;
    int64_t d = 0;
    for (; d + 4 * V_WIDTH <= g->width; d += 4 * V_WIDTH)
      four_columns(g, x, b + d, y + d);
    for (; d < g->width; d += V_WIDTH)
      last_columns(g, x, b + d, y + d, maas_min64(V_WIDTH, g->width - d));
  }
  return MAAS_STEP_OK;
}

/// n <= V_WIDTH pairs whose halves lie apart; `next` elements on are the angles of the second half.
static void rotate_part(const float *x, int64_t apart, const float *c, const float *s, int64_t next, float *y,
                        int64_t n) {
  vf a = v_load_tail(x, n), b = v_load_tail(x + apart, n);
  v_store_tail(y, v_sub(v_mul(a, v_load_tail(c, n)), v_mul(b, v_load_tail(s, n))), n);
  v_store_tail(y + apart, v_fma(b, v_load_tail(c + next, n), v_mul(a, v_load_tail(s + next, n))), n);
}

static void rotate_halves(const float *x, const float *c, const float *s, int64_t next, float *y,
                          int64_t pairs) {
  int64_t i = 0;
  for (; i + V_WIDTH <= pairs; i += V_WIDTH) {
    vf a = v_load(x + i), b = v_load(x + pairs + i);
    v_store(y + i, v_sub(v_mul(a, v_load(c + i)), v_mul(b, v_load(s + i))));
    v_store(y + pairs + i, v_fma(b, v_load(c + next + i), v_mul(a, v_load(s + next + i))));
  }
  if (i < pairs)
    rotate_part(x + i, pairs, c + i, s + i, next, y + i, pairs - i);
}

/// Neighbours are taken apart into short arrays, and all is read before anything is written: so the compiler makes
/// vectors and shuffles of it.
static void rotate_neighbours(const float *x, const float *c, const float *s, float *y, int64_t pairs) {
  enum { block = 8 };
  int64_t i = 0;
  for (; i + block <= pairs; i += block) {
    float a[block], b[block], cosine[block], sine[block];
    for (int j = 0; j < block; j++) {
      a[j] = x[2 * (i + j)];
      b[j] = x[2 * (i + j) + 1];
      cosine[j] = c[i + j];
      sine[j] = s[i + j];
    }
    for (int j = 0; j < block; j++) {
      y[2 * (i + j)] = a[j] * cosine[j] - b[j] * sine[j];
      y[2 * (i + j) + 1] = a[j] * sine[j] + b[j] * cosine[j];
    }
  }
#pragma clang loop vectorize(disable) unroll(disable)
  for (; i < pairs; i++) {
    float a = x[2 * i], b = x[2 * i + 1];
    y[2 * i] = a * c[i] - b * s[i];
    y[2 * i + 1] = a * s[i] + b * c[i];
  }
}

/// The row of cosines and sines of place p of batch b; -1 with the worker's failure told where there is none.
static int64_t rotary_row(const maas_f32_rotary_params *g, const int64_t *ids, int64_t b, int64_t p,
                          maas_worker *worker) {
  int64_t id = ids ? ids[b * g->id_batch + p * g->id_place] : 0, position;
  bool is_beyond = __builtin_add_overflow(b * g->batch_step + p * g->place_step, id, &position);
  if (!is_beyond && position >= 0 && position < g->positions)
    return position;
  worker->failure[0] = is_beyond ? id : position;
  worker->failure[1] = 0;
  worker->failure[2] = g->positions;
  return -1;
}

static void rotate(const maas_f32_rotary_params *g, void *const *operands, int64_t row, const float *x,
                   float *y) {
  const int64_t next = g->own_angles ? g->pairs : 0, width = g->pairs + next;
  const float *c = (const float *)operands[1] + row * width, *s = (const float *)operands[2] + row * width;
  if (g->interleaved)
    rotate_neighbours(x, c, s, y, g->pairs);
  else
    rotate_halves(x, c, s, next, y, g->pairs);
  if (x != y && g->size > 2 * g->pairs)
    memcpy(y + 2 * g->pairs, x + 2 * g->pairs, (size_t)(g->size - 2 * g->pairs) * sizeof(float));
}

/// Heads and places follow one another as they lie in memory.
int32_t MAAS_F32_KERNEL(rotary)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  const maas_f32_rotary_params *g = step->params;
  const bool by_place = g->x_place < g->x_head;
  const int64_t inner = by_place ? g->places : g->heads, outer = by_place ? g->heads : g->places;
  for (int64_t item = begin; item < end;) {
    int64_t i = item % inner, o = item / inner % outer, b = item / inner / outer;
    for (int64_t last = maas_min64(inner, i + end - item); i < last; i++, item++) {
      int64_t p = by_place ? i : o, h = by_place ? o : i;
      int64_t row = rotary_row(g, step->operands[3], b, p, worker);
      if (row < 0)
        return MAAS_STEP_INDEX;
      rotate(g, step->operands, row,
             (const float *)step->operands[0] + g->x_offset + b * g->x_batch + p * g->x_place + h * g->x_head,
             (float *)step->operands[4] + b * g->y_batch + p * g->y_place + h * g->y_head);
    }
  }
  return MAAS_STEP_OK;
}
