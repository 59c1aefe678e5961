#!/usr/bin/env python3
"""Copies the Swift library of the toolchain so that the linker may drop what nobody uses: slim-swift.py OUT.a

Every function and constant of libswiftCore.a lies in a section of its own, but nearly all of them bear the flag "keep
even when unused", which is meant for programs that look symbols up at run time. libmaas exports only its C functions.
The copy has the flag cleared, except on the tables that the Swift runtime itself searches (swift5_…).
"""
import glob
import os
import shutil
import struct
import sys

SHF_GNU_RETAIN = 0x200000


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


def clear(archive, elf):
    """Clears the flag in the 64-bit little-endian ELF file that begins at `elf`; returns how often."""
    (headers,) = struct.unpack_from("<Q", archive, elf + 40)
    count, names_index = struct.unpack_from("<HH", archive, elf + 60)
    header = lambda i: elf + headers + 64 * i
    (names,) = struct.unpack_from("<Q", archive, header(names_index) + 24)
    cleared = 0
    for i in range(count):
        name, _, flags = struct.unpack_from("<IIQ", archive, header(i))
        if flags & SHF_GNU_RETAIN and not name_at(archive, elf + names + name).startswith("swift5_"):
            struct.pack_into("<Q", archive, header(i) + 8, flags & ~SHF_GNU_RETAIN)
            cleared += 1
    return cleared


def main(out):
    source = toolchain_library()
    if os.path.exists(out) and os.path.getmtime(out) >= os.path.getmtime(source):
        return
    with open(source, "rb") as file:
        archive = bytearray(file.read())
    found = [at for at, _ in members(archive) if archive[at : at + 5] == b"\x7fELF\x02"]
    if not sum(clear(archive, at) for at in found):
        sys.exit(f"slim-swift: {source} has no sections that are kept though unused")
    os.makedirs(os.path.dirname(out) or ".", exist_ok=True)
    with open(out + ".new", "wb") as file:
        file.write(archive)
    os.replace(out + ".new", out)


if __name__ == "__main__":
    main(sys.argv[1])
