/// The products of 8-bit integers and the kernels that quantize, exactly.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "maas_quant.h"
#include "rows.h"

int32_t run_row(maas_step_run row, const void *params, void *const *operands, maas_split split) {
  maas_step step = {.run = row, .operands = operands, .params = params, .items = split.items};
  fenced scratch = fence((size_t)split.scratch, true);
  maas_worker worker = {.scratch = scratch.bytes};
  int64_t half = split.items / 2;
  int32_t status = row(&step, 0, half, &worker) | row(&step, half, split.items, &worker);
  unfence(&scratch);
  return status;
}

static fenced random_bytes(size_t size, uint64_t *random) {
  fenced made = fence(size, true);
  for (size_t i = 0; i < size; i++)
    made.bytes[i] = (unsigned char)random_bits(random);
  return made;
}

typedef struct product {
  int64_t m, n, k;
  fenced a, b, left, y;
} product;

static product made_product(int64_t m, int64_t n, int64_t k) {
  uint64_t random = (uint64_t)(m * 10000 + n * 100 + k);
  product p = {.m = m, .n = n, .k = k};
  p.a = random_bytes((size_t)(m * k), &random);
  p.b = random_bytes((size_t)(k * n), &random);
  p.left = fence((size_t)(m * ((k + 1) / 2 * 2)) * sizeof(int16_t), true);
  p.y = fence((size_t)(m * n) * sizeof(int32_t), true);
  maas_s16_rows_params params = {.rows = m, .k = k, .zero = 5};
  run_row(maas_s16_rows, &params, (void *[]){p.left.bytes, p.a.bytes, NULL}, maas_s16_rows_split(&params));
  return p;
}

static fenced panels(const maas_kernel *row, const product *p) {
  maas_s16_pack_params params = {.is_signed = true, .k = p->k, .n = p->n, .count = 1, .zero = -3};
  params.b_row = p->n, params.b_col = 1;
  maas_split split = maas_s16_pack_split_for(row, &params);
  fenced made = fence((size_t)maas_s16_packed_bytes_for(row, p->k, p->n), true);
  run_row(maas_s16_pack, &params, (void *[]){made.bytes, p->b.bytes, NULL}, split);
  return made;
}

static bool is_product(const product *p) {
  for (int64_t i = 0; i < p->m; i++)
    for (int64_t j = 0; j < p->n; j++) {
      int32_t sum = 0, found;
      for (int64_t q = 0; q < p->k; q++)
        sum += (p->a.bytes[i * p->k + q] - 5) * ((int8_t)p->b.bytes[q * p->n + j] + 3);
      memcpy(&found, p->y.bytes + (i * p->n + j) * 4, sizeof found);
      if (sum != found)
        return false;
    }
  return fence_whole(&p->y);
}

static void check_product(const maas_kernel *row, int64_t m, int64_t n, int64_t k) {
  product p = made_product(m, n, k);
  fenced right = panels(row, &p);
  maas_s16_gemm_params params = {.m = m, .n = n, .k = k};
  maas_split split = maas_s16_gemm_split_for(row, &params);
  run_row(row->run, &params, (void *[]){p.left.bytes, right.bytes, p.y.bytes}, split);
  char note[64];
  snprintf(note, sizeof note, "%d x %d x %d", (int)m, (int)n, (int)k);
  count(row->name, note, is_product(&p) ? NULL : "not the product");
  fenced *all[] = {&p.a, &p.b, &p.left, &p.y, &right};
  for (int i = 0; i < 5; i++)
    unfence(all[i]);
}

enum { numbers = 517 };

