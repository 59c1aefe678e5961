/// The products of 8-bit integers, exactly.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "../../Sources/CMaasKernels/qgemm/left.h"
#include "maas_quant.h"
#include "rows.h"

typedef struct product {
  maas_s8_gemm_params params;
  fenced operands[MAAS_S8_OPERANDS];
  bool b_is_transposed, b_is_constant;
} product;

void choose_bytes(fenced *o, size_t columns, uint64_t *random) {
  o[MAAS_S8_Y_SCALE] = random_floats(1, 0.2f, 0.9f, random);
  o[MAAS_S8_Y_ZERO] = random_bytes(1, random);
  if (random_bits(random) % 4 == 0) {
    o[MAAS_S8_MORE_BIAS] = random_floats(columns, -20, 20, random);
    o[MAAS_S8_MORE_SCALE] = random_floats(1, 0.2f, 0.9f, random);
    o[MAAS_S8_MORE_ZERO] = random_bytes(1, random);
  }
}

static double held(double n, bool is_signed) {
  return fmin(127 + !is_signed * 128, fmax(-128 * is_signed, n));
}

/// A number that is nearly halfway may have been rounded either way before more was added.
#define EACH_BYTE(byte, number) for (double byte = ceil((number)-0.501); byte <= (number) + 0.501; byte++)

bool is_byte(const maas_s8_finish *f, const fenced *o, int64_t at, int64_t column, double exact) {
  bool is_signed = f->y_type == MAAS_ELEMENT_S8;
  double scale = real(&o[MAAS_S8_Y_SCALE], 0), zero = number(&o[MAAS_S8_Y_ZERO], 0, is_signed);
  double own = held(exact / scale + zero, is_signed);
  double found = number(&o[MAAS_S8_Y], at, is_signed);
  if (!o[MAAS_S8_MORE_BIAS].bytes)
    return fabs(found - own) <= 0.501;
  double more_scale = real(&o[MAAS_S8_MORE_SCALE], 0),
         more_zero = number(&o[MAAS_S8_MORE_ZERO], 0, is_signed);
  EACH_BYTE(byte, own) {
    double sum = (byte - zero) * scale + real(&o[MAAS_S8_MORE_BIAS], column);
    if (fabs(found - held(sum / more_scale + more_zero, is_signed)) <= 0.501)
      return true;
  }
  return false;
}

/// Within what bytes stand for, mostly, or all of it below or above that.
static const maas_f32_activation clips[] = {{MAAS_UNARY_CLIP, -3, 40},
                                            {MAAS_UNARY_CLIP, -3, 40},
                                            {MAAS_UNARY_CLIP, -900, -700},
                                            {MAAS_UNARY_CLIP, 700, 900}};

