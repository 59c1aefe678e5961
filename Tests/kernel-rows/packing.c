/// Packing of bytes from the first to the last makes what packing panel by panel makes.
#include <stdio.h>
#include <string.h>
#include "rows.h"

static fenced packed(const maas_kernel *gemm, maas_s8_pack_params p, const fenced *b) {
  maas_split split = maas_s8_pack_split_for(gemm, &p);
  fenced made = fence((size_t)(p.count * maas_s8_packed_bytes_for(gemm, p.k, p.n)), true);
  run_row(maas_s8_pack, &p, (void *[]){made.bytes, b->bytes}, split);
  return made;
}

/// That of a B of contiguous rows goes in slices, so that items are fewer rows than k.
static void check_order(const maas_kernel *gemm, int64_t k, int64_t n, int64_t matrices, bool is_signed) {
  uint64_t random = (uint64_t)(k + n);
  maas_s8_pack_params p = {.is_signed = is_signed, .k = k, .n = n, .count = matrices, .b_row = n, .b_col = 1};
  fenced b = random_bytes((size_t)(matrices * k * n), &random);
  draw_weights(&b, rarely_large, is_signed, &random);
  p.is_constant = true;
  fenced plain = packed(gemm, p, &b);
  p.in_order = true;
  maas_s8_pack_params sliced = p;
  maas_split split = maas_s8_pack_split_for(gemm, &sliced);
  fenced ordered = packed(gemm, p, &b);
  bool is_one_chunk = sliced.rows < k && sliced.rows % 4 == 0 && split.grain >= split.items;
  bool same = memcmp(plain.bytes, ordered.bytes, plain.size) == 0 && fence_whole(&ordered);
  char note[64];
  snprintf(note, sizeof note, "%d x %d in order", (int)k, (int)n);
  count(gemm->name, note, !is_one_chunk ? "not in slices" : !same ? "not the same" : NULL);
  unfence(&b);
  unfence(&plain);
  unfence(&ordered);
}

static void check_orders(const maas_kernel *gemm) {
  check_order(gemm, 1003, 517, 2, true);
  check_order(gemm, 7, 40000, 1, false);
  check_order(gemm, 9000, 8, 1, false);
}

void check_packing(void) { each_row("maas_s8_gemm", check_orders); }
