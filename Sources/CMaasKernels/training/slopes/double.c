/// Slopes of the unary functions in double precision, from y where `maas_slope_takes_result` says so.
#include <math.h>
#include "maas_training.h"

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

bool maas_slope_takes_result(maas_f32_activation f) {
  switch (f.op) {
  case MAAS_UNARY_RELU:
  case MAAS_UNARY_CLIP:
  case MAAS_UNARY_RECIPROCAL:
  case MAAS_UNARY_SQRT:
  case MAAS_UNARY_EXP:
  case MAAS_UNARY_TANH:
  case MAAS_UNARY_SIGMOID:
  case MAAS_UNARY_HARD_SIGMOID:
  case MAAS_UNARY_SOFTPLUS:
  case MAAS_UNARY_SOFTSIGN:
    return true;
  case MAAS_UNARY_LEAKY_RELU:
  case MAAS_UNARY_ELU:
    return f.alpha >= 0;
  case MAAS_UNARY_CELU:
    return f.alpha > 0;
  case MAAS_UNARY_SELU: // The sign of y must be that of x.
    return f.alpha >= 0 && f.beta > 0;
  default:
    return false;
  }
}

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

// Of ELU and its like, whose part below 0 ends at -limit: y or x is `known`.
static double elu_slope(maas_f32_activation f, double known, double limit, double divisor) {
  if (known > 0)
    return 1;
  return maas_slope_takes_result(f) ? (known + limit) / divisor : limit / divisor * exp(known / divisor);
}

static double rectifier_slope(maas_f32_activation f, double known) {
  double alpha = f.alpha, beta = f.beta;
  switch (f.op) {
  case MAAS_UNARY_RELU:
    return known > 0;
  case MAAS_UNARY_LEAKY_RELU:
    return known > 0 ? 1 : alpha;
  case MAAS_UNARY_THRESHOLDED_RELU:
    return known > alpha;
  case MAAS_UNARY_CLIP:
    return known > alpha && known < beta;
  case MAAS_UNARY_HARD_SIGMOID:
    return known > 0 && known < 1 ? alpha : 0;
  case MAAS_UNARY_HARD_SWISH:
    return known < -3 ? 0 : known > 3 ? 1 : known / 3 + 0.5;
  case MAAS_UNARY_ELU:
    return elu_slope(f, known, alpha, 1);
  case MAAS_UNARY_SELU:
    return maas_slope_takes_result(f) && known <= 0 ? known + alpha * beta
                                                    : beta * elu_slope(f, known, alpha, 1);
  case MAAS_UNARY_CELU:
    return elu_slope(f, known, alpha, alpha);
  case MAAS_UNARY_SHRINK:
    return known < -alpha || known > alpha;
  case MAAS_UNARY_ABS:
    return (known > 0) - (known < 0);
  default:
    return 0;
  }
}

static double smooth_slope(maas_f32_activation f, double known) {
  double alpha = f.alpha, beta = f.beta;
  switch (f.op) {
  case MAAS_UNARY_SOFTPLUS:
    return -expm1(-known);
  case MAAS_UNARY_SOFTSIGN:
    return (1 - fabs(known)) * (1 - fabs(known));
  case MAAS_UNARY_GELU:
    return gelu_slope(known);
  case MAAS_UNARY_GELU_TANH:
    return gelu_tanh_slope(known);
  case MAAS_UNARY_SILU:
    return silu_slope(alpha, known);
  case MAAS_UNARY_MISH:
    return mish_slope(known);
  case MAAS_UNARY_SIGMOID:
    return known * (1 - known);
  case MAAS_UNARY_TANH:
    return tanh_slope(known);
  case MAAS_UNARY_SCALED_TANH:
    return alpha * beta * tanh_slope(tanh(beta * known));
  default:
    return rectifier_slope(f, known);
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

double maas_f64_slope(maas_f32_activation f, double known) {
  switch (f.op) {
  case MAAS_UNARY_IDENTITY:
    return 1;
  case MAAS_UNARY_NEG:
    return -1;
  case MAAS_UNARY_AFFINE:
    return f.alpha;
  case MAAS_UNARY_RECIPROCAL:
    return -known * known;
  case MAAS_UNARY_SQRT:
    return 0.5 / known;
  case MAAS_UNARY_SQUARE:
    return 2 * known;
  case MAAS_UNARY_EXP:
    return known;
  case MAAS_UNARY_LOG:
    return 1 / known;
  case MAAS_UNARY_ERF:
    return 1.12837916709551257390 * exp(-known * known);
  default:
    return trigonometric_slope(f, known);
  }
}
