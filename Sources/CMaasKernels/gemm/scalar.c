#include "../simd/name.h"
#include "../simd/scalar.h"
#define MAAS_ISA_SUFFIX scalar
#define MAAS_TILE 4x8
#define MAAS_MR 4
#define MAAS_NV 8
#include "body.h"
