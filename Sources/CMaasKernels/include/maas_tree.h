#ifndef MAAS_TREE_H
#define MAAS_TREE_H
/// Ensembles of decision trees, walked many rows or many trees at a time. The rules of maas_kernels.h hold.
#include "maas_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

/// A node of a tree. The way goes on at `child` where the test fails and at `child` + 1 where it holds. A leaf is a
/// node whose threshold is NaN and whose child is itself, so that walking on from it does no harm. The child of any
/// other node has a larger number.
typedef struct maas_f32_tree_node {
  float threshold;
  int32_t test; ///< The feature, with MAAS_TREE_... bits above it; 0 in a leaf.
  int32_t child;
  int32_t index; ///< Of a leaf: which one. Of a node that tests for membership: which set.
} maas_f32_tree_node;

typedef struct maas_f64_tree_node {
  double threshold;
  int32_t test, child, index, unused;
} maas_f64_tree_node;

#define MAAS_TREE_FEATURE 0x0fffffff ///< The bits of `test` that are the feature.
#define MAAS_TREE_EQUAL 0x10000000   ///< The test is x == threshold, not x <= threshold.
#define MAAS_TREE_MEMBER 0x20000000  ///< The test is whether x is in a set.
#define MAAS_TREE_NAN 0x40000000     ///< The test holds for NaN.

/// What the nodes need of the kernel.
typedef enum maas_tree_kind {
  MAAS_TREE_PLAIN = 0, ///< No bits are set.
  MAAS_TREE_MISSING,   ///< At most MAAS_TREE_NAN is.
  MAAS_TREE_GENERAL,
} maas_tree_kind;

typedef enum maas_tree_aggregate {
  MAAS_TREE_SUM = 0, ///< 0 - 0 where no leaf says anything, so that -0 tells such scores.
  MAAS_TREE_MIN,     ///< NaN where no leaf says anything.
  MAAS_TREE_MAX,     ///< As MIN.
} maas_tree_aggregate;

typedef struct maas_tree {
  int32_t root;
  int32_t height; ///< Steps to the farthest leaf.
} maas_tree;

typedef struct maas_tree_params {
  int64_t rows, features, trees, targets;
  int64_t block; ///< Set by split.
  bool is_wide;  ///< Of doubles.
  bool by_trees; ///< Set by split: tree_rest follows.
  maas_tree_kind kind;
  maas_tree_aggregate aggregate;
} maas_tree_params;

/// x[rows, features], nodes, maas_tree[trees], weights, int32 starts or NULL, int32 ids or NULL, sets or NULL,
/// int32 set starts or NULL, y[rows, targets].
///
/// Without `starts` leaf i has the weights of all targets at i * targets. With it, its weights are those from
/// starts[i] to starts[i + 1], and `ids` are their targets. A set is sorted and lies likewise between two set starts.
/// Weights of a target are added up in the order of the trees. Features and indices are trusted.
///
/// Of few rows the trees are shared out, if split sets `by_trees`. Then behind y come memory for what is yet to be added,
/// [rows, trees rounded up to 16] numbers, and for where that begins, int64[rows]; and tree_rest, whose items are rows,
/// follows with the same operands and adds it.
int32_t maas_f32_trees(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
int32_t maas_f64_trees(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
int32_t maas_f32_tree_rest(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
int32_t maas_f64_tree_rest(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_trees_split(maas_tree_params *params);

#ifdef __cplusplus
}
#endif
#endif
