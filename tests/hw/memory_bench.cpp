// Drives memory_bench.sv: random bursts of the engine beside random accesses of the core, judged by
// a model of the memories (`random SEED CYCLES STALLS`), or the cycles that long transfers take
// (`rate`).
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "Vmemory_bench.h"
#include "verilated.h"

namespace {

constexpr uint32_t kOkay = 0, kSlaveError = 2, kDecodeError = 3;
constexpr uint32_t kProgramBytes = 1 << 12, kSramBytes = 1 << 12, kExternalBytes = 1 << 16;
constexpr uint32_t kSram = 0x10000000, kExternal = 0x80000000, kNothing = 0x40000000;
constexpr uint64_t kStuck = 20000;

struct Burst {
    uint32_t address, length; // words
    std::vector<uint32_t> data;
    std::vector<uint8_t> lanes;
    uint32_t response;
};

class Bench {
  public:
    Bench(uint64_t seed, double stalls) : random_(seed), stalls_(stalls) { reset(); }

    void traffic(uint64_t cycles, double core);
    double rate(uint32_t address, bool writes, uint32_t words);
    uint64_t core_latency(uint32_t address);
    void settle() {
        while (!idle())
            step();
    }

  private:
    uint32_t below(uint32_t limit) { return random_() % limit; }
    bool stalls() { return std::uniform_real_distribution<>()(random_) < stalls_; }
    [[noreturn]] void fail(const char *what, uint32_t address, uint32_t got, uint32_t wanted) {
        printf("cycle %llu: %s at 0x%08x: 0x%08x instead of 0x%08x\n",
               static_cast<unsigned long long>(cycle_), what, address, got, wanted);
        exit(1);
    }
    uint32_t &word(uint32_t address) {
        const auto found = words_.find(address);
        if (found != words_.end())
            return found->second;
        return words_[address] = address < kProgramBytes ? address / 4 * 0x9e3779b1 : 0;
    }
    bool idle() const {
        return reads_.empty() && writes_.empty() && to_read_.empty() && to_write_.empty() &&
               words_to_write_.empty() && !core_waits_;
    }

    void reset();
    void step();
    Burst random_burst(bool writes);
    bool free(const Burst &burst, bool writes) const;
    void begin(bool writes, Burst burst);
    void begin_core();
    void set_core(bool write, uint32_t address);
    void after_edge();

