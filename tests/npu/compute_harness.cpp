// Drives npu_compute from standard input, a command a line, numbers in hexadecimal:
//   write BUFFER ADDRESS WORD...             through the load port
//   loads SHARE BUFFER ADDRESS WORD...       the same while the next descriptor runs
//   stores SHARE LINE COUNT                  reads lines while the next descriptor runs, and prints
//   each reset CYCLE                              in that cycle of the next run, which then ends:
//   prints "reset" run SEED DESCRIPTOR                      prints "ran CYCLES STEPS THROTTLED
//   TAKEN LEFT", the last of the loads read LINE COUNT                          prints lines
// A load or store is wanted in SHARE of 256 cycles, drawn at random.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <random>
#include <sstream>
#include <string>

#include "Vnpu_compute.h"
#include "verilated.h"

namespace {

constexpr int kStoreLatency = 6;
constexpr long kPatience = 20'000'000;

struct Load {
    bool weights;
    uint32_t address;
    uint32_t word;
};

VerilatedContext context;
Vnpu_compute top(&context);
std::deque<Load> loads;
std::deque<uint32_t> lines;
unsigned load_share, store_share;
std::mt19937 random_bits;
int reads_on_their_way[kStoreLatency]; // a shift register of grants
struct {
    long done, steps, throttled, taken;
} counts;

[[noreturn]] void fail(const char *what) {
    std::fprintf(stderr, "npu_compute: %s\n", what);
    std::exit(1);
}

void print_line() {
    const auto *bytes = reinterpret_cast<const uint8_t *>(&top.store_data);
    std::string text = "line ";
    for (unsigned n = 0; n < sizeof(top.store_data); n++) {
        char digits[3];
        std::snprintf(digits, sizeof digits, "%02x", bytes[n]);
        text += digits;
    }
    std::puts(text.c_str());
}

// One clock cycle. The inputs of descriptors and reset are the caller's.
void cycle() {
    const bool load = !loads.empty() && (random_bits() & 255) < load_share;
    top.load_valid = load || (top.load_valid && !loads.empty()); // what is offered stays
    if (top.load_valid) {
        top.load_buffer = loads.front().weights;
        top.load_address = loads.front().address >> 2;
        top.load_data = loads.front().word;
    }
    top.store_request = !top.reset && !lines.empty() && (random_bits() & 255) < store_share;
    if (top.store_request)
        top.store_address = lines.front();
    top.clock = 0;
    top.eval();
    if (top.store_response != reads_on_their_way[kStoreLatency - 1])
        fail("a store's response at a wrong time");
    if (top.store_response)
        print_line();
    if (top.store_request && !top.store_grant)
        fail("a store's read was not granted");
    for (int n = kStoreLatency - 1; n > 0; n--)
        reads_on_their_way[n] = reads_on_their_way[n - 1];
    reads_on_their_way[0] = top.store_request;
    if (top.reset)
        for (int &read : reads_on_their_way)
            read = 0;
    if (top.store_request)
        lines.pop_front();
    const bool loaded = top.load_valid && top.load_ready;
    if (loaded)
        loads.pop_front();
    counts.done += top.done;
    counts.steps += top.step;
    counts.throttled += top.throttled;
    counts.taken += top.port_taken;
    top.clock = 1;
    top.eval();
    if (loaded)
        top.load_valid = 0;
}

// Until the loads and stores are done, at full rate.
void finish() {
    load_share = store_share = 256;
    for (long n = 0; !loads.empty() || !lines.empty(); n++) {
        if (n > kPatience)
            fail("a load or store does not end");
        cycle();
    }
    for (int n = 0; n < 40; n++)
        cycle();
}

void run(std::istringstream &arguments, long reset_cycle) {
    uint32_t seed;
    std::string digits;
    arguments >> std::hex >> seed >> digits;
    random_bits.seed(seed);
    for (int n = 0; n < 16; n++) // the last word comes first
        top.descriptor[15 - n] = std::stoul(digits.substr(8 * n, 8), nullptr, 16);
    top.descriptor_valid = 1;
    counts = {};
    long cycles = 0;
    for (; counts.done == 0 && !top.reset; cycles++) {
        if (cycles == reset_cycle)
            top.reset = 1;
        if (cycles > kPatience)
            fail("the descriptor does not end");
        cycle();
        top.descriptor_valid = 0;
    }
    const auto ran = counts;
    const bool was_reset = top.reset;
    top.reset = 0;
    const size_t left = loads.size();
    finish();
    if (counts.done != ran.done)
        fail("done twice, or after a reset");
    if (!top.descriptor_ready)
        fail("not ready when done");
    if (was_reset)
        std::puts("reset");
    else
        std::printf("ran %ld %ld %ld %ld %zu\n", cycles, ran.steps, ran.throttled, ran.taken, left);
}

} // namespace

int main() {
    std::string line;
    long reset_cycle = -1;
    top.reset = 1;
    for (int n = 0; n < 40; n++)
        cycle();
    top.reset = 0;
    while (std::getline(std::cin, line)) {
        std::istringstream arguments(line);
        std::string command;
        arguments >> command >> std::hex;
        if (command == "write" || command == "loads") {
            unsigned share = 256, buffer;
            uint32_t address, word;
            if (command == "loads")
                arguments >> share;
            arguments >> buffer >> address;
            for (; arguments >> word; address += 4)
                loads.push_back({buffer != 0, address, word});
            load_share = share;
            if (command == "write")
                finish();
        } else if (command == "stores" || command == "read") {
            unsigned share = 256, first, count;
            if (command == "stores")
                arguments >> share;
            arguments >> first >> count;
            for (unsigned n = 0; n < count; n++)
                lines.push_back(first + n);
            store_share = share;
            if (command == "read")
                finish();
        } else if (command == "reset") {
            arguments >> reset_cycle;
        } else if (command == "run") {
            run(arguments, reset_cycle);
            reset_cycle = -1;
        } else {
            fail("unknown command");
        }
    }
    return 0;
}
