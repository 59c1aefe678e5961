/* What training refuses: options, networks, data, names. */
#include "train.h"

static void options(void) {
  maas_trainer_options *options = fresh();
  if (!options)
    return;
  static const struct {
    const char *name, *value;
  } good[] = {{"loss", "cross-entropy"},  {"update_rule", "adamw"}, {"beta2", "0.95"}, {"schedule", "cosine"},
              {"class_weights", "1,2,3"}, {"shuffle", "false"},     {"seed", "7"},     {"threads", "2"}};
  for (size_t i = 0; i < COUNT(good); i++)
    OK(maas_trainer_options_set(options, good[i].name, good[i].value));
  static const struct {
    const char *name, *value, *word;
  } wrong[] = {
      {"loss", "mean", "mse"},      {"update_rule", "adan", "adam"}, {"learning_rate", "fast", "number"},
      {"epochs", "1.5", "whole"},   {"shuffle", "1", "false"},       {"schedule", "sine", "cosine"},
      {"class_weights", "1;2", ","}};
  for (size_t i = 0; i < COUNT(wrong); i++)
    FAILS(maas_trainer_options_set(options, wrong[i].name, wrong[i].value), MAAS_INVALID_ARGUMENT,
          wrong[i].word);
  FAILS(maas_trainer_options_set(options, "learning-rate", "1"), MAAS_NOT_FOUND, "learning_rate");
  REFUSES_NULL(maas_trainer_options_create(NULL), "options");
  REFUSES_NULL(maas_trainer_options_set(NULL, "loss", "mse"), "options");
  REFUSES_NULL(maas_trainer_options_set(options, NULL, "mse"), "name");
  REFUSES_NULL(maas_trainer_options_set(options, "loss", NULL), "value");
  maas_trainer *trainer = untouched();
  OK(maas_trainer_options_set(options, "batch_size", "0"));
  FAILS(maas_trainer_create(NETWORK, options, &trainer), MAAS_OUT_OF_RANGE, "batch_size");
  CHECK(trainer == untouched());
  OK(maas_trainer_options_close(options));
  OK(maas_trainer_options_close(NULL));
}

static void networks(void) {
  maas_trainer_options *options = fresh();
  if (!options)
    return;
  OK(maas_trainer_options_close(options));
  maas_trainer *trainer = untouched();
  REFUSES_NULL(maas_trainer_create(NULL, NULL, &trainer), "network");
  REFUSES_NULL(maas_trainer_create(NETWORK, NULL, NULL), "trainer");
  FAILS(maas_trainer_create("dense 3", NULL, &trainer), MAAS_INVALID_ARGUMENT, "input");
  FAILS(maas_trainer_create("input 3\ndens 3", NULL, &trainer), MAAS_INVALID_ARGUMENT, "line 2");
  FAILS(maas_trainer_create("input 3\ndense", NULL, &trainer), MAAS_INVALID_ARGUMENT, "units");
  FAILS(maas_trainer_create("input 3\nconv 3", NULL, &trainer), MAAS_SHAPE_MISMATCH, "line 2");
  REFUSES_NULL(maas_trainer_open(NULL, NULL, &trainer), "path");
  FAILS(maas_trainer_open("/nowhere/in.onnx", NULL, &trainer), MAAS_NOT_FOUND, "/nowhere/in.onnx");
  REFUSES_NULL(maas_trainer_open_memory(NULL, 4, NULL, &trainer), "bytes");
  FAILS(maas_trainer_open_memory("junk", 4, NULL, &trainer), MAAS_INVALID_MODEL, "");
  CHECK(trainer == untouched());
  OK(maas_trainer_close(NULL));
  OK(maas_dataset_close(NULL));
}

