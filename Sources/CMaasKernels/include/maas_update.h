#ifndef MAAS_UPDATE_H
#define MAAS_UPDATE_H
/// Kernels that take a step of gradient descent, on all tensors of a network at once; the rules are those of
/// maas_kernels.h.
#include "maas_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

/// What becomes of x and the states s and t with the gradient g.
typedef enum maas_update_rule {
  MAAS_UPDATE_DESCENT = 0, ///< x -= rate g
  MAAS_UPDATE_MOMENTUM,    ///< s = alpha s + g, or beta g after the first step; x -= rate s
  MAAS_UPDATE_NESTEROV,    ///< The same; x -= rate (g + alpha s)
  MAAS_UPDATE_ADAM, ///< s = alpha s + (1 - alpha) g; t = beta t + (1 - beta) g²; x -= rate s / (√t + epsilon)
  MAAS_UPDATE_ADAGRAD,   ///< s += g²; x -= rate g / (√s + epsilon)
  MAAS_UPDATE_RMSPROP,   ///< s = beta s + (1 - beta) g²; t = alpha t + g / (√s + epsilon); x -= rate t
  MAAS_UPDATE_LION,      ///< x -= rate sign(alpha s + (1 - alpha) g); s = beta s + (1 - beta) g
  MAAS_UPDATE_AVERAGE,   ///< x += (1 - beta) (g - x)
  MAAS_UPDATE_DIRECTION, ///< Adam's s and t; x = s / (√t + epsilon) + decay x, along which LAMB goes.
} maas_update_rule;

typedef struct maas_update_params {
  maas_update_rule rule;
  int32_t tensors;
  int64_t elements; ///< Of all tensors.
  double alpha, beta, epsilon;
  double rate_decay; ///< The rate is divided by 1 + decay n, n the count of steps so far.
  double l1, l2;     ///< Added to g: l1 sign(x) + l2 x.
  double decay;      ///< x is first multiplied by 1 - rate decay.
  double post;       ///< The new x is multiplied by this.
  double scale;      ///< g is multiplied by this.
  double clip;       ///< Then held between -clip and clip; infinity for none.
  bool corrects;     ///< s is divided by 1 - alpha^m and t by 1 - beta^m, m = n + ahead, if that is not 0.
  bool corrects_epsilon; ///< Epsilon is added to the root of the divided t; else to that of t.
  int32_t ahead;
  int32_t guards; ///< Numbers of the guard.
} maas_update_params;

enum {
  MAAS_UPDATE_FIRST = 6, ///< The first operand of the first tensor.
  MAAS_UPDATE_EACH = 7,  ///< Operands of each tensor.
};

/// double rate, int64 n, int64 begins [tensors + 1] of the tensors among all elements, factor of all gradients or NULL,
/// guard [guards] or NULL, factor of the rate for each tensor or NULL; then for each tensor x, g, s, t, new x, new s,
/// new t: NULL where the rule has no such state or nobody wants it. Where a number of the guard is not finite x and the
/// states stay. Items are elements.
int32_t maas_f32_update(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_update_split(const maas_update_params *params);

/// Of ranks that share x each takes the steps of some panels of it, along the sum of what all have left of g.
typedef struct maas_rank_part {
  /// By rank, what it leaves to the others: its g of their panels, its own panels of x. At multiples of 16 bytes. NULL
  /// for one alone.
  float *const *left;
  int64_t first; ///< Elements there before those of x, a multiple of 4.
  int32_t rank, ranks;
} maas_rank_part;

/// A product whose Y is the gradient g of one tensor in panels, with the step along it: no g is written.
typedef struct maas_product_update_params {
  maas_f32_gemm_params product; ///< n is a multiple of the kernel's nr.
  maas_update_params update;    ///< Of one tensor.
  maas_rank_part part;
} maas_product_update_params;

/// Operands of maas_f32_gemm that takes such parameters: those of a product, without Y; and from this one on those of
/// maas_f32_update, without begins and g.
enum { MAAS_PRODUCT_UPDATE_FIRST = 5 };

/// Also makes the product give its Y to the update.
maas_split maas_f32_product_update_split(maas_product_update_params *params);
/// Makes it leave its Y to the other ranks; there is no update, nor its operands.
maas_split maas_f32_product_share_split(maas_product_update_params *params);

/// What is found of each block.
typedef enum maas_block_measure {
  MAAS_BLOCK_SQUARES = 0, ///< The sum of squares.
  MAAS_BLOCK_CHECK,       ///< A number that is finite where all elements are.
  MAAS_BLOCK_GREATEST,    ///< The greatest |x|; not finite where an element is not.
} maas_block_measure;

typedef struct maas_square_sums_params {
  maas_block_measure measure;
  int32_t tensors;
  int64_t blocks; ///< Of all tensors: each has its elements divided by MAAS_SQUARE_BLOCK, rounded up.
} maas_square_sums_params;

#define MAAS_SQUARE_BLOCK 8192

/// int64 begins [tensors + 1] of the tensors among all blocks, int64 counts of their elements, y [blocks], the tensors.
/// y is what is measured of each block, which is an item.
int32_t maas_f32_square_sums(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_square_sums_split(const maas_square_sums_params *params);

#ifdef __cplusplus
}
#endif
#endif
