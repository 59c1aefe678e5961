/* What the programs here share. A program is a list of checks, each run in a process of its own. */
#ifndef CHECK_H
#define CHECK_H

#include <maas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct check {
  const char *name;
  void (*run)(void);
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* main() of a program: PROGRAM FOLDER [check…], FOLDER as made by make.py. Prints "ok NAME" or "FAIL NAME". */
int run_checks(int argc, char **argv, const struct check *checks, size_t count);

/* For programs whose list of checks depends on FOLDER. */
void use_folder(int argc, char **argv);

/* The name of the check that runs. */
const char *check_at_hand(void);

/* Ends the check unless `condition` holds. */
#define CHECK(condition)                                                                                     \
  do {                                                                                                       \
    if (!(condition))                                                                                        \
      fail(__FILE__, __LINE__, #condition);                                                                  \
  } while (0)

/* Ends the check unless a call succeeds. */
#define OK(call) expect_ok((call), #call, __FILE__, __LINE__)

/* Ends the check unless a call fails with `status` and a message of one line that has `word` in it. */
#define FAILS(call, status, word) expect_failure((call), status, word, #call, __FILE__, __LINE__)

/* The same for an argument that must not be NULL. */
#define REFUSES_NULL(call, argument) FAILS(call, MAAS_INVALID_ARGUMENT, "'" argument "' must not be NULL")

#if defined(__GNUC__)
__attribute__((noreturn))
#endif
void fail(const char *file, int line, const char *text);
void expect_ok(maas_status status, const char *call, const char *file, int line);
void expect_failure(maas_status status, maas_status expected, const char *word, const char *call,
                    const char *file, int line);

/* What pointers hold before a call that must not write through them. */
void *untouched(void);

/* The path of a file in FOLDER; the text lives until the next call. */
const char *fixture(const char *name);

/* All bytes of a file in FOLDER, to be freed. */
unsigned char *fixture_bytes(const char *name, size_t *size);

maas_session *open_session(const char *name);
/* With an option set by name. */
maas_session *open_session_with(const char *name, const char *option, const char *value);
maas_model *open_model(const char *name);

/* A float tensor over `data`. */
maas_tensor *borrowed(float *data, const int64_t *shape, size_t rank);
float *floats(const maas_tensor *tensor);

/* `count` numbers from -1 to 1, always the same. */
void fill(float *numbers, size_t count);

#endif
