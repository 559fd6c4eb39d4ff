// The neural engine and a memory behind its port that stalls at random, driven by commands on
// standard input.
//
//   write ADDRESS BYTES + the bytes   to memory, as all addresses from MEMORY on
//   read ADDRESS BYTES                answers with the bytes
//   set OFFSET VALUE STROBES          writes a register; answers with the response
//   get OFFSET                        answers with the register
//   stall SEED AR R AW W B LATENCY    percent of the cycles in which a channel stalls (the control
//                                     port's too); cycles from an address to its first word
//   error FIRST END                   addresses that answer with SLVERR
//   run CYCLES                        until the engine is not busy, or so many; answers with cycles
//   tick CYCLES
//   interrupt                         answers with its level
//
// Answers but for bytes are words of 32 bits, little-endian. Every cycle is checked by the rules of
// AXI; the first that is broken ends the program with status 1 and a line on standard error.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "Vnpu.h"
#include "verilated.h"

namespace {

constexpr uint32_t MEMORY = 0x90000000;
constexpr uint32_t MEMORY_BYTES = 1 << 20;
constexpr uint32_t OKAY = 0, SLVERR = 2, DECERR = 3;

Vnpu top;
std::vector<uint8_t> memory(MEMORY_BYTES);
std::mt19937 generator;
uint64_t now;
uint32_t error_first, error_end;

struct Stalls {
    int address_read, read, address_write, write, response, latency;
} stalls;

[[noreturn]] void broken(const char *rule) {
    fprintf(stderr, "cycle %llu: %s\n", static_cast<unsigned long long>(now), rule);
    exit(1);
}

bool flows(int stall_percent) {
    return static_cast<int>(generator() % 100) >= stall_percent;
}

uint32_t response_of(uint32_t address) {
    if (address - MEMORY >= MEMORY_BYTES)
        return DECERR;
    return address >= error_first && address < error_end ? SLVERR : OKAY;
}

struct Burst {
    uint32_t address, beats;
    uint64_t ready; // cycle of its first word
};

Burst taken_burst(uint32_t address, uint32_t length, uint32_t size, uint32_t type) {
    uint32_t beats = length + 1;
    if (beats > 16)
        broken("a burst of more than 16 words");
    if (size != 2 || type != 1 || address % 4)
        broken("a burst that is not of aligned words at increasing addresses");
    if (address / 4096 != (address + 4 * beats - 1) / 4096)
        broken("a burst across 4 KiB");
    return {address, beats, now + stalls.latency};
}

// What a channel shows must stay until it is taken.
struct Channel {
    const char *rule;
    bool waits = false;
    uint64_t shown = 0;
    void check(bool valid, bool ready, uint64_t payload) {
        if (waits && (!valid || payload != shown))
            broken(rule);
        waits = valid && !ready;
        shown = payload;
    }
};
Channel address_read{"AR changed before it was taken"},
    address_write{"AW changed before it was taken"}, data_write{"W changed before it was taken"},
    control_response{"B changed before it was taken"},
    control_read{"R changed before it was taken"};

struct Beat {
    uint32_t data, strobes;
    bool last;
};
std::deque<Burst> reads, writes;
std::deque<Beat> beats;
std::deque<std::pair<uint64_t, uint32_t>> responses; // when, which

void write_burst() {
    // AXI lets words come before their address.
    if (writes.empty())
        return;
    Burst burst = writes.front();
    if (beats.size() < burst.beats) {
        for (const Beat &beat : beats)
            if (beat.last)
                broken("WLAST before the last word of a burst");
        return;
    }
    uint32_t response = OKAY;
    for (uint32_t n = 0; n < burst.beats; n++) {
        Beat beat = beats.front();
        beats.pop_front();
        if (beat.last != (n + 1 == burst.beats))
            broken("WLAST in the wrong place");
        uint32_t address = burst.address + 4 * n;
        response = std::max(response, response_of(address));
        for (int lane = 0; lane < 4; lane++)
            if (beat.strobes >> lane & 1 && response_of(address) == OKAY)
                memory[address - MEMORY + lane] = beat.data >> 8 * lane;
    }
    writes.pop_front();
    responses.push_back({now + 1 + stalls.latency / 2, response});
}

void cycle() {
    top.m_axi_arready = flows(stalls.address_read);
    top.m_axi_awready = flows(stalls.address_write);
    top.m_axi_wready = flows(stalls.write);
    // What is valid stays so.
    if (!top.m_axi_rvalid && !reads.empty() && reads.front().ready <= now && flows(stalls.read)) {
        const Burst &burst = reads.front();
        uint32_t word = 0xdeadbeef;
        if (response_of(burst.address) != DECERR)
            memcpy(&word, &memory[burst.address - MEMORY], 4);
        top.m_axi_rvalid = 1;
        top.m_axi_rdata = word;
        top.m_axi_rresp = response_of(burst.address);
        top.m_axi_rlast = burst.beats == 1;
    }
    if (!top.m_axi_bvalid && !responses.empty() && responses.front().first <= now &&
        flows(stalls.response)) {
        top.m_axi_bvalid = 1;
        top.m_axi_bresp = responses.front().second;
    }
    top.eval();

    address_read.check(top.m_axi_arvalid, top.m_axi_arready,
                       uint64_t{top.m_axi_araddr} << 8 | top.m_axi_arlen);
    address_write.check(top.m_axi_awvalid, top.m_axi_awready,
                        uint64_t{top.m_axi_awaddr} << 8 | top.m_axi_awlen);
    data_write.check(top.m_axi_wvalid, top.m_axi_wready,
                     uint64_t{top.m_axi_wdata} << 8 | top.m_axi_wstrb << 1 | top.m_axi_wlast);
    control_response.check(top.s_axi_bvalid, top.s_axi_bready, top.s_axi_bresp);
    control_read.check(top.s_axi_rvalid, top.s_axi_rready, top.s_axi_rdata);

    bool read_taken = top.m_axi_rvalid && top.m_axi_rready,
         response_taken = top.m_axi_bvalid && top.m_axi_bready;
    if (read_taken) {
        Burst &burst = reads.front();
        burst.address += 4;
        if (--burst.beats == 0)
            reads.pop_front();
    }
    if (response_taken)
        responses.pop_front();
    if (top.m_axi_arvalid && top.m_axi_arready)
        reads.push_back(
            taken_burst(top.m_axi_araddr, top.m_axi_arlen, top.m_axi_arsize, top.m_axi_arburst));
    if (top.m_axi_awvalid && top.m_axi_awready)
        writes.push_back(
            taken_burst(top.m_axi_awaddr, top.m_axi_awlen, top.m_axi_awsize, top.m_axi_awburst));
    if (top.m_axi_wvalid && top.m_axi_wready)
        beats.push_back({top.m_axi_wdata, top.m_axi_wstrb, static_cast<bool>(top.m_axi_wlast)});
    write_burst();

    top.clock = 1;
    top.eval();
    top.clock = 0;
    if (read_taken)
        top.m_axi_rvalid = 0;
    if (response_taken)
        top.m_axi_bvalid = 0;
    now++;
}

uint32_t set(uint32_t offset, uint32_t value, uint32_t strobes) {
    bool address_taken = false, data_taken = false;
    top.s_axi_awaddr = offset;
    top.s_axi_wdata = value;
    top.s_axi_wstrb = strobes;
    for (;;) {
        if (!address_taken && !top.s_axi_awvalid)
            top.s_axi_awvalid = flows(stalls.address_write);
        if (!data_taken && !top.s_axi_wvalid)
            top.s_axi_wvalid = flows(stalls.write);
        top.s_axi_bready = flows(stalls.response);
        top.eval();
        bool address = top.s_axi_awvalid && top.s_axi_awready,
             data = top.s_axi_wvalid && top.s_axi_wready;
        bool answered = top.s_axi_bvalid && top.s_axi_bready;
        uint32_t response = top.s_axi_bresp;
        if (answered && !(address_taken && data_taken))
            broken("B before AW and W");
        cycle();
        if (address)
            top.s_axi_awvalid = 0;
        if (data)
            top.s_axi_wvalid = 0;
        address_taken |= address;
        data_taken |= data;
        if (answered)
            return response;
    }
}

uint32_t get(uint32_t offset) {
    bool address_taken = false;
    top.s_axi_araddr = offset;
    for (;;) {
        if (!address_taken && !top.s_axi_arvalid)
            top.s_axi_arvalid = flows(stalls.address_write);
        top.s_axi_rready = flows(stalls.response);
        top.eval();
        bool address = top.s_axi_arvalid && top.s_axi_arready,
             answered = top.s_axi_rvalid && top.s_axi_rready;
        uint32_t value = top.s_axi_rdata;
        if (answered && top.s_axi_rresp != OKAY)
            broken("a register cannot be read");
        cycle();
        if (address)
            top.s_axi_arvalid = 0;
        address_taken |= address;
        if (answered)
            return value;
    }
}

void answer(uint32_t word) {
    fwrite(&word, 4, 1, stdout);
}

uint8_t *place(uint32_t address, uint32_t bytes) {
    if (address - MEMORY > MEMORY_BYTES || bytes > MEMORY_BYTES - (address - MEMORY))
        broken("a command beyond memory");
    return &memory[address - MEMORY];
}

} // namespace

