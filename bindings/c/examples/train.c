/* Training: train out.onnx
 *
 * Learns y = x0 * x1 from samples, and writes the network as an ONNX model. */
#include <maas.h>
#include <stdio.h>
#include <stdlib.h>

enum { samples = 512 };

static void check(maas_status status) {
  if (status != MAAS_OK) {
    fprintf(stderr, "%s: %s\n", maas_status_name(status), maas_error_message());
    exit(1);
  }
}

/* Random pairs between -1 and 1, and their products. */
static maas_dataset *data(void) {
  static float x[samples * 2], y[samples];
  const int64_t shape_x[] = {samples, 2}, shape_y[] = {samples, 1};
  maas_tensor *features = NULL, *targets = NULL;
  maas_dataset *made = NULL;
  for (int i = 0; i < samples; i++) {
    for (int j = 0; j < 2; j++)
      x[2 * i + j] = 2 * (float)rand() / (float)RAND_MAX - 1;
    y[i] = x[2 * i] * x[2 * i + 1];
  }
  check(maas_tensor_borrow(MAAS_DTYPE_FLOAT, shape_x, 2, x, sizeof x, NULL, NULL, &features));
  check(maas_tensor_borrow(MAAS_DTYPE_FLOAT, shape_y, 2, y, sizeof y, NULL, NULL, &targets));
  check(maas_dataset_create((const maas_tensor *const *)&features, 1, targets, NULL, &made));
  maas_tensor_close(features);
  maas_tensor_close(targets);
  return made;
}

/* Prints every fiftieth epoch; training goes on until the loss is small. */
static int progress(void *context, const maas_epoch *epoch) {
  double number = 0, loss = 0;
  (void)context;
  maas_epoch_number(epoch, "epoch", &number);
  maas_epoch_number(epoch, "loss", &loss);
  if ((int)number % 50 == 0)
    printf("epoch %d: loss %.4f\n", (int)number, loss);
  return loss < 1e-5;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: train OUT.onnx\n");
    return 2;
  }
  maas_trainer_options *options = NULL;
  maas_trainer *trainer = NULL;
  check(maas_trainer_options_create(&options));
  check(maas_trainer_options_set(options, "loss", "mse"));
  check(maas_trainer_options_set(options, "update_rule", "adam"));
  check(maas_trainer_options_set(options, "learning_rate", "0.01"));
  check(maas_trainer_options_set(options, "epochs", "200"));
  check(maas_trainer_create("input 2\ndense 32 activation=tanh\ndense 1", options, &trainer));
  maas_trainer_options_close(options);

  maas_dataset *samples_of_products = data();
  double loss = 0;
  check(maas_trainer_fit(trainer, samples_of_products, NULL, progress, NULL));
  check(maas_trainer_evaluate(trainer, samples_of_products, &loss, 1));
  printf("%s\n", loss < 0.01 ? "learned" : "not learned");
  check(maas_trainer_export(trainer, argv[1]));
  maas_dataset_close(samples_of_products);
  maas_trainer_close(trainer);
  return 0;
}
