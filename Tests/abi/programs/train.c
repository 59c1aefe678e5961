/* Training: the reference program, callbacks, steps, fine-tuning, checkpoints. */
#include "train.h"

struct heard {
  int epochs, end;
  double last;
  maas_trainer *trainer;
};

static int hear(void *context, const maas_epoch *epoch) {
  struct heard *heard = context;
  double number = 0;
  heard->epochs++;
  OK(maas_epoch_number(epoch, "epoch", &number));
  CHECK(number == heard->epochs);
  OK(maas_epoch_number(epoch, "loss", &heard->last));
  OK(maas_epoch_number(epoch, "validation_loss", &number));
  CHECK(number > 0);
  FAILS(maas_epoch_number(epoch, "los", &number), MAAS_NOT_FOUND, "loss");
  REFUSES_NULL(maas_epoch_number(NULL, "loss", &number), "epoch");
  REFUSES_NULL(maas_epoch_number(epoch, NULL, &number), "name");
  REFUSES_NULL(maas_epoch_number(epoch, "loss", NULL), "value");
  /* The trainer is at rest. */
  maas_tensor *bias = NULL;
  OK(maas_trainer_parameter(heard->trainer, "dense_2/bias", &bias));
  OK(maas_tensor_close(bias));
  return heard->epochs == heard->end;
}

static void reference(void) {
  maas_trainer *trainer = trainer_with("epochs", "100");
  if (!trainer)
    return;
  maas_dataset *data = samples();
  double losses[100], found[1];
  size_t count = 0;
  OK(maas_trainer_fit(trainer, data, NULL, NULL, NULL));
  OK(maas_trainer_history(trainer, "loss", NULL, 0, &count));
  CHECK(count == 100);
  OK(maas_trainer_history(trainer, "loss", losses, 100, &count));
  CHECK(losses[99] < losses[0] / 20);
  OK(maas_trainer_evaluate(trainer, data, found, 1));
  CHECK(found[0] < losses[0] / 20);
  OK(maas_trainer_export(trainer, fixture("trained.onnx")));

  /* What is written answers what the trainer answers, and both are near the targets. */
  const int64_t shape[] = {SAMPLES, FEATURES};
  maas_tensor *features = borrowed(x, shape, 2), *ours = NULL, *theirs = NULL;
  maas_session *session = open_session("trained.onnx");
  OK(maas_trainer_predict(trainer, (const maas_tensor *const *)&features, 1, &ours));
  OK(maas_session_run(session, NULL, NULL, (const maas_tensor *const *)&features, 1, NULL, &theirs, 1));
  double sum = 0;
  for (int i = 0; i < SAMPLES; i++) {
    CHECK(fabsf(floats(ours)[i] - floats(theirs)[i]) < 1e-5F);
    sum += (floats(ours)[i] - y[i]) * (floats(ours)[i] - y[i]);
  }
  CHECK(fabs(sum / SAMPLES - found[0]) < 1e-5);
  OK(maas_tensor_close(features));
  OK(maas_tensor_close(ours));
  OK(maas_tensor_close(theirs));
  OK(maas_session_close(session));
  OK(maas_dataset_close(data));
  OK(maas_trainer_close(trainer));
}

struct misuse {
  maas_trainer *trainer;
  maas_dataset *data;
  int calls;
};

/* What a callback may not do is refused; what it may read is there. */
static int misuse(void *context, const maas_epoch *epoch) {
  struct misuse *own = context;
  double found = 0;
  (void)epoch;
  own->calls++;
  FAILS(maas_trainer_fit(own->trainer, own->data, NULL, NULL, NULL), MAAS_BUSY, "training");
  FAILS(maas_trainer_step(own->trainer, own->data, NULL), MAAS_BUSY, "training");
  FAILS(maas_trainer_restore(own->trainer, "x"), MAAS_BUSY, "training");
  FAILS(maas_trainer_close(own->trainer), MAAS_BUSY, "training");
  FAILS(maas_trainer_set(own->trainer, "epochs", "9"), MAAS_BUSY, "training");
  maas_tensor *bias = NULL;
  OK(maas_trainer_parameter(own->trainer, "dense_1/bias", &bias));
  FAILS(maas_trainer_set_parameter(own->trainer, "dense_1/bias", bias), MAAS_BUSY, "training");
  OK(maas_tensor_close(bias));
  OK(maas_trainer_evaluate(own->trainer, own->data, &found, 1));
  return 0;
}

static void callbacks_that_train(void) {
  maas_trainer *trainer = trainer_with("epochs", "2");
  if (!trainer)
    return;
  maas_dataset *data = samples();
  struct misuse own = {trainer, data, 0};
  OK(maas_trainer_fit(trainer, data, NULL, misuse, &own));
  CHECK(own.calls == 2);
  OK(maas_trainer_step(trainer, data, NULL));
  OK(maas_dataset_close(data));
  OK(maas_trainer_close(trainer));
}

