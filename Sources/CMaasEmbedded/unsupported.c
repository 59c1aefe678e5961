/// What this build leaves out: the trainer would be as large as the rest of the library, the quantizer a tenth of it.
/// Their functions are of one body, which no argument reaches.
#include "../CMaasABI/include/maas_abi.h"
#include "../../include/maas.h"

static maas_status refused(const char *text) {
  maas_error_set(MAAS_UNSUPPORTED, text);
  if (maas_abi_logs(MAAS_LOG_ERROR))
    maas_abi_log(MAAS_LOG_ERROR, text);
  return MAAS_UNSUPPORTED;
}

static maas_status untrained(void) { return refused("this build of maas trains nothing"); }
static maas_status unquantized(void) { return refused("this build of maas quantizes no models"); }

#define IS(body, name) extern __typeof__(name) name __attribute__((alias(#body)));

IS(untrained, maas_trainer_options_create)
IS(untrained, maas_trainer_options_close)
IS(untrained, maas_trainer_options_set)
IS(untrained, maas_trainer_create)
IS(untrained, maas_trainer_open)
IS(untrained, maas_trainer_open_memory)
IS(untrained, maas_trainer_close)
IS(untrained, maas_trainer_set)
IS(untrained, maas_dataset_create)
IS(untrained, maas_dataset_close)
IS(untrained, maas_trainer_step)
IS(untrained, maas_epoch_number)
IS(untrained, maas_trainer_fit)
IS(untrained, maas_trainer_history)
IS(untrained, maas_trainer_metric_name)
IS(untrained, maas_trainer_evaluate)
IS(untrained, maas_trainer_predict)
IS(untrained, maas_trainer_parameter_count)
IS(untrained, maas_trainer_parameter_name)
IS(untrained, maas_trainer_output_name)
IS(untrained, maas_trainer_parameter)
IS(untrained, maas_trainer_set_parameter)
IS(untrained, maas_trainer_restore)
IS(untrained, maas_trainer_save)
IS(untrained, maas_trainer_export)
IS(untrained, maas_trainer_export_memory)

IS(unquantized, maas_quantization_create)
IS(unquantized, maas_quantization_close)
IS(unquantized, maas_quantization_set)
IS(unquantized, maas_quantization_set_labels)
IS(unquantized, maas_quantization_set_samples)
IS(unquantized, maas_sample_set)
IS(unquantized, maas_quantize)
