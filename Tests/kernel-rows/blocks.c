/// Rows of the product with a matrix quantized in blocks.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "maas_quant.h"
#include "rows.h"

enum { most_m = 20, most_n = 140, k = 128, most_blocks = k / 16 };

/// A product of random numbers, or of the largest ones: what the kernel reads, with columns of B in panels of `width`.
typedef struct sample {
  int64_t m, n, width, block;
  int bits;
  bool is_large;
  float a[most_m * k], a_sums[most_m * most_blocks], a_scales[most_m * most_blocks], bias[most_n];
  int8_t bytes[most_m * k];
  int codes[most_n * k];
  uint32_t words[(most_n + 32) * k / 4];
  float scales[(most_n + 32) * most_blocks], zeros[(most_n + 32) * most_blocks];
} sample;

static int64_t place(const sample *s, int64_t row, int64_t column, int64_t rows) {
  return (column / s->width * rows + row) * s->width + column % s->width;
}

/// Where number i of A stands among its bytes: those together that meet the same place of a byte of codes.
static int64_t byte_place(int64_t i, int64_t per_byte) {
  int64_t group = 4 * per_byte;
  return i / group * group + i % per_byte * 4 + i % group / per_byte;
}

/// A is whole numbers times a scale, so that it may come as bytes.
static void make_left(sample *s, uint64_t *random) {
  for (int64_t b = 0; b < s->m * k / s->block; b++) {
    float scale = s->a_scales[b] = random_float(random, 0.01f, 0.1f);
    int sum = 0;
    for (int64_t i = b * s->block; i < (b + 1) * s->block; i++) {
      int number = s->is_large ? 127 : (int)(random_bits(random) % 255) - 127;
      sum += number;
      s->a[i] = scale * (float)number;
      s->bytes[byte_place(i, 8 / s->bits)] = (int8_t)number;
    }
    s->a_sums[b] = scale * (float)sum;
  }
}

static void make_right(sample *s, uint64_t *random) {
  int64_t per_word = 32 / s->bits;
  memset(s->words, 0, sizeof s->words);
  for (int64_t j = 0; j < s->n; j++) {
    s->bias[j] = random_float(random, -1, 1);
    for (int64_t p = 0; p < k; p++) {
      int most = (1 << s->bits) - 1, code = s->is_large ? most : (int)(random_bits(random) & (uint64_t)most);
      s->codes[j * k + p] = code;
      s->words[place(s, p / per_word, j, k / per_word)] |= (uint32_t)code << (p % per_word * s->bits);
    }
    for (int64_t b = 0, blocks = k / s->block; b < blocks; b++) {
      s->scales[place(s, b, j, blocks)] = random_float(random, 0.1f, 1);
      s->zeros[place(s, b, j, blocks)] = random_float(random, 0, (float)(1 << s->bits));
    }
  }
}

static bool is_product(const sample *s, const float *y) {
  for (int64_t i = 0; i < s->m; i++)
    for (int64_t j = 0; j < s->n; j++) {
      double sum = s->bias[j], size = 1;
      for (int64_t p = 0; p < k; p++) {
        int64_t at = place(s, p / s->block, j, k / s->block);
        double code = s->codes[j * k + p], zero = (double)s->zeros[at];
        double scaled = (double)s->a[i * k + p] * (double)s->scales[at];
        sum += scaled * (code - zero);
        size += fabs(scaled) * (code + zero); // Both parts are rounded before they meet.
      }
      if (!(fabs(sum - (double)y[i * s->n + j]) < 2e-6 * size))
        return false;
    }
  return true;
}

static void check_sample(const maas_kernel *row, int64_t m, int64_t n, int64_t block, int bits,
                         bool as_bytes) {
  static sample s;
  s.m = m, s.n = n, s.bits = bits, s.block = block, s.is_large = as_bytes && m == 2, s.width = row->nr;
  uint64_t random = (uint64_t)(m * 100 + n + bits);
  make_left(&s, &random);
  make_right(&s, &random);
  fenced y = fence((size_t)(m * n) * sizeof(float), true);
  maas_f32_nbits_params params = {
      .m = m, .n = n, .k = k, .block = block, .bits = bits, .a_is_bytes = as_bytes};
  maas_split split = maas_f32_nbits_split_for(row, &params);
  void *left = as_bytes ? (void *)s.bytes : (void *)s.a;
  run_row(row->run, &params,
          (void *[]){left, s.words, s.scales, s.zeros, s.a_sums, s.bias, y.bytes, s.a_scales}, split);
  char note[64];
  snprintf(note, sizeof note, "%d x %d, %d bits, blocks of %d%s", (int)m, (int)n, bits, (int)block,
           as_bytes ? ", bytes" : "");
  bool fits = is_product(&s, (const float *)(void *)y.bytes) && fence_whole(&y);
  count(row->name, note, fits ? NULL : "not the product");
  unfence(&y);
}

void check_blocks(void) {
  const maas_kernel_table *table = table_named("maas_f32_nbits");
  static const int64_t ms[] = {1, 2, 4, 7, 20}, ns[] = {1, 12, 31, 140}, sizes[] = {32, 16, 128};
  for (int32_t r = 0; r < table->count; r++)
    for (int i = 0; i < 20 && maas_isa_supported(table->rows[r].isa); i++) {
      for (int bits = 2; bits <= 8; bits *= 2)
        check_sample(&table->rows[r], ms[i % 5], ns[i / 5], sizes[i % 3], bits, false);
      for (int bits = table->rows[r].isa == MAAS_ISA_SCALAR ? 4 : 2; bits <= 4; bits *= 2)
        check_sample(&table->rows[r], ms[i % 5], ns[i / 5], sizes[i % 3], bits, true);
    }
}
