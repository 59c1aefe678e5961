/// quantize, dequantize and the conversions of 16-bit floats for one instruction set: plain loops, which the compiler
/// turns into vectors of the target's width.
#include "../walk.h"

/// Elements worked on at once; the buffers stay in the first-level cache.
enum { stretch = 256 };

#define MAAS_LOAD_ROW(name, type)                                                                            \
  static void name(const void *from, int64_t step, int64_t n, float *to) {                                   \
    const type *p = from;                                                                                    \
    if (step == 0) {                                                                                         \
      float one = n > 0 ? (float)*p : 0;                                                                     \
      for (int64_t i = 0; i < n; i++)                                                                        \
        to[i] = one;                                                                                         \
    } else if (step == 1)                                                                                    \
      for (int64_t i = 0; i < n; i++)                                                                        \
        to[i] = (float)p[i];                                                                                 \
    else                                                                                                     \
      for (int64_t i = 0; i < n; i++)                                                                        \
        to[i] = (float)p[i * step];                                                                          \
  }
MAAS_LOAD_ROW(load_u8, uint8_t)
MAAS_LOAD_ROW(load_s8, int8_t)
MAAS_LOAD_ROW(load_u16, uint16_t)
MAAS_LOAD_ROW(load_s16, int16_t)
MAAS_LOAD_ROW(load_s32, int32_t)
MAAS_LOAD_ROW(load_f32, float)

typedef void load_row(const void *from, int64_t step, int64_t n, float *to);
static load_row *const loads[] = {load_u8, load_s8, load_u16, load_s16, load_s32, load_f32};
static const int64_t sizes[] = {1, 1, 2, 2, 4, 4};

/// A stretch of a row: what lies at its first element, and the distance to the next scale and zero point.
typedef struct piece {
  const void *x;
  const float *scale;
  const void *zero;
  void *y;
  int64_t step, n;
} piece;

typedef void piece_function(const maas_quantize_params *g, const piece *p);

static void load_zeros(const maas_quantize_params *g, const piece *p, float *zeros) {
  if (p->zero)
    loads[g->type](p->zero, p->step, p->n, zeros);
  else
    for (int64_t i = 0; i < p->n; i++)
      zeros[i] = 0;
}

static void divide(const piece *p, float *quotients) {
  const float *x = p->x;
  if (!p->scale)
    memcpy(quotients, x, (size_t)p->n * sizeof(float));
  else if (p->step == 0)
    for (int64_t i = 0; i < p->n; i++)
      quotients[i] = x[i] / *p->scale;
  else
    for (int64_t i = 0; i < p->n; i++)
      quotients[i] = x[i] / p->scale[i * p->step];
}

/// Held in bounds first: adding and taking away 3 * 2^22 then rounds half to even.
static inline float rounded(float x, float low, float high) {
  float held = x > low ? x : low;
  held = held < high ? held : high;
  return (held + 12582912.0f) - 12582912.0f;
}

/// The same for a vector, before it is rounded: NaN becomes the lower bound.
static inline vf held_in(vf x, vf low, vf high) { return v_min(v_select(v_less(low, x), x, low), high); }

/// The quotient, which Markstein's correction rounds, without a division. NaN where it would be infinite.
static inline vf divided(vf x, vf minus_scale, vf inverse) {
  vf quotient = v_mul(x, inverse), rest = v_fma(quotient, minus_scale, x);
  return v_fma(rest, inverse, quotient);
}

/// Four vectors at a time, which packing holds; returns how many elements those were.
static int64_t quantize_packed(const maas_quantize_params *g, const piece *p, float zero) {
  int64_t i = 0;
#ifdef V_PACKS_BYTES
  const bool is_signed = g->type == MAAS_ELEMENT_S8;
  const int32_t shift = (int32_t)zero + (is_signed ? 128 : 0), offset = shift - (int32_t)zero;
  const v_byte_bounds bounds =
      v_byte_bounds_of(shift, (int32_t)g->low + offset, (int32_t)g->high + offset, is_signed);
  // Within these its inverse, what is left and `most` are normal numbers.
  const float divisor = p->scale ? *p->scale : 1;
  if (!(divisor >= 0x1p-64f && divisor <= 0x1p64f))
    return 0;
  const vf minus_scale = v_set(-divisor), inverse = v_set(1 / divisor), most = v_set(0x1p30f * divisor);
  const float *from = p->x;
  for (int64_t n = p->n; i + 4 * V_WIDTH <= n; i += 4 * V_WIDTH) {
    vf x[4];
    for (int v = 0; v < 4; v++)
      x[v] = divided(v_min(most, v_load(from + i + v * V_WIDTH)), minus_scale, inverse);
    v_store_four(false, (uint8_t *)p->y + i, x, &bounds);
  }
#else
  (void)g, (void)p, (void)zero;
#endif
  return i;
}

