/* What C is answered for the cases of Tests/bad-input: bad-input FOLDER [case…], FOLDER as made by make.py there. */
#include "check.h"

enum { name, kind, model, inputs, tensors, args, status, words, columns };
enum { most_cases = 1000, most_tensors = 4 };

static char *table[most_cases][columns];

/* Splits `text` in place at each `separator`; returns how many parts there are. */
static int split(char *text, char separator, char **parts, int most) {
  int count = 0;
  while (text != NULL && count < most) {
    parts[count++] = text;
    text = strchr(text, separator);
    if (text != NULL)
      *text++ = 0;
  }
  return count;
}

static int read_table(void) {
  static char *lines[most_cases];
  size_t size = 0;
  char *text = (char *)fixture_bytes("cases.tsv", &size);
  text[size > 0 ? size - 1 : 0] = 0;
  int count = split(text, '\n', lines, most_cases);
  CHECK(count > 0 && count < most_cases);
  for (int i = 0; i < count; i++)
    CHECK(split(lines[i], '\t', table[i], columns) == columns);
  return count;
}

static char **case_at_hand(void) {
  for (int i = 0; i < most_cases && table[i][name] != NULL; i++)
    if (strcmp(table[i][name], check_at_hand()) == 0)
      return table[i];
  fail(__FILE__, __LINE__, "no such case");
}

/* Whether the library has not the operator of the model; $MAAS_OPERATORS says that it need not have all. */
static int operator_left_out(maas_status found) {
  const char *operators = getenv("MAAS_OPERATORS");
  return operators != NULL && strcmp(operators, "core") == 0 && found == MAAS_UNSUPPORTED &&
         strstr(maas_error_message(), "the operator is not supported") != NULL;
}

/* A refusal has the status of the table and its words, the first of them left out when `unnamed`. */
static void expect_refusal(char **row, maas_status found, int unnamed) {
  char expected[64], list[1024], *parts[16];
  if (operator_left_out(found))
    return;
  snprintf(expected, sizeof expected, "MAAS_%s", row[status]);
  snprintf(list, sizeof list, "%s", row[words]);
  if (strcmp(maas_status_name(found), expected) != 0) {
    fprintf(stderr, "expected %s\n", expected);
    expect_ok(found, "accepted", __FILE__, __LINE__);
    fail(__FILE__, __LINE__, row[name]);
  }
  int count = split(list, '|', parts, COUNT(parts));
  for (int i = unnamed; i < count; i++)
    FAILS(found, found, parts[i]);
}

struct feed {
  int count;
  char *names[most_tensors];
  maas_tensor *tensors[most_tensors];
};

static maas_dtype dtype_named(const char *text) {
  static const struct {
    const char *text;
    maas_dtype dtype;
  } known[] = {{"float32", MAAS_DTYPE_FLOAT}, {"float64", MAAS_DTYPE_DOUBLE}, {"int64", MAAS_DTYPE_INT64}};
  for (size_t i = 0; i < COUNT(known); i++)
    if (strcmp(known[i].text, text) == 0)
      return known[i].dtype;
  fail(__FILE__, __LINE__, text);
}

/* A tensor of zeros from name:dtype:dims. */
static void add_tensor(struct feed *feed, char *text) {
  char *parts[3], *sizes[8];
  int64_t shape[8];
  CHECK(split(text, ':', parts, 3) == 3);
  int rank = parts[2][0] == 0 ? 0 : split(parts[2], ',', sizes, 8);
  for (int i = 0; i < rank; i++)
    shape[i] = strtoll(sizes[i], NULL, 10);
  feed->names[feed->count] = parts[0];
  OK(maas_tensor_create(dtype_named(parts[1]), shape, (size_t)rank, &feed->tensors[feed->count++]));
}

static maas_status run(maas_session *session, char **row) {
  struct feed feed = {0, {NULL}, {NULL}};
  char *parts[most_tensors];
  int count = strcmp(row[tensors], "-") == 0 ? 0 : split(row[tensors], ' ', parts, most_tensors);
  for (int i = 0; i < count; i++)
    add_tensor(&feed, parts[i]);
  maas_tensor *output = NULL;
  maas_status found =
      maas_session_run(session, NULL, (const char *const *)feed.names,
                       (const maas_tensor *const *)feed.tensors, (size_t)count, NULL, &output, 1);
  CHECK((output == NULL) == (found != MAAS_OK));
  for (int i = 0; i < count; i++)
    OK(maas_tensor_close(feed.tensors[i]));
  OK(maas_tensor_close(output));
  return found;
}

static void answer_at_opening(void) {
  char **row = case_at_hand();
  maas_session *session = untouched();
  expect_refusal(row, maas_session_open(fixture(row[model]), NULL, &session), 0);
  CHECK(session == untouched());
}

/* The bytes of a file have no name, and no folder with external data. */
static void answer_in_memory(void) {
  char **row = case_at_hand();
  FILE *file = fopen(fixture(row[model]), "rb");
  char byte;
  int readable = file != NULL && (fread(&byte, 1, 1, file) == 1 || feof(file));
  if (file != NULL)
    fclose(file);
  if (!readable || strncmp(row[name], "external-", 9) == 0)
    return;
  size_t size = 0;
  unsigned char *bytes = fixture_bytes(row[model], &size);
  maas_session *session = untouched();
  expect_refusal(row, maas_session_open_memory(bytes, size, NULL, NULL, NULL, &session), 1);
  CHECK(session == untouched());
  free(bytes);
}

static void answer_open(void) {
  answer_at_opening();
  answer_in_memory();
}

/* At the latest when it is run. */
static void answer_model(void) {
  char **row = case_at_hand();
  maas_session *session = NULL;
  maas_status found = maas_session_open(fixture(row[model]), NULL, &session);
  expect_refusal(row, found == MAAS_OK ? run(session, row) : found, 0);
  OK(maas_session_close(session));
}

static void answer_run(void) {
  char **row = case_at_hand();
  maas_session *session = open_session(row[model]);
  expect_refusal(row, run(session, row), 0);
  OK(maas_session_close(session));
}

int main(int argc, char **argv) {
  static const struct check kinds[] = {{"open", answer_open}, {"model", answer_model}, {"run", answer_run}};
  static struct check checks[most_cases];
  size_t count = 0;
  use_folder(argc, argv);
  int cases = read_table();
  for (int i = 0; i < cases; i++)
    for (size_t k = 0; k < COUNT(kinds); k++)
      if (strcmp(table[i][kind], kinds[k].name) == 0)
        checks[count++] = (struct check){table[i][name], kinds[k].run};
  return run_checks(argc, argv, checks, count);
}
