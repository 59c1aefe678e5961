#ifndef MAAS_SCALAR_H
#define MAAS_SCALAR_H
/// Functions of one double, for element types that have no vector kernels.
#include "maas_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

/// function(x) in double precision, with libm's accuracy.
double maas_f64_unary(maas_f32_activation function, double x);
double maas_f64_pow(double a, double b);

#ifdef __cplusplus
}
#endif
#endif
