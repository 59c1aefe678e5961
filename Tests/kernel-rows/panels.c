/// Products that read the transpose of panels and that write panels, as those of training do, against three loops in
/// double precision.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "rows.h"

/// Weights of `rows` and of panels of nr columns, and how many samples meet them.
static struct { int64_t samples, rows, panels; } now;

typedef struct product {
  maas_f32_gemm_params params;
  fenced a, b, y;
  int64_t nr;
} product;

static float at(const fenced *floats, int64_t i) { return ((const float *)(const void *)floats->bytes)[i]; }

/// Where element (i, j) of weights in panels is.
static int64_t laid(const product *p, int64_t i, int64_t j) {
  return j / p->nr * now.rows * p->nr + i * p->nr + j % p->nr;
}

/// dX = dY Wᵀ.
static double of_inputs(const product *p, int64_t i, int64_t j, int64_t q) {
  return (double)at(&p->a, i * p->params.k + q) * at(&p->b, laid(p, j, q));
}

/// dW = Xᵀ dY.
static double of_weights(const product *p, int64_t i, int64_t j, int64_t q) {
  return (double)at(&p->a, q * p->params.m + i) * at(&p->b, q * p->params.n + j);
}

static const char *problem_of(const product *p, double (*term)(const product *, int64_t, int64_t, int64_t)) {
  for (int64_t i = 0; i < p->params.m; i++)
    for (int64_t j = 0; j < p->params.n; j++) {
      double sum = 0, size = 1;
      for (int64_t q = 0; q < p->params.k; q++) {
        double product = term(p, i, j, q);
        sum += product, size += fabs(product);
      }
      int64_t place = p->params.y_panel ? laid(p, i, j) : i * p->params.n + j;
      if (!(fabs(sum - at(&p->y, place)) <= 1e-6 * size))
        return "a wrong number";
    }
  return fence_whole(&p->y) ? NULL : "a write outside";
}

static void check_product(const maas_kernel *row, product *p,
                          double (*term)(const product *, int64_t, int64_t, int64_t)) {
  const maas_f32_gemm_params *g = &p->params;
  uint64_t random = (uint64_t)(g->m * 10000 + g->n * 100 + g->k);
  p->params.alpha = 1, p->params.b_form = MAAS_GEMM_B_PLAIN;
  p->a = random_floats((size_t)(g->m * g->k), -1, 1, &random);
  p->b = random_floats((size_t)(g->k * g->n), -1, 1, &random);
  p->y = random_floats((size_t)(g->m * g->n), 7, 7, &random);
  run_row(row->run, &p->params, (void *[]){p->a.bytes, p->b.bytes, NULL, NULL, p->y.bytes},
          maas_f32_gemm_split_for(row, &p->params));
  char note[96];
  snprintf(note, sizeof note, "%dx%dx%d, %s panels", (int)g->m, (int)g->n, (int)g->k,
           g->y_panel ? "to" : "from");
  count(row->name, note, problem_of(p, term));
  unfence(&p->a);
  unfence(&p->b);
  unfence(&p->y);
}

/// Y as it was taken: operand 5 holds its elements, operand 6 how often each has come.
static void take(const maas_step *step, int64_t begin, float *y, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    ((float *)step->operands[5])[begin + i] = y[i];
    ((float *)step->operands[6])[begin + i]++;
  }
}

/// What is taken is bit for bit what is written otherwise, each element once.
static void check_taken(const maas_kernel *row, const product *weights) {
  maas_f32_gemm_params plain = weights->params, taken = weights->params;
  size_t elements = (size_t)(plain.m * plain.n);
  uint64_t random = elements;
  fenced a = random_floats((size_t)(plain.m * plain.k), -1, 1, &random),
         b = random_floats((size_t)(plain.k * plain.n), -1, 1, &random),
         y = random_floats(elements, 7, 7, &random), own = random_floats(elements, 7, 7, &random),
         times = random_floats(elements, 0, 0, &random);
  run_row(row->run, &plain, (void *[]){a.bytes, b.bytes, NULL, NULL, y.bytes},
          maas_f32_gemm_split_for(row, &plain));
  taken.take = take, taken.wanted[0] = 5, taken.wanted[1] = 6, taken.wanted[2] = 7;
  run_row(row->run, &taken, (void *[]){a.bytes, b.bytes, NULL, NULL, NULL, own.bytes, times.bytes, NULL},
          maas_f32_gemm_split_for(row, &taken));
  const char *problem = fence_whole(&own) && fence_whole(&times) ? NULL : "a piece outside";
  if (memcmp(own.bytes, y.bytes, elements * sizeof(float)))
    problem = "other numbers than without";
  for (size_t i = 0; i < elements && !problem; i++)
    problem = at(&times, (int64_t)i) == 1 ? NULL : "an element not once";
  char note[96];
  snprintf(note, sizeof note, "%dx%dx%d taken", (int)plain.m, (int)plain.n, (int)plain.k);
  count(row->name, note, problem);
  fenced *all[] = {&a, &b, &y, &own, &times};
  for (int i = 0; i < 5; i++)
    unfence(all[i]);
}

static void check_row(const maas_kernel *row) {
  int64_t nr = row->nr, n = now.panels * nr;
  product inputs = {.nr = nr, .params = {.m = now.samples, .n = now.rows, .k = n, .a_row = n, .a_col = 1}};
  inputs.params.b_row = 1, inputs.params.b_col = nr, inputs.params.b_panel = now.rows * nr;
  inputs.params.y_row = now.rows;
  check_product(row, &inputs, of_inputs);
  product weights = {.nr = nr, .params = {.m = now.rows, .n = n, .k = now.samples, .a_row = 1}};
  weights.params.a_col = now.rows, weights.params.b_row = n, weights.params.b_col = 1;
  weights.params.y_row = nr, weights.params.y_panel = now.rows * nr;
  check_product(row, &weights, of_weights);
  check_taken(row, &weights);
}

/// Gradients of an empty batch are 0.
static void check_nothing(const maas_kernel *row) {
  int64_t n = 3 * row->nr, rows = 2 * row->mr + 1;
  product weights = {.nr = row->nr, .params = {.m = rows, .n = n, .a_row = 1, .a_col = rows, .alpha = 1}};
  weights.params.b_form = MAAS_GEMM_B_PLAIN, weights.params.b_row = n, weights.params.b_col = 1;
  weights.params.y_row = row->nr, weights.params.y_panel = rows * row->nr;
  check_taken(row, &weights);
}

void check_panels(void) {
  each_row("maas_f32_gemm", check_nothing);
  // Several passes over k and several tiles in the last two.
  const int64_t sizes[][3] = {{1, 1, 1},     {1, 3, 5},   {2, 70, 4},    {5, 2, 9},     {7, 33, 3},
                              {8, 67, 1},    {13, 31, 2}, {31, 64, 6},   {40, 150, 37}, {511, 700, 3},
                              {600, 300, 5}, {200, 5, 3}, {512, 113, 2}, {700, 40, 3}};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    now.samples = sizes[i][0], now.rows = sizes[i][1], now.panels = sizes[i][2];
    each_row("maas_f32_gemm", check_row);
  }
}
