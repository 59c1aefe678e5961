#ifndef MAAS_SIMD_MATH_H
#define MAAS_SIMD_MATH_H
/// Elementary functions on the vector vocabulary. Goals, in this order: at most 4 ulp everywhere, subnormals,
/// infinities and NaN as in the C library; no branches on values; speed. A NaN comes back with its own sign:
/// of two unlike ones the compiler would be free to pick either, and a row's tail could differ from its body.
///
/// The polynomials are minimax fits (iteratively reweighted least squares in double precision, coefficients
/// rounded to float lowest degree first); beside each stands the interval and its error before rounding.
#include <math.h>

static inline vf v_abs(vf x) { return v_copy_sign(x, v_set(0)); }
static inline vf v_neg(vf x) { return v_sub(v_set(-0.0f), x); }
/// NaN if either is.
static inline vf v_maximum(vf a, vf b) { return v_select(v_is_nan(a), a, v_max(a, b)); }
static inline vf v_minimum(vf a, vf b) { return v_select(v_is_nan(a), a, v_min(a, b)); }
/// x held in [lo, hi]; NaN stays.
static inline vf v_clamp(vf x, float lo, float hi) { return v_min(v_set(hi), v_max(v_set(lo), x)); }

/// The first n lanes; 0 in the others.
static inline vf v_first(vf x, int64_t n) { return v_select(v_lanes(n), x, v_set(0)); }
/// n <= V_WIDTH elements; `other` in the lanes beyond.
static inline vf v_load_tail_or(const float *p, int64_t n, float other) {
  return v_select(v_lanes(n), v_load_tail(p, n), v_set(other));
}

static inline __attribute__((always_inline)) vf v_polynomial(vf x, const float *highest_first, int count) {
  vf sum = v_set(highest_first[0]);
  for (int i = 1; i < count; i++)
    sum = v_fma(sum, x, v_set(highest_first[i]));
  return sum;
}
#define V_POLYNOMIAL(x, ...)                                                                                 \
  v_polynomial(x, (const float[]){__VA_ARGS__}, sizeof((const float[]){__VA_ARGS__}) / sizeof(float))

/// 2^n for whole n in [-126, 127].
static inline vf v_power_of_two(vi n) { return v_as_float(vi_shift_left(vi_add(n, vi_set(127)), 23)); }

/// x 2^n for whole n in [-151, 129], rounded once.
static inline vf v_scaled(vf x, vf n) {
#ifdef V_SCALE
  return V_SCALE(x, n);
#else
  vi whole = v_to_int(n),
     half = vi_shift_right(whole, 1); // In two steps: 2^n itself may be infinite or subnormal.
  return v_mul(v_mul(x, v_power_of_two(half)), v_power_of_two(vi_sub(whole, half)));
#endif
}

/// x = n ln 2 + r with |r| <= ln 2 / 2: *n, and e^r - 1.
static inline vf v_reduced_expm1(vf x, vf *n) {
  vf whole = v_round(v_mul(x, v_set(0x1.715476p+0f)));
  vf r = v_fma(whole, v_set(-0x1.62e400p-1f), x); // ln 2 in two parts; the first has 12 trailing zero bits.
  r = v_fma(whole, v_set(-0x1.7f7d1cp-20f), r);
  // (e^r - 1 - r) / r^2 on [-ln 2 / 2, ln 2 / 2]: 2^-31 of e^r - 1
  vf p = V_POLYNOMIAL(r, 1.9764331e-4f, 1.3932365e-3f, 8.333543e-3f, 4.1666493e-2f, 1.6666666e-1f, 0.5f);
  *n = whole;
  return v_fma(v_mul(r, r), p, r);
}

static inline vf v_exp(vf x) {
  vf n;
  vf e = v_add(v_reduced_expm1(v_clamp(x, -104.0f, 89.0f), &n), v_set(1));
  return v_scaled(e, n);
}

/// (1 + r) 2^n for whole n in [-126, 127].
static inline vf v_scaled_near(vf r, vf n) {
#ifdef V_SCALE
  return V_SCALE(v_add(r, v_set(1)), n);
#else
  vf scale = v_power_of_two(v_to_int(n));
  return v_fma(r, scale, scale);
#endif
}

/// e^x for x in [-87, 88].
static inline vf v_exp_near(vf x) {
  vf n;
  vf r = v_reduced_expm1(x, &n);
  return v_scaled_near(r, n);
}

/// e^x for x <= 0.
static inline vf v_exp_negative(vf x) {
  vf n;
  vf r = v_reduced_expm1(v_max(v_set(-104), x), &n);
#ifdef V_SCALE
  return V_SCALE(v_add(r, v_set(1)), n);
#else // As 2^n may be subnormal.
  return v_mul(v_scaled_near(r, v_add(n, v_set(64))), v_set(0x1p-64f));
#endif
}

/// e^x for x <= 87; what is below 2^-126 may be 0.
static inline vf v_exp_normal(vf x) {
  const float shift = 0x1.8p23f + 127; // A sum with it ends with the bits of n + 127: 0 at x = -88.
  x = v_max(v_set(-88), x);
  vf sum = v_fma(x, v_set(0x1.715476p+0f), v_set(shift));
  vf r = v_fma(v_sub(sum, v_set(shift)), v_set(-0x1.62e430p-1f), x); // That float is ln 2 to 2^-29.
  // (e^r - 1 - r) / r^2 on [-ln 2 / 2, ln 2 / 2]: 2^-28 of e^r
  vf p = V_POLYNOMIAL(r, 1.3814619e-3f, 8.3687112e-3f, 4.1668387e-2f, 1.6666521e-1f, 4.9999993e-1f);
  vf scale = v_as_float(vi_shift_left(v_as_int(sum), 23));
  return v_fma(v_fma(v_mul(r, r), p, r), scale, scale);
}

