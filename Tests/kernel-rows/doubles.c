/// The product of doubles against three loops in long double.
#include <math.h>
#include <stdio.h>
#include "rows.h"

enum { A, B, C, R, Y, OPERANDS };

typedef struct product {
  maas_f32_gemm_params params;
  fenced operands[OPERANDS];
} product;

static fenced random_doubles(int64_t count, uint64_t *random) {
  fenced made = fence((size_t)count * sizeof(double), true);
  for (int64_t i = 0; i < count; i++)
    ((double *)(void *)made.bytes)[i] = (double)(int64_t)random_bits(random) * 0x1p-63;
  return made;
}

static const double *numbers(const product *p, int operand) {
  return (const double *)(const void *)p->operands[operand].bytes;
}

/// Bit by bit of `style`: transposed A, transposed B, C as a row, C as a matrix, a residual, three matrices.
static product made_product(int64_t m, int64_t n, int64_t k, unsigned style) {
  uint64_t random = (uint64_t)(m * 10000 + n * 100 + k) + style;
  int64_t matrices = style & 32 ? 3 : 1, c = style & 8 ? m * n : style & 4 ? n : 0, gap = 1;
  product p = {.params = {.m = m, .n = n, .k = k, .y_row = n + gap, .alpha = 0.75f, .beta = -0.5f}};
  maas_f32_gemm_params *g = &p.params;
  g->b_form = MAAS_GEMM_B_PLAIN;
  g->a_row = style & 1 ? 1 : k, g->a_col = style & 1 ? m : 1;
  g->b_row = style & 2 ? 1 : n, g->b_col = style & 2 ? k : 1;
  g->c_row = style & 8 ? n : 0, g->c_col = c ? 1 : 0;
  g->batch_rank = 1, g->batch[0] = matrices;
  g->a_batch[0] = m * k, g->b_batch[0] = k * n, g->y_batch[0] = m * g->y_row;
  p.operands[A] = random_doubles(matrices * m * k, &random);
  p.operands[B] = random_doubles(matrices * k * n, &random);
  if (c)
    p.operands[C] = random_doubles(c, &random);
  if (style & 16)
    p.operands[R] = random_doubles(matrices * m * g->y_row, &random);
  p.operands[Y] = random_doubles(matrices * m * g->y_row, &random);
  return p;
}

static bool is_right(const product *p, int64_t matrix, int64_t i, int64_t j) {
  const maas_f32_gemm_params *g = &p->params;
  const double *a = numbers(p, A) + matrix * g->a_batch[0], *b = numbers(p, B) + matrix * g->b_batch[0];
  int64_t at = matrix * g->y_batch[0] + i * g->y_row + j;
  long double sum = 0, size = 1;
  for (int64_t q = 0; q < g->k; q++) {
    long double product = (long double)a[i * g->a_row + q * g->a_col] * b[q * g->b_row + j * g->b_col];
    sum += product, size += fabsl(product);
  }
  sum *= g->alpha;
  sum += numbers(p, C) ? (long double)g->beta * numbers(p, C)[i * g->c_row + j * g->c_col] : 0;
  sum += numbers(p, R) ? (long double)numbers(p, R)[at] : 0;
  return fabsl(sum - (long double)numbers(p, Y)[at]) <= 1e-15L * size * sqrtl((long double)(g->k + 1));
}

static const char *problem_of(const product *p) {
  const maas_f32_gemm_params *g = &p->params;
  for (int64_t matrix = 0; matrix < g->batch[0]; matrix++)
    for (int64_t i = 0; i < g->m; i++)
      for (int64_t j = 0; j < g->n; j++)
        if (!is_right(p, matrix, i, j))
          return "a wrong number";
  for (int i = 0; i < OPERANDS; i++)
    if (p->operands[i].bytes && !fence_whole(&p->operands[i]))
      return "a write outside";
  return NULL;
}

static struct {
  int64_t m, n, k;
  unsigned style;
} now;

static void check_row(const maas_kernel *row) {
  char note[96];
  product p = made_product(now.m, now.n, now.k, now.style);
  void *operands[OPERANDS];
  for (int i = 0; i < OPERANDS; i++)
    operands[i] = p.operands[i].bytes;
  run_row(row->run, &p.params, operands, maas_f64_gemm_split_for(row, &p.params));
  snprintf(note, sizeof note, "%dx%dx%d, style %u", (int)now.m, (int)now.n, (int)now.k, now.style);
  count(row->name, note, problem_of(&p));
  for (int i = 0; i < OPERANDS; i++)
    unfence(&p.operands[i]);
}

static void check_product(int64_t m, int64_t n, int64_t k, unsigned style) {
  now.m = m, now.n = n, now.k = k, now.style = style;
  each_row("maas_f64_gemm", check_row);
}

void check_doubles(void) {
  const int64_t ms[] = {1, 2, 5, 8, 9, 31}, ns[] = {1, 7, 8, 24, 33}, ks[] = {0, 1, 5, 67};
  for (size_t m = 0; m < sizeof ms / sizeof ms[0]; m++)
    for (size_t n = 0; n < sizeof ns / sizeof ns[0]; n++)
      for (size_t k = 0; k < sizeof ks / sizeof ks[0]; k++)
        check_product(ms[m], ns[n], ks[k], (unsigned)(m + n + k) * 5 % 64);
  for (unsigned style = 0; style < 64; style++)
    check_product(26, 50, 33, style);
  // Several passes over k and several tiles; rows of A a page apart.
  check_product(150, 70, 1100, 4);
  check_product(150, 1100, 9, 1);
  check_product(12, 100, 1024, 2);
}
