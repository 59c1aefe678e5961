#include "maas_scalar.h"
#include <math.h>

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

// The slope of tanh, given its value.
static double tanh_slope(double y) { return 1 - y * y; }

static double gelu_slope(double x) {
  return (1 + erf(x * 0.70710678118654752440)) / 2 + x * 0.39894228040143267794 * exp(-x * x / 2);
}

static double gelu_tanh_slope(double x) {
  double y = tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x));
  double inner = 0.79788456080286535588 * (1 + 3 * 0.044715 * x * x);
  return (1 + y) / 2 + x / 2 * tanh_slope(y) * inner;
}

static double silu_slope(double alpha, double x) {
  double s = sigmoid(alpha * x);
  return s + alpha * x * s * (1 - s);
}

static double mish_slope(double x) {
  double y = tanh(fmax(x, 0) + log1p(exp(-fabs(x))));
  return y + x * tanh_slope(y) * sigmoid(x);
}

static double rectifier_slope(maas_f32_activation f, double x) {
  double alpha = f.alpha, beta = f.beta;
  switch (f.op) {
  case MAAS_UNARY_RELU:
    return x > 0;
  case MAAS_UNARY_LEAKY_RELU:
    return x < 0 ? alpha : 1;
  case MAAS_UNARY_THRESHOLDED_RELU:
    return x > alpha;
  case MAAS_UNARY_CLIP:
    return x >= alpha && x <= beta;
  case MAAS_UNARY_HARD_SIGMOID:
    return alpha * x + beta > 0 && alpha * x + beta < 1 ? alpha : 0;
  case MAAS_UNARY_HARD_SWISH:
    return x < -3 ? 0 : x > 3 ? 1 : x / 3 + 0.5;
  case MAAS_UNARY_ELU:
    return x < 0 ? alpha * exp(x) : 1;
  case MAAS_UNARY_SELU:
    return beta * (x < 0 ? alpha * exp(x) : 1);
  case MAAS_UNARY_CELU:
    return x < 0 ? exp(x / alpha) : 1;
  case MAAS_UNARY_SHRINK:
    return x < -alpha || x > alpha;
  case MAAS_UNARY_ABS:
    return (x > 0) - (x < 0);
  default:
    return 0;
  }
}

static double smooth_slope(maas_f32_activation f, double x) {
  double alpha = f.alpha, beta = f.beta;
  switch (f.op) {
  case MAAS_UNARY_SOFTPLUS:
    return sigmoid(x);
  case MAAS_UNARY_SOFTSIGN:
    return 1 / ((1 + fabs(x)) * (1 + fabs(x)));
  case MAAS_UNARY_GELU:
    return gelu_slope(x);
  case MAAS_UNARY_GELU_TANH:
    return gelu_tanh_slope(x);
  case MAAS_UNARY_SILU:
    return silu_slope(alpha, x);
  case MAAS_UNARY_MISH:
    return mish_slope(x);
  case MAAS_UNARY_SIGMOID:
    return sigmoid(x) * sigmoid(-x);
  case MAAS_UNARY_TANH:
    return tanh_slope(tanh(x));
  case MAAS_UNARY_SCALED_TANH:
    return alpha * beta * tanh_slope(tanh(beta * x));
  default:
    return rectifier_slope(f, x);
  }
}

static double trigonometric_slope(maas_f32_activation f, double x) {
  switch (f.op) {
  case MAAS_UNARY_SIN:
    return cos(x);
  case MAAS_UNARY_COS:
    return -sin(x);
  case MAAS_UNARY_TAN:
    return 1 + tan(x) * tan(x);
  case MAAS_UNARY_ASIN:
    return 1 / sqrt(1 - x * x);
  case MAAS_UNARY_ACOS:
    return -1 / sqrt(1 - x * x);
  case MAAS_UNARY_ATAN:
    return 1 / (1 + x * x);
  case MAAS_UNARY_SINH:
    return cosh(x);
  case MAAS_UNARY_COSH:
    return sinh(x);
  case MAAS_UNARY_ASINH:
    return 1 / sqrt(x * x + 1);
  case MAAS_UNARY_ACOSH:
    return 1 / sqrt(x * x - 1);
  case MAAS_UNARY_ATANH:
    return 1 / (1 - x * x);
  default:
    return smooth_slope(f, x);
  }
}

double maas_f64_slope(maas_f32_activation f, double x) {
  switch (f.op) {
  case MAAS_UNARY_IDENTITY:
    return 1;
  case MAAS_UNARY_NEG:
    return -1;
  case MAAS_UNARY_AFFINE:
    return f.alpha;
  case MAAS_UNARY_RECIPROCAL:
    return -1 / (x * x);
  case MAAS_UNARY_SQRT:
    return 0.5 / sqrt(x);
  case MAAS_UNARY_SQUARE:
    return 2 * x;
  case MAAS_UNARY_EXP:
    return exp(x);
  case MAAS_UNARY_LOG:
    return 1 / x;
  case MAAS_UNARY_ERF:
    return 1.12837916709551257390 * exp(-x * x);
  default:
    return trigonometric_slope(f, x);
  }
}
