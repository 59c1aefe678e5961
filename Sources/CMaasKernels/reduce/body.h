/// Reductions for one instruction set. What is folded is f(x), and how: by a sum (x, |x|, x^2, e^(x -
/// shift)), by a product, or by a maximum or minimum that lets NaN through.
#include "../simd/math.h"
#include "reduce.h"

typedef enum fold {
  fold_sum,
  fold_abs,
  fold_square,
  fold_exp,
  fold_product,
  fold_max,
  fold_min,
  fold_count
} fold;

static const float neutral_inputs[fold_count] = {0, 0, 0, -INFINITY, 1, -INFINITY, INFINITY};
static const double neutral_totals[fold_count] = {0, 0, 0, 0, 1, -INFINITY, INFINITY};

static inline __attribute__((always_inline)) vf fold_vector(const fold how, vf sum, vf x, vf shift) {
  switch (how) {
  case fold_sum:
    return v_add(sum, x);
  case fold_abs:
    return v_add(sum, v_abs(x));
  case fold_square:
    return v_fma(x, x, sum);
  case fold_exp:
    return v_add(sum, v_exp(v_sub(x, shift)));
  case fold_product:
    return v_mul(sum, x);
  case fold_max:
    return v_maximum(sum, x);
  default:
    return v_minimum(sum, x);
  }
}

static inline double fold_totals(fold how, double a, double b) {
  if (how < fold_product)
    return a + b;
  if (how == fold_product)
    return a * b;
  if (isnan(a) || isnan(b))
    return NAN;
  return how == fold_max ? (a > b ? a : b) : (a < b ? a : b);
}

static inline __attribute__((always_inline)) vf fold_pair(const fold how, vf a, vf b) {
  return how < fold_product ? v_add(a, b) : how == fold_max ? v_maximum(a, b) : v_minimum(a, b);
}

/// A sum of not numbers is one.
static inline __attribute__((always_inline)) double fold_lanes(const fold how, vf a) {
  if (how < fold_product)
    return v_sum(a);
  float nothing = v_sum(v_select(v_is_nan(a), a, v_set(0)));
  return isnan(nothing) ? nothing : how == fold_max ? v_max_lane(a) : v_min_lane(a);
}

/// One element after the other. Whether there was a NaN is asked behind the loop, as a maximum forgets it.
static inline __attribute__((always_inline)) double fold_short(const fold how, const float *x, int64_t n) {
  double total = neutral_totals[how];
  float extreme = (float)total;
  int is_nan = 0;
  for (int64_t j = 0; j < n; j++)
    switch (how) {
    case fold_abs:
      total += fabs((double)x[j]);
      break;
    case fold_square:
      total += (double)x[j] * x[j];
      break;
    case fold_product:
      total *= x[j];
      break;
    case fold_max:
      is_nan |= x[j] != x[j];
      extreme = x[j] > extreme ? x[j] : extreme;
      break;
    case fold_min:
      is_nan |= x[j] != x[j];
      extreme = x[j] < extreme ? x[j] : extreme;
      break;
    default:
      total += x[j];
    }
  return is_nan ? NAN : how < fold_max ? total : extreme;
}

/// A stretch of a row; short, so that its sums in float stay exact enough.
enum { stretch = 1024, stretch_rows = 64 };

static inline __attribute__((always_inline)) double fold_stretch_as(const fold how, const float *x, int64_t n,
                                                                    float shift_by) {
  vf sum[4], shift = v_set(shift_by);
  for (int s = 0; s < 4; s++)
    sum[s] = v_set((float)neutral_totals[how]);
  int64_t i = 0;
  for (; i + 4 * V_WIDTH <= n; i += 4 * V_WIDTH)
    for (int s = 0; s < 4; s++)
      sum[s] = fold_vector(how, sum[s], v_load(x + i + s * V_WIDTH), shift);
  for (; i < n; i += V_WIDTH) {
    int64_t count = n - i < V_WIDTH ? n - i : V_WIDTH;
    sum[0] = fold_vector(how, sum[0], v_load_tail_or(x + i, count, neutral_inputs[how]), shift);
  }
  return fold_lanes(how, fold_pair(how, fold_pair(how, sum[0], sum[1]), fold_pair(how, sum[2], sum[3])));
}

