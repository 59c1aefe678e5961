/// Bytes of rows that have nothing of their own, 32 at a time with AVX2: of sums that lie a row behind the other, and
/// of sums in lanes, where a vector holds 8 rows of a column. Included by block.h.

static inline void store_half(uint8_t *to, __m128i bytes) { _mm_storeu_si128((__m128i *)(void *)to, bytes); }

/// Of sums that lie a row behind the other, whose bytes packing holds.
static __attribute__((noinline)) void packed_rows(const maas_s8_block *k, const panel_columns *c, int64_t r,
                                                  int64_t count, int64_t j, const int32_t *sums) {
  const int64_t step = k->y_row, whole = c->width < MAAS_NR ? 0 : count / 2 * 2;
  uint8_t *y = (uint8_t *)k->operands[MAAS_S8_Y] + k->y + r * step + j;
  const v_byte_bounds bounds = c->bounds.packed;
  const vf factor[] = {v_load(c->factor), v_load(c->factor + V_WIDTH)};
  const vf bias[] = {v_load(c->bias), v_load(c->bias + V_WIDTH)};
  const vi order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  for (int64_t i = 0; i < whole; i += 2, sums += 2 * MAAS_NR, y += 2 * step) {
    vf x[4];
    MAAS_EACH (v, 4)
      x[v] = v_fma(vi_to_float(vi_load(sums + v * V_WIDTH)), factor[v % 2], bias[v % 2]);
    vi bytes = _mm256_permutevar8x32_epi32(v_pack_bytes(false, x, &bounds), order);
    store_half(y, _mm256_castsi256_si128(bytes));
    store_half(y + step, _mm256_extracti128_si256(bytes, 1));
  }
  for (int64_t i = whole; i < count; i++, sums += MAAS_NR, y += step)
    store_plain_bytes(MAAS_NV, true, c, (const vi[]){vi_load(sums), vi_load(sums + V_WIDTH)}, y);
}

enum { lane_halves = lanes_rows / V_WIDTH };

/// Four columns from j on: of each row a quad of bytes.
MAAS_INLINE void finish_quads(const bool held, const panel_columns *c, const v_byte_bounds *bounds,
                              const int32_t *sums, int64_t j, vi *to) {
  const vi turn =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
  vf factor[4], bias[4], x[4];
  MAAS_EACH (i, 4)
    factor[i] = v_set(c->factor[j + i]), bias[i] = v_set(c->bias[j + i]);
  MAAS_EACH (half, lane_halves) {
    MAAS_EACH (i, 4)
      x[i] = v_fma(vi_to_float(vi_load(sums + i * lanes_rows + half * V_WIDTH)), factor[i], bias[i]);
    to[half] = _mm256_shuffle_epi8(v_pack_bytes(held, x, bounds), turn);
  }
}

/// 8 rows of four quads each.
MAAS_INLINE void store_quads(const vi x[][lane_halves], int64_t half, uint8_t *y, int64_t step) {
  const vi a = _mm256_unpacklo_epi32(x[0][half], x[1][half]),
           b = _mm256_unpackhi_epi32(x[0][half], x[1][half]),
           c = _mm256_unpacklo_epi32(x[2][half], x[3][half]),
           d = _mm256_unpackhi_epi32(x[2][half], x[3][half]);
  const vi rows[] = {_mm256_unpacklo_epi64(a, c), _mm256_unpackhi_epi64(a, c), _mm256_unpacklo_epi64(b, d),
                     _mm256_unpackhi_epi64(b, d)};
  MAAS_EACH (i, 4) {
    store_half(y + i * step, _mm256_castsi256_si128(rows[i]));
    store_half(y + (i + 4) * step, _mm256_extracti128_si256(rows[i], 1));
  }
}

/// The widths of most networks without a call.
static inline void store_some(uint8_t *y, const uint8_t *bytes, int64_t width) {
  if (width == MAAS_NR)
    memcpy(y, bytes, MAAS_NR);
  else if (width == MAAS_NR / 2)
    memcpy(y, bytes, MAAS_NR / 2);
  else
    memcpy(y, bytes, (size_t)width);
}

MAAS_INLINE void finish_byte_lanes(const bool held, const maas_s8_block *k, const panel_columns *c, int64_t r,
                                   int64_t count, int64_t j, const int32_t *sums) {
  uint8_t *y = (uint8_t *)k->operands[MAAS_S8_Y] + k->y + r * k->y_row + j, some[lanes_rows * MAAS_NR];
  const v_byte_bounds bounds = c->bounds.packed;
  bool whole = count >= lanes_rows && c->width >= MAAS_NR;
  uint8_t *to = whole ? y : some;
  int64_t step = whole ? k->y_row : MAAS_NR;
  vi quads[MAAS_NR / 4][lane_halves];
#pragma clang loop unroll(disable)
  for (int64_t q = 0; q < MAAS_NR / 4; q++)
    finish_quads(held, c, &bounds, sums + 4 * q * lanes_rows, 4 * q, quads[q]);
  for (int64_t half = 0; half < lane_halves; half++)
    store_quads((const vi(*)[lane_halves])quads, half, to + half * V_WIDTH * step, step);
  for (int64_t i = 0; !whole && i < count; i++)
    store_some(y + i * k->y_row, some + i * MAAS_NR, c->width);
}

static __attribute__((noinline)) void packed_lanes(const maas_s8_block *k, const panel_columns *c, int64_t r,
                                                   int64_t count, int64_t j, const int32_t *sums) {
  finish_byte_lanes(false, k, c, r, count, j, sums);
}
static __attribute__((noinline)) void held_lanes(const maas_s8_block *k, const panel_columns *c, int64_t r,
                                                 int64_t count, int64_t j, const int32_t *sums) {
  finish_byte_lanes(true, k, c, r, count, j, sums);
}

/// Of sums that lie a row behind the other.
static finish_function *finish_of(const panel_columns *c) {
  return !c->is_plain ? finish_other_rows : c->packs_only ? packed_rows : finish_plain_rows;
}
