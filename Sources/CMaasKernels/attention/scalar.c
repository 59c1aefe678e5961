#include "../simd/name.h"
#include "../simd/scalar.h"
#pragma clang attribute push(__attribute__((minsize)), apply_to = function)
#define MAAS_ISA_SUFFIX scalar
#define MAAS_TILE 1
#include "body.h"
#pragma clang attribute pop
