/// The rules of gradient descent on every row, beside the portable one.
#include <math.h>
#include <stdio.h>
#include "rows.h"

enum { tensors = 3, kinds = 4, operands = MAAS_UPDATE_FIRST + MAAS_UPDATE_EACH * tensors };
static const int64_t begins[tensors + 1] = {0, 67, 70, 201};

/// x, g, s and t of each tensor.
typedef struct network {
  fenced of[tensors][kinds];
} network;

static network made(void) {
  network n;
  uint64_t random = 29;
  for (int i = 0; i < tensors; i++)
    for (int k = 0; k < kinds; k++)
      n.of[i][k] = random_floats((size_t)(begins[i + 1] - begins[i]), k < 2 ? -2 : 0, k < 2 ? 2 : 1, &random);
  return n;
}

static void released(network *n) {
  for (int i = 0; i < tensors; i++)
    for (int k = 0; k < kinds; k++)
      unfence(&n->of[i][k]);
}

/// Takes the step in place, in two pieces.
static void step(const maas_kernel *row, const maas_update_params *params, network *n) {
  static const double rate = 0.1;
  static const int64_t time = 3;
  void *all[operands] = {(void *)&rate, (void *)&time, (void *)begins};
  for (int i = 0; i < tensors; i++)
    for (int k = 0; k < MAAS_UPDATE_EACH; k++)
      all[MAAS_UPDATE_FIRST + MAAS_UPDATE_EACH * i + k] = n->of[i][k < kinds    ? k
                                                                   : k == kinds ? 0
                                                                                : k - kinds + 1]
                                                              .bytes;
  run_row(row->run, params, all, maas_f32_update_split(params));
}

static const char *difference(const network *found, const network *expected) {
  for (int i = 0; i < tensors; i++)
    for (int k = 0; k < kinds; k++) {
      if (!fence_whole(&found->of[i][k]))
        return "wrote outside its operands";
      for (int64_t j = 0; j < begins[i + 1] - begins[i]; j++) {
        double a = real(&found->of[i][k], j), b = real(&expected->of[i][k], j);
        if (!(fabs(a - b) <= 2e-6 * fmax(1, fabs(b))))
          return "other numbers than the portable row";
      }
    }
  return NULL;
}

static void check_rules(const maas_kernel *row) {
  const maas_kernel_table *table = table_named("maas_f32_update");
  for (int rule = 0; rule <= MAAS_UPDATE_DIRECTION; rule++) {
    maas_update_params params = {.rule = (maas_update_rule)rule,
                                 .tensors = tensors,
                                 .elements = begins[tensors],
                                 .alpha = 0.9,
                                 .beta = 0.99,
                                 .epsilon = 1e-3,
                                 .l1 = 0.01,
                                 .l2 = 0.02,
                                 .decay = 0.1,
                                 .post = 0.995,
                                 .scale = 0.5,
                                 .clip = 0.8,
                                 .corrects = rule == MAAS_UPDATE_ADAM,
                                 .ahead = 1};
    network own = made(), portable = made();
    step(row, &params, &own);
    step(&table->rows[table->count - 1], &params, &portable);
    char note[32];
    snprintf(note, sizeof note, "rule %d", rule);
    count(row->name, note, difference(&own, &portable));
    released(&own);
    released(&portable);
  }
}

/// Averages of gradients that are 0 come to 0; outside of the kernel small numbers are what they were.
static void check_small(const maas_kernel *row) {
  maas_update_params params = {.rule = MAAS_UPDATE_ADAM,
                               .tensors = tensors,
                               .elements = begins[tensors],
                               .alpha = 0.9,
                               .beta = 0.99,
                               .epsilon = 1e-8,
                               .post = 1,
                               .scale = 1,
                               .clip = INFINITY};
  network n = made();
  for (int k = 1; k < kinds; k++)
    for (int64_t j = 0; j < begins[1]; j++)
      ((float *)(void *)n.of[0][k].bytes)[j] = k == 1 ? 0 : 0x1p-130f;
  step(row, &params, &n);
  const char *problem = NULL;
  for (int k = 2; k < kinds; k++)
    for (int64_t j = 0; j < begins[1] && !problem; j++)
      problem = real(&n.of[0][k], j) == 0 ? NULL : "a subnormal average stays";
  volatile float small = 0x1p-130f;
  if (small * 0.5f == 0)
    problem = "subnormal numbers are 0 behind the kernel";
  count(row->name, "subnormal", problem);
  released(&n);
}

