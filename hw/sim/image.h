// Loads a firmware image into the simulated memories.
#pragma once

#include <cstdint>
#include <string>

// One simulated memory: `bytes` bytes from address `origin`, byte n in lane n % 4, whose bytes lie
// `stride` bytes apart.
struct Memory {
    const char *name;
    uint32_t origin;
    uint32_t bytes;
    uint8_t *lanes[4];
    uint32_t stride;

    uint8_t &byte(uint32_t offset) const { return lanes[offset % 4][offset / 4 * stride]; }
};

// Loads an ELF file (segments at their physical addresses) or a raw binary (at address 0).
// Returns an empty string, or what is wrong with the file.
std::string load_image(const std::string &path, const Memory *memories, int memory_count);
