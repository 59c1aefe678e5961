#define MAAS_DOUBLE
#include "../simd/name.h"
#define V_WIDTH 1
#include "vectors.h"
#define MAAS_ISA_SUFFIX scalar
#define MAAS_TILE 2x4
#define MAAS_MR 2
#define MAAS_NV 4
#include "../gemm/body.h"
