/// Trees: plain C only, see body.h.
#include <math.h>
#include <stddef.h>
#include <string.h>
#include "maas_tree.h"
#include "../split.h"
#include "../table.h"

#define NUMBER float
#define NODE maas_f32_tree_node
#define NAME(name) maas_f32_##name
#define LANES 16
#include "body.h"
#undef NUMBER
#undef NODE
#undef NAME
#undef LANES

// Nodes of doubles are larger, and half as many walks keep the loads busy.
#define NUMBER double
#define NODE maas_f64_tree_node
#define NAME(name) maas_f64_##name
#define LANES 8
#include "body.h"

static const maas_kernel f32_rows[] = {MAAS_ROW(maas_f32_trees_1_scalar, MAAS_ISA_SCALAR, 1, 16)};
static const maas_kernel f64_rows[] = {MAAS_ROW(maas_f64_trees_1_scalar, MAAS_ISA_SCALAR, 1, 8)};
static const maas_kernel f32_rest_rows[] = {MAAS_ROW(maas_f32_tree_rest_1_scalar, MAAS_ISA_SCALAR, 1, 1)};
static const maas_kernel f64_rest_rows[] = {MAAS_ROW(maas_f64_tree_rest_1_scalar, MAAS_ISA_SCALAR, 1, 1)};
MAAS_ENTRY(maas_f32_trees, f32_rows)
MAAS_ENTRY(maas_f64_trees, f64_rows)
MAAS_ENTRY(maas_f32_tree_rest, f32_rest_rows)
MAAS_ENTRY(maas_f64_tree_rest, f64_rest_rows)

/// What a row's walk through a tree takes, and what is worth sharing of few rows' walks where all take twice that long:
/// threads that run other steps anyway are awake.
enum { tree_nanoseconds = 8, shared_nanoseconds = 3000 };

/// LANES of body.h: rows, or trees of one row, that are walked side by side.
static int64_t lanes_of(const maas_tree_params *p) { return p->is_wide ? 8 : 16; }

static maas_split split_by_trees(const maas_tree_params *p) {
  int64_t lanes = lanes_of(p);
  return (maas_split){.items = p->rows * maas_ceil_div(p->trees, lanes),
                      .grain = shared_nanoseconds / (tree_nanoseconds * lanes)};
}

/// Items are rows. A block is as many as stay in the nearest cache while a tree is walked for them, but leaves enough
/// blocks.
maas_split maas_trees_split(maas_tree_params *p) {
  int64_t fitting = 16384 / (4 * maas_max64(1, p->features));
  int64_t block = maas_min64(maas_min64(fitting, 256), p->rows / 8);
  p->block = maas_round_up(maas_max64(block, 1), 16);
  p->by_trees = p->rows < lanes_of(p) && p->rows * p->trees >= 2 * shared_nanoseconds / tree_nanoseconds;
  if (p->by_trees)
    return split_by_trees(p);
  maas_split split = maas_split_by_cost(p->rows, tree_nanoseconds * (double)p->trees + (double)p->targets, 0);
  split.grain = maas_round_up(maas_min64(maas_max64(split.grain, 1), maas_max64(p->rows, 1)), p->block);
  return split;
}
