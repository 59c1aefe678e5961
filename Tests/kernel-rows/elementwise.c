/// Unary and binary against the C library's functions in double precision.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "rows.h"

static double larger(double x, double bound) { return x < bound ? bound : x; }
static double smaller(double x, double bound) { return x > bound ? bound : x; }
static double clamp(double x, double low, double high) { return smaller(larger(x, low), high); }
static double sigmoid(double x) { return (x < 0 ? exp(x) : 1) / (1 + exp(-fabs(x))); }
static double softplus(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }
static double elu(double x, double scale, double divisor) { return x <= 0 ? scale * expm1(x / divisor) : x; }

// Function, alpha, beta, whether it may cancel (see maas_f32_unary), ONNX's formula.
#define UNARY(X)                                                                                             \
  X(IDENTITY, 0, 0, 0, x)                                                                                    \
  X(RELU, 0, 0, 0, larger(x, 0))                                                                             \
  X(LEAKY_RELU, 0.3125, 0, 0, x < 0 ? a * x : x)                                                             \
  X(THRESHOLDED_RELU, 0.3125, 0, 0, x <= a ? 0 : x)                                                          \
  X(CLIP, -2.5, 3.25, 0, clamp(x, a, b))                                                                     \
  X(ABS, 0, 0, 0, fabs(x))                                                                                   \
  X(NEG, 0, 0, 0, -x)                                                                                        \
  X(SIGN, 0, 0, 0, x == 0 || isnan(x) ? x : copysign(1, x))                                                  \
  X(RECIPROCAL, 0, 0, 0, 1 / x)                                                                              \
  X(SQRT, 0, 0, 0, sqrt(x))                                                                                  \
  X(SQUARE, 0, 0, 0, x *x)                                                                                   \
  X(FLOOR, 0, 0, 0, floor(x))                                                                                \
  X(CEIL, 0, 0, 0, ceil(x))                                                                                  \
  X(ROUND, 0, 0, 0, nearbyint(x))                                                                            \
  X(EXP, 0, 0, 0, exp(x))                                                                                    \
  X(LOG, 0, 0, 0, log(x))                                                                                    \
  X(ERF, 0, 0, 0, erf(x))                                                                                    \
  X(TANH, 0, 0, 0, tanh(x))                                                                                  \
  X(SIGMOID, 0, 0, 0, sigmoid(x))                                                                            \
  X(HARD_SIGMOID, 0.3125, 0.5, 1, clamp(a *x + b, 0, 1))                                                     \
  X(HARD_SWISH, 0, 0, 1, x *clamp(x / 6 + 0.5, 0, 1))                                                        \
  X(ELU, 0.3125, 0, 0, elu(x, a, 1))                                                                         \
  X(SELU, 1.67326324, 1.05070099, 0, b *elu(x, a, 1))                                                        \
  X(CELU, 0.3125, 0, 0, elu(x, a, a))                                                                        \
  X(SOFTPLUS, 0, 0, 0, softplus(x))                                                                          \
  X(SOFTSIGN, 0, 0, 0, x / (1 + fabs(x)))                                                                    \
  X(GELU, 0, 0, 1, x / 2 * (1 + erf(x / sqrt(2))))                                                           \
  X(GELU_TANH, 0, 0, 1, x *sigmoid(2 * sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)))                         \
  X(SILU, 1, 0, 1, x *sigmoid(x))                                                                            \
  X(MISH, 0, 0, 1, x *tanh(softplus(x)))                                                                     \
  X(AFFINE, 0.3125, 0.5, 1, a *x + b)                                                                        \
  X(SCALED_TANH, 0.3125, 0.75, 1, a *tanh(b *x))                                                             \
  X(SHRINK, 0.3125, 0.5, 1, x<-a ? x + b : x> a ? x - b : 0)                                                 \
  X(SIN, 0, 0, 0, sin(x))                                                                                    \
  X(COS, 0, 0, 0, cos(x))                                                                                    \
  X(TAN, 0, 0, 0, tan(x))                                                                                    \
  X(ASIN, 0, 0, 0, asin(x))                                                                                  \
  X(ACOS, 0, 0, 0, acos(x))                                                                                  \
  X(ATAN, 0, 0, 0, atan(x))                                                                                  \
  X(SINH, 0, 0, 0, sinh(x))                                                                                  \
  X(COSH, 0, 0, 0, cosh(x))                                                                                  \
  X(ASINH, 0, 0, 0, asinh(x))                                                                                \
  X(ACOSH, 0, 0, 0, acosh(x))                                                                                \
  X(ATANH, 0, 0, 0, atanh(x))

