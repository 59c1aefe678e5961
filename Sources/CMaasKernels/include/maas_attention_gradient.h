#ifndef MAAS_ATTENTION_GRADIENT_H
#define MAAS_ATTENTION_GRADIENT_H
/// What the gradient of attention needs beside products.
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Of a softmax y[n] whose gradient d[n] is: d = y (d - the sum of y d).
void maas_f32_softmax_pass(const float *y, float *d, int64_t n);

#ifdef __cplusplus
}
#endif
#endif
