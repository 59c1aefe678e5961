/// The row functions of unary for one instruction set, and its step. A function is written once, on vectors;
/// the last vector of a row is a partial one through the same code, so a value never depends on its place.
#include "../row.h"
#include "../simd/math.h"

#define MAAS_UNARY_ROW(name, expression)                                                                     \
  static void name##_row(const float *from, float *to, int64_t n, float alpha, float beta) {                 \
    (void)alpha, (void)beta;                                                                                 \
    int64_t i = 0;                                                                                           \
    for (; i + V_WIDTH <= n; i += V_WIDTH) {                                                                 \
      vf x = v_load(from + i);                                                                               \
      v_store(to + i, expression);                                                                           \
    }                                                                                                        \
    if (i < n) {                                                                                             \
      vf x = v_load_tail(from + i, n - i);                                                                   \
      v_store_tail(to + i, expression, n - i);                                                               \
    }                                                                                                        \
  }

/// Functions that rarely show in a profile are the C library's.
#define MAAS_LIBM_ROW(name, function)                                                                        \
  static void name##_row(const float *x, float *y, int64_t n, float alpha, float beta) {                     \
    (void)alpha, (void)beta;                                                                                 \
    for (int64_t i = 0; i < n; i++)                                                                          \
      y[i] = function(x[i]);                                                                                 \
  }

static inline vf v_hard_sigmoid(vf x, float alpha, float beta) {
  return v_clamp(v_fma(v_set(alpha), x, v_set(beta)), 0, 1);
}

static inline vf v_sign(vf x) {
  vf one = v_copy_sign(v_set(1), x);
  return v_select(v_is_nan(x), x, v_select(v_equal(x, v_set(0)), v_set(0), one));
}

/// positive ? x : scale (e^(x / divisor) - 1)
static inline vf v_elu(vf x, float scale, float divisor) {
  vf negative = v_mul(v_set(scale), v_expm1_negative(v_div(v_min(v_set(0), x), v_set(divisor))));
  return v_select(v_less(v_set(0), x), x, negative);
}

/// x (1/2 + x P(x^2) / Q(x^2)), where the fraction is held from +-limit on, and 0 x below -limit, where a fraction that
/// is rounded a little short of -1/2 would leave a part of x. One division takes less than the powers of two of an
/// exponential.
static inline __attribute__((always_inline)) vf v_beside_half(vf x, float limit, const float *p,
                                                              const float *q) {
  vf b = v_clamp(x, -limit, limit), s = v_mul(b, b);
  vf sum = v_add(v_set(0.5f), v_div(v_mul(b, v_polynomial(s, p, 6)), v_polynomial(s, q, 6)));
  return v_mul(x, v_select(v_less(x, v_set(-limit)), v_set(0), sum));
}

/// The fraction is erf(x / sqrt 2) / 2 on [0, 5.4]: 2^-27.4.
static inline vf v_gelu(vf x) {
  return v_beside_half(
      x, 5.4f,
      (const float[]){2.4072019e-8f, 6.546388e-6f, 1.6913698e-4f, 4.7871335e-3f, 3.4350134e-2f,
                      4.1063213e-1f},
      (const float[]){1.2522402e-6f, 7.4521784e-5f, 1.9134555e-3f, 2.9210262e-2f, 2.5765279e-1f, 1.0293022f});
}

/// The fraction is tanh(sqrt(2/pi) (x + 0.044715 x^3)) / 2 on [0, 5.1]: 2^-27.4.
static inline vf v_gelu_tanh(vf x) {
  return v_beside_half(
      x, 5.0f,
      (const float[]){2.4225145e-8f, 7.1900986e-6f, 1.371985e-4f, 3.7350985e-3f, 3.132448e-2f, 4.1063222e-1f},
      (const float[]){1.3344086e-6f, 7.7608158e-5f, 1.3347209e-3f, 2.5066925e-2f, 2.5091904e-1f, 1.0293022f});
}

/// tanh(ln(1 + e)) = e (e + 2) / (e (e + 2) + 2); from 20 on that is 1.
static inline vf v_mish(vf x) {
  vf e = v_exp(v_min(v_set(20), x));
  vf p = v_mul(e, v_add(e, v_set(2)));
  return v_mul(x, v_div(p, v_add(p, v_set(2))));
}

static inline vf v_shrink(vf x, float alpha, float beta) {
  vf above = v_select(v_less(v_set(alpha), x), v_sub(x, v_set(beta)), v_set(0));
  return v_select(v_less(x, v_set(-alpha)), v_add(x, v_set(beta)), above);
}

