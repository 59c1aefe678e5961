/// The matrix product against three loops in double precision.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "rows.h"

/// What makes a case besides its sizes. Strides of C count 0 where it is broadcast; `c` is its element count.
typedef struct form {
  bool a_transposed, b_transposed, residual;
  enum { NO_C, SCALAR_C, ROW_C, COLUMN_C, MATRIX_C } c;
  maas_f32_activation activation;
  int64_t gap, batches;
  bool b_shared, b_is_far;
  maas_gemm_b b_form;
} form;

static double activated(maas_f32_activation f, double y) {
  switch (f.op) {
  case MAAS_UNARY_RELU:
    return fmax(y, 0);
  case MAAS_UNARY_CLIP:
    return fmin(fmax(y, f.alpha), f.beta);
  case MAAS_UNARY_TANH:
    return tanh(y);
  default:
    return y;
  }
}

/// B as the case was built, before it is packed.
typedef struct gemm_case {
  maas_f32_gemm_params p;
  int64_t b_row, b_col, b_matrices;
} gemm_case;

/// What a 16-bit B holds of a value drawn for it: what has no place is cut off.
static float held(const gemm_case *g, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  if (g->p.b_form == MAAS_GEMM_B_PACKED_BF16)
    bits &= 0xffff0000;
  if (g->p.b_form == MAAS_GEMM_B_PACKED_F16)
    bits = (bits & 0x7f800000) < 0x38800000 ? 0 : bits & 0xffffe000;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static void exact_element(const gemm_case *g, void *const *operands, int64_t matrix, int64_t i, int64_t j,
                          double *expected, double *allowed, double tolerance) {
  const maas_f32_gemm_params *p = &g->p;
  const float *a = (float *)operands[0] + matrix * p->a_batch[0];
  const float *b = (float *)operands[1] + matrix * (g->b_matrices > 1 ? p->k * p->n : 0);
  const float *c = operands[2], *r = operands[3];
  double sum = 0, size = 1;
  for (int64_t q = 0; q < p->k; q++) {
    double product = (double)a[i * p->a_row + q * p->a_col] * held(g, b[q * g->b_row + j * g->b_col]);
    sum += product;
    size += fabs(product);
  }
  int64_t at = matrix * p->y_batch[0] + i * p->y_row + j;
  sum = p->alpha * sum + (c ? (double)p->beta * c[i * p->c_row + j * p->c_col] : 0) + (r ? r[at] : 0);
  expected[at] = activated(p->activation, sum);
  allowed[at] = tolerance * size;
}

static void gemm_exact(const kernel_case *c, void *const *operands, double *expected, double *allowed) {
  const gemm_case *g = c->params;
  for (int64_t matrix = 0; matrix < g->p.batch[0]; matrix++)
    for (int64_t i = 0; i < g->p.m; i++)
      for (int64_t j = 0; j < g->p.n; j++)
        exact_element(g, operands, matrix, i, j, expected, allowed, c->tolerance);
}

static maas_split gemm_split(const maas_kernel *row, void *params) {
  return maas_f32_gemm_split_for(row, params);
}

static fenced halves_of(const gemm_case *g, const fenced *plain) {
  size_t count = plain->size / sizeof(float);
  fenced halves = fence(count * sizeof(uint16_t), true);
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    float value = held(g, ((const float *)(void *)plain->bytes)[i]);
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    uint32_t half = magnitude ? sign | (magnitude - 0x38000000) >> 13 : 0;
    ((uint16_t *)(void *)halves.bytes)[i] =
        (uint16_t)(g->p.b_form == MAAS_GEMM_B_PACKED_BF16 ? bits >> 16 : half);
  }
  return halves;
}

static fenced gemm_packed(const kernel_case *c, const maas_kernel *row, const fenced *plain) {
  const gemm_case *g = c->params;
  bool is_half = g->p.b_form != MAAS_GEMM_B_PACKED;
  fenced halves = is_half ? halves_of(g, plain) : (fenced){0};
  maas_f32_gemm_pack_params p = {.k = g->p.k,
                                 .n = g->p.n,
                                 .b_row = g->b_row,
                                 .b_col = g->b_col,
                                 .is_half = is_half,
                                 .batch_rank = 1,
                                 .batch = {g->b_matrices},
                                 .b_batch = {g->p.k * g->p.n}};
  maas_split split = maas_f32_gemm_pack_split_for(row, &p);
  int64_t bytes = maas_f32_gemm_packed_bytes_for(row, p.k, p.n) * g->b_matrices;
  fenced packed = fence((size_t)(is_half ? bytes / 2 : bytes), true);
  void *operands[] = {packed.bytes, is_half ? halves.bytes : plain->bytes};
  maas_step step = {.operands = operands, .params = &p, .items = split.items};
  maas_worker worker = {0};
  maas_f32_gemm_pack(&step, 0, split.items / 2, &worker);
  maas_f32_gemm_pack(&step, split.items / 2, split.items, &worker);
  unfence(&halves);
  return packed;
}

