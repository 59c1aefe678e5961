#ifndef MAAS_NBITS_BYTES_FUNCTION_H
#define MAAS_NBITS_BYTES_FUNCTION_H
/// What the kernels of nbits share among instruction sets.
#include "maas_quant.h"

/// Panels that a row meets at once with AVX2.
enum { most_panels = 4 };

/// All rows of the panels begin ... end.
typedef void maas_nbits_bytes_function(const maas_f32_nbits_params *g, void *const *operands, int64_t begin,
                                       int64_t end);
maas_nbits_bytes_function maas_f32_nbits_bytes_scalar, maas_f32_nbits_bytes_neon, maas_f32_nbits_bytes_avx2,
    maas_f32_nbits_bytes_avx512, maas_f32_nbits_bytes_vnni, maas_f32_nbits_bytes_dotprod;

/// Stores a row's `count` vectors with the bias, if any, added; `width` elements of them.
#define maas_nbits_store(total, count, bias, to, width)                                                      \
  do {                                                                                                       \
    const float *own_bias = (bias);                                                                          \
    float *y = (to);                                                                                         \
    MAAS_EACH (v, count) {                                                                                   \
      int64_t left = maas_max64(0, maas_min64(V_WIDTH, (width)-v * V_WIDTH)), at = left ? v * V_WIDTH : 0;   \
      vf added = own_bias ? v_load_tail(own_bias + at, left) : v_set(0);                                     \
      v_store_tail(y + at, v_add((total)[v], added), left);                                                  \
    }                                                                                                        \
  } while (0)

#endif
