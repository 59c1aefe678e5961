#if defined(__aarch64__)
#include "../simd/name.h"
#include "../simd/neon.h"
#define MAAS_ISA_SUFFIX neon
#define MAAS_TILE 8x12
#define MAAS_MR 8
#define MAAS_NV 3
#include "body.h"
#endif
