/// The kernels that quantize, convert, or add and multiply quantized rows, exactly.
#include <math.h>
#include <string.h>
#include "maas_quant.h"
#include "rows.h"

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

/// Quotients halfway between two integers, a few units in the last place to either side; and what is no number, or too
/// large or too small for a quotient, near both ends.
static void next_to_halves(float scale, uint64_t *random, float *x) {
  static const float special[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 1e-44f, -0.0f};
  for (int i = 0; i < numbers; i++) {
    x[i] = ((float)(random_bits(random) % 300) - 150.5f) * scale;
    for (uint64_t n = random_bits(random) % 4; n > 0; n--)
      x[i] = nextafterf(x[i], i % 2 ? INFINITY : -INFINITY);
  }
  memcpy(x + 3, special, sizeof special);
  memcpy(x + numbers - sizeof special / sizeof *special, special, sizeof special);
}

/// One scale for bytes, which hold the lowest in place of NaN.
static void check_quantize_bytes(const maas_kernel *row, float scale, bool is_signed, uint64_t *random) {
  int32_t zero = is_signed ? -28 : 100, low = is_signed ? -128 : 0;
  uint8_t zero_byte = (uint8_t)zero;
  fenced operand = fence(numbers * sizeof(float), true), y = fence(numbers, true);
  float *x = (float *)(void *)operand.bytes;
  next_to_halves(scale, random, x);
  maas_quantize_params params = {.type = is_signed ? MAAS_ELEMENT_S8 : MAAS_ELEMENT_U8,
                                 .low = (float)low,
                                 .high = (float)low + 255,
                                 .rank = 1};
  params.dims[0] = numbers;
  maas_split split = maas_f32_quantize_split(&params);
  run_row(row->run, &params, (void *[]){x, &scale, &zero_byte, y.bytes}, split);
  const char *problem = fence_whole(&y) ? NULL : "wrote outside its operands";
  for (int i = 0; i < numbers; i++) {
    float quotient = x[i] / scale, sum = nearbyintf(quotient) + (float)zero;
    float exact = isnan(quotient) ? (float)low : fmaxf((float)low, fminf((float)low + 255, sum));
    if ((is_signed ? (int8_t)y.bytes[i] : y.bytes[i]) != exact)
      problem = "not the rounded quotient";
  }
  count(row->name, "one scale", problem);
  unfence(&operand);
  unfence(&y);
}

static void check_scales(const maas_kernel *row) {
  static const float scales[] = {1, 0.7f, -0.3f, 1e-44f, 0x1p-126f, 0x1p-64f, 0x1p64f, 0x1.fffffep100f};
  uint64_t random = 8;
  for (size_t i = 0; i < sizeof scales / sizeof *scales; i++)
    check_quantize_bytes(row, scales[i], i % 2, &random);
  for (int i = 0; i < 200; i++)
    check_quantize_bytes(row, ldexpf(random_float(&random, 1, 2), i % 80 - 40), i % 2, &random);
}

static void check_range(const maas_kernel *row) {
  for (int n = 1; n < 20000; n = n * 3 + 1) {
    uint64_t random = (uint64_t)n;
    fenced x = random_floats((size_t)n, -5, 7, &random);
    float *values = (float *)(void *)x.bytes, low = 0, high = 0, found_low = 0, found_high = 0;
    values[n / 2] = NAN;
    for (int i = 0; i < n; i++)
      low = fminf(low, values[i]), high = fmaxf(high, values[i]);
    maas_f32_range_params params = {.n = n};
    maas_split split = maas_f32_range_split(&params);
    fenced y = fence((size_t)split.items * 2 * sizeof(float), true);
    run_row(row->run, &params, (void *[]){values, y.bytes}, split);
    for (int64_t i = 0; i < split.items; i++) {
      found_low = fminf(found_low, ((float *)(void *)y.bytes)[2 * i]);
      found_high = fmaxf(found_high, ((float *)(void *)y.bytes)[2 * i + 1]);
    }
    count(row->name, "with NaN",
          low == found_low && high == found_high && fence_whole(&y) ? NULL : "not the range");
    unfence(&x);
    unfence(&y);
  }
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

/// Sums and products of two quantized rows, or of a row and one number.
static void check_pairs(const maas_kernel *row) {
  for (unsigned style = 0; style < 8; style++) {
    bool is_signed = style & 1, multiplies = style & 2, single = style & 4;
    uint64_t random = style;
    fenced a = random_bytes(numbers, &random), b = random_bytes(single ? 1 : numbers, &random),
           y = fence(numbers, true), zeros = random_bytes(3, &random);
    float scales[] = {0.02f, 0.03f, multiplies ? 0.2f : 0.04f};
    maas_qbinary_params params = {
        .type = is_signed ? MAAS_ELEMENT_S8 : MAAS_ELEMENT_U8, .multiplies = multiplies, .rank = 1};
    params.dims[0] = numbers, params.a_strides[0] = 1, params.b_strides[0] = !single;
    maas_split split = maas_f32_qbinary_split(&params);
    void *operands[] = {a.bytes,         scales,     zeros.bytes,     b.bytes, scales + 1,
                        zeros.bytes + 1, scales + 2, zeros.bytes + 2, y.bytes};
    run_row(row->run, &params, operands, split);
    const char *problem = fence_whole(&y) ? NULL : "wrote outside its operands";
    for (int i = 0; i < numbers; i++) {
      double left = scales[0] * (number(&a, i, is_signed) - number(&zeros, 0, is_signed));
      double right = scales[1] * (number(&b, single ? 0 : i, is_signed) - number(&zeros, 1, is_signed));
      double exact = (multiplies ? left * right : left + right) / scales[2] + number(&zeros, 2, is_signed);
      exact = fmin(is_signed ? 127 : 255, fmax(is_signed ? -128 : 0, exact));
      if (fabs(number(&y, i, is_signed) - exact) > 0.501)
        problem = "not the rounded sum or product";
    }
    count(row->name, single ? "one number" : "rows", problem);
    fenced *all[] = {&a, &b, &y, &zeros};
    for (int i = 0; i < 4; i++)
      unfence(all[i]);
  }
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

void check_quantizers(void) {
  each_row("maas_f32_quantize", check_quantize);
  each_row("maas_f32_quantize", check_scales);
  each_row("maas_f32_range", check_range);
  each_row("maas_f32_qbinary", check_pairs);
  each_row("maas_f32_dequantize", check_dequantize);
  each_row("maas_f32_convert", check_convert);
}