/// Bit by bit of `style`: signs, zero points of their own, scales of their own, transposed B, what Y is.
static product made_product(int64_t m, int64_t n, int64_t k, unsigned style) {
  uint64_t random = (uint64_t)(m * 10000 + n * 100 + k) + style;
  static const maas_element types[] = {MAAS_ELEMENT_S32, MAAS_ELEMENT_F32, MAAS_ELEMENT_U8, MAAS_ELEMENT_S8};
  product p = {.params = {.m = m, .n = n, .k = k, .a_row = k + (style & 1), .y_row = n + (style & 1)},
               .b_is_transposed = style & 2,
               .b_is_constant = style & 16384};
  maas_s8_finish *f = &p.params.finish;
  f->a_is_signed = style & 4, f->b_is_signed = style & 8;
  f->y_type = types[style >> 4 & 3];
  f->a_zero = 5, f->b_zero = style & 64 ? -3 : f->b_is_signed ? 0 : 128;
  f->a_zeros = style & 128 ? m : 0, f->b_zeros = style & 256 ? n : 0;
  f->a_scales = style & 512 ? m : 1, f->b_scales = style & 1024 ? n : 1;
  f->bias_is_integer = style & 2048;
  fenced *o = p.operands;
  o[MAAS_S8_A] = random_bytes((size_t)(m * p.params.a_row - (style & 1)), &random);
  o[MAAS_S8_B] = random_bytes((size_t)(k * n), &random);
  size_t size = f->y_type == MAAS_ELEMENT_S32 || f->y_type == MAAS_ELEMENT_F32 ? 4 : 1;
  o[MAAS_S8_Y] = fence((size_t)(m * p.params.y_row - (style & 1)) * size, true);
  memset(o[MAAS_S8_Y].bytes, 0, o[MAAS_S8_Y].size);
  if (f->a_zeros)
    o[MAAS_S8_A_ZERO] = random_bytes((size_t)m, &random);
  if (f->b_zeros)
    o[MAAS_S8_B_ZERO] = random_bytes((size_t)n, &random);
  o[MAAS_S8_BIAS] =
      f->bias_is_integer ? random_integers((size_t)n, &random) : random_floats((size_t)n, -9, 9, &random);
  if (f->y_type == MAAS_ELEMENT_S32)
    return p;
  o[MAAS_S8_A_SCALE] = random_floats((size_t)f->a_scales, 0.01f, 0.1f, &random);
  o[MAAS_S8_B_SCALE] = random_floats((size_t)f->b_scales, 0.01f, 0.1f, &random);
  if (style & 4096)
    f->activation = clips[style >> 15 & 3];
  if (f->y_type == MAAS_ELEMENT_F32) {
    if (style & 8192)
      o[MAAS_S8_RESIDUAL] = random_floats((size_t)(m * p.params.y_row - (style & 1)), -9, 9, &random);
    return p;
  }
  choose_bytes(o, (size_t)n, &random);
  return p;
}

static fenced panels(const maas_kernel *row, const product *p) {
  const maas_s8_gemm_params *g = &p->params;
  maas_s8_pack_params params = {.is_signed = g->finish.b_is_signed, .k = g->k, .n = g->n, .count = 1};
  params.b_row = p->b_is_transposed ? 1 : g->n, params.b_col = p->b_is_transposed ? g->k : 1;
  params.is_constant = p->b_is_constant;
  maas_split split = maas_s8_pack_split_for(row, &params);
  fenced made = fence((size_t)maas_s8_packed_bytes_for(row, g->k, g->n), true);
  run_row(maas_s8_pack, &params, (void *[]){made.bytes, p->operands[MAAS_S8_B].bytes}, split);
  return made;
}

static int64_t exact_sum(const product *p, int64_t i, int64_t j) {
  const maas_s8_gemm_params *g = &p->params;
  const maas_s8_finish *f = &g->finish;
  int a_zero = f->a_zeros ? number(&p->operands[MAAS_S8_A_ZERO], i, f->a_is_signed) : f->a_zero;
  int b_zero = f->b_zeros ? number(&p->operands[MAAS_S8_B_ZERO], j, f->b_is_signed) : f->b_zero;
  int64_t sum = 0;
  for (int64_t q = 0; q < g->k; q++)
    sum +=
        (number(&p->operands[MAAS_S8_A], i * g->a_row + q, f->a_is_signed) - a_zero) *
        (number(&p->operands[MAAS_S8_B], p->b_is_transposed ? j * g->k + q : q * g->n + j, f->b_is_signed) -
         b_zero);
  if (f->bias_is_integer)
    sum += ((const int32_t *)(const void *)p->operands[MAAS_S8_BIAS].bytes)[j];
  return sum;
}

/// What Y is before it is rounded.
static double exact_real(const product *p, int64_t i, int64_t j) {
  const maas_s8_finish *f = &p->params.finish;
  const fenced *o = p->operands;
  double y = (double)exact_sum(p, i, j) * real(&o[MAAS_S8_A_SCALE], i % f->a_scales) *
             real(&o[MAAS_S8_B_SCALE], j % f->b_scales);
  if (!f->bias_is_integer)
    y += real(&o[MAAS_S8_BIAS], j);
  if (o[MAAS_S8_RESIDUAL].bytes)
    y += real(&o[MAAS_S8_RESIDUAL], i * p->params.y_row + j);
  if (f->activation.op == MAAS_UNARY_CLIP)
    y = fmin(f->activation.beta, fmax(f->activation.alpha, y));
  return y;
}

