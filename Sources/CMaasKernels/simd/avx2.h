#ifndef MAAS_SIMD_AVX2_H
#define MAAS_SIMD_AVX2_H
/// The vocabulary of scalar.h for AVX2 + FMA: 8 lanes.
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#define V_WIDTH 8
typedef __m256 vf;
typedef __m256i vi;
typedef __m256 vm;

static const int32_t v_tail_masks[16] = {-1, -1, -1, -1, -1, -1, -1, -1};

static inline __m256i v_tail_mask(int64_t n) {
  return _mm256_loadu_si256((const __m256i *)(v_tail_masks + 8 - n));
}
static inline vm v_lanes(int64_t n) { return _mm256_castsi256_ps(v_tail_mask(n)); }
static inline vf v_load(const float *p) { return _mm256_loadu_ps(p); }
static inline vf v_load_tail(const float *p, int64_t n) { return _mm256_maskload_ps(p, v_tail_mask(n)); }
static inline void v_store(float *p, vf a) { _mm256_storeu_ps(p, a); }
/// In halves of what is left, as some CPUs take long over stores of masked vectors.
static inline void v_store_few(float *p, vf a, int64_t n) {
  __m128 half = _mm256_castps256_ps128(a);
  if (n & 4) {
    _mm_storeu_ps(p, half);
    half = _mm256_extractf128_ps(a, 1);
    p += 4;
  }
  if (n & 2) {
    _mm_storel_pi((__m64 *)p, half);
    half = _mm_movehl_ps(half, half);
    p += 2;
  }
  if (n & 1)
    _mm_store_ss(p, half);
}
static inline void v_store_tail(float *p, vf a, int64_t n) {
  if (n >= V_WIDTH)
    v_store(p, a);
  else
    v_store_few(p, a, n);
}
static inline __m256i v_load_bits16(const uint16_t *p) {
  return _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
}
static inline vf v_load_bfloat(const uint16_t *p) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(v_load_bits16(p), 16));
}
/// As in scalar.h: the CPU's own conversion is an extension that AVX2 does not imply.
static inline vf v_load_half(const uint16_t *p) {
  __m256i half = v_load_bits16(p),
          magnitude = _mm256_slli_epi32(_mm256_and_si256(half, _mm256_set1_epi32(0x7fff)), 13);
  __m256i sign = _mm256_slli_epi32(_mm256_srli_epi32(half, 15), 31);
  __m256 finite = _mm256_mul_ps(_mm256_castsi256_ps(magnitude), _mm256_set1_ps(0x1p112f));
  __m256i is_special = _mm256_cmpgt_epi32(magnitude, _mm256_set1_epi32(0x0f7fffff));
  __m256i special = _mm256_and_si256(is_special, _mm256_set1_epi32(0x7f800000));
  return _mm256_or_ps(finite, _mm256_castsi256_ps(_mm256_or_si256(special, sign)));
}
static inline vf v_set(float a) { return _mm256_set1_ps(a); }
static inline vi vi_set(int32_t a) { return _mm256_set1_epi32(a); }

static inline vf v_add(vf a, vf b) { return _mm256_add_ps(a, b); }
static inline vf v_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
static inline vf v_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
static inline vf v_div(vf a, vf b) { return _mm256_div_ps(a, b); }
static inline vf v_near_div(vf a, vf b) { return v_div(a, b); }
static inline vf v_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
static inline vf v_mul_sub(vf a, vf b, vf c) { return _mm256_fmsub_ps(a, b, c); }
static inline vf v_max(vf a, vf b) { return _mm256_max_ps(a, b); }
static inline vf v_min(vf a, vf b) { return _mm256_min_ps(a, b); }
static inline vf v_sqrt(vf a) { return _mm256_sqrt_ps(a); }