static void check_quantize(const maas_kernel *row) {
  float x[numbers], scale[numbers];
  int8_t zero[numbers];
  uint64_t random = 7;
  for (int i = 0; i < numbers; i++) {
    x[i] = i % 4 == 0 ? (float)(i % 40) + 0.5f : random_float(&random, -300, 300);
    scale[i] = i % 4 == 0 ? 1 : random_float(&random, 0.5f, 2);
    zero[i] = (int8_t)(random_bits(&random) % 100);
  }
  fenced y = fence(numbers, true);
  maas_quantize_params params = {.type = MAAS_ELEMENT_S8, .low = -128, .high = 127, .rank = 1};
  params.dims[0] = numbers, params.strides[0] = 1;
  maas_split split = maas_f32_quantize_split(&params);
  run_row(row->run, &params, (void *[]){x, scale, zero, y.bytes}, split);
  const char *problem = fence_whole(&y) ? NULL : "wrote outside its operands";
  for (int i = 0; i < numbers; i++)
    if ((int8_t)y.bytes[i] != fmaxf(-128, fminf(127, nearbyintf(x[i] / scale[i]) + zero[i])))
      problem = "not the rounded quotient";
  count(row->name, "each element its own", problem);
  unfence(&y);
}

static void check_dequantize(const maas_kernel *row) {
  uint64_t random = 9;
  fenced x = random_bytes(numbers, &random), y = fence(numbers * sizeof(float), true);
  uint8_t zero = 17;
  float scale = 0.37f;
  maas_quantize_params params = {.type = MAAS_ELEMENT_U8, .rank = 1};
  params.dims[0] = numbers;
  maas_split split = maas_f32_quantize_split(&params);
  run_row(row->run, &params, (void *[]){x.bytes, &scale, &zero, y.bytes}, split);
  const char *problem = fence_whole(&y) ? NULL : "wrote outside its operands";
  for (int i = 0; i < numbers; i++)
    if (((float *)(void *)y.bytes)[i] != (float)(x.bytes[i] - 17) * scale)
      problem = "not the scaled difference";
  count(row->name, "one scale", problem);
  unfence(&x);
  unfence(&y);
}

/// The compiler's own conversions, which round to nearest even; NaN need not keep its bits.
static void check_convert(const maas_kernel *row) {
  enum { halves = 65536 };
  static uint16_t x[halves], back[halves];
  static float y[halves];
  for (int i = 0; i < halves; i++)
    x[i] = (uint16_t)i;
  maas_f32_convert_params params = {.conversion = MAAS_CONVERT_FROM_F16, .n = halves};
  run_row(row->run, &params, (void *[]){x, y}, maas_f32_convert_split(&params));
  const char *problem = NULL;
  for (int i = 0; i < halves; i++) {
    _Float16 half;
    memcpy(&half, &x[i], sizeof half);
    if (y[i] != (float)half && !isnan(y[i]))
      problem = "not the half's value";
    y[i] *= 1 + (float)(i % 7) / 8192;
  }
  params.conversion = MAAS_CONVERT_TO_F16;
  run_row(row->run, &params, (void *[]){y, back}, maas_f32_convert_split(&params));
  for (int i = 0; i < halves; i++) {
    _Float16 half = (_Float16)y[i];
    if (!isnan(y[i]) && memcmp(&half, &back[i], sizeof half) != 0)
      problem = "not the nearest half";
  }
  count(row->name, "every half", problem);
}

static void each_row(const char *family, void (*body)(const maas_kernel *row)) {
  const maas_kernel_table *table = table_named(family);
  for (int32_t r = 0; r < table->count; r++)
    if (maas_isa_supported(table->rows[r].isa))
      body(&table->rows[r]);
}

static void check_products_of(const maas_kernel *row) {
  static const int64_t sizes[] = {1, 2, 4, 7, 8, 9, 16, 33, 65};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++)
      check_product(row, sizes[i], sizes[j], sizes[(i + j) % 9]);
}

void check_integers(void) {
  each_row("maas_s16_gemm", check_products_of);
  each_row("maas_f32_quantize", check_quantize);
  each_row("maas_f32_dequantize", check_dequantize);
  each_row("maas_f32_convert", check_convert);
}
