#include "maas_scalar.h"

void maas_f32_eliminate(float *a, int64_t n, int64_t k, int64_t end) {
  const float *from = a + k * n;
  float pivot = from[k];
  for (int64_t i = k + 1; i < n; i++) {
    float *to = a + i * n, factor = to[k] /= pivot;
    // No row is another.
    _Pragma("clang loop vectorize(assume_safety)") for (int64_t j = k + 1; j < end; j++) to[j] -=
        factor * from[j];
  }
}
