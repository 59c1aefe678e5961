#ifndef MAAS_SIMD_AVX512_H
#define MAAS_SIMD_AVX512_H
/// The vocabulary of scalar.h for AVX-512 F, BW, DQ, VL: 16 lanes.
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#define V_WIDTH 16
typedef __m512 vf;
typedef __m512i vi;
typedef __mmask16 vm;

static inline __mmask16 v_tail_mask(int64_t n) { return (__mmask16)((1u << n) - 1); }
static inline vm v_lanes(int64_t n) { return v_tail_mask(n); }
static inline vf v_load(const float *p) { return _mm512_loadu_ps(p); }
static inline vf v_load_tail(const float *p, int64_t n) { return _mm512_maskz_loadu_ps(v_tail_mask(n), p); }
static inline void v_store(float *p, vf a) { _mm512_storeu_ps(p, a); }
static inline void v_store_tail(float *p, vf a, int64_t n) { _mm512_mask_storeu_ps(p, v_tail_mask(n), a); }
static inline vf v_load_half(const uint16_t *p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}
static inline vf v_load_bfloat(const uint16_t *p) {
  __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
static inline vf v_set(float a) { return _mm512_set1_ps(a); }
static inline vi vi_set(int32_t a) { return _mm512_set1_epi32(a); }

/// Rows become columns.
#define V_TRANSPOSE
static inline void v_transpose(vf rows[V_WIDTH]) {
  vf t[V_WIDTH];
  for (int i = 0; i < V_WIDTH; i += 2) {
    t[i] = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
    t[i + 1] = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
  }
  // Now of each four rows four columns are together in every quarter.
  for (int i = 0; i < V_WIDTH; i += 4)
    for (int h = 0; h < 2; h++) {
      __m512d a = _mm512_castps_pd(t[i + h]), b = _mm512_castps_pd(t[i + 2 + h]);
      rows[i + 2 * h] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
      rows[i + 2 * h + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
    }
  for (int c = 0; c < 4; c++) {
    vf low = _mm512_shuffle_f32x4(rows[c], rows[4 + c], 0x88),
       high = _mm512_shuffle_f32x4(rows[c], rows[4 + c], 0xdd);
    vf low2 = _mm512_shuffle_f32x4(rows[8 + c], rows[12 + c], 0x88),
       high2 = _mm512_shuffle_f32x4(rows[8 + c], rows[12 + c], 0xdd);
    t[c] = _mm512_shuffle_f32x4(low, low2, 0x88);
    t[8 + c] = _mm512_shuffle_f32x4(low, low2, 0xdd);
    t[4 + c] = _mm512_shuffle_f32x4(high, high2, 0x88);
    t[12 + c] = _mm512_shuffle_f32x4(high, high2, 0xdd);
  }
  for (int i = 0; i < V_WIDTH; i++)
    rows[i] = t[i];
}

static inline vf v_add(vf a, vf b) { return _mm512_add_ps(a, b); }
static inline vf v_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
static inline vf v_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
static inline vf v_div(vf a, vf b) { return _mm512_div_ps(a, b); }
/// a / b for a positive b, to two ulps: an estimate and a step of Newton leave the divider to a root beside it.
static inline vf v_near_div(vf a, vf b) {
  b = _mm512_min_ps(_mm512_set1_ps(0x1.fffffep127f), b);
  vf r = _mm512_rcp14_ps(b), rest = _mm512_fnmadd_ps(b, r, _mm512_set1_ps(1));
  return _mm512_mul_ps(a, _mm512_fmadd_ps(r, rest, r));
}
static inline vf v_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
static inline vf v_max(vf a, vf b) { return _mm512_max_ps(a, b); }
static inline vf v_min(vf a, vf b) { return _mm512_min_ps(a, b); }
static inline vf v_sqrt(vf a) { return _mm512_sqrt_ps(a); }

static inline vi v_as_int(vf a) { return _mm512_castps_si512(a); }
static inline vf v_as_float(vi a) { return _mm512_castsi512_ps(a); }
static inline vi vi_add(vi a, vi b) { return _mm512_add_epi32(a, b); }
static inline vi vi_sub(vi a, vi b) { return _mm512_sub_epi32(a, b); }
static inline vi vi_mul(vi a, vi b) { return _mm512_mullo_epi32(a, b); }
static inline vi vi_and(vi a, vi b) { return _mm512_and_si512(a, b); }
static inline vi vi_or(vi a, vi b) { return _mm512_or_si512(a, b); }
#define vi_shift_left(a, bits) _mm512_slli_epi32(a, bits)
#define vi_shift_right(a, bits) _mm512_srai_epi32(a, bits)
static inline vi vi_load(const int32_t *p) { return _mm512_loadu_si512(p); }
static inline void vi_store(int32_t *p, vi a) { _mm512_storeu_si512(p, a); }
static inline vi vi_load_u8(const void *p) {
  return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
}
static inline vi vi_load_s8(const void *p) {
  return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p));
}
static inline void vi_store_bytes(uint8_t *p, vi a) {
  _mm_storeu_si128((__m128i *)p, _mm512_cvtepi32_epi8(a));
}
static inline void vi_store_bytes_tail(uint8_t *p, vi a, int64_t n) {
  _mm512_mask_cvtepi32_storeu_epi8(p, v_tail_mask(n), a);
}
static inline vi vi_dot_pairs(vi a, vi b) { return _mm512_madd_epi16(a, b); }
static inline vi vi_dot_bytes(vi sum, vi a, vi b) {
#ifdef MAAS_VNNI
  return _mm512_dpbusd_epi32(sum, a, b);
#else
  return _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_maddubs_epi16(a, b), _mm512_set1_epi16(1)));
