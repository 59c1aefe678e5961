#include "../../simd/name.h"
#pragma clang attribute push(__attribute__((minsize)), apply_to = function)
#include <stdbool.h>
#include <time.h>
#include "../../row.h"
#include "product.h"
#define MAAS_ISA_SUFFIX scalar
#define MAAS_TILE 1
#pragma clang attribute push(__attribute__((minsize)), apply_to = function)
#include "float.h"
#pragma clang attribute pop
#pragma clang attribute pop