static inline vi v_as_int(vf a) { return _mm256_castps_si256(a); }
static inline vf v_as_float(vi a) { return _mm256_castsi256_ps(a); }
static inline vi vi_add(vi a, vi b) { return _mm256_add_epi32(a, b); }
static inline vi vi_sub(vi a, vi b) { return _mm256_sub_epi32(a, b); }
static inline vi vi_mul(vi a, vi b) { return _mm256_mullo_epi32(a, b); }
static inline vi vi_and(vi a, vi b) { return _mm256_and_si256(a, b); }
static inline vi vi_or(vi a, vi b) { return _mm256_or_si256(a, b); }
#define vi_shift_left(a, bits) _mm256_slli_epi32(a, bits)
#define vi_shift_right(a, bits) _mm256_srai_epi32(a, bits)
static inline vi vi_load(const int32_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
static inline void vi_store(int32_t *p, vi a) { _mm256_storeu_si256((__m256i *)p, a); }
static inline vi vi_load_u8(const void *p) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
}
static inline vi vi_load_s8(const void *p) {
  return _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p));
}
static inline void vi_store_bytes(uint8_t *p, vi a) {
  __m256i low = _mm256_shuffle_epi8(a, _mm256_set1_epi32(0x0c080400));
  int32_t first = _mm256_extract_epi32(low, 0), second = _mm256_extract_epi32(low, 4);
  __builtin_memcpy(p, &first, 4);
  __builtin_memcpy(p + 4, &second, 4);
}
static inline void vi_store_bytes_tail(uint8_t *p, vi a, int64_t n) {
  uint8_t bytes[8];
  vi_store_bytes(bytes, a);
  for (int64_t i = 0; i < n; i++)
    p[i] = bytes[i];
}
static inline vi vi_dot_pairs(vi a, vi b) { return _mm256_madd_epi16(a, b); }
static inline vi vi_dot_bytes(vi sum, vi a, vi b) {
  return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), _mm256_set1_epi16(1)));
}
/// The same without leaving 16 bits.
static inline vi vi_add_pairs(vi sum, vi a, vi b) {
  return _mm256_add_epi16(sum, _mm256_maddubs_epi16(a, b));
}
/// The even bytes and the odd ones as 16-bit integers, since the sum of two products of bytes may need 17 bits.
static inline vi vi_dot_quads(vi sum, vi a, vi b) {
  vi even = _mm256_madd_epi16(_mm256_and_si256(a, _mm256_set1_epi16(255)),
                              _mm256_srai_epi16(_mm256_slli_epi16(b, 8), 8));
  vi odd = _mm256_madd_epi16(_mm256_srli_epi16(a, 8), _mm256_srai_epi16(b, 8));
  return _mm256_add_epi32(_mm256_add_epi32(sum, even), odd);
}
static inline vi vi_xor(vi a, vi b) { return _mm256_xor_si256(a, b); }
static inline __m128i vi_load_channels(const uint8_t *p, int64_t n) {
  uint8_t bytes[16] = {0};
  if (n >= 16)
    return _mm_loadu_si128((const __m128i *)p);
  __builtin_memcpy(bytes, p, (size_t)n);
  return _mm_loadu_si128((const __m128i *)bytes);
}
static inline void vi_load_quads(const uint8_t *const *taps, int64_t n, int count, vi *to) {
  __m128i a = vi_load_channels(taps[0], n), b = vi_load_channels(taps[1], n),
          c = vi_load_channels(taps[2], n);
  __m128i d = count > 3 ? vi_load_channels(taps[3], n) : _mm_setzero_si128();
  __m128i first = _mm_unpacklo_epi8(a, b), second = _mm_unpackhi_epi8(a, b);
  __m128i third = _mm_unpacklo_epi8(c, d), fourth = _mm_unpackhi_epi8(c, d);
  to[0] = _mm256_set_m128i(_mm_unpackhi_epi16(first, third), _mm_unpacklo_epi16(first, third));
  to[1] = _mm256_set_m128i(_mm_unpackhi_epi16(second, fourth), _mm_unpacklo_epi16(second, fourth));
}
static inline vf vi_to_float(vi a) { return _mm256_cvtepi32_ps(a); }
static inline vf v_nibble(vi a) { return vi_to_float(vi_and(a, vi_set(15))); }