MAAS_UNARY_ROW(identity, x)
MAAS_UNARY_ROW(relu, v_max(v_set(0), x))
MAAS_UNARY_ROW(leaky_relu, v_select(v_less(x, v_set(0)), v_mul(v_set(alpha), x), x))
MAAS_UNARY_ROW(thresholded_relu, v_select(v_less(v_set(alpha), x), x, v_select(v_is_nan(x), x, v_set(0))))
MAAS_UNARY_ROW(clip, v_clamp(x, alpha, beta))
MAAS_UNARY_ROW(abs, v_abs(x))
MAAS_UNARY_ROW(neg, v_neg(x))
MAAS_UNARY_ROW(sign, v_sign(x))
MAAS_UNARY_ROW(reciprocal, v_div(v_set(1), x))
MAAS_UNARY_ROW(sqrt, v_sqrt(x))
MAAS_UNARY_ROW(square, v_mul(x, x))
MAAS_UNARY_ROW(floor, v_floor(x))
MAAS_UNARY_ROW(ceil, v_ceil(x))
MAAS_UNARY_ROW(round, v_round(x))
MAAS_UNARY_ROW(exp, v_exp(x))
MAAS_UNARY_ROW(log, v_log(x))
MAAS_UNARY_ROW(erf, v_erf(x))
MAAS_UNARY_ROW(tanh, v_tanh(x))
MAAS_UNARY_ROW(sigmoid, v_sigmoid(x))
MAAS_UNARY_ROW(hard_sigmoid, v_hard_sigmoid(x, alpha, beta))
MAAS_UNARY_ROW(hard_swish, v_mul(x, v_hard_sigmoid(x, 1.0f / 6, 0.5f)))
MAAS_UNARY_ROW(elu, v_elu(x, alpha, 1))
MAAS_UNARY_ROW(selu, v_mul(v_set(beta), v_elu(x, alpha, 1)))
MAAS_UNARY_ROW(celu, v_elu(x, alpha, alpha))
MAAS_UNARY_ROW(softplus, v_softplus(x))
MAAS_UNARY_ROW(softsign, v_div(x, v_add(v_set(1), v_abs(x))))
MAAS_UNARY_ROW(gelu, v_gelu(x))
MAAS_UNARY_ROW(gelu_tanh, v_gelu_tanh(x))
MAAS_UNARY_ROW(silu, v_mul(x, v_sigmoid(v_mul(v_set(alpha), x))))
MAAS_UNARY_ROW(mish, v_mish(x))
MAAS_UNARY_ROW(affine, v_fma(v_set(alpha), x, v_set(beta)))
MAAS_UNARY_ROW(scaled_tanh, v_mul(v_set(alpha), v_tanh(v_mul(v_set(beta), x))))
MAAS_UNARY_ROW(shrink, v_shrink(x, alpha, beta))
MAAS_LIBM_ROW(sin, sinf)
MAAS_LIBM_ROW(cos, cosf)
MAAS_LIBM_ROW(tan, tanf)
MAAS_LIBM_ROW(asin, asinf)
MAAS_LIBM_ROW(acos, acosf)
MAAS_LIBM_ROW(atan, atanf)
MAAS_LIBM_ROW(sinh, sinhf)
MAAS_LIBM_ROW(cosh, coshf)
MAAS_LIBM_ROW(asinh, asinhf)
MAAS_LIBM_ROW(acosh, acoshf)
MAAS_LIBM_ROW(atanh, atanhf)

maas_f32_row *const MAAS_F32_SHARED(unary_rows)[MAAS_UNARY_COUNT] = {
    [MAAS_UNARY_IDENTITY] = identity_row,
    [MAAS_UNARY_RELU] = relu_row,
    [MAAS_UNARY_LEAKY_RELU] = leaky_relu_row,
    [MAAS_UNARY_THRESHOLDED_RELU] = thresholded_relu_row,
    [MAAS_UNARY_CLIP] = clip_row,
    [MAAS_UNARY_ABS] = abs_row,
    [MAAS_UNARY_NEG] = neg_row,
    [MAAS_UNARY_SIGN] = sign_row,
    [MAAS_UNARY_RECIPROCAL] = reciprocal_row,
    [MAAS_UNARY_SQRT] = sqrt_row,
    [MAAS_UNARY_SQUARE] = square_row,
    [MAAS_UNARY_FLOOR] = floor_row,
    [MAAS_UNARY_CEIL] = ceil_row,
    [MAAS_UNARY_ROUND] = round_row,
    [MAAS_UNARY_EXP] = exp_row,
    [MAAS_UNARY_LOG] = log_row,
    [MAAS_UNARY_ERF] = erf_row,
    [MAAS_UNARY_TANH] = tanh_row,
    [MAAS_UNARY_SIGMOID] = sigmoid_row,
    [MAAS_UNARY_HARD_SIGMOID] = hard_sigmoid_row,
    [MAAS_UNARY_HARD_SWISH] = hard_swish_row,
    [MAAS_UNARY_ELU] = elu_row,
    [MAAS_UNARY_SELU] = selu_row,
    [MAAS_UNARY_CELU] = celu_row,
    [MAAS_UNARY_SOFTPLUS] = softplus_row,
    [MAAS_UNARY_SOFTSIGN] = softsign_row,
    [MAAS_UNARY_GELU] = gelu_row,
    [MAAS_UNARY_GELU_TANH] = gelu_tanh_row,
    [MAAS_UNARY_SILU] = silu_row,
    [MAAS_UNARY_MISH] = mish_row,
    [MAAS_UNARY_AFFINE] = affine_row,
    [MAAS_UNARY_SCALED_TANH] = scaled_tanh_row,
    [MAAS_UNARY_SHRINK] = shrink_row,
    [MAAS_UNARY_SIN] = sin_row,
    [MAAS_UNARY_COS] = cos_row,
    [MAAS_UNARY_TAN] = tan_row,
    [MAAS_UNARY_ASIN] = asin_row,
    [MAAS_UNARY_ACOS] = acos_row,
    [MAAS_UNARY_ATAN] = atan_row,
    [MAAS_UNARY_SINH] = sinh_row,
    [MAAS_UNARY_COSH] = cosh_row,
    [MAAS_UNARY_ASINH] = asinh_row,
    [MAAS_UNARY_ACOSH] = acosh_row,
    [MAAS_UNARY_ATANH] = atanh_row,
};

int32_t MAAS_F32_KERNEL(unary)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  (void)worker;
  const maas_f32_unary_params *u = step->params;
  MAAS_F32_SHARED(unary_rows)
  [u->function.op]((const float *)step->operands[0] + begin, (float *)step->operands[1] + begin, end - begin,
                   u->function.alpha, u->function.beta);
  return MAAS_STEP_OK;
}
