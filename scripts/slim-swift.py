#!/usr/bin/env python3
"""Copies the Swift library of the toolchain so that the linker may drop what nobody uses: slim-swift.py OUT.a

Every function and constant of libswiftCore.a lies in a section of its own, but nearly all of them bear the flag "keep
even when unused", which is meant for programs that look symbols up at run time. libmaas exports only its C functions.
The copy has the flag cleared, except on the tables that the Swift runtime itself searches.

A function that libmaas never calls, but that something it keeps mentions, is replaced by a trap, so that what only it
needs goes as well: the tables with the Unicode names of characters, half a megabyte; and what describes values to
debuggers or users, reflects or codes them, and the conformances of types that no line of the core mentions. Only casts
to protocols find the latter, and the core, which is Embedded Swift as well, has none. A page-aligned buffer of zeros,
for the environment of the program that prints backtraces, is no longer stored.
"""
import bisect
import glob
import os
import re
import shutil
import struct
import sys

SHF_GNU_RETAIN = 0x200000
TRAP = b"\x0f\x0b"  # ud2
SHT_NOBITS = 8
ZEROS = "swift5_backtrace"
UNCALLED = re.compile(r"\.text\._swift_stdlib_getScalarName$")
SEARCHED = re.compile(
    r"swift5_(protocols|protocol_conformances|type_metadata(_2)?|replace|replac2|accessible_functions)$")
# Protocol witnesses (TW) share a section.
UNCALLED_WITNESS = re.compile(
    r"(CustomDebugStringConvertible|CustomReflectable|CustomPlaygroundQuickLookable).*TW$"
    r"|S[Ee]s.*(Encoder|Decoder)_p_tK.*TW$|(En|De)codingContainer"
)
# The same of types that no line of the core mentions, and of what makes texts for users.
UNMENTIONED = re.compile(
    r"^\$s(?!S[iudfSs]s|s\d+U?Int\d*Vs).*(CustomStringConvertible|TextOutputStreamable).*TW$"
    r"|(DiscontiguousSlice|RangeSet|CollectionDifference|KeyValuePairs|6MirrorV|AnyCollection|AnySequence"
    r"|AnyBidirectional|AnyRandomAccess|Duration|KeyPath|StaticString|SIMD|CodingKey|Codable|Lazy|Clock|Instant).*TW$"
)
CALLED = re.compile(
    r"description|5write|DiscontiguousSlice|RangeSet|CollectionDifference|KeyValuePairs|6MirrorV|AnyCollection"
    r"|AnySequence|AnyBidirectional|AnyRandomAccess|Duration|KeyPath|StaticString|SIMD|CodingKey|Codable|Lazy|Clock"
    r"|Instant"
)
SYMBOL, RELOCATION = struct.Struct("<IBBHQQ"), struct.Struct("<QQq")
SHT_SYMTAB = 2
STT_FUNC = 2


def toolchain_library():
    swiftc = os.path.realpath(shutil.which("swiftc") or sys.exit("slim-swift: swiftc is not on PATH"))
    pattern = os.path.join(os.path.dirname(os.path.dirname(swiftc)), "lib", "swift_static", "linux", "libswiftCore.a")
    return (glob.glob(pattern) or sys.exit(f"slim-swift: there is no {pattern}"))[0]


def members(archive):
    """(offset, size) of every member of an ar archive."""
    at = 8
    while at < len(archive):
        size = int(archive[at + 48 : at + 58])
        yield at + 60, size
        at += 60 + size + size % 2


def name_at(archive, at):
    return archive[at : archive.index(0, at)].decode()