/// One scale and zero point, and a byte for each element.
static void quantize_bytes(const maas_quantize_params *g, const piece *p) {
  float zero = 0;
  if (p->zero)
    loads[g->type](p->zero, 0, 1, &zero);
  vf low = v_set(g->low - zero), high = v_set(g->high - zero), scale = v_set(p->scale ? *p->scale : 1);
  vi offset = v_to_int(v_set(zero));
  int64_t n = p->n, i = quantize_packed(g, p, zero);
  const float *from = p->x;
  uint8_t *to = p->y;
  for (; i + V_WIDTH <= n; i += V_WIDTH) {
    vf x = held_in(v_div(v_load(from + i), scale), low, high);
    vi_store_bytes(to + i, vi_add(v_to_int(v_round(x)), offset));
  }
  if (i < n) {
    vf x = held_in(v_div(v_load_tail(from + i, n - i), scale), low, high);
    vi_store_bytes_tail(to + i, vi_add(v_to_int(v_round(x)), offset), n - i);
  }
}

static void quantize_piece(const maas_quantize_params *g, const piece *p) {
  if (p->step == 0 && sizes[g->type] == 1) {
    quantize_bytes(g, p);
    return;
  }
  float x[stretch], zeros[stretch];
  int32_t whole[stretch];
  divide(p, x);
  load_zeros(g, p, zeros);
  for (int64_t i = 0; i < p->n; i++)
    whole[i] = (int32_t)(rounded(x[i], g->low - zeros[i], g->high - zeros[i]) + zeros[i]);
  // Bytes may alias anything: without a length of its own the loop would read p->n again and again.
  int64_t n = p->n;
  uint8_t *restrict bytes = p->y;
  uint16_t *restrict pairs = p->y;
  if (sizes[g->type] == 1)
    for (int64_t i = 0; i < n; i++)
      bytes[i] = (uint8_t)whole[i];
  else
    for (int64_t i = 0; i < n; i++)
      pairs[i] = (uint16_t)whole[i];
}

static inline vf bytes_at(const void *p, maas_element type) {
  return vi_to_float(type == MAAS_ELEMENT_S8 ? vi_load_s8(p) : vi_load_u8(p));
}

/// One scale and zero point for whole vectors of bytes; returns how many elements those were.
static int64_t dequantize_bytes(const maas_quantize_params *g, const piece *p) {
  float zero = 0, *y = p->y;
  if (p->zero)
    loads[g->type](p->zero, 0, 1, &zero);
  vf scale = v_set(*p->scale), zeros = v_set(zero);
  int64_t i = 0, n = p->n;
  for (; i + V_WIDTH <= n; i += V_WIDTH)
    v_store(y + i, v_mul(v_sub(bytes_at((const char *)p->x + i, g->type), zeros), scale));
  return i;
}

static void dequantize_piece(const maas_quantize_params *g, const piece *whole) {
  piece rest = *whole, *p = &rest;
  if (p->step == 0 && sizes[g->type] == 1) {
    int64_t done = dequantize_bytes(g, p);
    rest.x = (const char *)p->x + done, rest.y = (float *)p->y + done, rest.n -= done;
  }
  float x[stretch], zeros[stretch];
  float *y = p->y;
  loads[g->type](p->x, 1, p->n, x);
  load_zeros(g, p, zeros);
  if (p->step == 0)
    for (int64_t i = 0; i < p->n; i++)
      y[i] = (x[i] - zeros[i]) * *p->scale;
  else
    for (int64_t i = 0; i < p->n; i++)
      y[i] = (x[i] - zeros[i]) * p->scale[i * p->step];
}

/// Bytes of one scale and zero point need no buffers.
static int64_t longest_piece(const maas_quantize_params *g) {
  return g->strides[g->rank - 1] == 0 && sizes[g->type] == 1 ? INT64_MAX : stretch;
}