static bool is_element(const product *p, int64_t i, int64_t j) {
  const maas_s8_finish *f = &p->params.finish;
  const fenced *y = &p->operands[MAAS_S8_Y];
  int64_t at = i * p->params.y_row + j;
  if (f->y_type == MAAS_ELEMENT_S32)
    return ((const int32_t *)(const void *)y->bytes)[at] == exact_sum(p, i, j);
  double exact = exact_real(p, i, j);
  if (f->y_type == MAAS_ELEMENT_F32)
    return fabs(real(y, at) - exact) <= 1e-5 * (20 + fabs(exact));
  return is_byte(f, p->operands, at, j, exact);
}

static bool is_product(const product *p) {
  for (int64_t i = 0; i < p->params.m; i++)
    for (int64_t j = 0; j < p->params.n; j++)
      if (!is_element(p, i, j))
        return false;
  return fence_whole(&p->operands[MAAS_S8_Y]);
}

void draw_weights(fenced *b, int limit, bool is_signed, uint64_t *random) {
  for (size_t i = 0; i < b->size; i++) {
    uint64_t bits = random_bits(random);
    int weight = (int)(bits % (uint64_t)(2 * limit + 1)) - limit;
    if (limit == rarely_large && bits >> 40 & 15)
      weight = bits >> 50 & 31 ? weight : bits >> 60 & 1 ? 127 : -128;
    b->bytes[i] = (unsigned char)(is_signed ? weight : weight + 128);
  }
}

/// As large as they can be, every other one.
static void enlarge(fenced *a, bool is_signed, uint64_t *random) {
  for (size_t i = 0; i < a->size; i++)
    if (random_bits(random) & 1)
      a->bytes[i] = is_signed ? 127 : 255;
}

/// Whether the first panel is multiplied as expected by rows in lanes, for rows of the table that put some there.
static bool goes_way(const maas_kernel *row, const product *p, const fenced *right, maas_s8_way expected) {
  int64_t k = p->params.k, panels = maas_ceil_div(p->params.n, row->nr);
  return maas_s8_notes_bytes(k, row->nr) == 0 || maas_s8_notes_of(right->bytes, 0, panels, k, row->nr)->way ==
                                                     (int32_t)(p->b_is_constant ? expected : maas_s8_unknown);
}

/// With B packed in `right`.
static void check_packed(const maas_kernel *row, product *p, fenced *right, const char *note, bool noted) {
  maas_split split = maas_s8_gemm_split_for(row, &p->params);
  void *operands[MAAS_S8_OPERANDS];
  for (int i = 0; i < MAAS_S8_OPERANDS; i++)
    operands[i] = i == MAAS_S8_B ? right->bytes : p->operands[i].bytes;
  if (p->params.finish.y_type == MAAS_ELEMENT_S32 && !p->params.finish.bias_is_integer)
    operands[MAAS_S8_BIAS] = NULL;
  run_row(row->run, &p->params, operands, split);
  count(row->name, note,
        !noted                ? "noted otherwise"
        : !is_product(p)      ? "not the product"
        : !fence_whole(right) ? "wrote outside the panels"
                              : NULL);
  for (int i = 0; i < MAAS_S8_OPERANDS; i++)
    unfence(&p->operands[i]);
  unfence(right);
}

/// `way`: NULL for any.
static void check_made(const maas_kernel *row, product *p, const char *note, const maas_s8_way *way) {
  fenced right = panels(row, p);
  check_packed(row, p, &right, note, !way || goes_way(row, p, &right, *way));
}

/// `limit`: of the weights; 0 for none.
static void check_product(const maas_kernel *row, int64_t m, int64_t n, int64_t k, unsigned style,
                          int limit) {
  product p = made_product(m, n, k, style);
  uint64_t random = style;
  if (limit) {
    draw_weights(&p.operands[MAAS_S8_B], limit, p.params.finish.b_is_signed, &random);
    enlarge(&p.operands[MAAS_S8_A], p.params.finish.a_is_signed, &random);
  }
  char note[64];
  snprintf(note, sizeof note, "%d x %d x %d, %x within %d", (int)m, (int)n, (int)k, style, limit);
  check_made(row, &p, note, NULL);
}

