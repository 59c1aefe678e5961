/// The row functions of binary for one instruction set, and its step.
#include "../row.h"
#include "../simd/math.h"
#include "../walk.h"

/// One side of a row: consecutive elements, or one element for all.
typedef struct side {
  const float *p;
  bool one;
} side;

static inline __attribute__((always_inline)) vf side_load(side s, int64_t i) {
  return s.one ? v_set(*s.p) : v_load(s.p + i);
}
static inline __attribute__((always_inline)) vf side_load_tail(side s, int64_t i, int64_t n) {
  return s.one ? v_set(*s.p) : v_load_tail(s.p + i, n);
}

typedef void binary_row(const float *a, const float *b, float *y, int64_t n);

/// Both operands consecutive, then with the second, the first, or both the same throughout.
enum { forms = 4 };

#define MAAS_BINARY_FORM(name, a_is_one, b_is_one, expression)                                               \
  static void name(const float *from_a, const float *from_b, float *y, int64_t n) {                          \
    side sa = {from_a, a_is_one}, sb = {from_b, b_is_one};                                                   \
    int64_t i = 0;                                                                                           \
    for (; i + V_WIDTH <= n; i += V_WIDTH) {                                                                 \
      vf a = side_load(sa, i), b = side_load(sb, i);                                                         \
      v_store(y + i, expression);                                                                            \
    }                                                                                                        \
    if (i < n) {                                                                                             \
      vf a = side_load_tail(sa, i, n - i), b = side_load_tail(sb, i, n - i);                                 \
      v_store_tail(y + i, expression, n - i);                                                                \
    }                                                                                                        \
  }
#define MAAS_BINARY_ROW(name, expression)                                                                    \
  MAAS_BINARY_FORM(name##_row, false, false, expression)                                                     \
  MAAS_BINARY_FORM(name##_row_b, false, true, expression)                                                    \
  MAAS_BINARY_FORM(name##_row_a, true, false, expression)                                                    \
  MAAS_BINARY_FORM(name##_row_ab, true, true, expression)

MAAS_BINARY_ROW(add, v_add(a, b))
MAAS_BINARY_ROW(sub, v_sub(a, b))
MAAS_BINARY_ROW(mul, v_mul(a, b))
MAAS_BINARY_ROW(div, v_div(a, b))
MAAS_BINARY_ROW(min, v_minimum(a, b))
MAAS_BINARY_ROW(max, v_maximum(a, b))
MAAS_BINARY_ROW(prelu, v_select(v_less(a, v_set(0)), v_mul(a, b), a))

#define MAAS_POW_FORM(name, a_step, b_step)                                                                  \
  static void name(const float *a, const float *b, float *y, int64_t n) {                                    \
    for (int64_t i = 0; i < n; i++)                                                                          \
      y[i] = powf(a[i * a_step], b[i * b_step]);                                                             \
  }
MAAS_POW_FORM(pow_row, 1, 1)
MAAS_POW_FORM(pow_row_a, 0, 1)
MAAS_POW_FORM(pow_row_ab, 0, 0)
MAAS_POW_FORM(pow_row_any, 1, 0)
MAAS_BINARY_FORM(pow_row_2, false, true, ((void)b, v_mul(a, a)))
MAAS_BINARY_FORM(pow_row_3, false, true, ((void)b, v_mul(a, v_mul(a, a))))

/// The exponents that models are full of.
static void pow_row_b(const float *a, const float *b, float *y, int64_t n) {
  (*b == 2 ? pow_row_2 : *b == 3 ? pow_row_3 : pow_row_any)(a, b, y, n);
}

#define MAAS_BINARY_FORMS(name)                                                                              \
  { name##_row, name##_row_b, name##_row_a, name##_row_ab }
static binary_row *const binary_rows[MAAS_BINARY_COUNT][forms] = {
    [MAAS_BINARY_ADD] = MAAS_BINARY_FORMS(add), [MAAS_BINARY_SUB] = MAAS_BINARY_FORMS(sub),
    [MAAS_BINARY_MUL] = MAAS_BINARY_FORMS(mul), [MAAS_BINARY_DIV] = MAAS_BINARY_FORMS(div),
    [MAAS_BINARY_MIN] = MAAS_BINARY_FORMS(min), [MAAS_BINARY_MAX] = MAAS_BINARY_FORMS(max),
    [MAAS_BINARY_POW] = MAAS_BINARY_FORMS(pow), [MAAS_BINARY_PRELU] = MAAS_BINARY_FORMS(prelu),
};

/// A stretch short enough that its activation finds it in the first-level cache.
enum { stretch = 2048 };

static void binary_stretches(const maas_f32_binary_params *g, side a, side b, float *y, int64_t n) {
  binary_row *row = binary_rows[g->op][a.one * 2 + b.one];
  const maas_f32_activation *f = &g->activation;
  if (f->op == MAAS_UNARY_IDENTITY) {
    row(a.p, b.p, y, n);
    return;
  }
  for (int64_t i = 0; i < n; i += stretch) {
    int64_t count = n - i < stretch ? n - i : stretch;
    row(a.one ? a.p : a.p + i, b.one ? b.p : b.p + i, y + i, count);
    MAAS_F32_SHARED(unary_rows)[f->op](y + i, y + i, count, f->alpha, f->beta);
  }
}

int32_t MAAS_F32_KERNEL(binary)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  (void)worker;
  const maas_f32_binary_params *g = step->params;
  const float *a = step->operands[0], *b = step->operands[1];
  float *y = step->operands[2];
  int32_t outer = g->rank - 1;
  int64_t inner = g->dims[outer], column = begin % inner;
  bool a_is_one = g->a_strides[outer] == 0, b_is_one = g->b_strides[outer] == 0;
  maas_walk w = maas_walk_at(begin / inner, outer, g->dims, g->a_strides, g->b_strides);
  for (int64_t i = begin; i < end; column = 0, maas_walk_next(&w)) {
    int64_t n = end - i < inner - column ? end - i : inner - column;
    side left = {a + w.a + (a_is_one ? 0 : column), a_is_one};
    side right = {b + w.b + (b_is_one ? 0 : column), b_is_one};
    binary_stretches(g, left, right, y + i, n);
    i += n;
  }
  return MAAS_STEP_OK;
}
