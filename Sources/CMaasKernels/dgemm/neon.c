#if defined(__aarch64__)
#define MAAS_DOUBLE
#include "../simd/name.h"
#define V_WIDTH 2
#define MAAS_HAS_FMA
#include "vectors.h"
#define MAAS_ISA_SUFFIX neon
#define MAAS_TILE 8x4
#define MAAS_MR 8
#define MAAS_NV 2
#include "../gemm/micro.h"
MAAS_MICRO(1)
MAAS_MICRO(2)
MAAS_MICRO(3)
MAAS_MICRO(4)
MAAS_MICRO(5)
MAAS_MICRO(6)
MAAS_MICRO(7)
MAAS_MICRO(8)
#define MAAS_MICROS micro_1, micro_2, micro_3, micro_4, micro_5, micro_6, micro_7, micro_8
#include "../gemm/body.h"
#endif
