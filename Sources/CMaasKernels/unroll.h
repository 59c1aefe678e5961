#ifndef MAAS_UNROLL_H
#define MAAS_UNROLL_H
/// What keeps tiles of sums in registers: loops that are unrolled, and one function for each height of a tile.

/// A loop over registers, unrolled.
#define MAAS_EACH(i, count) _Pragma("clang loop unroll(full)") for (int i = 0; i < (count); i++)
#define MAAS_INLINE static inline __attribute__((always_inline))

/// each(1) ... each(mr), for an even mr.
#define MAAS_HEIGHTS(mr, each) MAAS_HEIGHTS_EXPANDED(mr, each)
#define MAAS_HEIGHTS_EXPANDED(mr, each) MAAS_HEIGHTS_##mr(each)
#define MAAS_HEIGHTS_2(each) each(1) each(2)
#define MAAS_HEIGHTS_4(each) MAAS_HEIGHTS_2(each) each(3) each(4)
#define MAAS_HEIGHTS_6(each) MAAS_HEIGHTS_4(each) each(5) each(6)
#define MAAS_HEIGHTS_8(each) MAAS_HEIGHTS_6(each) each(7) each(8)
#define MAAS_HEIGHTS_10(each) MAAS_HEIGHTS_8(each) each(9) each(10)
#define MAAS_HEIGHTS_12(each) MAAS_HEIGHTS_10(each) each(11) each(12)
#define MAAS_HEIGHTS_14(each) MAAS_HEIGHTS_12(each) each(13) each(14)

#endif
