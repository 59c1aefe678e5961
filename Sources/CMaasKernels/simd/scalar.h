#ifndef MAAS_SIMD_SCALAR_H
#define MAAS_SIMD_SCALAR_H
/// The vector vocabulary with one lane: the reference that every other header of this folder must match.
/// max, min: the second operand if either is NaN, or NaN. fma may or may not round in between.
/// A tail call handles n lanes, 0 <= n <= V_WIDTH, touches no memory beyond them, and loads 0 into the rest.
#include <math.h>
#include <stdint.h>
#include <string.h>

#define V_WIDTH 1
typedef float vf;
typedef int32_t vi;
typedef uint32_t vm; ///< A lane mask: all bits or none.

/// The first n lanes.
static inline vm v_lanes(int64_t n) { return n > 0 ? UINT32_MAX : 0; }
static inline vf v_load(const float *p) { return *p; }
static inline vf v_load_tail(const float *p, int64_t n) { return n > 0 ? *p : 0; }
static inline void v_store(float *p, vf a) { *p = a; }
static inline void v_store_tail(float *p, vf a, int64_t n) {
  if (n > 0)
    *p = a;
}
/// 16-bit elements, exactly.
static inline vf v_load_bfloat(const uint16_t *p) {
  uint32_t bits = (uint32_t)*p << 16;
  vf f;
  memcpy(&f, &bits, sizeof f);
  return f;
}
static inline vf v_load_half(const uint16_t *p) {
  uint32_t magnitude = (uint32_t)(*p & 0x7fff) << 13, sign = (uint32_t)(*p & 0x8000) << 16;
  vf finite;
  memcpy(&finite, &magnitude, sizeof finite);
  finite *= 0x1p112f; // Brings the exponent into place, for subnormal numbers too.
  uint32_t bits;
  memcpy(&bits, &finite, sizeof bits);
  bits = sign | (magnitude >= 0x0f800000 ? magnitude | 0x7f800000 : bits);
  memcpy(&finite, &bits, sizeof finite);
  return finite;
}
static inline vf v_set(float a) { return a; }
static inline vi vi_set(int32_t a) { return a; }

static inline vf v_add(vf a, vf b) { return a + b; }
static inline vf v_sub(vf a, vf b) { return a - b; }
static inline vf v_mul(vf a, vf b) { return a * b; }
static inline vf v_div(vf a, vf b) { return a / b; }
static inline vf v_near_div(vf a, vf b) { return v_div(a, b); }
static inline vf v_fma(vf a, vf b, vf c) { return a * b + c; }
static inline vf v_max(vf a, vf b) { return a > b ? a : b; }
static inline vf v_min(vf a, vf b) { return a < b ? a : b; }
static inline vf v_sqrt(vf a) { return sqrtf(a); }

static inline vi v_as_int(vf a) {
  vi i;
  memcpy(&i, &a, sizeof i);
  return i;
}
static inline vf v_as_float(vi a) {
  vf f;
  memcpy(&f, &a, sizeof f);
  return f;
}
static inline vi vi_add(vi a, vi b) { return (vi)((uint32_t)a + (uint32_t)b); }
static inline vi vi_sub(vi a, vi b) { return (vi)((uint32_t)a - (uint32_t)b); }
static inline vi vi_mul(vi a, vi b) { return (vi)((uint32_t)a * (uint32_t)b); }
static inline vi vi_and(vi a, vi b) { return a & b; }
static inline vi vi_or(vi a, vi b) { return a | b; }
#define vi_shift_left(a, bits) ((vi)((uint32_t)(a) << (bits)))
#define vi_shift_right(a, bits) ((vi)(a) >> (bits)) // Arithmetic.
static inline vi vi_load(const int32_t *p) { return *p; }
static inline void vi_store(int32_t *p, vi a) { *p = a; }
/// A byte for each lane, unsigned or signed.
static inline vi vi_load_u8(const void *p) { return *(const uint8_t *)p; }
static inline vi vi_load_s8(const void *p) { return *(const int8_t *)p; }
/// The lowest byte of every lane.
static inline void vi_store_bytes(uint8_t *p, vi a) { *p = (uint8_t)a; }
static inline void vi_store_bytes_tail(uint8_t *p, vi a, int64_t n) {
  if (n > 0)
    *p = (uint8_t)a;
}
/// Each lane as two 16-bit integers: the sum of their products.
static inline vi vi_dot_pairs(vi a, vi b) {
  return (vi)((uint32_t)((int16_t)a * (int16_t)b) + (uint32_t)((a >> 16) * (b >> 16)));
}
/// `sum` and the products of each lane's four bytes, those of a unsigned and at most 127, those of b signed.
static inline vi vi_dot_bytes(vi sum, vi a, vi b) {
  for (int i = 0; i < 32; i += 8)
    sum += (uint8_t)(a >> i) * (int8_t)(b >> i);
  return sum;
}
/// The same, exactly for all bytes of a, and wrapping.
static inline vi vi_dot_quads(vi sum, vi a, vi b) {
  uint32_t total = (uint32_t)sum;
  for (int i = 0; i < 32; i += 8)
    total += (uint32_t)((uint8_t)(a >> i) * (int8_t)(b >> i));
  return (vi)total;
}
static inline vi vi_xor(vi a, vi b) { return a ^ b; }
/// Neighbouring channels at four places: each lane has a channel's four bytes, in as many vectors as the products of
/// bytes work on at once. With `count` 3 the last bytes are 0; nothing is read beyond n channels.
static inline void vi_load_quads(const uint8_t *const *taps, int64_t n, int count, vi *to) {
  for (int64_t j = 0; j < 4; j++) {
    uint32_t lane = 0;
    for (int i = 0; i < count && j < n; i++)
      lane |= (uint32_t)taps[i][j] << 8 * i;
    to[j] = (vi)lane;
  }
}
static inline vf vi_to_float(vi a) { return (vf)a; }
/// The number in the lowest 4 bits of a lane, whatever stands above them.
static inline vf v_nibble(vi a) { return (vf)(a & 15); }

static inline vm v_less(vf a, vf b) { return a < b ? UINT32_MAX : 0; }
static inline vm v_equal(vf a, vf b) { return a == b ? UINT32_MAX : 0; }
static inline vm v_is_nan(vf a) { return a != a ? UINT32_MAX : 0; }
static inline vf v_select(vm mask, vf yes, vf no) { return mask ? yes : no; }

static inline vf v_copy_sign(vf magnitude, vf sign) {
  return v_as_float((v_as_int(magnitude) & INT32_MAX) | (v_as_int(sign) & INT32_MIN));
}
/// Half to even. Adding and taking away 2^23 leaves no fraction bits: baseline x86-64 cannot round.
static inline vf v_round(vf a) {
  float rounded = (fabsf(a) + 8388608.0f) - 8388608.0f;
  return v_copy_sign(fabsf(a) < 8388608.0f ? rounded : a, a);
}
static inline vf v_floor(vf a) {
  vf rounded = v_round(a);
  return v_copy_sign(rounded > a ? rounded - 1.0f : rounded, a);
}
static inline vf v_ceil(vf a) {
  vf rounded = v_round(a);
  return v_copy_sign(rounded < a ? rounded + 1.0f : rounded, a);
}
/// Rounded half to even, of magnitude below 2^22; anything for other values.
static inline vi v_to_int(vf a) { return vi_sub(v_as_int(a + 12582912.0f), v_as_int(12582912.0f)); }

static inline float v_sum(vf a) { return a; }
static inline float v_max_lane(vf a) { return a; }
static inline float v_min_lane(vf a) { return a; }
#endif
