/// The kernels of gradients for one instruction set.
#include "../simd/math.h"
#include "../softmax/softmax.h"
#include "convolution/padded.h"
#include "norms/norms.h"

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

#include "convolution/weights.h"
#include "convolution/direct.h"
#include "norms/norm.h"
#include "slopes/slope.h"
#include "softmax/softmax.h"