/// e^x - 1 for x <= 0, of either sign where it is 0.
static inline vf v_expm1_unsigned(vf x) {
  vf n;
  vf e = v_reduced_expm1(v_max(v_set(-25.0f), x), &n); // Below it is -1.
  vf scale = v_power_of_two(v_to_int(n));
  return v_fma(e, scale, v_sub(scale, v_set(1)));
}

/// e^x - 1 for x <= 0.
static inline vf v_expm1_negative(vf x) { return v_copy_sign(v_expm1_unsigned(x), v_set(-0.0f)); }

static inline vf v_log(vf x) {
  vm tiny = v_less(x, v_set(0x1p-126f));
  vf normal = v_select(tiny, v_mul(x, v_set(0x1p23f)), x);
  // normal = 2^n m with m in [sqrt(1/2), sqrt 2)
  vi offset = vi_sub(v_as_int(normal), v_as_int(v_set(0x1.6a09e6p-1f)));
  vf n = v_sub(vi_to_float(vi_shift_right(offset, 23)), v_select(tiny, v_set(23), v_set(0)));
  vi mantissa = vi_add(vi_and(offset, vi_set(0x7fffff)), v_as_int(v_set(0x1.6a09e6p-1f)));
  vf f = v_sub(v_as_float(mantissa), v_set(1));
  // (ln(1 + f) - f + f^2 / 2) / f^3 on [sqrt(1/2) - 1, sqrt 2 - 1]: 2^-30 of ln(1 + f)
  vf p = V_POLYNOMIAL(f, 6.75028e-2f, -1.16735e-1f, 1.1884847e-1f, -1.2405844e-1f, 1.4220175e-1f, -1.6668e-1f,
                      2.0002078e-1f, -2.500001e-1f, 3.3333313e-1f);
  vf square = v_mul(f, f);
  vf low = v_fma(n, v_set(0x1.7f7d1cp-20f), v_mul(v_mul(square, f), p));
  vf y = v_fma(n, v_set(0x1.62e400p-1f), v_add(f, v_fma(square, v_set(-0.5f), low)));
  y = v_select(v_equal(x, v_set(INFINITY)), x, y);
  y = v_select(v_equal(x, v_set(0)), v_set(-INFINITY), y);
  return v_select(v_less(x, v_set(0)), v_set(NAN), v_select(v_is_nan(x), x, y));
}

/// ln(1 + e) for e in [0, 1]: the rounding of 1 + e is put back to first order.
static inline vf v_log1p_unit(vf e) {
  vf sum = v_add(v_set(1), e);
  return v_add(v_log(sum), v_div(v_sub(e, v_sub(sum, v_set(1))), sum));
}

static inline vf v_erf(vf x) {
  vf a = v_abs(x), s = v_mul(a, a);
  // erf(a) / a - 1 on [0, 0.9] in a^2: 2^-26
  vf small = V_POLYNOMIAL(s, -6.0524617e-4f, 5.00416e-3f, -2.6773285e-2f, 1.1281976e-1f, -3.7612507e-1f,
                          1.2837915e-1f);
  // -ln(1 - erf(a)) on [0.9, 4]: 2^-29 of 1 - erf(a); at 4 erf rounds to 1
  vf b = v_min(v_set(4), a);
  vf t = V_POLYNOMIAL(b, -1.9828574e-4f, 3.0663502e-3f, -2.2319531e-2f, 1.0412455e-1f, 6.3696146e-1f,
                      1.1278073f, 1.6370423e-4f);
  vf large = v_sub(v_set(1), v_exp_near(v_neg(t)));
  return v_copy_sign(v_select(v_less(a, v_set(0.9f)), v_fma(a, small, a), large), x);
}

/// (1 - e^-2|x|) / (1 + e^-2|x|), whose numerator keeps all digits of a small x.
static inline vf v_tanh(vf x) {
  vf e = v_expm1_unsigned(v_mul(v_abs(x), v_set(-2)));
  return v_copy_sign(v_div(e, v_add(e, v_set(2))), x);
}

/// Through e^-|x|, so that the small side keeps its digits down to the subnormals.
static inline vf v_sigmoid(vf x) {
  vf e = v_exp_negative(v_neg(v_abs(x)));
  vf top = v_select(v_less(x, v_set(0)), e, v_set(1));
  return v_select(v_is_nan(x), x, v_div(top, v_add(v_set(1), e)));
}

/// The same where what is below 2^-126 may be 0.
static inline vf v_sigmoid_near(vf x) {
  vf e = v_exp_normal(v_min(v_set(87), x));
  return v_div(e, v_add(v_set(1), e));
}

static inline vf v_softplus(vf x) {
  vf y = v_add(v_max(v_set(0), x), v_log1p_unit(v_exp_negative(v_neg(v_abs(x)))));
  return v_select(v_is_nan(x), x, y);
}
#endif
