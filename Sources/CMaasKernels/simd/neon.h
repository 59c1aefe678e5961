#ifndef MAAS_SIMD_NEON_H
#define MAAS_SIMD_NEON_H
/// The vocabulary of scalar.h for aarch64's NEON: 4 lanes. Part of every aarch64 CPU.
#include <arm_neon.h>
#include <stdint.h>

#define V_WIDTH 4
typedef float32x4_t vf;
typedef int32x4_t vi;
typedef uint32x4_t vm;

static inline vm v_lanes(int64_t n) { return vcltq_s32((int32x4_t){0, 1, 2, 3}, vdupq_n_s32((int32_t)n)); }
static inline vf v_load(const float *p) { return vld1q_f32(p); }
static inline vf v_load_tail(const float *p, int64_t n) {
  float lanes[4] = {0};
  for (int64_t i = 0; i < n; i++)
    lanes[i] = p[i];
  return vld1q_f32(lanes);
}
static inline void v_store(float *p, vf a) { vst1q_f32(p, a); }
static inline void v_store_tail(float *p, vf a, int64_t n) {
  float lanes[4];
  vst1q_f32(lanes, a);
  for (int64_t i = 0; i < n; i++)
    p[i] = lanes[i];
}
static inline vf v_load_half(const uint16_t *p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
static inline vf v_load_bfloat(const uint16_t *p) {
  return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16));
}
static inline vf v_set(float a) { return vdupq_n_f32(a); }
static inline vi vi_set(int32_t a) { return vdupq_n_s32(a); }

static inline vf v_add(vf a, vf b) { return vaddq_f32(a, b); }
static inline vf v_sub(vf a, vf b) { return vsubq_f32(a, b); }
static inline vf v_mul(vf a, vf b) { return vmulq_f32(a, b); }
static inline vf v_div(vf a, vf b) { return vdivq_f32(a, b); }
static inline vf v_near_div(vf a, vf b) { return v_div(a, b); }
static inline vf v_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
static inline vf v_max(vf a, vf b) { return vmaxq_f32(a, b); }
static inline vf v_min(vf a, vf b) { return vminq_f32(a, b); }
static inline vf v_sqrt(vf a) { return vsqrtq_f32(a); }

