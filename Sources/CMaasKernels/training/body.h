/// The kernels of gradients for one instruction set.
#include "../simd/math.h"
#include "training.h"

/// n <= V_WIDTH elements; whole vectors are the usual case.
static inline vf v_load_part(const float *p, int64_t n) {
  return n == V_WIDTH ? v_load(p) : v_load_tail(p, n);
}
static inline void v_store_part(float *p, vf a, int64_t n) {
  if (n == V_WIDTH)
    v_store(p, a);
  else
    v_store_tail(p, a, n);
}

#include "conv_weights.h"
// Behind it.
#include "conv_direct.h"
#include "norm.h"
#include "slope.h"
#include "softmax.h"
