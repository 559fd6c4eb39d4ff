// Does to spi_bench.sv what it reads, a word at a time, and prints what comes back:
//   hand           from now on, move the pins; otherwise the controller does
//   ( )            select the chip, release it
//   )(             release it by hand for a single cycle
//   HH             send a byte; prints the one received
//   /HHN           send the upper N bits of a byte
//   pause N        wait N cycles
//   ready          wait until the chip is not busy; prints the cycles
//   load ADDRESS   a load from the window; prints the word and the cycles, or "fault"
//   reset          the controller
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include "Vspi_bench.h"
#include "verilated.h"

namespace {

constexpr int kStuck = 1000000;
constexpr int kApart = 4;
Vspi_bench bench;

void step() {
    bench.clock = 1;
    bench.eval();
    bench.clock = 0;
    bench.eval();
    bench.request = 0;
    bench.load_request = 0;
}

void steps(int count) {
    while (count--)
        step();
}

void write(bool select, uint32_t value) {
    bench.request = bench.write = 1;
    bench.select_register = select;
    bench.write_data = static_cast<uint8_t>(value);
    step();
}

uint32_t read(bool select) {
    bench.select_register = select;
    bench.eval();
    return bench.read_data;
}

void await_controller() {
    for (int i = 0; read(true) & 2; i++) {
        if (i == kStuck) {
            puts("stuck");
            exit(1);
        }
        step();
    }
}

uint32_t move_pins(uint32_t byte, int bits) {
    uint32_t received = 0;
    for (int i = 7; i >= 8 - bits; i--) {
        bench.hand_data = byte >> i & 1;
        steps(2);
        bench.hand_clock = 1;
        steps(2);
        received = received << 1 | bench.chip_data;
        bench.hand_clock = 0;
    }
    steps(2);
    return received;
}

void select(bool selected) {
    if (bench.by_hand) {
        bench.hand_select = selected;
        steps(kApart);
    } else {
        write(true, selected);
        await_controller();
    }
}

void send(const std::string &word) {
    const bool part = word[0] == '/';
    const auto value = static_cast<uint32_t>(strtoul(word.substr(part, 2).c_str(), nullptr, 16));
    uint32_t received;
    if (bench.by_hand) {
        received = move_pins(value, part ? word[3] - '0' : 8);
    } else {
        write(false, value);
        await_controller();
        received = read(false);
    }
    if (!part)
        printf("%02x\n", received);
}

void load(uint32_t address) {
    int cycles = 1;
    bench.load_request = 1;
    bench.load_address = address;
    for (step(); !bench.load_response; step())
        if (++cycles == kStuck) {
            puts("stuck");
            exit(1);
        }
    if (bench.load_error)
        puts("fault");
    else
        printf("%08x %d\n", bench.load_data, cycles);
}

} // namespace

int main() {
    bench.reset = 1;
    steps(4);
    bench.reset = 0;
    steps(20);
    std::string word;
    while (std::cin >> word) {
        int count;
        if (word == "hand") {
            bench.by_hand = 1;
        } else if (word == "(" || word == ")") {
            select(word == "(");
        } else if (word == ")(") {
            bench.hand_select = 0;
            step();
            bench.hand_select = 1;
            steps(kApart);
        } else if (word == "pause" && std::cin >> count) {
            steps(count);
        } else if (word == "ready") {
            for (count = 0; bench.busy; count++)
                step();
            printf("%d\n", count);
        } else if (word == "load" && std::cin >> std::hex >> count >> std::dec) {
            load(static_cast<uint32_t>(count));
        } else if (word == "reset") {
            bench.reset = 1;
            step();
            bench.reset = 0;
        } else {
            send(word);
        }
    }
    return 0;
}
