#ifndef MAAS_KERNEL_TABLES_H
#define MAAS_KERNEL_TABLES_H
/// The tables behind the entries of maas_kernels.h, for tests, benchmarks and listings. A table's rows stand
/// in order of preference; an entry runs the first one that this CPU supports and MAAS_ISA allows.
#include "maas_kernels.h"
#include "maas_quant.h"
#include "maas_random.h"
#include "maas_recurrent.h"
#include "maas_training.h"
#include "maas_tree.h"
#include "maas_update.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Tiers, slowest first within one architecture. MAAS_ISA caps the tier by these names in lower case.
typedef enum maas_isa {
  MAAS_ISA_SCALAR = 0,
  MAAS_ISA_NEON,
  MAAS_ISA_AVX2,
  MAAS_ISA_AVX512,
} maas_isa;

typedef struct maas_kernel {
  const char *name; ///< maas_<type>_<op>_<tile>_<isa>, see docs/kernel-names.md.
  maas_isa isa;
  int32_t mr; ///< Rows of the register tile; 1 for element-wise kernels.
  int32_t nr; ///< Columns of the register tile, or elements per vector.
  maas_step_run run;
} maas_kernel;

typedef struct maas_kernel_table {
  const char *family;
  maas_step_run entry;
  const maas_kernel *rows;
  int32_t count;
} maas_kernel_table;

int32_t maas_kernel_table_count(void);
const maas_kernel_table *maas_kernel_table_at(int32_t index);
/// True if the CPU has it, whatever MAAS_ISA says.
bool maas_isa_supported(maas_isa isa);
/// The row that the table's entry runs in this process.
const maas_kernel *maas_kernel_selected(const maas_kernel_table *table);

// The split functions whose answer depends on the kernel, for one that need not be the selected one.

maas_split maas_f32_gemm_split_for(const maas_kernel *kernel, maas_f32_gemm_params *params);
maas_split maas_f64_gemm_split_for(const maas_kernel *kernel, maas_f32_gemm_params *params);
maas_split maas_f32_gemm_pack_split_for(const maas_kernel *gemm, maas_f32_gemm_pack_params *params);
int64_t maas_f32_gemm_packed_bytes_for(const maas_kernel *gemm, int64_t k, int64_t n);
maas_split maas_f32_conv_split_for(const maas_kernel *kernel, maas_f32_conv_params *params);
maas_split maas_f32_conv_nhwc_split_for(const maas_kernel *kernel, maas_f32_conv_params *params);
maas_split maas_f32_conv_nhwc_pack_split_for(const maas_kernel *conv, maas_f32_conv_nhwc_pack_params *params);
int64_t maas_f32_conv_nhwc_packed_bytes_for(const maas_kernel *conv, const maas_f32_conv_params *params);
maas_split maas_s8_gemm_split_for(const maas_kernel *kernel, maas_s8_gemm_params *params);
int64_t maas_s8_packed_bytes_for(const maas_kernel *gemm, int64_t k, int64_t n);
maas_split maas_s8_conv_split_for(const maas_kernel *kernel, maas_s8_conv_params *params);
maas_split maas_s8_conv_pack_split_for(const maas_kernel *conv, maas_s8_conv_pack_params *params);
int64_t maas_s8_conv_packed_bytes_for(const maas_kernel *conv, const maas_f32_conv_params *params);
maas_split maas_f32_lstm_split_for(const maas_kernel *kernel, const maas_f32_lstm_params *params);
maas_split maas_f32_nbits_split_for(const maas_kernel *kernel, maas_f32_nbits_params *params);
maas_split maas_f32_conv_weights_split_for(const maas_kernel *kernel, maas_f32_conv_weights_params *params);
maas_split maas_f32_conv_direct_split_for(const maas_kernel *kernel, maas_f32_conv_direct_params *params);
maas_split maas_s8_pack_split_for(const maas_kernel *gemm, maas_s8_pack_params *params);

#ifdef __cplusplus
}
#endif
#endif