static void callbacks(void) {
  maas_trainer *trainer = trainer_with("epochs", "20");
  if (!trainer)
    return;
  maas_dataset *data = samples();
  struct heard heard = {0, 0, 0, trainer};
  double loss = 0;
  size_t count = 0;
  OK(maas_trainer_fit(trainer, data, data, hear, &heard));
  CHECK(heard.epochs == 20);
  heard = (struct heard){0, 3, 0, trainer};
  maas_trainer *other = trainer_with("epochs", "20");
  heard.trainer = other;
  OK(maas_trainer_fit(other, data, data, hear, &heard));
  CHECK(heard.epochs == 3);
  OK(maas_trainer_history(other, "loss", &loss, 1, &count));
  CHECK(count == 3);
  OK(maas_trainer_set(other, "epochs", "2"));
  OK(maas_trainer_fit(other, data, NULL, NULL, NULL));
  OK(maas_trainer_history(other, "loss", NULL, 0, &count));
  CHECK(count == 2);
  OK(maas_dataset_close(data));
  OK(maas_trainer_close(other));
  OK(maas_trainer_close(trainer));
}

/* One step of gradient descent on y = 2 x: weight and bias move by the rate times their gradients. */
static void one_step(void) {
  maas_trainer_options *options = fresh();
  if (!options)
    return;
  const int64_t shape[] = {2, 1};
  float in[] = {1, 3}, out[] = {2, 6}, loss = 0, zero[] = {0};
  maas_trainer *trainer = NULL;
  maas_dataset *batch = NULL;
  OK(maas_trainer_options_set(options, "update_rule", "sgd"));
  OK(maas_trainer_options_set(options, "learning_rate", "0.1"));
  OK(maas_trainer_create("input 1\ndense 1", options, &trainer));
  OK(maas_trainer_options_close(options));
  size_t count = 0;
  OK(maas_trainer_parameter_count(trainer, &count));
  CHECK(count == 2);
  for (size_t i = 0; i < count; i++) {
    const char *name = NULL;
    maas_tensor *value = NULL, *new_value = NULL;
    const int64_t *dims = NULL;
    size_t rank = 0;
    OK(maas_trainer_parameter_name(trainer, i, &name));
    OK(maas_trainer_parameter(trainer, name, &value));
    OK(maas_tensor_shape(value, &dims, &rank));
    new_value = borrowed(zero, dims, rank);
    OK(maas_trainer_set_parameter(trainer, name, new_value));
    OK(maas_tensor_close(new_value));
    OK(maas_tensor_close(value));
  }
  maas_tensor *features = borrowed(in, shape, 2), *targets = borrowed(out, shape, 2), *value = NULL;
  OK(maas_dataset_create((const maas_tensor *const *)&features, 1, targets, NULL, &batch));
  OK(maas_trainer_step(trainer, batch, &loss));
  /* The mean of 2² and 6²; gradients are the means of −2 y x and of −2 y. */
  CHECK(fabsf(loss - 20) < 1e-5F);
  OK(maas_trainer_parameter(trainer, "dense_1/weight", &value));
  CHECK(fabsf(*floats(value) - 2.0F) < 1e-5F);
  OK(maas_tensor_close(value));
  OK(maas_trainer_parameter(trainer, "dense_1/bias", &value));
  CHECK(fabsf(*floats(value) - 0.8F) < 1e-5F);
  OK(maas_tensor_close(value));
  OK(maas_trainer_step(trainer, batch, NULL));
  OK(maas_tensor_close(features));
  OK(maas_tensor_close(targets));
  OK(maas_dataset_close(batch));
  OK(maas_trainer_close(trainer));
}

/* The exported bytes go on where the first trainer was; frozen parameters stay. */
static void fine_tuning(void) {
  maas_trainer *first = trainer_with("epochs", "10"), *second = NULL, *third = NULL;
  if (!first)
    return;
  maas_trainer_options *options = fresh();
  maas_dataset *data = samples();
  maas_tensor *bytes = NULL;
  void *memory = NULL;
  double before = 0, after = 0;
  size_t size = 0, count = 0;
  OK(maas_trainer_fit(first, data, NULL, NULL, NULL));
  OK(maas_trainer_evaluate(first, data, &before, 1));
  OK(maas_trainer_export_memory(first, &bytes));
  OK(maas_tensor_data(bytes, &memory, &size));
  OK(maas_trainer_options_set(options, "freeze", "dense_1/*"));
  OK(maas_trainer_open_memory(memory, size, options, &second));
  OK(maas_tensor_close(bytes));
  OK(maas_trainer_parameter_count(second, &count));
  CHECK(count == 2);
  OK(maas_trainer_evaluate(second, data, &after, 1));
  CHECK(fabs(before - after) < 1e-6);
  OK(maas_trainer_fit(second, data, NULL, NULL, NULL));
  OK(maas_trainer_evaluate(second, data, &after, 1));
  CHECK(after < before);
  OK(maas_trainer_export(second, fixture("tuned.onnx")));
  OK(maas_trainer_open(fixture("tuned.onnx"), NULL, &third));
  OK(maas_trainer_parameter_count(third, &count));
  CHECK(count == 4);
  OK(maas_trainer_options_close(options));
  OK(maas_dataset_close(data));
  OK(maas_trainer_close(first));
  OK(maas_trainer_close(second));
  OK(maas_trainer_close(third));
}

