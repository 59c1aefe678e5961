/// A softmax's gradient, row by row: products of matrices take most of the time around it.
#include "maas_attention_gradient.h"

void maas_f32_softmax_pass(const float *restrict y, float *restrict d, int64_t n) {
  enum { lanes = 16 };
  float sums[lanes] = {0}, sum = 0;
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    for (int j = 0; j < lanes; j++)
      sums[j] += y[i + j] * d[i + j];
  for (int j = 0; j < lanes; j++)
    sum += sums[j];
  for (; i < n; i++)
    sum += y[i] * d[i];
  for (i = 0; i < n; i++)
    d[i] = y[i] * (d[i] - sum);
}
