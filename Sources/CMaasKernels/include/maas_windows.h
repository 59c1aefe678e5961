#ifndef MAAS_WINDOWS_H
#define MAAS_WINDOWS_H
/// What slides a window over images: convolution and pooling. The rules of maas_kernels.h hold.
#include "maas_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

// Convolution

/// Y = activation(conv(X, W) + bias + R) with X [batch, channels, input...], W [filters, channels / groups,
/// kernel...], Y and R [batch, filters, output...]. The spatial arrays hold depth, height, width; a 1-D or
/// 2-D convolution puts 1 (pad 0) in front. Padding at the end follows from `output`.
typedef struct maas_f32_conv_params {
  int64_t batch, channels, filters, groups;
  int64_t input[MAAS_SPATIAL_RANK];
  int64_t output[MAAS_SPATIAL_RANK];
  int64_t kernel[MAAS_SPATIAL_RANK];
  int64_t stride[MAAS_SPATIAL_RANK];
  int64_t dilation[MAAS_SPATIAL_RANK];
  int64_t pad[MAAS_SPATIAL_RANK]; ///< Before the first element; may be negative.
  maas_f32_activation activation;
  int32_t path;           ///< Set by split.
  int64_t tile_m, tile_n; ///< Set by split.
  int64_t tile_x;         ///< Set by split of the channels-last form.
} maas_f32_conv_params;

/// x, w, bias[filters] or NULL, residual R or NULL, y. In place with R.
int32_t maas_f32_conv(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_conv_split(maas_f32_conv_params *params);

/// The same with channels last: X [batch, input..., channels], Y and R [batch, output..., filters], and packed W.
/// 3 x 3 kernels may run by Winograd's algorithm F(4x4, 3x3), whose rounding errors are about twice a plain sum's.
int32_t maas_f32_conv_nhwc(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_conv_nhwc_split(maas_f32_conv_params *params);

typedef struct maas_f32_conv_nhwc_pack_params {
  maas_f32_conv_params conv; ///< After its split.
  int64_t nr;                ///< Set by split.
} maas_f32_conv_nhwc_pack_params;

/// packed w, w. The layout belongs to the kernel this process selected, and to the path its split chose.
int32_t maas_f32_conv_nhwc_pack(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_conv_nhwc_pack_split(maas_f32_conv_nhwc_pack_params *params);
/// Bytes of the packed weights, a multiple of 4; -1 if that does not fit an int64_t.
int64_t maas_f32_conv_nhwc_packed_bytes(const maas_f32_conv_params *params);

/// Adds up what the taps of a transposed convolution make of every input position: columns [batch, input..., kernel...,
/// filters], bias[filters] or NULL, y [batch, output..., filters]. `pad` is what is cut off at the beginning.
int32_t maas_f32_fold_nhwc(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_fold_nhwc_split(const maas_f32_conv_params *params);

// Pooling

typedef enum maas_pool { MAAS_POOL_MAX = 0, MAAS_POOL_AVERAGE, MAAS_POOL_SUM } maas_pool;

/// X [planes, input...], Y [planes, output...]; planes = batch x channels. Spatial arrays as in conv.
typedef struct maas_f32_pool_params {
  maas_pool op;
  bool count_include_pad; ///< Average: padding (but nothing beyond it) counts in the divisor.
  bool column_major;      ///< Max: indices as ONNX's storage_order = 1.
  bool is_signed;         ///< Bytes.
  int64_t planes;
  int64_t channels; ///< Read by the channels-last form.
  int64_t input[MAAS_SPATIAL_RANK];
  int64_t output[MAAS_SPATIAL_RANK];
  int64_t kernel[MAAS_SPATIAL_RANK];
  int64_t stride[MAAS_SPATIAL_RANK];
  int64_t dilation[MAAS_SPATIAL_RANK];
  int64_t pad_begin[MAAS_SPATIAL_RANK];
  int64_t pad_end[MAAS_SPATIAL_RANK];
} maas_f32_pool_params;

/// x, y, int64 indices or NULL (max only): flat indices into x, of the first maximum. A window without any
/// element gives 0 for average and sum, -inf and index 0 for max. NaN propagates.
int32_t maas_f32_pool(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_pool_split(const maas_f32_pool_params *params);

/// The same with channels last, X [batch, input..., channels], Y [batch, output..., channels]: x, y.
int32_t maas_f32_pool_nhwc(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_pool_nhwc_split(const maas_f32_pool_params *params);
/// The same for maxima of bytes; an empty window gives the lowest.
int32_t maas_s8_pool_nhwc(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);

#ifdef __cplusplus
}
#endif
#endif
