/* What the programs about training share: the reference network, its data, a trainer. */
#ifndef TRAIN_H
#define TRAIN_H

#include "check.h"
#include <math.h>

#define NETWORK "input 10\ndense 10 activation=relu\ndense 1"
enum { SAMPLES = 100, FEATURES = 10 };

/* How to train; NULL for a library that says it trains nothing, the Embedded one. */
static inline maas_trainer_options *fresh(void) {
  maas_trainer_options *options = NULL;
  maas_status status = maas_trainer_options_create(&options);
  if (status == MAAS_UNSUPPORTED && strstr(maas_error_message(), "trains nothing"))
    return NULL;
  expect_ok(status, "maas_trainer_options_create", __FILE__, __LINE__);
  return options;
}

static float x[SAMPLES * FEATURES], y[SAMPLES];

/* Samples whose target is a weighted sum of the features. */
static inline maas_dataset *samples(void) {
  const int64_t shape_x[] = {SAMPLES, FEATURES}, shape_y[] = {SAMPLES, 1};
  maas_dataset *data = NULL;
  fill(x, COUNT(x));
  for (int i = 0; i < SAMPLES; i++) {
    y[i] = 0.5F;
    for (int j = 0; j < FEATURES; j++)
      y[i] += x[i * FEATURES + j] * (float)(j - 4) / 10;
  }
  maas_tensor *features = borrowed(x, shape_x, 2), *targets = borrowed(y, shape_y, 2);
  OK(maas_dataset_create((const maas_tensor *const *)&features, 1, targets, NULL, &data));
  OK(maas_tensor_close(features));
  OK(maas_tensor_close(targets));
  return data;
}

static inline maas_trainer *trainer_with(const char *name, const char *value) {
  maas_trainer_options *options = fresh();
  if (!options)
    return NULL;
  maas_trainer *trainer = NULL;
  OK(maas_trainer_options_set(options, "loss", "mse"));
  OK(maas_trainer_options_set(options, "learning_rate", "0.01"));
  OK(maas_trainer_options_set(options, name, value));
  OK(maas_trainer_create(NETWORK, options, &trainer));
  OK(maas_trainer_options_close(options));
  return trainer;
}

#endif