static inline vi v_as_int(vf a) { return vreinterpretq_s32_f32(a); }
static inline vf v_as_float(vi a) { return vreinterpretq_f32_s32(a); }
static inline vi vi_add(vi a, vi b) { return vaddq_s32(a, b); }
static inline vi vi_sub(vi a, vi b) { return vsubq_s32(a, b); }
static inline vi vi_mul(vi a, vi b) { return vmulq_s32(a, b); }
static inline vi vi_and(vi a, vi b) { return vandq_s32(a, b); }
static inline vi vi_or(vi a, vi b) { return vorrq_s32(a, b); }
#define vi_shift_left(a, bits) vshlq_n_s32(a, bits)
#define vi_shift_right(a, bits) vshrq_n_s32(a, bits)
static inline vi vi_load(const int32_t *p) { return vld1q_s32(p); }
static inline void vi_store(int32_t *p, vi a) { vst1q_s32(p, a); }
static inline uint8x8_t v_load_bits32(const void *p) {
  uint32_t word;
  __builtin_memcpy(&word, p, sizeof word);
  return vcreate_u8(word);
}
static inline vi vi_load_u8(const void *p) {
  return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(v_load_bits32(p)))));
}
static inline vi vi_load_s8(const void *p) {
  return vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_u8(v_load_bits32(p)))));
}
static inline void vi_store_bytes(uint8_t *p, vi a) {
  uint16x4_t half = vmovn_u32(vreinterpretq_u32_s32(a));
  uint8x8_t bytes = vmovn_u16(vcombine_u16(half, half));
  vst1_lane_u32((uint32_t *)(void *)p, vreinterpret_u32_u8(bytes), 0);
}
static inline void vi_store_bytes_tail(uint8_t *p, vi a, int64_t n) {
  int32_t lanes[4];
  vst1q_s32(lanes, a);
  for (int64_t i = 0; i < n; i++)
    p[i] = (uint8_t)lanes[i];
}
static inline vi vi_dot_pairs(vi a, vi b) {
  int16x8_t x = vreinterpretq_s16_s32(a), y = vreinterpretq_s16_s32(b);
  return vpaddq_s32(vmull_s16(vget_low_s16(x), vget_low_s16(y)), vmull_high_s16(x, y));
}
static inline vi vi_dot_bytes(vi sum, vi a, vi b) {
  int8x16_t x = vreinterpretq_s8_s32(a), y = vreinterpretq_s8_s32(b);
#ifdef MAAS_DOTPROD
  return vdotq_s32(sum, x, y);
#else
  return vpadalq_s16(sum, vpaddq_s16(vmull_s8(vget_low_s8(x), vget_low_s8(y)), vmull_high_s8(x, y)));
#endif
}
#ifdef MAAS_DOTPROD
/// The instruction has no bytes of different signs: it is given those of `a` less 128.
#define V_QUADS_LESS_128
static inline vi vi_dot_quads(vi sum, vi a, vi b) { return vi_dot_bytes(sum, a, b); }
#else
/// The even bytes and the odd ones as 16-bit integers, as in avx2.h.
static inline vi vi_dot_quads(vi sum, vi a, vi b) {
  uint16x8_t x = vreinterpretq_u16_s32(a);
  int16x8_t y = vreinterpretq_s16_s32(b);
  vi even = vi_dot_pairs(vreinterpretq_s32_u16(vandq_u16(x, vdupq_n_u16(255))),
                         vreinterpretq_s32_s16(vshrq_n_s16(vshlq_n_s16(y, 8), 8)));
  vi odd = vi_dot_pairs(vreinterpretq_s32_u16(vshrq_n_u16(x, 8)), vreinterpretq_s32_s16(vshrq_n_s16(y, 8)));
  return vaddq_s32(vaddq_s32(sum, even), odd);
}
#endif
static inline vi vi_xor(vi a, vi b) { return veorq_s32(a, b); }
static inline uint8x16_t vi_load_channels(const uint8_t *p, int64_t n) {
  uint8_t bytes[16] = {0};
  if (n >= 16)
    return vld1q_u8(p);
  __builtin_memcpy(bytes, p, (size_t)n);
  return vld1q_u8(bytes);
}
static inline void vi_load_quads(const uint8_t *const *taps, int64_t n, int count, vi *to) {
  uint8x16_t a = vi_load_channels(taps[0], n), b = vi_load_channels(taps[1], n),
             c = vi_load_channels(taps[2], n);
  uint8x16_t d = count > 3 ? vi_load_channels(taps[3], n) : vdupq_n_u8(0);
  uint16x8_t first = vreinterpretq_u16_u8(vzip1q_u8(a, b)), second = vreinterpretq_u16_u8(vzip2q_u8(a, b));
  uint16x8_t third = vreinterpretq_u16_u8(vzip1q_u8(c, d)), fourth = vreinterpretq_u16_u8(vzip2q_u8(c, d));
  to[0] = vreinterpretq_s32_u16(vzip1q_u16(first, third));
  to[1] = vreinterpretq_s32_u16(vzip2q_u16(first, third));
  to[2] = vreinterpretq_s32_u16(vzip1q_u16(second, fourth));
  to[3] = vreinterpretq_s32_u16(vzip2q_u16(second, fourth));
}
static inline vf vi_to_float(vi a) { return vcvtq_f32_s32(a); }
static inline vf v_nibble(vi a) { return vi_to_float(vi_and(a, vi_set(15))); }

static inline vm v_less(vf a, vf b) { return vcltq_f32(a, b); }
static inline vm v_equal(vf a, vf b) { return vceqq_f32(a, b); }
static inline vm v_is_nan(vf a) { return vmvnq_u32(vceqq_f32(a, a)); }
static inline vf v_select(vm mask, vf yes, vf no) { return vbslq_f32(mask, yes, no); }

static inline vf v_copy_sign(vf magnitude, vf sign) {
  return vbslq_f32(vdupq_n_u32(0x80000000u), sign, magnitude);
}
static inline vf v_round(vf a) { return vrndnq_f32(a); }
static inline vf v_floor(vf a) { return vrndmq_f32(a); }
static inline vf v_ceil(vf a) { return vrndpq_f32(a); }
static inline vi v_to_int(vf a) { return vcvtnq_s32_f32(a); }

static inline float v_sum(vf a) { return vaddvq_f32(a); }
static inline float v_max_lane(vf a) { return vmaxvq_f32(a); }
static inline float v_min_lane(vf a) { return vminvq_f32(a); }
#endif