#endif
}
/// Without the instruction the even bytes and the odd ones as 16-bit integers, as in avx2.h.
static inline vi vi_dot_quads(vi sum, vi a, vi b) {
#ifdef MAAS_VNNI
  return _mm512_dpbusd_epi32(sum, a, b);
#else
  vi even = _mm512_madd_epi16(_mm512_and_si512(a, _mm512_set1_epi16(255)),
                              _mm512_srai_epi16(_mm512_slli_epi16(b, 8), 8));
  vi odd = _mm512_madd_epi16(_mm512_srli_epi16(a, 8), _mm512_srai_epi16(b, 8));
  return _mm512_add_epi32(_mm512_add_epi32(sum, even), odd);
#endif
}
static inline vi vi_xor(vi a, vi b) { return _mm512_xor_si512(a, b); }
/// Groups of four channels go where interleaving in 128-bit lanes leaves all in order.
static inline vi vi_load_channels(const uint8_t *p, __mmask64 mask) {
  vi order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_epi32(order, _mm512_maskz_loadu_epi8(mask, p));
}
static inline void vi_load_quads(const uint8_t *const *taps, int64_t n, int count, vi *to) {
  __mmask64 mask = n < 64 ? ((__mmask64)1 << n) - 1 : ~(__mmask64)0;
  vi a = vi_load_channels(taps[0], mask), b = vi_load_channels(taps[1], mask),
     c = vi_load_channels(taps[2], mask);
  vi d = count > 3 ? vi_load_channels(taps[3], mask) : _mm512_setzero_si512();
  vi first = _mm512_unpacklo_epi8(a, b), second = _mm512_unpackhi_epi8(a, b);
  vi third = _mm512_unpacklo_epi8(c, d), fourth = _mm512_unpackhi_epi8(c, d);
  to[0] = _mm512_unpacklo_epi16(first, third);
  to[1] = _mm512_unpackhi_epi16(first, third);
  to[2] = _mm512_unpacklo_epi16(second, fourth);
  to[3] = _mm512_unpackhi_epi16(second, fourth);
}
static inline vf vi_to_float(vi a) { return _mm512_cvtepi32_ps(a); }
/// A permutation looks at the lowest 4 bits only.
static inline vf v_nibble(vi a) {
  return _mm512_permutexvar_ps(a, _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

static inline vm v_less(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
static inline vm v_equal(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
static inline vm v_is_nan(vf a) { return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q); }
static inline vf v_select(vm mask, vf yes, vf no) { return _mm512_mask_blend_ps(mask, no, yes); }

static inline vf v_copy_sign(vf magnitude, vf sign) {
  vf bit = _mm512_set1_ps(-0.0f);
  return _mm512_or_ps(_mm512_andnot_ps(bit, magnitude), _mm512_and_ps(bit, sign));
}
static inline vf v_round(vf a) {
  return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
static inline vf v_floor(vf a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
static inline vf v_ceil(vf a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC); }
/// The first times 2 to the power of the second.
#define V_SCALE(a, n) _mm512_scalef_ps(a, n)
static inline vi v_to_int(vf a) { return _mm512_cvtps_epi32(a); }

/// How four vectors become neighbouring bytes, of which they have `count`.
#define V_PACKS_BYTES
typedef struct v_byte_bounds {
  vi zero;      ///< Of 16 bits, added to what is rounded.
  vi low, high; ///< Unsigned bytes.
  vi flip;      ///< What turns them into bytes of the type.
} v_byte_bounds;

/// `zero`, `low` and `high` are those of unsigned bytes: 128 more than those of signed ones.
static inline v_byte_bounds v_byte_bounds_of(int32_t zero, int32_t low, int32_t high, bool is_signed) {
  return (v_byte_bounds){_mm512_set1_epi16((int16_t)zero), _mm512_set1_epi8((int8_t)low),
                         _mm512_set1_epi8((int8_t)high), _mm512_set1_epi8(is_signed ? INT8_MIN : 0)};
}

/// Rounded half to even. NaN becomes the lowest, as does what is far below; what is far above must not: it is `held`,
/// unless numbers are below 2^31.
static inline vi v_rounded(const bool held, vf x) {
  return _mm512_cvtps_epi32(held ? _mm512_min_ps(_mm512_set1_ps(0x1p30f), x) : x);
}
static inline void v_store_bytes(const bool held, uint8_t *p, const vf *x, const v_byte_bounds *bounds,
                                 int64_t count) {
  vi n[4];
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++)
    n[i] = v_rounded(held, x[i]);
  vi first = _mm512_adds_epi16(_mm512_packs_epi32(n[0], n[1]), bounds->zero);
  vi second = _mm512_adds_epi16(_mm512_packs_epi32(n[2], n[3]), bounds->zero);
  vi bytes = _mm512_max_epu8(_mm512_packus_epi16(first, second), bounds->low);
  vi order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  bytes = _mm512_xor_si512(_mm512_min_epu8(bytes, bounds->high), bounds->flip);
  bytes = _mm512_permutexvar_epi32(order, bytes);
  if (count >= 64)
    _mm512_storeu_si512(p, bytes);
  else if (count == 32)
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_castsi512_si256(bytes));
  else if (count == 16)
    _mm_storeu_si128((__m128i *)(void *)p, _mm512_castsi512_si128(bytes));
  else
    _mm512_mask_storeu_epi8(p, ((__mmask64)1 << count) - 1, bytes);
}
static inline void v_store_four(const bool held, uint8_t *p, const vf *x, const v_byte_bounds *bounds) {
  v_store_bytes(held, p, x, bounds, 64);
}

static inline float v_sum(vf a) { return _mm512_reduce_add_ps(a); }
static inline float v_max_lane(vf a) { return _mm512_reduce_max_ps(a); }
static inline float v_min_lane(vf a) { return _mm512_reduce_min_ps(a); }
#endif
