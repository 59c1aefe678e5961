#ifndef MAAS_ROW_H
#define MAAS_ROW_H
/// Element-wise functions over contiguous rows, one array per instruction set: unary's own rows, and what
/// other families apply as a fused activation.
#include "maas_kernels.h"

typedef void maas_f32_row(const float *x, float *y, int64_t n, float alpha, float beta);

extern maas_f32_row *const maas_f32_unary_rows_scalar[MAAS_UNARY_COUNT];
extern maas_f32_row *const maas_f32_unary_rows_neon[MAAS_UNARY_COUNT];
extern maas_f32_row *const maas_f32_unary_rows_avx2[MAAS_UNARY_COUNT];
extern maas_f32_row *const maas_f32_unary_rows_avx512[MAAS_UNARY_COUNT];

#endif