static int save_third(void *context, const maas_epoch *epoch) {
  double number = 0;
  OK(maas_epoch_number(epoch, "epoch", &number));
  if (number == 3)
    OK(maas_trainer_save(context, fixture("third.checkpoint")));
  return 0;
}

static float weight(const maas_trainer *trainer) {
  maas_tensor *value = NULL;
  OK(maas_trainer_parameter(trainer, "dense_1/weight", &value));
  const float found = floats(value)[7];
  OK(maas_tensor_close(value));
  return found;
}

/* Another trainer goes on from the middle to the same bits. */
static void checkpoints(void) {
  maas_trainer *first = trainer_with("epochs", "7"), *second = trainer_with("epochs", "7");
  if (!first)
    return;
  maas_dataset *data = samples();
  size_t count = 0;
  OK(maas_trainer_fit(first, data, NULL, save_third, first));
  OK(maas_trainer_restore(second, fixture("third.checkpoint")));
  CHECK(weight(first) != weight(second));
  OK(maas_trainer_fit(second, data, NULL, NULL, NULL));
  OK(maas_trainer_history(second, "loss", NULL, 0, &count));
  CHECK(count == 4);
  CHECK(weight(first) == weight(second));

  maas_trainer *other = trainer_with("update_rule", "sgd");
  const float before = weight(other);
  FAILS(maas_trainer_restore(other, fixture("third.checkpoint")), MAAS_INVALID_ARGUMENT, "incompatible");
  FAILS(maas_trainer_restore(other, fixture("digits.onnx")), MAAS_INVALID_MODEL, "");
  FAILS(maas_trainer_restore(other, "/nowhere/x"), MAAS_NOT_FOUND, "/nowhere/x");
  FAILS(maas_trainer_save(other, "/nowhere/x"), MAAS_IO_ERROR, "/nowhere/x");
  REFUSES_NULL(maas_trainer_save(other, NULL), "path");
  REFUSES_NULL(maas_trainer_restore(NULL, "x"), "trainer");
  CHECK(weight(other) == before);
  OK(maas_dataset_close(data));
  OK(maas_trainer_close(first));
  OK(maas_trainer_close(second));
  OK(maas_trainer_close(other));
}

static maas_dataset *indices(maas_dtype dtype, const void *values, size_t bytes) {
  const int64_t shape[] = {4, 1};
  maas_tensor *tensor = NULL, *targets = borrowed(y, shape, 2);
  maas_dataset *data = NULL;
  OK(maas_tensor_copy(dtype, shape, 2, values, bytes, &tensor));
  OK(maas_dataset_create((const maas_tensor *const *)&tensor, 1, targets, NULL, &data));
  OK(maas_tensor_close(tensor));
  OK(maas_tensor_close(targets));
  return data;
}

/* Features of other types are the same numbers, or are refused. */
static void other_types(void) {
  maas_trainer_options *options = fresh();
  maas_trainer *trainer = NULL;
  if (!options)
    return;
  OK(maas_trainer_create("input 1 type=int64\nembedding 9 1\nflatten", options, &trainer));
  OK(maas_trainer_options_close(options));
  static const int64_t longs[] = {1, 0, 8, 8};
  static const int32_t ints[] = {1, 0, 8, 8};
  static const uint8_t bytes[] = {1, 0, 8, 8};
  static const double doubles[] = {1, -0.0, 8, 8};
  static const float halves[] = {1, 0, 8, 7.5F};
  maas_dataset *data[] = {
      indices(MAAS_DTYPE_INT64, longs, sizeof longs), indices(MAAS_DTYPE_INT32, ints, sizeof ints),
      indices(MAAS_DTYPE_UINT8, bytes, sizeof bytes), indices(MAAS_DTYPE_DOUBLE, doubles, sizeof doubles),
      indices(MAAS_DTYPE_FLOAT, halves, sizeof halves)};
  double losses[5] = {0};
  for (int i = 0; i < 4; i++)
    OK(maas_trainer_evaluate(trainer, data[i], losses + i, 1));
  CHECK(losses[0] > 0 && losses[1] == losses[0] && losses[2] == losses[0] && losses[3] == losses[0]);
  FAILS(maas_trainer_evaluate(trainer, data[4], losses, 1), MAAS_TYPE_MISMATCH, "found 7.5 (float)");
  FAILS(maas_trainer_step(trainer, data[4], NULL), MAAS_TYPE_MISMATCH, "expected int64");
  OK(maas_trainer_step(trainer, data[1], NULL));
  for (size_t i = 0; i < COUNT(data); i++)
    OK(maas_dataset_close(data[i]));
  OK(maas_trainer_close(trainer));
}

int main(int argc, char **argv) {
  static const struct check checks[] = {{"the reference program", reference},
                                        {"callbacks of training", callbacks},
                                        {"callbacks that train", callbacks_that_train},
                                        {"one step of gradient descent", one_step},
                                        {"fine-tuning", fine_tuning},
                                        {"checkpoints", checkpoints},
                                        {"features of other types", other_types}};
  return run_checks(argc, argv, checks, COUNT(checks));
}
