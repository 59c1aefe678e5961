/* Quantization: options, samples that a callback gives, refusals that leave no file. */
#include "check.h"

#define NOWHERE "/nowhere/in.onnx"

/* How to quantize; NULL for a library that says it quantizes nothing, the Embedded one. */
static maas_quantization *fresh(void) {
  maas_quantization *quantization = NULL;
  maas_status status = maas_quantization_create(&quantization);
  if (status == MAAS_UNSUPPORTED && strstr(maas_error_message(), "quantizes no models"))
    return NULL;
  expect_ok(status, "maas_quantization_create", __FILE__, __LINE__);
  return quantization;
}

struct samples {
  size_t count;      /* how many there are */
  size_t asked, bad; /* how often one was asked for; the one that fails, from 1 */
  float pixels[64];
};

static maas_status give(void *context, size_t index, maas_sample *sample) {
  struct samples *samples = context;
  const int64_t shape[] = {1, 1, 8, 8};
  samples->asked++;
  if (index >= samples->count)
    return MAAS_OK;
  if (index + 1 == samples->bad)
    return maas_error_set(MAAS_BUSY, "the camera is away");
  for (int i = 0; i < 64; i++)
    samples->pixels[i] = (float)((i * 7 + (int)index * 13) % 17);
  maas_tensor *tensor = borrowed(samples->pixels, shape, 4);
  REFUSES_NULL(maas_sample_set(NULL, "image", tensor), "sample");
  REFUSES_NULL(maas_sample_set(sample, NULL, tensor), "name");
  REFUSES_NULL(maas_sample_set(sample, "image", NULL), "tensor");
  OK(maas_sample_set(sample, "image", tensor));
  OK(maas_tensor_close(tensor));
  return MAAS_OK;
}

static int is_there(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file)
    fclose(file);
  return file != NULL;
}

/* The paths of the model and of what is made of it. */
static char in[512], out[512];

static maas_quantization *begin(const char *name) {
  snprintf(in, sizeof in, "%s", fixture("digits.onnx"));
  snprintf(out, sizeof out, "%s", fixture(name));
  remove(out);
  return fresh();
}

static void dynamic(void) {
  maas_quantization *quantization = begin("dynamic.onnx");
  if (!quantization)
    return;
  char *report = NULL;
  OK(maas_quantize(in, out, NULL, &report));
  CHECK(strstr(report, "\"mode\": \"dynamic\"") != NULL);
  CHECK(strstr(report, "\"quantized_layers\": 1") != NULL);
  maas_text_free(report);
  OK(maas_session_close(open_session("dynamic.onnx")));
  OK(maas_quantize(in, out, quantization, NULL));
  OK(maas_quantization_close(quantization));
  OK(maas_quantization_close(NULL));
}

static void with_samples(void) {
  maas_quantization *quantization = begin("static.onnx");
  if (!quantization)
    return;
  struct samples samples = {.count = 5};
  const int64_t labels[] = {0, 1, 2, 3, 4};
  char *report = NULL;
  OK(maas_quantization_set(quantization, "mode", "static"));
  OK(maas_quantization_set(quantization, "method", "mse"));
  OK(maas_quantization_set_samples(quantization, give, &samples));
  OK(maas_quantization_set_labels(quantization, labels, 5));
  OK(maas_quantize(in, out, quantization, &report));
  CHECK(samples.asked > 5);
  CHECK(strstr(report, "\"samples\": 5") != NULL);
  CHECK(strstr(report, "\"accuracy_before\": null") == NULL);
  maas_text_free(report);
  OK(maas_session_close(open_session("static.onnx")));
  OK(maas_quantization_close(quantization));
}

static void options(void) {
  maas_quantization *quantization = begin("options.onnx");
  if (!quantization)
    return;
  static const struct {
    const char *name, *value;
  } good[] = {{"mode", "weights"},      {"bits", "4"},        {"block", "64"},  {"symmetric", "true"},
              {"method", "percentile"}, {"sqnr", "30"},       {"threads", "2"}, {"keep_only_faster", "true"},
              {"error_budget", "0.01"}, {"exclude", "a node"}};
  for (size_t i = 0; i < COUNT(good); i++)
    OK(maas_quantization_set(quantization, good[i].name, good[i].value));
  static const struct {
    const char *name, *value, *word;
  } wrong[] = {
      {"mode", "float", "static"},   {"method", "best", "entropy"},     {"bits", "four", "8, 4 or 2"},
      {"symmetric", "yes", "false"}, {"error_budget", "-1", "0.005"},   {"sqnr", "loud", "decibels"},
      {"threads", "257", "0..256"},  {"keep_only_faster", "1", "true"}, {"block", "-16", "128"}};
  for (size_t i = 0; i < COUNT(wrong); i++)
    FAILS(maas_quantization_set(quantization, wrong[i].name, wrong[i].value), MAAS_INVALID_ARGUMENT,
          wrong[i].word);
  FAILS(maas_quantization_set(quantization, "bit", "8"), MAAS_NOT_FOUND, "bits");
  REFUSES_NULL(maas_quantization_create(NULL), "quantization");
  REFUSES_NULL(maas_quantization_set(NULL, "bits", "8"), "quantization");
  REFUSES_NULL(maas_quantization_set(quantization, NULL, "8"), "name");
  REFUSES_NULL(maas_quantization_set(quantization, "bits", NULL), "value");
  REFUSES_NULL(maas_quantization_set_labels(quantization, NULL, 1), "labels");
  REFUSES_NULL(maas_quantization_set_samples(NULL, give, NULL), "quantization");
  OK(maas_quantization_close(quantization));
}

static void refusals(void) {
  maas_quantization *quantization = begin("refused.onnx");
  if (!quantization)
    return;
  struct samples samples = {.count = 0};
  const int64_t labels[] = {0, 1, 2};
  REFUSES_NULL(maas_quantize(NULL, out, NULL, NULL), "model");
  REFUSES_NULL(maas_quantize(in, NULL, NULL, NULL), "output");
  FAILS(maas_quantize(NOWHERE, out, NULL, NULL), MAAS_NOT_FOUND, NOWHERE);
  FAILS(maas_quantize(in, "/nowhere/out.onnx", NULL, NULL), MAAS_IO_ERROR, "cannot be written");
  OK(maas_quantization_set(quantization, "mode", "static"));
  FAILS(maas_quantize(in, out, quantization, NULL), MAAS_INVALID_ARGUMENT, "needs calibration data");
  OK(maas_quantization_set_samples(quantization, give, &samples));
  FAILS(maas_quantize(in, out, quantization, NULL), MAAS_INVALID_ARGUMENT, "at least one sample");
  samples.count = 5;
  samples.bad = 3;
  FAILS(maas_quantize(in, out, quantization, NULL), MAAS_BUSY, "the camera is away");
  samples.bad = 0;
  OK(maas_quantization_set_labels(quantization, labels, 3));
  FAILS(maas_quantize(in, out, quantization, NULL), MAAS_INVALID_ARGUMENT, "fewer labels than samples");
  OK(maas_quantization_set(quantization, "exclude", "nobody"));
  FAILS(maas_quantize(in, out, quantization, NULL), MAAS_NOT_FOUND, "'nobody'");
  CHECK(!is_there(out));
  OK(maas_quantization_close(quantization));
}

int main(int argc, char **argv) {
  static const struct check checks[] = {{"quantize dynamically", dynamic},
                                        {"quantize with samples", with_samples},
                                        {"options of quantization", options},
                                        {"refusals of quantization", refusals}};
  return run_checks(argc, argv, checks, COUNT(checks));
}