int main() {
    top.reset = 1;
    for (int n = 0; n < 4; n++)
        cycle();
    if (top.m_axi_arvalid || top.m_axi_awvalid || top.m_axi_wvalid || top.s_axi_bvalid ||
        top.s_axi_rvalid)
        broken("valid during reset");
    top.reset = 0;

    char line[256];
    while (fgets(line, sizeof line, stdin)) {
        char name[16];
        uint32_t a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0;
        sscanf(line, "%15s %u %u %u %u %u %u %u", name, &a, &b, &c, &d, &e, &f, &g);
        std::string command = name;
        if (command == "write") {
            if (fread(place(a, b), 1, b, stdin) != b)
                return 2;
        } else if (command == "read") {
            fwrite(place(a, b), 1, b, stdout);
        } else if (command == "set") {
            answer(set(a, b, c));
        } else if (command == "get") {
            answer(get(a));
        } else if (command == "stall") {
            generator.seed(a);
            stalls = {int(b), int(c), int(d), int(e), int(f), int(g)};
        } else if (command == "error") {
            error_first = a;
            error_end = b;
        } else if (command == "run") {
            uint64_t start = now;
            do
                cycle();
            while (top.busy && now - start < a);
            answer(now - start);
        } else if (command == "tick") {
            for (uint32_t n = 0; n < a; n++)
                cycle();
        } else if (command == "interrupt") {
            answer(top.irq);
        } else
            broken("unknown command");
        fflush(stdout);
    }
    return 0;
}
