#if defined(__x86_64__)
#include "../simd/name.h"
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))),         \
                             apply_to = function)
#include "../simd/avx512.h"
#define MAAS_ISA_SUFFIX avx512
#define MAAS_TILE 14x32
#define MAAS_MR 14
#define MAAS_NV 2
#include "micro.h"
MAAS_MICRO(1)
MAAS_MICRO(2)
MAAS_MICRO(3)
MAAS_MICRO(4)
MAAS_MICRO(5)
MAAS_MICRO(6)
MAAS_MICRO(7)
MAAS_MICRO(8)
MAAS_MICRO(9)
MAAS_MICRO(10)
MAAS_MICRO(11)
MAAS_MICRO(12)
MAAS_MICRO(13)
MAAS_MICRO(14)
#define MAAS_MICROS                                                                                          \
  micro_1, micro_2, micro_3, micro_4, micro_5, micro_6, micro_7, micro_8, micro_9, micro_10, micro_11,       \
      micro_12, micro_13, micro_14
#include "body.h"
#pragma clang attribute pop
#endif
