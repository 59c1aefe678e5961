#ifndef MAAS_TRAINING_H
#define MAAS_TRAINING_H
/// The C kernels that gradients call. The rules of maas_kernels.h hold for them; `dx` is the gradient of x and so on.
#include "maas_windows.h"

#ifdef __cplusplus
extern "C" {
#endif

// Unary functions

/// Whether slopes of y = function(x) are computed from y; else from x.
bool maas_slope_takes_result(maas_f32_activation function);
/// The derivative, given y or x; where there is none, the one of the side that PyTorch takes.
double maas_f64_slope(maas_f32_activation function, double known);

/// dy, y or x, dx: dx = dy f'. In place with dy and with the other.
int32_t maas_f32_slope(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_slope_split(const maas_f32_unary_params *params);

// Softmax

/// dy, y, dx: dx = y (dy - sum of dy y); of a log-softmax dy - e^y times the sum of dy. In place with both.
int32_t maas_f32_softmax_slope(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_softmax_slope_split(const maas_f32_softmax_params *params);

// Normalisation

/// dy, x, scale[n] or NULL, dx, mean[rows] or NULL, inverse standard deviation[rows] or NULL: the last two are
/// written. In place with dy and x.
int32_t maas_f32_layer_norm_slope(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_layer_norm_slope_split(const maas_f32_layer_norm_params *params);

/// dy, x, mean[rows] or NULL for 0, inverse standard deviation[rows], dscale[n] or NULL, dbias[n] or NULL: sums over
/// rows.
int32_t maas_f32_layer_norm_sums(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_layer_norm_sums_split(const maas_f32_layer_norm_params *params);

/// y = (x - mean) / sqrt(variance + epsilon) * scale + bias over [outer, channels, inner], a scale and a bias for each
/// channel.
typedef struct maas_f32_channel_norm_params {
  int64_t outer, channels, inner;
  float epsilon;
} maas_f32_channel_norm_params;

/// dy, x, scale[channels], mean[channels] and variance[channels] that are given, or NULL for those of the batch, then
/// dx, dscale[channels], dbias[channels], each or NULL. In place with dy and x.
int32_t maas_f32_channel_norm_slope(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_channel_norm_slope_split(const maas_f32_channel_norm_params *params);

// Convolution

/// A convolution as maas_f32_conv's, without R, with W packed by a step of every run: for weights that change.
typedef struct maas_f32_conv_direct_params {
  maas_f32_conv_params conv;
  int64_t nr;   ///< Filters side by side in a panel of W. Set by split.
  int64_t rows; ///< Output rows of an item. Set by split.
} maas_f32_conv_direct_params;

/// x, packed w, bias[filters] or NULL, y.
int32_t maas_f32_conv_direct(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_conv_direct_split(maas_f32_conv_direct_params *params);
/// Whether it is faster than maas_f32_conv.
bool maas_f32_conv_direct_pays(const maas_f32_conv_params *params);
/// packed w, w; the parameters after their split.
int32_t maas_f32_conv_direct_pack(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_conv_direct_pack_split(const maas_f32_conv_direct_params *params);
/// Elements of the packed weights after split; -1 if their bytes do not fit an int64_t.
int64_t maas_f32_conv_direct_packed(const maas_f32_conv_direct_params *params);

/// The gradient of W of a convolution without activation, in two steps: sums of `chunks` parts of the batch, then their
/// sum in a fixed order. The sums are [chunks, groups, panels, taps, nr] with nr filters of a panel side by side.
typedef struct maas_f32_conv_weights_params {
  maas_f32_conv_params conv;
  int64_t chunks; ///< Set by split.
  int64_t nr;     ///< Set by split.
  int64_t block;  ///< Channels whose padded planes fit into the cache. Set by split.
} maas_f32_conv_weights_params;

/// x, dy, sums.
int32_t maas_f32_conv_weights(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_conv_weights_split(maas_f32_conv_weights_params *params);
/// Elements of the sums after split; -1 if their bytes do not fit an int64_t.
int64_t maas_f32_conv_weights_sums(const maas_f32_conv_weights_params *params);
/// sums, dw.
int32_t maas_f32_conv_weights_finish(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_conv_weights_finish_split(const maas_f32_conv_weights_params *params);

// Pooling

/// x and y of a maximum or NULL, dy, dx. Of equal largest elements the first one gets the gradient.
int32_t maas_f32_pool_slope(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_pool_slope_split(const maas_f32_pool_params *params);

#ifdef __cplusplus
}
#endif
#endif