static void check_squares(const maas_kernel *row) {
  static const int64_t blocks[] = {0, 1, 4}, sizes[] = {33, 2 * MAAS_SQUARE_BLOCK + 5};
  uint64_t random = 3;
  fenced a = random_floats((size_t)sizes[0], -2, 2, &random),
         b = random_floats((size_t)sizes[1], -2, 2, &random);
  fenced y = fence(4 * sizeof(float), true);
  void *all[] = {(void *)blocks, (void *)sizes, y.bytes, a.bytes, b.bytes};
  maas_square_sums_params params = {.tensors = 2, .blocks = 4};
  run_row(row->run, &params, all, maas_f32_square_sums_split(&params));
  const char *problem = fence_whole(&y) ? NULL : "wrote outside its operands";
  for (int64_t block = 0; block < 4 && !problem; block++) {
    const fenced *x = block == 0 ? &a : &b;
    int64_t first = block == 0 ? 0 : (block - 1) * MAAS_SQUARE_BLOCK, size = block == 0 ? sizes[0] : sizes[1];
    double sum = 0;
    for (int64_t j = first; j < size && j < first + MAAS_SQUARE_BLOCK; j++)
      sum += real(x, j) * real(x, j);
    if (!(fabs(real(&y, block) - sum) <= 1e-5 * sum))
      problem = "another sum";
  }
  count(row->name, "blocks", problem);
  // The first element of the third block is not finite, and shows there alone.
  ((float *)(void *)b.bytes)[MAAS_SQUARE_BLOCK] = -INFINITY;
  params.measure = MAAS_BLOCK_CHECK;
  run_row(row->run, &params, all, maas_f32_square_sums_split(&params));
  problem = NULL;
  for (int64_t block = 0; block < 4; block++)
    if (isfinite(real(&y, block)) != (block != 2))
      problem = "another block is not finite";
  count(row->name, "checks", problem);
  ((float *)(void *)b.bytes)[MAAS_SQUARE_BLOCK] = -7;
  ((float *)(void *)b.bytes)[2 * MAAS_SQUARE_BLOCK + 4] = NAN;
  params.measure = MAAS_BLOCK_GREATEST;
  run_row(row->run, &params, all, maas_f32_square_sums_split(&params));
  problem = real(&y, 2) == 7 && isnan(real(&y, 3)) ? NULL : "not the greatest";
  for (int64_t block = 0; block < 2; block++)
    if (!(real(&y, block) > 1.5 && real(&y, block) <= 2))
      problem = "not the greatest";
  count(row->name, "greatest", problem);
  unfence(&a);
  unfence(&b);
  unfence(&y);
}

#ifndef ROWS_OF_CORE
/// Adam's step of weights in panels whose gradient is a product: x, s and t of who takes it along the product, and of who
/// takes it behind.
typedef struct stepped {
  maas_product_update_params params;
  fenced a, dy, g, apart[3], together[3];
  int64_t elements;
} stepped;

enum { samples = 21, rows_of_weights = 37, panels = 3 };
static const double step_rate = 0.1;
static const int64_t step_time = 3;

static stepped made_steps(void) {
  int64_t nr = maas_f32_gemm_panel_columns(), n = panels * nr;
  uint64_t random = 41;
  stepped s = {.elements = rows_of_weights * n};
  s.a = random_floats(samples * rows_of_weights, -1, 1, &random);
  s.dy = random_floats((size_t)(samples * n), -1, 1, &random);
  s.g = random_floats((size_t)s.elements, 0, 0, &random);
  for (int k = 0; k < 3; k++) {
    uint64_t same = (uint64_t)k + 1;
    s.apart[k] = random_floats((size_t)s.elements, 0, 1, &same);
    same = (uint64_t)k + 1;
    s.together[k] = random_floats((size_t)s.elements, 0, 1, &same);
  }
  s.params = (maas_product_update_params){
      .product = {.m = rows_of_weights, .n = n, .k = samples, .a_row = 1, .a_col = rows_of_weights},
      .update = {.rule = MAAS_UPDATE_ADAM, .tensors = 1, .alpha = 0.9, .beta = 0.99, .epsilon = 1e-3}};
  maas_f32_gemm_params *g = &s.params.product;
  g->alpha = 1, g->b_form = MAAS_GEMM_B_PLAIN, g->b_row = n, g->b_col = 1;
  g->y_row = nr, g->y_panel = rows_of_weights * nr;
  maas_update_params *u = &s.params.update;
  u->elements = s.elements, u->post = 1, u->scale = 1, u->clip = INFINITY;
  return s;
}

