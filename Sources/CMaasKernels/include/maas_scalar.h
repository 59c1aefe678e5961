#ifndef MAAS_SCALAR_H
#define MAAS_SCALAR_H
/// Plain functions: of one double, for element types that have no vector kernels, and a step of elimination.
#include <stddef.h>
#include "maas_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

/// function(x) in double precision, with libm's accuracy.
double maas_f64_unary(maas_f32_activation function, double x);
double maas_f64_pow(double a, double b);

/// A step of Gaussian elimination in a matrix of n rows and columns: what stands below a[k, k] is divided by it, and
/// the rows there lose as many times row k, in columns k + 1 ... end - 1.
void maas_f32_eliminate(float *a, int64_t n, int64_t k, int64_t end);

/// Reads a decimal number, "inf", "infinity" or "nan", in any case and with spaces around; false for other texts and
/// those of 256 bytes or more.
bool maas_f64_parse(const char *text, size_t n, double *value);

#ifdef __cplusplus
}
#endif
#endif
