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
#include "../gemm/body.h"
#endif
