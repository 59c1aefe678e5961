#include "../simd/name.h"
#include "../simd/scalar.h"
#pragma clang attribute push(__attribute__((minsize)), apply_to = function)
#define MAAS_ISA_SUFFIX scalar
#define MAAS_TILE 8
#define MAAS_MR 4
#define MAAS_NV 8
#include "body.h"
#pragma clang attribute pop
