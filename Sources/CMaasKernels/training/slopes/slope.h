/// Slopes of the unary functions for one instruction set: dx = dy f', from y or from x.
#define MAAS_SLOPE_ROW(name, expression)                                                                     \
  static void name##_slope(const float *dy, const float *known, float *dx, int64_t n, float alpha,           \
                           float beta) {                                                                     \
    (void)alpha, (void)beta;                                                                                 \
    for (int64_t i = 0; i < n; i += V_WIDTH) {                                                               \
      int64_t count = maas_min64(V_WIDTH, n - i);                                                            \
      vf g = v_load_part(dy + i, count), z = v_load_part(known + i, count);                                  \
      v_store_part(dx + i, expression, count);                                                               \
    }                                                                                                        \
  }

typedef void slope_row(const float *dy, const float *known, float *dx, int64_t n, float alpha, float beta);

static inline vf v_zero_unless(vm mask, vf x) { return v_select(mask, x, v_set(0)); }
static inline vf v_above_zero(vf z, vf yes, vf no) { return v_select(v_less(v_set(0), z), yes, no); }
static inline vf v_between(vf z, float low, float high, vf x) {
  return v_zero_unless(v_less(v_set(low), z), v_zero_unless(v_less(z, v_set(high)), x));
}
static inline vf v_one_minus(vf x) { return v_sub(v_set(1), x); }

static inline vf v_gelu_slope(vf x) {
  vf density = v_mul(v_set(0.3989422804f), v_exp(v_mul(v_set(-0.5f), v_mul(x, x))));
  vf cumulative = v_fma(v_set(0.5f), v_erf(v_mul(x, v_set(0.70710678f))), v_set(0.5f));
  return v_fma(x, density, cumulative);
}
/// y = x s with s = sigmoid(2 u), u = sqrt(2/pi) (x + 0.044715 x^3).
static inline vf v_gelu_tanh_slope(vf x) {
  const float twice = 2 * 0.79788456f;
  vf square = v_mul(x, x);
  vf s = v_sigmoid(v_mul(v_set(twice), v_mul(x, v_fma(v_set(0.044715f), square, v_set(1)))));
  vf inner = v_mul(v_set(twice), v_fma(v_set(3 * 0.044715f), square, v_set(1)));
  // Where the sigmoid is flat x may be large enough to make inf of `inner`.
  vf bend = v_mul(v_mul(s, v_one_minus(s)), v_min(v_set(1e10f), inner));
  return v_fma(x, bend, s);
}
static inline vf v_silu_slope(vf x, float alpha) {
  vf s = v_sigmoid(v_mul(v_set(alpha), x));
  return v_fma(v_mul(v_mul(v_set(alpha), x), s), v_one_minus(s), s);
}
/// With e = e^x and p = e (e + 2): y = x p / (p + 2), and (p / (p + 2))' = 4 e (1 + e) / (p + 2)^2; from 20 on y is x.
static inline vf v_mish_slope(vf x) {
  vf e = v_exp(v_min(v_set(20), x));
  vf p = v_mul(e, v_add(e, v_set(2))), q = v_add(p, v_set(2));
  vf bend = v_div(v_mul(v_mul(v_set(4), e), v_add(v_set(1), e)), v_mul(q, q));
  return v_fma(x, v_zero_unless(v_less(x, v_set(20)), bend), v_div(p, q));
}
static inline vf v_hard_swish_slope(vf x) {
  vf middle = v_fma(x, v_set(1.0f / 3), v_set(0.5f));
  return v_select(v_less(x, v_set(-3)), v_set(0), v_select(v_less(v_set(3), x), v_set(1), middle));
}

