#ifndef MAAS_SIMD_AVX512_HALVES_H
#define MAAS_SIMD_AVX512_HALVES_H
/// Halves of vectors, for a single row of a product that meets what comes from memory: the lines ahead are fetched
/// sooner where each line is read twice.
#include "avx512.h"

#define V_HALVES
#define V_HALF (V_WIDTH / 2)
typedef __m256 vf_half;
typedef __m256i vi_half;

static inline vf_half v_half_load(const float *p) { return _mm256_loadu_ps(p); }
static inline vf_half v_half_set(float a) { return _mm256_set1_ps(a); }
static inline vf_half v_half_fma(vf_half a, vf_half b, vf_half c) { return _mm256_fmadd_ps(a, b, c); }
static inline vf_half v_half_add(vf_half a, vf_half b) { return _mm256_add_ps(a, b); }
static inline void v_half_store(float *p, vf_half a) { _mm256_storeu_ps(p, a); }

static inline vi_half vi_half_load(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
static inline vi_half vi_half_set(int32_t a) { return _mm256_set1_epi32(a); }
static inline void vi_half_store(void *p, vi_half a) { _mm256_storeu_si256((__m256i *)p, a); }
#ifdef MAAS_VNNI
static inline vi_half vi_half_dot_quads(vi_half sum, vi_half a, vi_half b) {
  return _mm256_dpbusd_epi32(sum, a, b);
}
#endif
#endif
