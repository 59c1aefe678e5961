#if defined(__aarch64__)
#include "../simd/name.h"
#include "../simd/neon.h"
#define MAAS_ISA_SUFFIX neon
#define MAAS_TILE 4x16
#define MAAS_MR 4
#define MAAS_NV 4
#include "body.h"
#endif