MAAS_SLOPE_ROW(relu, v_above_zero(z, g, v_set(0)))
MAAS_SLOPE_ROW(leaky_relu, v_above_zero(z, g, v_mul(v_set(alpha), g)))
MAAS_SLOPE_ROW(thresholded_relu, v_zero_unless(v_less(v_set(alpha), z), g))
MAAS_SLOPE_ROW(clip, v_between(z, alpha, beta, g))
MAAS_SLOPE_ROW(abs, v_above_zero(z, g, v_zero_unless(v_less(z, v_set(0)), v_neg(g))))
MAAS_SLOPE_ROW(reciprocal, v_neg(v_mul(v_mul(z, z), g)))
MAAS_SLOPE_ROW(sqrt, v_div(v_mul(v_set(0.5f), g), z))
MAAS_SLOPE_ROW(square, v_mul(v_add(z, z), g))
MAAS_SLOPE_ROW(exp, v_mul(z, g))
MAAS_SLOPE_ROW(log, v_div(g, z))
MAAS_SLOPE_ROW(erf, v_mul(g, v_mul(v_set(1.1283792f), v_exp(v_neg(v_mul(z, z))))))
MAAS_SLOPE_ROW(tanh, v_mul(g, v_fma(v_neg(z), z, v_set(1))))
MAAS_SLOPE_ROW(sigmoid, v_mul(g, v_mul(z, v_one_minus(z))))
MAAS_SLOPE_ROW(hard_sigmoid, v_between(z, 0, 1, v_mul(v_set(alpha), g)))
MAAS_SLOPE_ROW(hard_swish, v_mul(g, v_hard_swish_slope(z)))
MAAS_SLOPE_ROW(elu, v_above_zero(z, g, v_mul(g, v_add(z, v_set(alpha)))))
MAAS_SLOPE_ROW(selu, v_mul(g, v_above_zero(z, v_set(beta), v_add(z, v_set(alpha *beta)))))
MAAS_SLOPE_ROW(celu, v_above_zero(z, g, v_mul(g, v_add(v_div(z, v_set(alpha)), v_set(1)))))
MAAS_SLOPE_ROW(softplus, v_neg(v_mul(g, v_expm1_negative(v_neg(z)))))
MAAS_SLOPE_ROW(softsign, v_mul(g, v_mul(v_one_minus(v_abs(z)), v_one_minus(v_abs(z)))))
MAAS_SLOPE_ROW(gelu, v_mul(g, v_gelu_slope(z)))
MAAS_SLOPE_ROW(gelu_tanh, v_mul(g, v_gelu_tanh_slope(z)))
MAAS_SLOPE_ROW(silu, v_mul(g, v_silu_slope(z, alpha)))
MAAS_SLOPE_ROW(mish, v_mul(g, v_mish_slope(z)))

/// NULL: functions that rarely show in a profile are computed in double precision.
static slope_row *const slope_rows[MAAS_UNARY_COUNT] = {
    [MAAS_UNARY_RELU] = relu_slope,
    [MAAS_UNARY_LEAKY_RELU] = leaky_relu_slope,
    [MAAS_UNARY_THRESHOLDED_RELU] = thresholded_relu_slope,
    [MAAS_UNARY_CLIP] = clip_slope,
    [MAAS_UNARY_ABS] = abs_slope,
    [MAAS_UNARY_RECIPROCAL] = reciprocal_slope,
    [MAAS_UNARY_SQRT] = sqrt_slope,
    [MAAS_UNARY_SQUARE] = square_slope,
    [MAAS_UNARY_EXP] = exp_slope,
    [MAAS_UNARY_LOG] = log_slope,
    [MAAS_UNARY_ERF] = erf_slope,
    [MAAS_UNARY_TANH] = tanh_slope,
    [MAAS_UNARY_SIGMOID] = sigmoid_slope,
    [MAAS_UNARY_HARD_SIGMOID] = hard_sigmoid_slope,
    [MAAS_UNARY_HARD_SWISH] = hard_swish_slope,
    [MAAS_UNARY_ELU] = elu_slope,
    [MAAS_UNARY_SELU] = selu_slope,
    [MAAS_UNARY_CELU] = celu_slope,
    [MAAS_UNARY_SOFTPLUS] = softplus_slope,
    [MAAS_UNARY_SOFTSIGN] = softsign_slope,
    [MAAS_UNARY_GELU] = gelu_slope,
    [MAAS_UNARY_GELU_TANH] = gelu_tanh_slope,
    [MAAS_UNARY_SILU] = silu_slope,
    [MAAS_UNARY_MISH] = mish_slope,
};

/// Rectifiers with parameters that hide the sign of x in y have no row.
static bool has_slope_row(maas_f32_activation f) {
  bool is_rectifier = f.op == MAAS_UNARY_LEAKY_RELU || f.op == MAAS_UNARY_ELU || f.op == MAAS_UNARY_SELU ||
                      f.op == MAAS_UNARY_CELU;
  return slope_rows[f.op] && (!is_rectifier || maas_slope_takes_result(f));
}

int32_t MAAS_F32_KERNEL(slope)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  (void)worker;
  const maas_f32_unary_params *u = step->params;
  const float *dy = step->operands[0], *known = step->operands[1];
  float *dx = step->operands[2];
  maas_f32_activation f = u->function;
  if (has_slope_row(f))
    slope_rows[f.op](dy + begin, known + begin, dx + begin, end - begin, f.alpha, f.beta);
  else
    for (int64_t i = begin; i < end; i++)
      dx[i] = (float)(dy[i] * maas_f64_slope(f, known[i]));
  return MAAS_STEP_OK;
}