static double unary(maas_f32_activation f, double x) {
  double a = f.alpha, b = f.beta;
  (void)a, (void)b;
  switch (f.op) {
#define UNARY_CASE(name, alpha, beta, cancels, formula)                                                      \
  case MAAS_UNARY_##name:                                                                                    \
    return formula;
    UNARY(UNARY_CASE)
  default:
    return NAN;
  }
}

static const struct unary_row {
  maas_f32_activation function;
  bool cancels;
  const char *name;
} unary_rows[] = {
#define UNARY_ROW(name, alpha, beta, cancels, formula) {{MAAS_UNARY_##name, alpha, beta}, cancels, #name},
    UNARY(UNARY_ROW)};
_Static_assert(sizeof unary_rows / sizeof unary_rows[0] == MAAS_UNARY_COUNT, "every function has a case");

/// One unit in the last place of a float near `x`.
static double unit(double x) { return isfinite(x) ? ldexp(1, ilogb(fmax(fabs(x), 0x1p-126)) - 23) : 0; }

static void unary_exact(const kernel_case *c, void *const *operands, double *expected, double *allowed) {
  const maas_f32_unary_params *p = c->params;
  const float *x = operands[0];
  for (int64_t i = 0; i < p->n; i++) {
    expected[i] = unary(p->function, x[i]);
    double size = fmax(1, fmax(isfinite(x[i]) ? fabs(x[i]) : 1, fabs(expected[i])));
    allowed[i] = c->tolerance > 0 ? 0x1p-22 * size : 4 * unit(expected[i]);
  }
}

static maas_split unary_split(const maas_kernel *row, void *params) {
  (void)row;
  return maas_f32_unary_split(params);
}

static void check_unary(const struct unary_row *f, size_t n, operand x) {
  maas_f32_unary_params p = {f->function, (int64_t)n};
  kernel_case c = {.table = "maas_f32_unary",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {x, {FLOATS, true, n, 0, 0}},
                   .tolerance = f->cancels,
                   .exact = unary_exact,
                   .split = unary_split};
  snprintf(c.note, sizeof c.note, "%s of %zu", f->name, n);
  check(&c);
}

static double binary(maas_binary op, double a, double b) {
  switch (op) {
  case MAAS_BINARY_ADD:
    return a + b;
  case MAAS_BINARY_SUB:
    return a - b;
  case MAAS_BINARY_MUL:
    return a * b;
  case MAAS_BINARY_DIV:
    return a / b;
  case MAAS_BINARY_MIN:
    return isnan(a) || isnan(b) ? NAN : fmin(a, b);
  case MAAS_BINARY_MAX:
    return isnan(a) || isnan(b) ? NAN : fmax(a, b);
  case MAAS_BINARY_POW:
    return pow(a, b);
  case MAAS_BINARY_PRELU:
    return a < 0 ? a * b : a;
  default:
    return NAN;
  }
}

/// Elements of an operand before element `i` of the result.
static int64_t offset(const maas_f32_binary_params *p, const int64_t *strides, int64_t i) {
  int64_t sum = 0;
  for (int d = p->rank - 1; d >= 0; i /= p->dims[d--])
    sum += i % p->dims[d] * strides[d];
  return sum;
}

static void binary_exact(const kernel_case *c, void *const *operands, double *expected, double *allowed) {
  const maas_f32_binary_params *p = c->params;
  const float *a = operands[0], *b = operands[1];
  for (size_t i = 0; i < c->operands[2].count; i++) {
    double y = binary(p->op, a[offset(p, p->a_strides, (int64_t)i)], b[offset(p, p->b_strides, (int64_t)i)]);
    expected[i] = clamp(y, p->activation.alpha, p->activation.beta);
    allowed[i] = unit(expected[i]);
  }
}

static maas_split binary_split(const maas_kernel *row, void *params) {
  (void)row;
  return maas_f32_binary_split(params);
}

/// Shape of the result, then strides of both operands.
static const struct broadcast {
  int32_t rank;
  int64_t dims[4], a[4], b[4];
} broadcasts[] = {
    {1, {67}, {1}, {1}},
    {1, {67}, {1}, {0}},
    {1, {33}, {0}, {1}},
    {0, {0}, {0}, {0}},
    {3, {3, 5, 7}, {35, 7, 1}, {0, 1, 0}},
    {3, {3, 5, 7}, {35, 7, 1}, {7, 0, 1}},
    {3, {4, 6, 9}, {9, 0, 1}, {0, 1, 0}},
    {4, {2, 3, 4, 5}, {60, 20, 5, 1}, {0, 1, 0, 0}},
    {2, {7, 8}, {0, 1}, {8, 1}},
    {1, {1000}, {1}, {0}},
    {2, {0, 3}, {3, 1}, {0, 1}},
};