static void wrong_data(void) {
  maas_trainer *trainer = trainer_with("epochs", "1");
  if (!trainer)
    return;
  const int64_t few[] = {SAMPLES - 1, 1}, narrow[] = {SAMPLES, FEATURES - 1}, shape_x[] = {SAMPLES, FEATURES},
                wide[] = {SAMPLES, 2};
  static float numbers[SAMPLES * FEATURES];
  maas_tensor *features = borrowed(x, shape_x, 2), *targets = borrowed(y, few, 2),
              *thin = borrowed(x, narrow, 2);
  maas_tensor *pairs = borrowed(numbers, wide, 2);
  const maas_tensor *inputs[] = {features, features};
  maas_dataset *data = untouched(), *good = samples();
  float loss = 7;
  double found = 7;
  FAILS(maas_dataset_create(inputs, 1, targets, NULL, &data), MAAS_SHAPE_MISMATCH, "samples");
  REFUSES_NULL(maas_dataset_create(NULL, 1, targets, NULL, &data), "features");
  REFUSES_NULL(maas_dataset_create(inputs, 1, NULL, NULL, &data), "targets");
  REFUSES_NULL(maas_dataset_create(inputs, 1, targets, NULL, NULL), "data");
  CHECK(data == untouched());
  OK(maas_dataset_create(inputs, 2, pairs, NULL, &data));
  FAILS(maas_trainer_step(trainer, data, &loss), MAAS_MISSING_INPUT, "1");
  OK(maas_dataset_close(data));
  OK(maas_dataset_create((const maas_tensor *const *)&thin, 1, pairs, NULL, &data));
  FAILS(maas_trainer_step(trainer, data, &loss), MAAS_SHAPE_MISMATCH, "input");
  OK(maas_dataset_close(data));
  OK(maas_dataset_create(inputs, 1, pairs, NULL, &data));
  FAILS(maas_trainer_fit(trainer, data, NULL, NULL, NULL), MAAS_SHAPE_MISMATCH, "targets");
  OK(maas_dataset_close(data));

  REFUSES_NULL(maas_trainer_step(trainer, NULL, &loss), "batch");
  REFUSES_NULL(maas_trainer_step(NULL, good, &loss), "trainer");
  REFUSES_NULL(maas_trainer_fit(trainer, NULL, NULL, NULL, NULL), "data");
  REFUSES_NULL(maas_trainer_evaluate(trainer, good, NULL, 1), "values");
  REFUSES_NULL(maas_trainer_history(trainer, "loss", &found, 1, NULL), "count");
  REFUSES_NULL(maas_trainer_predict(trainer, NULL, 1, &features), "features");
  REFUSES_NULL(maas_trainer_predict(trainer, inputs, 1, NULL), "output");
  FAILS(maas_trainer_set(trainer, "loss", "mae"), MAAS_INVALID_ARGUMENT, "loss");
  FAILS(maas_trainer_set(trainer, "los", "mae"), MAAS_NOT_FOUND, "loss");
  CHECK(loss == 7 && found == 7);
  OK(maas_tensor_close(features));
  OK(maas_tensor_close(targets));
  OK(maas_tensor_close(thin));
  OK(maas_tensor_close(pairs));
  OK(maas_dataset_close(good));
  OK(maas_trainer_close(trainer));
}

/* A loss that is no number says so, and changes nothing. */
static void no_number(void) {
  maas_trainer *trainer = trainer_with("epochs", "1");
  if (!trainer)
    return;
  maas_dataset *good = samples();
  maas_tensor *before = NULL, *after = NULL;
  float loss = 7;
  OK(maas_trainer_parameter(trainer, "dense_2/weight", &before));
  x[5] = NAN;
  FAILS(maas_trainer_step(trainer, good, &loss), MAAS_OUT_OF_RANGE, "loss");
  CHECK(loss == 7);
  OK(maas_trainer_parameter(trainer, "dense_2/weight", &after));
  CHECK(memcmp(floats(before), floats(after), FEATURES * sizeof(float)) == 0);
  x[5] = 0;
  OK(maas_trainer_step(trainer, good, &loss));
  OK(maas_tensor_close(before));
  OK(maas_tensor_close(after));
  OK(maas_dataset_close(good));
  OK(maas_trainer_close(trainer));
}

static void names(void) {
  maas_trainer *trainer = trainer_with("epochs", "1");
  if (!trainer)
    return;
  const char *name = NULL;
  maas_tensor *value = untouched();
  size_t count = 0;
  OK(maas_trainer_metric_name(trainer, 0, &name));
  CHECK(strcmp(name, "loss") == 0);
  OK(maas_trainer_metric_name(trainer, 1000, &name));
  CHECK(name == NULL);
  OK(maas_trainer_output_name(trainer, &name));
  CHECK(strcmp(name, "output") == 0);
  REFUSES_NULL(maas_trainer_output_name(trainer, NULL), "name");
  FAILS(maas_trainer_parameter(trainer, "dense_1/weights", &value), MAAS_NOT_FOUND, "dense_1/weight");
  FAILS(maas_trainer_parameter_name(trainer, 4, &name), MAAS_INVALID_ARGUMENT, "less than 4");
  REFUSES_NULL(maas_trainer_parameter(trainer, NULL, &value), "name");
  REFUSES_NULL(maas_trainer_parameter_count(trainer, NULL), "count");
  REFUSES_NULL(maas_trainer_set_parameter(trainer, "dense_1/bias", NULL), "value");
  CHECK(value == untouched());
  static float numbers[4];
  const int64_t shape[] = {4};
  value = borrowed(numbers, shape, 1);
  FAILS(maas_trainer_set_parameter(trainer, "dense_1/bias", value), MAAS_SHAPE_MISMATCH, "dense_1/bias");
  OK(maas_tensor_close(value));
  OK(maas_trainer_history(trainer, "loss", NULL, 0, &count));
  CHECK(count == 0);
  FAILS(maas_trainer_export(trainer, "/nowhere/out.onnx"), MAAS_IO_ERROR, "cannot be written");
  REFUSES_NULL(maas_trainer_export(trainer, NULL), "path");
  REFUSES_NULL(maas_trainer_export_memory(trainer, NULL), "bytes");
  OK(maas_trainer_close(trainer));
}

int main(int argc, char **argv) {
  static const struct check checks[] = {{"options of training", options},
                                        {"networks", networks},
                                        {"wrong data for training", wrong_data},
                                        {"a loss that is no number", no_number},
                                        {"names in training", names}};
  return run_checks(argc, argv, checks, COUNT(checks));
}
