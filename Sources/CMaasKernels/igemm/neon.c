#if defined(__aarch64__)
#include "../simd/name.h"
#include "../simd/neon.h"
#define MAAS_ISA_SUFFIX neon
#define MAAS_TILE 8x8
#define MAAS_MR 8
#define MAAS_NV 2
#include "body.h"
#endif
