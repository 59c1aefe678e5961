/// The micro-kernels for 1 ... MAAS_MR rows, which is even.
#include "micro.h"

_Static_assert(MAAS_NR % 4 == 0, "right.h copies rows of panels by fours");

MAAS_MICRO(1)
MAAS_MICRO(2)
#if MAAS_MR > 3
MAAS_MICRO(3)
MAAS_MICRO(4)
#endif
#if MAAS_MR > 5
MAAS_MICRO(5)
MAAS_MICRO(6)
#endif
#if MAAS_MR > 7
MAAS_MICRO(7)
MAAS_MICRO(8)
#endif
#if MAAS_MR > 9
MAAS_MICRO(9)
MAAS_MICRO(10)
#endif
#if MAAS_MR > 11
MAAS_MICRO(11)
MAAS_MICRO(12)
#endif
#if MAAS_MR > 13
MAAS_MICRO(13)
MAAS_MICRO(14)
#endif

static micro_kernel *const micros[MAAS_MR] = {
    micro_1,  micro_2,
#if MAAS_MR > 3
    micro_3,  micro_4,
#endif
#if MAAS_MR > 5
    micro_5,  micro_6,
#endif
#if MAAS_MR > 7
    micro_7,  micro_8,
#endif
#if MAAS_MR > 9
    micro_9,  micro_10,
#endif
#if MAAS_MR > 11
    micro_11, micro_12,
#endif
#if MAAS_MR > 13
    micro_13, micro_14,
#endif
};