static void check_gemm(int64_t m, int64_t n, int64_t k, form f) {
  int64_t batches = f.batches ? f.batches : 1, b_matrices = f.b_shared ? 1 : batches, y_row = n + f.gap;
  const struct {
    int64_t row, column, count;
  } c_forms[] = {{0, 0, 0}, {0, 0, 1}, {0, 1, n}, {1, 0, m}, {n, 1, m * n}}, cs = c_forms[f.c];
  gemm_case g = {.p = {.m = m,
                       .n = n,
                       .k = k,
                       .a_row = f.a_transposed ? 1 : k,
                       .a_col = f.a_transposed ? m : 1,
                       .b_form = f.b_form,
                       .b_row = f.b_transposed ? 1 : n,
                       .b_col = f.b_transposed ? k : 1,
                       .b_is_far = f.b_is_far,
                       .c_row = cs.row,
                       .c_col = cs.column,
                       .y_row = y_row,
                       .alpha = 0.75f,
                       .beta = -0.5f,
                       .activation = f.activation,
                       .batch_rank = 1,
                       .batch = {batches},
                       .a_batch = {m * k},
                       .b_batch = {f.b_shared                      ? 0
                                   : f.b_form == MAAS_GEMM_B_PLAIN ? k * n
                                                                   : 1},
                       .y_batch = {m * y_row}},
                 .b_row = f.b_transposed ? 1 : n,
                 .b_col = f.b_transposed ? k : 1,
                 .b_matrices = b_matrices};
  size_t y = (size_t)(batches * m * y_row);
  kernel_case c = {.table = "maas_f32_gemm",
                   .params = &g,
                   .params_size = sizeof g,
                   .operands = {{FLOATS, false, (size_t)(batches * m * k), -1, 1},
                                {f.b_form == MAAS_GEMM_B_PLAIN ? FLOATS : PACKED, false,
                                 (size_t)(b_matrices * k * n), -1, 1},
                                {f.c == NO_C ? ABSENT : FLOATS, false, (size_t)cs.count, -1, 1},
                                {f.residual ? FLOATS : ABSENT, false, y, -1, 1},
                                {FLOATS, true, y, 7, 7}},
                   .tolerance = 1e-6,
                   .scale = 1,
                   .onto = f.residual && f.gap == 0 ? 3 : -1,
                   .exact = gemm_exact,
                   .split = gemm_split,
                   .pack = gemm_packed};
  snprintf(c.note, sizeof c.note, "%dx%dx%d, C %d, %d matrices, B %d", (int)m, (int)n, (int)k, f.c,
           (int)batches, f.b_form);
  check(&c);
}

static double value_of_half(int half) {
  int exponent = half >> 10 & 31, mantissa = half & 1023;
  double magnitude = exponent == 31  ? mantissa ? NAN : INFINITY
                     : exponent == 0 ? ldexp(mantissa, -24)
                                     : ldexp(1024 + mantissa, exponent - 25);
  return half & 0x8000 ? -magnitude : magnitude;
}

/// Every half that there is, times one.
static void check_every_half(void) {
  enum { count_of_halves = 1 << 16 };
  static uint16_t halves[count_of_halves], packed[count_of_halves + 64];
  static float y[count_of_halves];
  const maas_kernel_table *table = table_named("maas_f32_gemm");
  for (int i = 0; i < count_of_halves; i++)
    halves[i] = (uint16_t)i;
  for (int32_t r = 0; r < table->count; r++) {
    const maas_kernel *row = &table->rows[r];
    if (!maas_isa_supported(row->isa))
      continue;
    maas_f32_gemm_pack_params b = {
        .k = 1, .n = count_of_halves, .b_row = count_of_halves, .b_col = 1, .is_half = true};
    maas_f32_gemm_params g = {.m = 1,
                              .n = count_of_halves,
                              .k = 1,
                              .a_row = 1,
                              .a_col = 1,
                              .alpha = 1,
                              .y_row = count_of_halves,
                              .b_form = MAAS_GEMM_B_PACKED_F16};
    float one = 1;
    void *packing[] = {packed, halves}, *operands[] = {&one, packed, NULL, NULL, y};
    run_row(maas_f32_gemm_pack, &b, packing, maas_f32_gemm_pack_split_for(row, &b));
    run_row(row->run, &g, operands, maas_f32_gemm_split_for(row, &g));
    const char *problem = NULL;
    for (int i = 0; i < count_of_halves; i++)
      if (!(y[i] == value_of_half(i) || (isnan(y[i]) && isnan(value_of_half(i)))))
        problem = "a half has another value";
    count(row->name, "every half", problem);
  }
}

