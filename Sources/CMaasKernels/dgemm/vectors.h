#ifndef MAAS_DGEMM_VECTORS_H
#define MAAS_DGEMM_VECTORS_H
/// What products need of the vector vocabulary (../simd/scalar.h), for V_WIDTH doubles. The compiler's own vectors
/// serve every instruction set.

typedef double vf __attribute__((ext_vector_type(V_WIDTH)));

static inline vf v_load(const double *p) {
  vf a;
  memcpy(&a, p, sizeof a);
  return a;
}
static __attribute__((noinline)) vf v_load_tail(const double *p, int64_t n) {
  if (n >= V_WIDTH)
    return v_load(p);
  vf a = 0;
  memcpy(&a, p, (size_t)n * sizeof *p);
  return a;
}
static inline void v_store(double *p, vf a) { memcpy(p, &a, sizeof a); }
static __attribute__((noinline)) void v_store_tail(double *p, vf a, int64_t n) {
  memcpy(p, &a, (size_t)n * sizeof *p);
}
static inline vf v_set(double a) { return (vf)a; }
static inline vf v_add(vf a, vf b) { return a + b; }
static inline vf v_mul(vf a, vf b) { return a * b; }
#ifdef MAAS_HAS_FMA
static inline vf v_fma(vf a, vf b, vf c) { return __builtin_elementwise_fma(a, b, c); }
#else
static inline vf v_fma(vf a, vf b, vf c) { return a * b + c; }
#endif
static inline vf v_max(vf a, vf b) { return a > b ? a : b; }
static inline vf v_min(vf a, vf b) { return a < b ? a : b; }
#endif
