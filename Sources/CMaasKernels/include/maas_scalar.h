#ifndef MAAS_SCALAR_H
#define MAAS_SCALAR_H
/// Functions of one double, for element types that have no vector kernels.
#include <stddef.h>
#include "maas_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

/// function(x) in double precision, with libm's accuracy.
double maas_f64_unary(maas_f32_activation function, double x);

/// The derivative of the function at x; where there is none, the one of the side that PyTorch takes.
double maas_f64_slope(maas_f32_activation function, double x);
double maas_f64_pow(double a, double b);

/// Reads a decimal number, "inf", "infinity" or "nan", in any case and with spaces around; false for other texts and
/// those of 256 bytes or more.
bool maas_f64_parse(const char *text, size_t n, double *value);

#ifdef __cplusplus
}
#endif
#endif