static inline vm v_less(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
static inline vm v_equal(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
static inline vm v_is_nan(vf a) { return _mm256_cmp_ps(a, a, _CMP_UNORD_Q); }
static inline vf v_select(vm mask, vf yes, vf no) { return _mm256_blendv_ps(no, yes, mask); }

static inline vf v_copy_sign(vf magnitude, vf sign) {
  vf bit = _mm256_set1_ps(-0.0f);
  return _mm256_or_ps(_mm256_andnot_ps(bit, magnitude), _mm256_and_ps(bit, sign));
}
static inline vf v_round(vf a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline vf v_floor(vf a) { return _mm256_floor_ps(a); }
static inline vf v_ceil(vf a) { return _mm256_ceil_ps(a); }
static inline vi v_to_int(vf a) { return _mm256_cvtps_epi32(a); }

/// As in avx512.h, for two vectors.
#define V_PACKS_BYTES
typedef struct v_byte_bounds {
  vi zero, low, high, flip;
} v_byte_bounds;

static inline v_byte_bounds v_byte_bounds_of(int32_t zero, int32_t low, int32_t high, bool is_signed) {
  return (v_byte_bounds){_mm256_set1_epi16((int16_t)zero), _mm256_set1_epi8((int8_t)low),
                         _mm256_set1_epi8((int8_t)high), _mm256_set1_epi8(is_signed ? INT8_MIN : 0)};
}

static inline vi v_rounded(const bool held, vf x) {
  return v_to_int(held ? _mm256_min_ps(_mm256_set1_ps(0x1p30f), x) : x);
}

static inline void v_store_bytes(const bool held, uint8_t *p, const vf *x, const v_byte_bounds *bounds,
                                 int64_t count) {
  vi pairs = _mm256_packs_epi32(v_rounded(held, x[0]), v_rounded(held, x[1]));
  pairs = _mm256_adds_epi16(_mm256_permute4x64_epi64(pairs, 0xd8), bounds->zero);
  __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
  bytes = _mm_min_epu8(_mm_max_epu8(bytes, _mm256_castsi256_si128(bounds->low)),
                       _mm256_castsi256_si128(bounds->high));
  bytes = _mm_xor_si128(bytes, _mm256_castsi256_si128(bounds->flip));
  if (count >= 16) {
    _mm_storeu_si128((__m128i *)(void *)p, bytes);
  } else {
    uint8_t all[16];
    _mm_storeu_si128((__m128i *)(void *)all, bytes);
    __builtin_memcpy(p, all, (size_t)count);
  }
}

/// The bytes of four vectors, in each half of the result four of the first, of the second and so on.
static inline __attribute__((always_inline)) vi v_pack_four(const bool held, const vf *x, vi zero) {
  vi n[4];
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++)
    n[i] = v_rounded(held, x[i]);
  return _mm256_packus_epi16(_mm256_adds_epi16(_mm256_packs_epi32(n[0], n[1]), zero),
                             _mm256_adds_epi16(_mm256_packs_epi32(n[2], n[3]), zero));
}

static inline vi v_bound_bytes(vi bytes, const v_byte_bounds *bounds) {
  bytes = _mm256_min_epu8(_mm256_max_epu8(bytes, bounds->low), bounds->high);
  return _mm256_xor_si256(bytes, bounds->flip);
}

/// The bytes of v_pack_four within bounds. Unless they are `held`, numbers are below 2^31 and the bounds those of
/// unsigned bytes.
static inline __attribute__((always_inline)) vi v_pack_bytes(const bool held, const vf *x,
                                                             const v_byte_bounds *bounds) {
  vi bytes = v_pack_four(held, x, bounds->zero);
  return held ? v_bound_bytes(bytes, bounds) : bytes;
}

/// Four vectors as neighbouring bytes within any bounds. Unless they are `held`, numbers are below 2^31.
static inline __attribute__((always_inline)) void v_store_four(const bool held, uint8_t *p, const vf *x,
                                                               const v_byte_bounds *bounds) {
  const vi order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  vi bytes = v_bound_bytes(v_pack_four(held, x, bounds->zero), bounds);
  vi_store((int32_t *)(void *)p, _mm256_permutevar8x32_epi32(bytes, order));
}

static inline float v_sum(vf a) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
static inline float v_max_lane(vf a) {
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}
static inline float v_min_lane(vf a) {
  __m128 s = _mm_min_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  s = _mm_min_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_min_ss(s, _mm_movehdup_ps(s)));
}
#endif
