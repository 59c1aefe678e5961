/// The compiler takes what these return for their argument, but the Embedded standard library (6.3.1) returns the
/// object without its tag bits, which makes garbage of small strings. Strong definitions win over its weak ones.
#include <stdint.h>

void *swift_retain(void *object);
void *swift_bridgeObjectRetain(void *tagged);
void *swift_bridgeObjectRetain_n(void *tagged, uint32_t times);

/// Bits that are no part of the address; with the topmost set there is no object.
static const uintptr_t tag = 0x7000000000000007;

void *swift_bridgeObjectRetain_n(void *tagged, uint32_t times) {
  if ((intptr_t)tagged > 0)
    for (; times > 0; times--)
      swift_retain((void *)((uintptr_t)tagged & ~tag));
  return tagged;
}

void *swift_bridgeObjectRetain(void *tagged) { return swift_bridgeObjectRetain_n(tagged, 1); }