static void check_products_of(const maas_kernel *row) {
  static const int64_t sizes[] = {1, 2, 4, 7, 8, 9, 16, 33, 65};
  uint64_t random = 1;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++)
      for (int style = 0; style < 4; style++)
        check_product(row, sizes[i], sizes[j], sizes[random_bits(&random) % 9],
                      (unsigned)random_bits(&random), 0);
  static const int64_t wide[] = {192, 193, 256, 300, 520, 1100}, depths[] = {1, 5, 64, 103, 300, 513};
  for (int i = 0; i < 96; i++)
    check_product(row, 1, wide[i % 6], depths[i / 6 % 6], (unsigned)random_bits(&random), 0);
  check_product(row, 70, 200, 300, 4 | 8 | 32, 0);
  check_product(row, 200, 520, 64, 0, 0);
  check_product(row, 257, 1100, 103, 8, 0);
  check_product(row, 3, 5, 0, 16, 0);
}

/// Weights whose sums of some products fit 16 bits, always or mostly, and bytes that make the most of it.
static void check_limits_of(const maas_kernel *row) {
  static const int limits[] = {32, rarely_large, 64, 127};
  static const int64_t rows[] = {32, 49, 75}, columns[] = {1, 16, 37}, depths[] = {64, 103, 300};
  uint64_t random = 5;
  for (int i = 0; i < 36; i++) {
    int64_t m = rows[random_bits(&random) % 3], n = columns[random_bits(&random) % 3];
    check_product(row, m, n, depths[random_bits(&random) % 3], (unsigned)random_bits(&random), limits[i % 4]);
  }
  check_product(row, 250, 20, 2052, 8 | 32, rarely_large);
  check_product(row, 250, 20, 2052, 8 | 32, 32);
}

/// Every so many pairs of neighbours along k of each column are `value` twice, the others 0.
static void place_extremes(product *p, int value, int64_t every) {
  const maas_s8_gemm_params *g = &p->params;
  for (int64_t q = 0; q < g->k; q++)
    for (int64_t j = 0; j < g->n; j++) {
      int weight = q / 2 % every == 0 ? value : 0;
      p->operands[MAAS_S8_B].bytes[p->b_is_transposed ? j * g->k + q : q * g->n + j] =
          (unsigned char)(g->finish.b_is_signed ? weight : weight + 128);
    }
}

/// Panels of 300 rows whose weights fit without cuts, with as many as can be noted, with more and with too many.
static void check_ways_of(const maas_kernel *row) {
  static const struct {
    int limit, value, every;
    maas_s8_way way;
  } cases[] = {
      {.limit = 32, .way = maas_s8_twice},
      {.limit = 50, .way = maas_s8_twice},
      {.limit = 75, .way = maas_s8_once},
      {.limit = 100, .way = maas_s8_unknown},
      {.limit = 127, .way = maas_s8_apart},
      {.value = 64, .every = 1, .way = maas_s8_once},
      {.value = 127, .every = 50, .way = maas_s8_twice},
      {.value = -128, .every = 50, .way = maas_s8_twice},
      {.value = 127, .every = 14, .way = maas_s8_unknown},
      {.value = -128, .every = 14, .way = maas_s8_unknown},
      {.value = 127, .every = 1, .way = maas_s8_apart},
      {.value = -128, .every = 1, .way = maas_s8_apart},
  };
  uint64_t random = 9;
  for (size_t i = 0; i < 4 * sizeof cases / sizeof *cases; i++) {
    size_t at = i / 4;
    unsigned style = (unsigned)random_bits(&random) & ~12u;
    product p = made_product(50, 32, 300, style | (i & 1 ? 12 : 0));
    p.b_is_constant = i & 2;
    if (cases[at].every)
      place_extremes(&p, cases[at].value, cases[at].every);
    else
      draw_weights(&p.operands[MAAS_S8_B], cases[at].limit, p.params.finish.b_is_signed, &random);
    enlarge(&p.operands[MAAS_S8_A], p.params.finish.a_is_signed, &random);
    char note[64];
    snprintf(note, sizeof note, "way %d within %d, %d every %d, %x", (int)cases[at].way, cases[at].limit,
             cases[at].value, cases[at].every, (unsigned)i % 4);
    check_made(row, &p, note, &cases[at].way);
  }
}

