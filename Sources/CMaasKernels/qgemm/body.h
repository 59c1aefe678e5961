/// The product of byte matrices for one instruction set: tiles of Y, whose rows of A are copied first.
#include "block.h"

#define MAAS_S8_KERNEL(op) MAAS_JOIN4_EXPANDED(maas_s8_, op, MAAS_TILE, MAAS_ISA_SUFFIX)
#ifdef MAAS_LANES
enum { tile_group = lanes_rows, has_lanes = true };
#else
enum { tile_group = MAAS_MR, has_lanes = false };
#endif
#ifndef MAAS_S8_BLOCK
#define MAAS_S8_BLOCK MAAS_S8_SHARED(block)
#define MAAS_S8_DEPTHWISE MAAS_S8_SHARED(depthwise)
#endif

static int64_t matrix_of(const maas_s8_gemm_params *g, int64_t index, const int64_t *strides) {
  int64_t matrix = 0;
  for (int32_t d = g->batch_rank - 1; d >= 0; d--) {
    matrix += index % g->batch[d] * strides[d];
    index /= g->batch[d];
  }
  return matrix;
}

/// Turns signed bytes into unsigned ones.
static __attribute__((noinline)) void turn_signs(uint8_t *x, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    x[i] ^= 0x80;
}

static void copy_row(const uint8_t *x, int64_t k, bool is_signed, uint8_t *to) {
  memcpy(to, x, (size_t)k);
  if (is_signed)
    turn_signs(to, k);
  memset(to + k, 0, (size_t)(-k & 3));
}

static __attribute__((noinline)) int32_t sum_of(const uint8_t *x, int64_t k) {
  uint32_t sum = 0;
  for (int64_t p = 0; p < k; p++)
    sum += x[p];
  return (int32_t)sum;
}

/// The rows of a tile, and behind them their sums if B has zero points.
static void copy_rows(const maas_s8_gemm_params *g, const uint8_t *a, maas_s8_block *block,
                      uint8_t *scratch) {
  int32_t *sums = (int32_t *)(void *)(scratch + g->tile_m * block->a_row);
  for (int64_t r = 0; r < block->rows; r++) {
    uint8_t *to = scratch + r * block->a_row;
    copy_row(a + r * g->a_row, g->k, g->finish.a_is_signed, to);
    if (maas_s8_needs_sums(&g->finish))
      sums[r] = sum_of(to, g->k);
  }
  block->a = scratch;
  block->a_sums = maas_s8_needs_sums(&g->finish) ? sums : NULL;
}

/// Of a B that fits the second-level cache.
enum { near_bytes = 1 << 19 };

/// One work item: a tile of one matrix of Y.
static void gemm_tile(const maas_s8_gemm_params *g, void *const *operands, int64_t item, void *scratch) {
  int64_t groups = maas_ceil_div(g->m, tile_group), column_tiles = maas_ceil_div(g->n, g->tile_n);
  int64_t index = item / (g->row_tiles * column_tiles), tile = item % (g->row_tiles * column_tiles);
  int64_t piece = g->rows_outside ? tile / column_tiles : tile % g->row_tiles;
  int64_t i = piece * groups / g->row_tiles * tile_group,
          end = (piece + 1) * groups / g->row_tiles * tile_group;
  int64_t j = (g->rows_outside ? tile % column_tiles : tile / g->row_tiles) * g->tile_n;
  int64_t a = matrix_of(g, index, g->a_batch), b = matrix_of(g, index, g->b_batch),
          y = matrix_of(g, index, g->y_batch), panels = maas_ceil_div(g->n, MAAS_NR);
  maas_s8_block block = {.rows = maas_min64(end, g->m) - i,
                         .columns = maas_min64(g->tile_n, g->n - j),
                         .k = g->k,
                         .pieces = 1,
                         .piece = g->k,
                         .starts = &maas_s8_no_start,
                         .a_row = maas_s8_row(g->k),
                         .row = a * g->m + i,
                         .column = b * g->n + j,
                         .bias = j,
                         .y = (y * g->m + i) * g->y_row + j,
                         .y_row = g->y_row,
                         .finish = &g->finish,
                         .operands = operands,
                         .is_near_row = g->m == 1 && g->k * g->n <= near_bytes};
  block.b = (const uint8_t *)operands[MAAS_S8_B] + (b * panels + j / MAAS_NR) * maas_s8_panel(g->k, MAAS_NR) +
            b * panels * maas_s8_notes_bytes(g->k, MAAS_NR);
  maas_s8_lanes lanes;
  if (has_lanes) {
    lanes.spare = (uint8_t *)scratch + maas_s8_copied(g);
    lanes.notes = maas_s8_notes_of(block.b, j / MAAS_NR, panels, g->k, MAAS_NR);
    block.lanes = &lanes;
  }
  const uint8_t *from = (const uint8_t *)operands[MAAS_S8_A] + (a * g->m + i) * g->a_row;
  if (maas_s8_reads_in_place(g))
    block.a = from, block.a_row = g->a_row;
  else
    copy_rows(g, from, &block, scratch);
  MAAS_S8_BLOCK(&block);
}

int32_t MAAS_S8_KERNEL(gemm)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  for (int64_t item = begin; item < end; item++)
    gemm_tile(step->params, step->operands, item, worker->scratch);
  return MAAS_STEP_OK;
}

#include "../qconv/patches.h"