static void run_pieces(const maas_step *step, int64_t begin, int64_t end, int64_t x_size, int64_t y_size,
                       piece_function *function) {
  const maas_quantize_params *g = step->params;
  const char *x = step->operands[0], *zero = step->operands[2];
  const float *scale = step->operands[1];
  int32_t outer = g->rank - 1;
  int64_t inner = g->dims[outer], column = begin % inner, most = longest_piece(g);
  maas_walk w = maas_walk_at(begin / inner, outer, g->dims, g->strides, g->strides);
  for (int64_t i = begin; i < end;) {
    int64_t left = end - i < inner - column ? end - i : inner - column;
    int64_t at = w.a + column * g->strides[outer];
    piece p = {.step = g->strides[outer], .n = left < most ? left : most};
    p.x = x + i * x_size;
    p.y = (char *)step->operands[3] + i * y_size;
    p.scale = scale ? scale + at : NULL;
    p.zero = zero ? zero + at * sizes[g->type] : NULL;
    function(g, &p);
    i += p.n;
    column += p.n;
    if (column == inner) {
      column = 0;
      maas_walk_next(&w);
    }
  }
}

int32_t MAAS_F32_KERNEL(quantize)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  (void)worker;
  const maas_quantize_params *g = step->params;
  run_pieces(step, begin, end, sizeof(float), sizes[g->type], quantize_piece);
  return MAAS_STEP_OK;
}

int32_t MAAS_F32_KERNEL(dequantize)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  (void)worker;
  const maas_quantize_params *g = step->params;
  run_pieces(step, begin, end, sizes[g->type], sizeof(float), dequantize_piece);
  return MAAS_STEP_OK;
}

static inline uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static inline float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static inline uint16_t bfloat_of(float x) {
  uint32_t bits = bits_of(x), nan = bits >> 16 & 0x8000;
  uint32_t nearest = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  return (uint16_t)(x != x ? nan | 0x7fc0 : nearest);
}

/// Below 2^-14 the sum with 0.5 has the half's unit in its last place, so that the addition rounds; above, the
/// exponent is moved and what lies below the half's last place rounds by carrying.
static inline uint16_t half_of(float x) {
  uint32_t bits = bits_of(x), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  uint32_t small = bits_of(float_of(magnitude) + 0.5f) - 0x3f000000;
  uint32_t normal = (magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13;
  uint32_t large = magnitude > 0x7f800000 ? 0x7e00 : 0x7c00;
  uint32_t half = magnitude < 0x38800000 ? small : normal;
  return (uint16_t)(sign | (magnitude >= 0x47800000 ? large : half));
}

/// The product brings the exponent into place, for subnormal numbers too.
static inline float float_of_half(uint16_t half) {
  uint32_t magnitude = (uint32_t)(half & 0x7fff) << 13, sign = (uint32_t)(half & 0x8000) << 16;
  uint32_t finite = bits_of(float_of(magnitude) * 0x1p112f);
  uint32_t special = magnitude | 0x7f800000;
  return float_of(sign | (magnitude >= 0x0f800000 ? special : finite));
}

#define MAAS_CONVERT(name, from, to, expression)                                                             \
  static void name(const void *source, void *target, int64_t begin, int64_t end) {                           \
    const from *restrict x = source;                                                                         \
    to *restrict y = target;                                                                                 \
    for (int64_t i = begin; i < end; i++)                                                                    \
      y[i] = expression;                                                                                     \
  }
MAAS_CONVERT(to_half, float, uint16_t, half_of(x[i]))
MAAS_CONVERT(to_bfloat, float, uint16_t, bfloat_of(x[i]))
MAAS_CONVERT(from_half, uint16_t, float, float_of_half(x[i]))
MAAS_CONVERT(from_bfloat, uint16_t, float, float_of((uint32_t)x[i] << 16))

int32_t MAAS_F32_KERNEL(convert)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  (void)worker;
  const maas_f32_convert_params *g = step->params;
  void (*const conversions[])(const void *, void *, int64_t, int64_t) = {
      [MAAS_CONVERT_TO_F16] = to_half,
      [MAAS_CONVERT_TO_BF16] = to_bfloat,
      [MAAS_CONVERT_FROM_F16] = from_half,
      [MAAS_CONVERT_FROM_BF16] = from_bfloat,
  };
  conversions[g->conversion](step->operands[0], step->operands[1], begin, end);
  return MAAS_STEP_OK;
}

#include "blocks.h"
#include "range.h"
#include "pairs.h"