/// A product in float could overflow on its way to a result that does not. Neighbours meet first: large and small
/// numbers that take turns must not come to different lanes.
static double fold_stretch_product(const float *x, int64_t n) {
  double products[8] = {1, 1, 1, 1, 1, 1, 1, 1};
  int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (int l = 0; l < 8; l++)
      products[l] *= (double)x[i + 2 * l] * x[i + 2 * l + 1];
  for (; i < n; i++)
    products[0] *= x[i];
  for (int l = 1; l < 8; l++)
    products[0] *= products[l];
  return products[0];
}

static double fold_stretch(fold how, const float *x, int64_t n, float shift) {
  switch (how) {
  case fold_sum:
    return fold_stretch_as(fold_sum, x, n, shift);
  case fold_abs:
    return fold_stretch_as(fold_abs, x, n, shift);
  case fold_square:
    return fold_stretch_as(fold_square, x, n, shift);
  case fold_exp:
    return fold_stretch_as(fold_exp, x, n, shift);
  case fold_product:
    return fold_stretch_product(x, n);
  case fold_max:
    return fold_stretch_as(fold_max, x, n, shift);
  default:
    return fold_stretch_as(fold_min, x, n, shift);
  }
}

static const fold folds[MAAS_REDUCE_COUNT] = {
    [MAAS_REDUCE_SUM] = fold_sum,      [MAAS_REDUCE_MEAN] = fold_sum,
    [MAAS_REDUCE_MAX] = fold_max,      [MAAS_REDUCE_MIN] = fold_min,
    [MAAS_REDUCE_PROD] = fold_product, [MAAS_REDUCE_L1] = fold_abs,
    [MAAS_REDUCE_L2] = fold_square,    [MAAS_REDUCE_SUM_SQUARE] = fold_square,
    [MAAS_REDUCE_LOG_SUM] = fold_sum,  [MAAS_REDUCE_LOG_SUM_EXP] = fold_exp,
};

static float finish(maas_reduce op, double total, double count, float shift) {
  switch (op) {
  case MAAS_REDUCE_MEAN:
    return (float)(total / count);
  case MAAS_REDUCE_L2:
    return (float)sqrt(total);
  case MAAS_REDUCE_LOG_SUM:
    return (float)log(total);
  case MAAS_REDUCE_LOG_SUM_EXP:
    return (float)(log(total) + shift);
  default:
    return (float)total;
  }
}

/// Rows of fewer elements have less than a vector to fold.
enum { short_row = 16 };

/// y[i] = row i folded, where rows lie one behind the other.
static inline __attribute__((always_inline)) void fold_each_as(const fold how, maas_reduce op, const float *x,
                                                               int64_t n, float *y, int64_t count) {
  for (int64_t i = 0; i < count; i++, x += n) {
    double total = n < short_row         ? fold_short(how, x, n)
                   : how == fold_product ? fold_stretch_product(x, n)
                                         : fold_stretch_as(how, x, n, 0);
    y[i] = finish(op, total, (double)n, 0);
  }
}

static void fold_each(maas_reduce op, const float *x, int64_t n, float *y, int64_t count) {
  switch (folds[op]) {
  case fold_sum:
    fold_each_as(fold_sum, op, x, n, y, count);
    break;
  case fold_abs:
    fold_each_as(fold_abs, op, x, n, y, count);
    break;
  case fold_square:
    fold_each_as(fold_square, op, x, n, y, count);
    break;
  case fold_max:
    fold_each_as(fold_max, op, x, n, y, count);
    break;
  case fold_min:
    fold_each_as(fold_min, op, x, n, y, count);
    break;
  default:
    fold_each_as(fold_product, op, x, n, y, count);
  }
}

/// All rows of one output, by whole rows.
static double fold_rows(fold how, const maas_reduce_shape *s, const float *x, float shift) {
  double total = neutral_totals[how];
  maas_walk w = maas_walk_at(0, s->folded_rank, s->folded, s->folded_strides, s->folded_strides);
  for (int64_t r = 0; r < s->rows; r++, maas_walk_next(&w))
    for (int64_t i = 0; i < s->inner; i += stretch)
      total =
          fold_totals(how, total, fold_stretch(how, x + w.a + i, maas_min64(stretch, s->inner - i), shift));
  return total;
}

static inline __attribute__((always_inline)) void fold_onto_as(const fold how, float *sums, const float *x,
                                                               const float *shifts, int64_t n) {
  for (int64_t j = 0; j < n; j += V_WIDTH) {
    int64_t count = n - j < V_WIDTH ? n - j : V_WIDTH;
    vf value = count < V_WIDTH ? v_load_tail(x + j, count) : v_load(x + j);
    v_store(sums + j, fold_vector(how, v_load(sums + j), value, v_load(shifts + j)));
  }
}