/// `times` the gradient, and then the step along it.
static void step_apart(const maas_kernel *row, stepped *s, float times) {
  const int64_t bounds[] = {0, s->elements};
  maas_f32_gemm_params plain = s->params.product;
  plain.alpha = times;
  run_row(maas_f32_gemm, &plain, (void *[]){s->a.bytes, s->dy.bytes, NULL, NULL, s->g.bytes},
          maas_f32_gemm_split(&plain));
  fenced *x = s->apart;
  void *all[] = {(void *)&step_rate, (void *)&step_time, (void *)bounds, NULL,       NULL,       NULL,
                 x[0].bytes,         s->g.bytes,         x[1].bytes,     x[2].bytes, x[0].bytes, x[1].bytes,
                 x[2].bytes};
  run_row(row->run, &s->params.update, all, maas_f32_update_split(&s->params.update));
}

static void step_together(stepped *s, maas_product_update_params *params) {
  fenced *x = s->together;
  void *all[MAAS_PRODUCT_UPDATE_FIRST + MAAS_UPDATE_FIRST + MAAS_UPDATE_EACH] = {s->a.bytes, s->dy.bytes};
  void **own = all + MAAS_PRODUCT_UPDATE_FIRST;
  own[0] = (void *)&step_rate, own[1] = (void *)&step_time;
  for (int k = 0; k < 3; k++)
    own[MAAS_UPDATE_FIRST + (k ? k + 1 : 0)] = own[MAAS_UPDATE_FIRST + 4 + k] = x[k].bytes;
  maas_split split = maas_f32_product_update_split(params);
  run_row(maas_f32_gemm, params, all, split);
}

static void compare_steps(const maas_kernel *row, stepped *s, const char *note) {
  const char *problem = NULL;
  for (int k = 0; k < 3; k++) {
    if (!fence_whole(&s->together[k]))
      problem = "wrote outside its operands";
    for (int64_t i = 0; i < s->elements && !problem; i++)
      problem = fabs(real(&s->together[k], i) - real(&s->apart[k], i)) <= 1e-6 ? NULL : "another step";
    unfence(&s->apart[k]);
    unfence(&s->together[k]);
  }
  count(row->name, note, problem);
  unfence(&s->a);
  unfence(&s->dy);
  unfence(&s->g);
}

/// The step along a product is that of the product and then of the update.
static void check_product_update(const maas_kernel *row) {
  stepped s = made_steps();
  step_apart(row, &s, 1);
  step_together(&s, &s.params);
  compare_steps(row, &s, "along a product");
}

/// Some panels of the product.
static maas_product_update_params part_of(const stepped *s, int64_t first, int64_t count) {
  maas_product_update_params part = s->params;
  int64_t nr = part.product.y_row;
  part.product.n = count * nr, part.product.b_offset = first * nr;
  part.product.taken_first = first * part.product.y_panel;
  return part;
}

/// Ranks with the same samples take the steps of some panels each, along twice the gradient, and leave the new x.
static void check_shared_update(const maas_kernel *row) {
  enum { before = 32 };
  static const int64_t first[] = {0, 1, panels};
  stepped s = made_steps();
  step_apart(row, &s, 2);
  fenced area[2];
  float *left[2];
  for (int rank = 0; rank < 2; rank++) {
    area[rank] = fence((size_t)(s.elements + before) * sizeof(float), true);
    left[rank] = (float *)(void *)area[rank].bytes;
  }
  maas_rank_part ranks = {.left = left, .first = before, .ranks = 2};
  for (int pass = 0; pass < 2; pass++)
    for (int rank = 0; rank < 2; rank++) {
      int whose = pass ? rank : 1 - rank;
      maas_product_update_params part = part_of(&s, first[whose], first[whose + 1] - first[whose]);
      part.part = ranks, part.part.rank = rank;
      if (pass)
        step_together(&s, &part);
      else {
        void *all[] = {s.a.bytes, s.dy.bytes, NULL, NULL, NULL};
        maas_split split = maas_f32_product_share_split(&part);
        run_row(maas_f32_gemm, &part, all, split);
      }
    }
  const char *problem = fence_whole(&area[0]) && fence_whole(&area[1]) ? NULL : "wrote outside the area";
  for (int64_t i = 0; i < s.elements && !problem; i++)
    if (left[i >= s.params.product.y_panel][before + i] != (float)real(&s.together[0], i))
      problem = "other weights than its own are left";
  count(row->name, "left to other ranks", problem);
  compare_steps(row, &s, "of some panels, along all ranks' gradients");
  unfence(&area[0]);
  unfence(&area[1]);
}
#endif

void check_updates(void) {
  each_row("maas_f32_update", check_rules);
  each_row("maas_f32_update", check_small);
  each_row("maas_f32_square_sums", check_squares);
#ifndef ROWS_OF_CORE
  each_row("maas_f32_update", check_product_update);
  each_row("maas_f32_update", check_shared_update);
#endif
}