    Vmemory_bench bench_;
    std::mt19937_64 random_;
    double stalls_;
    uint64_t cycle_ = 0, last_progress_ = 0;
    std::map<uint32_t, uint32_t> words_;
    std::map<uint32_t, int> in_use_;       // words: how many bursts read them, or -1 for a write
    std::deque<Burst> to_read_, to_write_; // addresses not yet taken
    struct Word {
        uint32_t data;
        uint8_t lanes;
    };
    std::deque<Word> words_to_write_;
    std::deque<Burst> reads_, writes_; // unanswered
    uint32_t arrived_ = 0;
    bool core_waits_ = false, core_writes_ = false;
    uint32_t core_address_ = 0;
};

void Bench::reset() {
    bench_.reset = 1;
    for (int i = 0; i < 4; i++) {
        bench_.clock = 1;
        bench_.eval();
        bench_.clock = 0;
        bench_.eval();
    }
    bench_.reset = 0;
    bench_.eval();
    // All words are written once, as a memory starts with anything.
    const double stalls = stalls_;
    stalls_ = 0;
    for (const auto &[start, bytes] : {std::pair{kSram, kSramBytes}, {kExternal, kExternalBytes}})
        for (uint32_t at = 0; at < bytes; at += 64) {
            Burst burst{start + at, 16, {}, {}, kOkay};
            for (int i = 0; i < 16; i++) {
                burst.data.push_back(static_cast<uint32_t>(random_()));
                burst.lanes.push_back(15);
            }
            begin(true, burst);
        }
    settle();
    stalls_ = stalls;
}

Burst Bench::random_burst(bool writes) {
    static const uint32_t kStarts[] = {0, kSram, kExternal, kExternal, kNothing};
    static const uint32_t kSizes[] = {kProgramBytes, kSramBytes, kExternalBytes, kExternalBytes,
                                      1 << 12};
    const uint32_t region = below(40) ? below(4) : 4;
    Burst burst{kStarts[region] + below(kSizes[region] / 4) * 4, 1 + below(16), {}, {}, kOkay};
    // Bursts do not cross 4 KiB, and most follow the one before or begin near it.
    const uint32_t room = (4096 - burst.address % 4096) / 4;
    burst.length = std::min(burst.length, room);
    if (region == 4)
        burst.response = kDecodeError;
    else if (region == 0 && writes)
        burst.response = kSlaveError;
    for (uint32_t i = 0; writes && i < burst.length; i++) {
        static const uint8_t kLanes[] = {15, 15, 15, 15, 15, 1, 3, 7, 8, 12, 6, 0};
        burst.data.push_back(static_cast<uint32_t>(random_()));
        burst.lanes.push_back(kLanes[below(sizeof kLanes)]);
    }
    return burst;
}

bool Bench::free(const Burst &burst, bool writes) const {
    for (uint32_t i = 0; i < burst.length; i++) {
        const auto found = in_use_.find(burst.address + 4 * i);
        if (found != in_use_.end() && (found->second < 0 || (writes && found->second > 0)))
            return false;
    }
    return true;
}

void Bench::begin(bool writes, Burst burst) {
    for (uint32_t i = 0; i < burst.length; i++) {
        const uint32_t address = burst.address + 4 * i;
        in_use_[address] = writes ? -1 : in_use_[address] + 1;
        if (writes)
            words_to_write_.push_back({burst.data[i], burst.lanes[i]});
    }
    (writes ? to_write_ : to_read_).push_back(burst);
    (writes ? writes_ : reads_).push_back(std::move(burst));
}

void Bench::set_core(bool write, uint32_t address) {
    static const uint8_t kLanes[] = {15, 15, 1, 2, 4, 8, 3, 12};
    core_waits_ = true;
    core_writes_ = write;
    core_address_ = address;
    in_use_[address] = write ? -1 : in_use_[address] + 1;
    bench_.core_request = 1;
    bench_.core_write = write;
    bench_.core_address = address;
    bench_.core_byte_lanes = kLanes[below(sizeof kLanes)];
    bench_.core_write_data = static_cast<uint32_t>(random_());
    if (write)
        for (int lane = 0; lane < 4; lane++)
            if (bench_.core_byte_lanes >> lane & 1) {
                const uint32_t mask = 0xffu << 8 * lane;
                word(address) = (word(address) & ~mask) | (bench_.core_write_data & mask);
            }
}

void Bench::begin_core() {
    static const uint32_t kStarts[] = {0, kSram, kExternal};
    static const uint32_t kSizes[] = {kProgramBytes, kSramBytes, kExternalBytes};
    const uint32_t region = below(3);
    const bool write = region && below(2);
    const Burst one{kStarts[region] + below(kSizes[region] / 4) * 4, 1, {}, {}, kOkay};
    if (free(one, write))
        set_core(write, one.address);
}

void Bench::step() {
    bench_.arvalid = !to_read_.empty() && (bench_.arvalid || !stalls());
    bench_.awvalid = !to_write_.empty() && (bench_.awvalid || !stalls());
    bench_.wvalid = !words_to_write_.empty() && (bench_.wvalid || !stalls());
    if (!to_read_.empty()) {
        bench_.araddr = to_read_.front().address;
        bench_.arlen = to_read_.front().length - 1;
    }
    if (!to_write_.empty()) {
        bench_.awaddr = to_write_.front().address;
        bench_.awlen = to_write_.front().length - 1;
    }
    if (!words_to_write_.empty()) {
        bench_.wdata = words_to_write_.front().data;
        bench_.wstrb = words_to_write_.front().lanes;
    }
    bench_.rready = !stalls();
    bench_.bready = !stalls();
    bench_.core_fetches = stalls_ > 0 && stalls();
    bench_.eval();
    after_edge();
    bench_.clock = 1;
    bench_.eval();
    bench_.clock = 0;
    bench_.eval();
    bench_.core_request = 0;
    cycle_++;
    // What the core is answered is there after the edge.
    if (core_waits_ && bench_.core_response) {
        if (!core_writes_ && bench_.core_read_data != word(core_address_))
            fail("the core read", core_address_, bench_.core_read_data, word(core_address_));
        in_use_[core_address_] += core_writes_ ? 1 : -1;
        core_waits_ = false;
        last_progress_ = cycle_;
    }
    if (cycle_ > last_progress_ + kStuck && !idle())
        fail("nothing moves", 0, 0, 0);
}

// What the coming clock edge transfers.
void Bench::after_edge() {
    if (bench_.arvalid && bench_.arready) {
        to_read_.pop_front();
        bench_.arvalid = 1;
    }
    if (bench_.awvalid && bench_.awready)
        to_write_.pop_front();
    if (bench_.wvalid && bench_.wready)
        words_to_write_.pop_front();
    if (bench_.rvalid && bench_.rready) {
        const Burst &burst = reads_.front();
        const uint32_t address = burst.address + 4 * arrived_;
        if (bench_.rresp != burst.response)
            fail("response to a read", address, bench_.rresp, burst.response);
        if (burst.response == kOkay && bench_.rdata != word(address))
            fail("read", address, bench_.rdata, word(address));
        if (bench_.rlast != (arrived_ + 1 == burst.length))
            fail("last of a burst", address, bench_.rlast, !bench_.rlast);
        in_use_[address]--;
        if (++arrived_ == burst.length) {
            arrived_ = 0;
            reads_.pop_front();
        }
        last_progress_ = cycle_;
    }
    if (bench_.bvalid && bench_.bready) {
        const Burst &burst = writes_.front();
        if (bench_.bresp != burst.response)
            fail("response to a write", burst.address, bench_.bresp, burst.response);
        for (uint32_t i = 0; i < burst.length; i++) {
            const uint32_t address = burst.address + 4 * i;
            in_use_[address] = 0;
            for (int lane = 0; burst.response == kOkay && lane < 4; lane++)
                if (burst.lanes[i] >> lane & 1) {
                    const uint32_t mask = 0xffu << 8 * lane;
                    word(address) = (word(address) & ~mask) | (burst.data[i] & mask);
                }
        }
        writes_.pop_front();
        last_progress_ = cycle_;
    }
}

void Bench::traffic(uint64_t cycles, double core) {
    const uint64_t end = cycle_ + cycles;
    uint64_t moved = 0;
    while (cycle_ < end) {
        for (const bool writes : {false, true})
            if ((writes ? writes_ : reads_).size() < 6) {
                Burst burst = random_burst(writes);
                if (free(burst, writes)) {
                    moved += burst.length;
                    begin(writes, std::move(burst));
                }
            }
        if (!core_waits_ && std::uniform_real_distribution<>()(random_) < core)
            begin_core();
        step();
    }
    settle();
    printf("{\"words\": %llu}\n", static_cast<unsigned long long>(moved));
}

double Bench::rate(uint32_t address, bool writes, uint32_t words) {
    settle();
    const uint64_t start = cycle_;
    for (uint32_t at = 0; at < words; at += 16) {
        Burst burst{address + 4 * at, 16, {}, {}, kOkay};
        burst.data.assign(writes ? 16 : 0, 0x01234567);
        burst.lanes.assign(writes ? 16 : 0, 15);
        begin(writes, burst);
    }
    settle();
    return static_cast<double>(cycle_ - start) / words;
}

uint64_t Bench::core_latency(uint32_t address) {
    settle();
    const uint64_t start = cycle_;
    set_core(false, address);
    settle();
    return cycle_ - start;
}

} // namespace

int main(int argc, char **argv) {
    Verilated::commandArgs(argc, argv);
    if (argc >= 5 && !strcmp(argv[1], "random")) {
        Bench bench(strtoull(argv[2], nullptr, 0), atof(argv[4]));
        bench.traffic(strtoull(argv[3], nullptr, 0), 0.1);
        return 0;
    }
    Bench bench(1, 0);
    printf("{\"program_reads\": %.3f, \"sram_reads\": %.3f, \"sram_writes\": %.3f, "
           "\"external_reads\": %.3f, \"external_writes\": %.3f, ",
           bench.rate(0, false, 1024), bench.rate(kSram, false, 1024),
           bench.rate(kSram, true, 1024), bench.rate(kExternal, false, 4096),
           bench.rate(kExternal, true, 4096));
    printf("\"core_external\": %llu}\n",
           static_cast<unsigned long long>(bench.core_latency(kExternal)));
    return 0;
}