void check_products(void) {
  check_every_half();
  const int64_t ms[] = {1, 2, 3, 5, 6, 7, 8, 13, 31}, ns[] = {1, 7, 12, 13, 16, 33, 67}, ks[] = {0, 1, 2, 67};
  for (size_t m = 0; m < sizeof ms / sizeof ms[0]; m++)
    for (size_t n = 0; n < sizeof ns / sizeof ns[0]; n++)
      for (size_t k = 0; k < sizeof ks / sizeof ks[0]; k++)
        for (maas_gemm_b b = MAAS_GEMM_B_PACKED; b <= MAAS_GEMM_B_PLAIN; b++)
          check_gemm(ms[m], ns[n], ks[k], (form){.b_form = b});
  for (int bits = 0; bits < 4; bits++)
    for (int c = NO_C; c <= MATRIX_C; c++)
      for (maas_gemm_b b = MAAS_GEMM_B_PACKED; b <= MAAS_GEMM_B_PLAIN; b++)
        check_gemm(50, 70, 33,
                   (form){.a_transposed = bits & 1,
                          .b_transposed = bits & 2,
                          .residual = bits % 3,
                          .c = c,
                          .b_form = b});
  // Several passes over k and several tiles; rows of A and B a page apart.
  check_gemm(29, 150, 1100, (form){.c = ROW_C, .residual = true});
  check_gemm(12, 100, 1024, (form){.c = ROW_C});
  // One and two groups of rows that fetch the next panel of a B larger than the second-level cache.
  check_gemm(9, 413, 1024, (form){.c = ROW_C});
  check_gemm(14, 413, 1000, (form){.c = ROW_C});
  // One, two and three groups of rows of a transposed A.
  for (int64_t m = 3; m <= 29; m += 2)
    check_gemm(m, 150, 1100, (form){.a_transposed = true});
  check_gemm(4, 100, 300, (form){.c = ROW_C, .residual = true, .b_form = MAAS_GEMM_B_PLAIN});
  check_gemm(30, 1024, 600, (form){.a_transposed = true, .b_form = MAAS_GEMM_B_PLAIN});
  // Tiles that share the packed rows of a transposed A; several panels of B copied at once.
  check_gemm(600, 150, 100, (form){.a_transposed = true, .b_form = MAAS_GEMM_B_PLAIN});
  check_gemm(40, 203, 300, (form){.c = ROW_C, .b_form = MAAS_GEMM_B_PLAIN});
  check_gemm(40, 203, 300, (form){.b_transposed = true, .b_form = MAAS_GEMM_B_PLAIN});
  check_gemm(3, 300, 1030, (form){.c = MATRIX_C, .activation = {MAAS_UNARY_CLIP, -1, 6}, .gap = 3});
  check_gemm(143, 1100, 9, (form){.b_transposed = true, .activation = {MAAS_UNARY_RELU, 0, 0}, .gap = 5});
  check_gemm(9, 20, 30, (form){.c = COLUMN_C, .activation = {MAAS_UNARY_TANH, 0, 0}, .batches = 6});
  // Rows wide enough that a function takes whole ones: of one pass over k and of several, of panels and of a plain B.
  for (maas_gemm_b b = MAAS_GEMM_B_PACKED; b <= MAAS_GEMM_B_PLAIN; b++)
    for (int64_t m = 1; m <= 40; m += 13)
      for (int64_t k = 0; k <= 1100; k += 550)
        check_gemm(m, 75, k,
                   (form){.c = ROW_C, .residual = m > 1, .b_form = b, .activation = {MAAS_UNARY_TANH, 0, 0}});
  // One row of a B that comes from memory, of one and of several panels.
  for (size_t n = 0; n < sizeof ns / sizeof ns[0]; n++)
    for (int64_t k = 0; k <= 1100; k = 3 * k + 1) {
      check_gemm(1, 30 + ns[n], k, (form){.c = ROW_C, .residual = true, .b_is_far = true});
      check_gemm(1, 90 + ns[n], k,
                 (form){.a_transposed = true, .b_is_far = true, .activation = {MAAS_UNARY_TANH, 0, 0}});
    }
  check_gemm(1, 40, 30, (form){.a_transposed = true, .batches = 5, .b_shared = true});
  check_gemm(9, 40, 30, (form){.b_transposed = true, .batches = 5, .b_form = MAAS_GEMM_B_PLAIN});
}