class Sections:
    """The section headers of the 64-bit little-endian ELF file that begins at `elf`."""

    def __init__(self, archive, elf):
        self.archive, self.elf = archive, elf
        (self.first,) = struct.unpack_from("<Q", archive, elf + 40)
        self.count, names = struct.unpack_from("<HH", archive, elf + 60)
        if self.count == 0:  # More than fit: the first header says how many.
            (self.count,) = struct.unpack_from("<Q", archive, self.at(0) + 32)
        if names == 0xFFFF:
            (names,) = struct.unpack_from("<I", archive, self.at(0) + 40)
        (self.names,) = struct.unpack_from("<Q", archive, self.at(names) + 24)

    def at(self, i):
        return self.elf + self.first + 64 * i

    def name(self, i):
        (offset,) = struct.unpack_from("<I", self.archive, self.at(i))
        return name_at(self.archive, self.elf + self.names + offset)

    def field(self, i, at, form="<Q"):
        return struct.unpack_from(form, self.archive, self.at(i) + at)[0]

    def contents(self, i):
        """Where they begin in the archive, and how long they are."""
        return self.elf + self.field(i, 24), self.field(i, 32)

    def symbols(self):
        """(name, whether it is a function, section, first, size) of each."""
        table = next(i for i in range(1, self.count) if self.field(i, 4, "<I") == SHT_SYMTAB)
        (at, size), names = self.contents(table), self.contents(self.field(table, 40, "<I"))[0]
        for entry in range(at, at + size, SYMBOL.size):
            name, info, _, of, value, length = SYMBOL.unpack_from(self.archive, entry)
            yield name_at(self.archive, names + name), info & 15 == STT_FUNC, of, value, length

    def clear_retain(self, i):
        """Whether there was the flag to clear."""
        (flags,) = struct.unpack_from("<Q", self.archive, self.at(i) + 8)
        struct.pack_into("<Q", self.archive, self.at(i) + 8, flags & ~SHF_GNU_RETAIN)
        return flags & SHF_GNU_RETAIN != 0

    def resize(self, i, size):
        struct.pack_into("<Q", self.archive, self.at(i) + 32, size)

    def forget_contents(self, i):
        struct.pack_into("<I", self.archive, self.at(i) + 4, SHT_NOBITS)

    def trap(self, i):
        (offset,) = struct.unpack_from("<Q", self.archive, self.at(i) + 24)
        self.archive[self.elf + offset : self.elf + offset + len(TRAP)] = TRAP
        self.resize(i, len(TRAP))


class Places:
    """Functions of a section by where they are."""

    def __init__(self, found):
        self.found = sorted(found)
        self.begins = [first for first, _, _ in self.found]

    def of(self, place):
        """The name of the function that a place lies in, or None."""
        nearest = bisect.bisect_right(self.begins, place) - 1
        first, size, name = self.found[nearest] if nearest >= 0 else (0, 0, None)
        return name if place < first + size else None


def trap_witnesses(sections, text, relocations):
    """Replaces those of a section that nobody calls; returns how many.

    The compiler gives equal functions one body, under one of their names. So a witness of a type that is not mentioned
    counts only where it calls what bears such a name.
    """
    symbols = list(sections.symbols())
    places = Places((at, size, name) for name, function, of, at, size in symbols if of == text and function and size)
    (at, size), called = sections.contents(relocations), {}
    entries = [(entry, *RELOCATION.unpack_from(sections.archive, entry))
        for entry in range(at, at + size, RELOCATION.size)]
    for _, place, info, _ in entries:
        called.setdefault(places.of(place), []).append(symbols[info >> 32][0])
    trapped = {
        name for _, _, name in places.found
        if UNCALLED_WITNESS.search(name)
        or UNMENTIONED.search(name) and any(CALLED.search(other) for other in called.get(name, ()))
    }  # fmt: skip
    for first, _, name in places.found:
        if name in trapped:
            at = sections.contents(text)[0] + first
            sections.archive[at : at + len(TRAP)] = TRAP
    for entry, place, _, _ in entries:
        if places.of(place) in trapped:
            RELOCATION.pack_into(sections.archive, entry, place, 0, 0)  # R_X86_64_NONE
    return len(trapped)


def slim(sections):
    """Changes one object file; returns how many flags were cleared and how many functions replaced."""
    cleared = trapped = 0
    for i in range(1, sections.count):
        name = sections.name(i)
        if not SEARCHED.match(name):
            cleared += sections.clear_retain(i)
        if name == ZEROS:
            sections.forget_contents(i)
        if UNCALLED.match(name):
            sections.trap(i)
            trapped += 1
        elif name.startswith(".rela") and UNCALLED.match(name[len(".rela") :]):
            sections.resize(i, 0)
        elif name == ".rela.text":
            trapped += trap_witnesses(sections, sections.field(i, 44, "<I"), i)
    return cleared, trapped


def main(out):
    source = toolchain_library()
    newest = max(os.path.getmtime(file) for file in (source, __file__))
    if os.path.exists(out) and os.path.getmtime(out) >= newest:
        return
    with open(source, "rb") as file:
        archive = bytearray(file.read())
    found = [at for at, _ in members(archive) if archive[at : at + 5] == b"\x7fELF\x02"]
    cleared, trapped = (sum(counts) for counts in zip(*(slim(Sections(archive, at)) for at in found)))
    if not cleared or not trapped:
        sys.exit(f"slim-swift: {source} is not as it was: {cleared} sections kept though unused, {trapped} uncalled")
    os.makedirs(os.path.dirname(out) or ".", exist_ok=True)
    with open(out + ".new", "wb") as file:
        file.write(archive)
    os.replace(out + ".new", out)


if __name__ == "__main__":
    main(sys.argv[1])
