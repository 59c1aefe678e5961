#include "../simd/name.h"
#include "../simd/scalar.h"
#define MAAS_ISA_SUFFIX scalar
#define MAAS_TILE 4x8
#define MAAS_MR 4
#define MAAS_NV 8
#include "micro.h"
MAAS_MICRO(1)
MAAS_MICRO(2)
MAAS_MICRO(3)
MAAS_MICRO(4)
#define MAAS_MICROS micro_1, micro_2, micro_3, micro_4
#include "body.h"
