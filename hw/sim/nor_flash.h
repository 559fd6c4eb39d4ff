// The program memory as NOR flash that outlives the simulation, in a file; and power that fails at
// a chosen operation on it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "image.h"

class NorFlash {
  public:
    // What of the operation that the power cut reaches has happened. Inside: the first half of its
    // words, and every other bit of the one in the middle.
    enum class Cut { kBefore, kInside, kAfter };

    // path: of the file, "" for none; operation: at which the power fails, counted from 1, 0:
    // never.
    NorFlash(std::string path, uint64_t operation, Cut cut)
        : path_(std::move(path)), cut_operation_(operation), cut_(cut) {}
    ~NorFlash();

    // Fills the memory from the file. A file that is not there is made of what the memory holds.
    // Returns an empty string, or what is wrong.
    std::string open(const Memory &memory);

    // Looks at the flash controller after each clock edge. Returns whether the power fails now.
    bool observe(bool busy, uint32_t address) { return busy != busy_ && change(busy, address); }

    // Before the memory is loaded from elsewhere: erased.
    static void erase(const Memory &memory);

    uint64_t operations() const { return operations_; }

  private:
    bool change(bool busy, uint32_t address);
    void tear(uint32_t end);
    void save(uint32_t from, uint32_t to);
    uint8_t &byte(uint32_t address) { return memory_.byte(address); }

    std::string path_;
    uint64_t cut_operation_;
    Cut cut_;
    Memory memory_{};
    int file_ = -1;
    bool busy_ = false;
    uint32_t start_ = 0; // address of the operation
    uint64_t operations_ = 0;
    std::vector<uint8_t> before_;
};