/// Bytes of sums that would leave 32 bits once they are scaled, to either side.
static void check_beyond_of(const maas_kernel *row) {
  static const int64_t rows[] = {1, 6, 13, 40}, columns[] = {1, 17, 32, 64, 130};
  for (int i = 0; i < 40; i++) {
    product p = made_product(rows[i % 4], columns[i % 5], 300, 8 | 32 | (i & 1 ? 16 : 0));
    *(float *)(void *)p.operands[MAAS_S8_Y_SCALE].bytes = i % 3 ? 1e-9f : 1e-20f;
    check_made(row, &p, "beyond 32 bits", NULL);
  }
}

/// Few rows, most of which become floats, of weights that have opposites but in some panels, and the largest products
/// there are.
static void check_few_of(const maas_kernel *row) {
  enum { style_floats = 16, style_constant = 16384 };
  static const int64_t rows[] = {1, 2, 7, 17}, columns[] = {16, 40, 80}, depths[] = {16, 64, 103, 300};
  uint64_t random = 11;
  for (int i = 0; i < 192; i++) {
    unsigned style = (unsigned)random_bits(&random) & ~(unsigned)(i & 1 ? 0 : 128 + 256 + 512 + 2048 + 4096);
    product p = made_product(rows[i % 4], columns[i / 4 % 3], depths[random_bits(&random) % 4],
                             (style & ~48u) | (i < 96 ? style_floats : style & 48u) | style_constant);
    unsigned char *a = p.operands[MAAS_S8_A].bytes, *b = p.operands[MAAS_S8_B].bytes;
    int sign = p.params.finish.b_is_signed ? 0 : 128;
    draw_weights(&p.operands[MAAS_S8_B], 127, !sign, &random);
    if (i / 12 % 2) {
      place_extremes(&p, i & 2 ? 127 : -127, 1);
      memset(a, i & 4 ? 128 : 0, p.operands[MAAS_S8_A].size);
    }
    if (i / 24 % 2 && p.params.n > 20)
      b[p.b_is_transposed ? 20 * p.params.k + 3 : 3 * p.params.n + 20] = (unsigned char)(-128 + sign);
    char note[64];
    snprintf(note, sizeof note, "few: %d x %d x %d, case %d", (int)p.params.m, (int)p.params.n,
             (int)p.params.k, i);
    check_made(row, &p, note, NULL);
  }
}

/// Notes as a damaged compiled model may bring them: what they say is not followed.
static void damage_notes(maas_s8_notes *notes, int how) {
  switch (how) {
  case 0:
    notes->counts[0] = 1 << 28;
    break;
  case 1:
    notes->counts[3] = -1;
    break;
  case 2:
    notes->counts[0]++, notes->counts[1]--;
    break;
  case 3:
    notes->cuts[0] |= 0xfffc0000;
    break;
  default:
    notes->way = 77;
  }
}

static void check_damage_of(const maas_kernel *row) {
  if (maas_s8_notes_bytes(300, row->nr) == 0)
    return;
  for (int how = 0; how < 5; how++) {
    product p = made_product(50, 32, 300, 1);
    p.b_is_constant = true;
    place_extremes(&p, 127, 50);
    fenced right = panels(row, &p);
    maas_s8_notes *notes = maas_s8_notes_of(right.bytes, 0, 2, 300, row->nr);
    bool is_cut = notes->way == maas_s8_twice && notes->counts[0] > 0 && notes->counts[1] > 0;
    damage_notes(notes, how);
    check_packed(row, &p, &right, "damaged notes", is_cut);
  }
}

void check_integers(void) {
  each_row("maas_s8_gemm", check_ways_of);
  each_row("maas_s8_gemm", check_few_of);
  each_row("maas_s8_gemm", check_beyond_of);
  each_row("maas_s8_gemm", check_damage_of);
  each_row("maas_s8_gemm", check_products_of);
  each_row("maas_s8_gemm", check_limits_of);
}