static void fold_onto(fold how, float *sums, const float *x, const float *shifts, int64_t n) {
  switch (how) {
  case fold_sum:
    fold_onto_as(fold_sum, sums, x, shifts, n);
    break;
  case fold_abs:
    fold_onto_as(fold_abs, sums, x, shifts, n);
    break;
  case fold_square:
    fold_onto_as(fold_square, sums, x, shifts, n);
    break;
  case fold_exp:
    fold_onto_as(fold_exp, sums, x, shifts, n);
    break;
  case fold_max:
    fold_onto_as(fold_max, sums, x, shifts, n);
    break;
  default:
    fold_onto_as(fold_min, sums, x, shifts, n);
  }
}

/// All rows onto `n` < maas_reduce_most totals; every stretch_rows rows the sums in float are taken over.
static void fold_columns(fold how, const maas_reduce_shape *s, const float *x, const float *shifts, int64_t n,
                         double *totals) {
  float sums[maas_reduce_most];
  maas_walk w = maas_walk_at(0, s->folded_rank, s->folded, s->folded_strides, s->folded_strides);
  for (int64_t j = 0; j < n; j++)
    totals[j] = neutral_totals[how];
  for (int64_t r = 0; r < s->rows;) {
    int64_t end = how == fold_product ? r + 1 : maas_min64(s->rows, r + stretch_rows);
    for (int64_t j = 0; j < maas_reduce_most; j++)
      sums[j] = (float)neutral_totals[how];
    for (; r < end; r++, maas_walk_next(&w))
      if (how == fold_product)
        memcpy(sums, x + w.a, (size_t)n * sizeof(float));
      else
        fold_onto(how, sums, x + w.a, shifts, n);
    for (int64_t j = 0; j < n; j++)
      totals[j] = fold_totals(how, totals[j], sums[j]);
  }
}

/// What e^(x - shift) subtracts: the maximum, where that makes sense.
static float shift_for(double most) { return isfinite(most) ? (float)most : 0; }

static float reduce_rows(maas_reduce op, const maas_reduce_shape *s, const float *x) {
  fold how = folds[op];
  float shift = how == fold_exp ? shift_for(fold_rows(fold_max, s, x, 0)) : 0;
  return finish(op, fold_rows(how, s, x, shift), (double)s->rows * (double)s->inner, shift);
}

static void reduce_columns(maas_reduce op, const maas_reduce_shape *s, const float *x, float *y, int64_t n) {
  fold how = folds[op];
  float shifts[maas_reduce_most] = {0};
  double totals[maas_reduce_most];
  if (how == fold_exp) {
    fold_columns(fold_max, s, x, shifts, n, totals);
    for (int64_t j = 0; j < n; j++)
      shifts[j] = shift_for(totals[j]);
  }
  fold_columns(how, s, x, shifts, n, totals);
  for (int64_t j = 0; j < n; j++)
    y[j] = finish(op, totals[j], (double)s->rows, shifts[j]);
}

int32_t MAAS_F32_KERNEL(reduce)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  (void)worker;
  const maas_f32_reduce_params *g = step->params;
  const float *x = step->operands[0];
  float *y = step->operands[1];
  maas_reduce_shape s = maas_reduce_shape_of(g);
  int64_t blocks = s.by_column ? maas_reduce_blocks(s.inner) : 1;
  maas_walk w = maas_walk_at(begin / blocks, s.kept_rank, s.kept, s.kept_strides, s.kept_strides);
  int64_t block = begin % blocks;
  if (!s.by_column && s.rows == 1 && s.inner <= stretch && folds[g->op] != fold_exp) {
    fold_each(g->op, x + begin * s.inner, s.inner, y + begin, end - begin);
    return MAAS_STEP_OK;
  }
  for (int64_t i = begin; i < end; i++) {
    int64_t first = block * maas_reduce_columns;
    if (s.by_column)
      reduce_columns(g->op, &s, x + w.a + first, y + i / blocks * s.inner + first,
                     block + 1 < blocks ? maas_reduce_columns : s.inner - first);
    else
      y[i] = reduce_rows(g->op, &s, x + w.a);
    if (++block == blocks) {
      block = 0;
      maas_walk_next(&w);
    }
  }
  return MAAS_STEP_OK;
}
