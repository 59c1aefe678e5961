#ifndef MAAS_CLAMP_H
#define MAAS_CLAMP_H
/// Activations that hold values within bounds: kernels apply them in registers. Included after the vector vocabulary.
#include "maas_kernels.h"

typedef struct clamp {
  float low, high;
} clamp;

static inline bool is_clamp(const maas_f32_activation *f) {
  return f->op == MAAS_UNARY_IDENTITY || f->op == MAAS_UNARY_RELU || f->op == MAAS_UNARY_CLIP;
}
static inline clamp clamp_of(const maas_f32_activation *f) {
  bool clips = f->op == MAAS_UNARY_CLIP;
  return (clamp){.low = clips                      ? f->alpha
                        : f->op == MAAS_UNARY_RELU ? 0
                                                   : -INFINITY,
                 .high = clips ? f->beta : INFINITY};
}
/// NaN stays.
static inline vf clamped(clamp c, vf a) { return v_min(v_set(c.high), v_max(v_set(c.low), a)); }

#endif
