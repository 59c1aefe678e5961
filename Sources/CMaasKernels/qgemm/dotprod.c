/// The same panels as neon.c's, multiplied by one instruction.
#if defined(__aarch64__)
#include "../simd/name.h"
#include <arm_neon.h>
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#define MAAS_DOTPROD
#include "../simd/neon.h"
#define MAAS_ISA_SUFFIX dotprod
#define MAAS_MR 4
#define MAAS_NV 4
#define MAAS_UNARY_ROWS maas_f32_unary_rows_neon
#include "block.h"
#pragma clang attribute pop
#endif
