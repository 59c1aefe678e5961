#include "maas_scalar.h"
#include <math.h>

double maas_f64_pow(double a, double b) { return pow(a, b); }

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

// log(1 + e^x) without overflow.
static double softplus(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }

static double clip(double x, double low, double high) {
  double y = x < low ? low : x;
  return y > high ? high : y;
}

static double gelu_tanh(double x) {
  return x / 2 * (1 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
}

static double rectifier(maas_f32_activation f, double x) {
  double alpha = f.alpha, beta = f.beta;
  switch (f.op) {
  case MAAS_UNARY_RELU:
    return x < 0 ? 0 : x;
  case MAAS_UNARY_LEAKY_RELU:
    return x < 0 ? alpha * x : x;
  case MAAS_UNARY_THRESHOLDED_RELU:
    return x > alpha || isnan(x) ? x : 0;
  case MAAS_UNARY_CLIP:
    return clip(x, alpha, beta);
  case MAAS_UNARY_HARD_SIGMOID:
    return clip(alpha * x + beta, 0, 1);
  case MAAS_UNARY_HARD_SWISH:
    return x * clip(x / 6 + 0.5, 0, 1);
  case MAAS_UNARY_ELU:
    return x < 0 ? alpha * expm1(x) : x;
  case MAAS_UNARY_SELU:
    return beta * (x < 0 ? alpha * expm1(x) : x);
  case MAAS_UNARY_CELU:
    return x < 0 ? alpha * expm1(x / alpha) : x;
  case MAAS_UNARY_SOFTPLUS:
    return softplus(x);
  case MAAS_UNARY_SOFTSIGN:
    return x / (1 + fabs(x));
  case MAAS_UNARY_GELU:
    return x / 2 * (1 + erf(x * 0.70710678118654752440));
  case MAAS_UNARY_GELU_TANH:
    return gelu_tanh(x);
  case MAAS_UNARY_SILU:
    return x * sigmoid(alpha * x);
  case MAAS_UNARY_MISH:
    return x * tanh(softplus(x));
  case MAAS_UNARY_AFFINE:
    return alpha * x + beta;
  case MAAS_UNARY_SCALED_TANH:
    return alpha * tanh(beta * x);
  case MAAS_UNARY_SHRINK:
    return x < -alpha ? x + beta : x > alpha ? x - beta : 0;
  default:
    return x;
  }
}

static double trigonometric(maas_unary op, double x) {
  switch (op) {
  case MAAS_UNARY_SIN:
    return sin(x);
  case MAAS_UNARY_COS:
    return cos(x);
  case MAAS_UNARY_TAN:
    return tan(x);
  case MAAS_UNARY_ASIN:
    return asin(x);
  case MAAS_UNARY_ACOS:
    return acos(x);
  case MAAS_UNARY_ATAN:
    return atan(x);
  case MAAS_UNARY_SINH:
    return sinh(x);
  case MAAS_UNARY_COSH:
    return cosh(x);
  case MAAS_UNARY_ASINH:
    return asinh(x);
  case MAAS_UNARY_ACOSH:
    return acosh(x);
  case MAAS_UNARY_ATANH:
    return atanh(x);
  default:
    return x;
  }
}

double maas_f64_unary(maas_f32_activation f, double x) {
  switch (f.op) {
  case MAAS_UNARY_ABS:
    return fabs(x);
  case MAAS_UNARY_NEG:
    return -x;
  case MAAS_UNARY_SIGN:
    return isnan(x) ? x : (x > 0) - (x < 0);
  case MAAS_UNARY_RECIPROCAL:
    return 1 / x;
  case MAAS_UNARY_SQRT:
    return sqrt(x);
  case MAAS_UNARY_SQUARE:
    return x * x;
  case MAAS_UNARY_FLOOR:
    return floor(x);
  case MAAS_UNARY_CEIL:
    return ceil(x);
  case MAAS_UNARY_ROUND:
    return nearbyint(x);
  case MAAS_UNARY_EXP:
    return exp(x);
  case MAAS_UNARY_LOG:
    return log(x);
  case MAAS_UNARY_ERF:
    return erf(x);
  case MAAS_UNARY_TANH:
    return tanh(x);
  case MAAS_UNARY_SIGMOID:
    return sigmoid(x);
  default:
    return f.op >= MAAS_UNARY_SIN ? trigonometric(f.op, x) : rectifier(f, x);
  }
}