/// Elements that strides reach.
static size_t reached(const struct broadcast *s, const int64_t *strides) {
  int64_t last = 0;
  for (int d = 0; d < s->rank; d++)
    last += s->dims[d] == 0 ? 0 : (s->dims[d] - 1) * strides[d];
  return (size_t)last + 1;
}

static void check_binary(maas_binary op, const struct broadcast *s) {
  maas_f32_binary_params p = {.op = op, .rank = s->rank, .activation = {MAAS_UNARY_CLIP, -2, 100}};
  memcpy(p.dims, s->dims, sizeof s->dims);
  memcpy(p.a_strides, s->a, sizeof s->a);
  memcpy(p.b_strides, s->b, sizeof s->b);
  size_t count = 1, a = reached(s, s->a), b = reached(s, s->b);
  for (int d = 0; d < s->rank; d++)
    count *= (size_t)s->dims[d];
  kernel_case c = {
      .table = "maas_f32_binary",
      .params = &p,
      .params_size = sizeof p,
      .operands = {{SPECIAL, false, a, -3, 3}, {SPECIAL, false, b, -3, 3}, {FLOATS, true, count, 0, 0}},
      .onto = a == count   ? 0
              : b == count ? 1
                           : -1,
      .exact = binary_exact,
      .split = binary_split};
  snprintf(c.note, sizeof c.note, "operation %d, shape %d", op, (int)(s - broadcasts));
  check(&c);
}

static maas_split dropout_split(const maas_kernel *row, void *params) {
  (void)row;
  return maas_f32_dropout_split(params);
}

/// Which elements are kept is the same on all machines; MaasOpsTests holds it to the generator's known answers.
static void check_dropout(int64_t n) {
  maas_f32_dropout_params p = {.n = n, .threshold = 0x40000000, .stream = 7, .scale = 4.0 / 3};
  kernel_case c = {.table = "maas_f32_dropout",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {{FLOATS, false, (size_t)n, -1, 1},
                                {INDICES, false, 1, 0, 0},
                                {INDICES, false, 1, 0, 0},
                                {FLOATS, true, (size_t)n, 7, 7}},
                   .tolerance = 1e-6,
                   .scale = 1,
                   .split = dropout_split};
  snprintf(c.note, sizeof c.note, "%d elements", (int)n);
  check(&c);
}

/// What vanishes for large negative numbers leaves nothing of them, however large they are.
static void check_vanishing(const struct unary_row *f) {
  struct unary_row vanishing = *f;
  vanishing.cancels = 0;
  check_unary(&vanishing, 67, (operand){FLOATS, false, 67, -1e6f, -100});
}

/// The product of x with a probability keeps its sign, as ONNX Runtime does; the other checks take 0 for -0.
static void check_negative_zeros(const maas_kernel *row) {
  enum { n = 17 };
  for (maas_unary op = MAAS_UNARY_GELU; op <= MAAS_UNARY_GELU_TANH; op++) {
    maas_f32_unary_params p = {{op, 0, 0}, n};
    float x[n], y[n];
    for (int i = 0; i < n; i++)
      x[i] = -0.0f;
    run_row(row->run, &p, (void *[]){x, y}, maas_f32_unary_split(&p));
    bool kept = true;
    for (int i = 0; i < n; i++)
      kept = kept && y[i] == 0 && signbit(y[i]);
    count(row->name, "GELU of -0", kept ? NULL : "not -0");
  }
}

void check_elementwise(void) {
  const size_t sizes[] = {1, 3, 7, 8, 9, 17, 31, 67};
  for (int f = 0; f < MAAS_UNARY_COUNT; f++) {
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
      check_unary(&unary_rows[f], sizes[s], (operand){FLOATS, false, sizes[s], -5, 5});
    check_unary(&unary_rows[f], 8003, (operand){BITS, false, 8003, -110, 100});
    check_unary(&unary_rows[f], 4001, (operand){SPECIAL, false, 4001, -1.5, 1.5});
  }
  check_vanishing(&unary_rows[MAAS_UNARY_GELU]);
  check_vanishing(&unary_rows[MAAS_UNARY_GELU_TANH]);
  each_row("maas_f32_unary", check_negative_zeros);
  for (int op = 0; op < MAAS_BINARY_COUNT; op++)
    for (size_t s = 0; s < sizeof broadcasts / sizeof broadcasts[0]; s++)
      check_binary((maas_binary)op, &broadcasts[s]);
  for (int64_t n = 1; n < 5000; n = 3 * n + 2)
    check_dropout(n);
}
