/// The portable formats P1 ... P6, and PAM (P7).
#include "images.h"

typedef struct pnm_header {
  char kind; ///< The digit after P.
  int64_t width, height, channels, largest;
} pnm_header;

/// The bytes that are left.
typedef struct pnm_cursor {
  const uint8_t *at, *end;
} pnm_cursor;

static bool is_space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static void skip_space(pnm_cursor *cursor) {
  while (cursor->at < cursor->end && (is_space(*cursor->at) || *cursor->at == '#'))
    if (*cursor->at++ == '#')
      while (cursor->at < cursor->end && *cursor->at != '\n')
        cursor->at++;
}

/// -1 where no number stands.
static int64_t read_number(pnm_cursor *cursor) {
  skip_space(cursor);
  int64_t value = -1;
  for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9' && value < 1 << 28;
       cursor->at++)
    value = (value < 0 ? 0 : value * 10) + (*cursor->at - '0');
  return value;
}

static bool take_word(pnm_cursor *cursor, const char *word) {
  size_t length = strlen(word);
  if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, word, length) != 0)
    return false;
  cursor->at += length;
  return true;
}

static bool read_pam(pnm_cursor *cursor, pnm_header *header) {
  while (skip_space(cursor), !take_word(cursor, "ENDHDR")) {
    if (take_word(cursor, "WIDTH"))
      header->width = read_number(cursor);
    else if (take_word(cursor, "HEIGHT"))
      header->height = read_number(cursor);
    else if (take_word(cursor, "DEPTH"))
      header->channels = read_number(cursor);
    else if (take_word(cursor, "MAXVAL"))
      header->largest = read_number(cursor);
    while (cursor->at < cursor->end && *cursor->at != '\n')
      cursor->at++;
    if (cursor->at == cursor->end)
      return false;
  }
  return true;
}

static bool read_header(pnm_cursor *cursor, pnm_header *header) {
  cursor->at++;
  if (cursor->at == cursor->end || *cursor->at < '1' || *cursor->at > '7')
    return false;
  header->kind = (char)*cursor->at++;
  if (header->kind == '7') {
    if (!read_pam(cursor, header))
      return false;
  } else {
    header->width = read_number(cursor);
    header->height = read_number(cursor);
    header->channels = header->kind == '3' || header->kind == '6' ? 3 : 1;
    header->largest = header->kind == '1' || header->kind == '4' ? 1 : read_number(cursor);
  }
  if (header->kind > '3' && cursor->at++ == cursor->end) // One space before the samples.
    return false;
  return header->channels >= 1 && header->channels <= 4 && header->largest >= 1 && header->largest <= 65535;
}

static int64_t read_sample(pnm_cursor *cursor, const pnm_header *header) {
  if (header->kind == '1') { // Digits need no space between them.
    skip_space(cursor);
    return cursor->at < cursor->end ? '1' - *cursor->at++ : -1;
  }
  if (header->kind <= '3')
    return read_number(cursor);
  int64_t value = 0;
  for (int64_t left = header->largest > 255 ? 2 : 1; left > 0; left--) {
    if (cursor->at == cursor->end)
      return -1;
    value = value << 8 | *cursor->at++;
  }
  return value;
}

static bool read_row(pnm_cursor *cursor, const pnm_header *header, uint8_t *row) {
  for (int64_t x = 0; x < header->width; x++, row += image_channels)
    for (int64_t c = 0; c < header->channels; c++) {
      int64_t value = read_sample(cursor, header);
      if (value < 0 || value > header->largest)
        return false;
      uint8_t byte = (uint8_t)((value * 255 + header->largest / 2) / header->largest);
      if (header->channels < image_channels && c == 0)
        set_pixel(row, byte, byte, byte);
      else if (header->channels >= image_channels && c < image_channels)
        row[c] = byte;
    }
  return true;
}

/// P4: eight pixels in a byte, 1 is black.
static bool read_bits(pnm_cursor *cursor, const pnm_header *header, uint8_t *row) {
  int64_t bytes = (header->width + 7) / 8;
  if (cursor->end - cursor->at < bytes)
    return false;
  for (int64_t x = 0; x < header->width; x++, row += image_channels) {
    uint8_t byte = cursor->at[x / 8] >> (7 - x % 8) & 1 ? 0 : 255;
    set_pixel(row, byte, byte, byte);
  }
  cursor->at += bytes;
  return true;
}

bool decode_pnm(const image_source *source, maas_image *image) {
  pnm_cursor cursor = {source->bytes, source->bytes + source->size};
  pnm_header header = {0};
  if (!read_header(&cursor, &header) || !image_allocate(image, header.width, header.height))
    return false;
  for (int64_t y = 0; y < image->height; y++) {
    uint8_t *row = image_row(image, y);
    if (!(header.kind == '4' ? read_bits(&cursor, &header, row) : read_row(&cursor, &header, row)))
      return false;
  }
  return true;
}
