#include "nor_flash.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace {

// More than any operation changes: what is kept of the memory while one goes on.
constexpr uint32_t kLargestOperation = 1 << 17;
constexpr uint8_t kEveryOtherBit = 0x55;

} // namespace

NorFlash::~NorFlash() {
    if (file_ >= 0)
        close(file_);
}

void NorFlash::erase(const Memory &memory) {
    for (uint32_t i = 0; i < memory.bytes; i++)
        memory.byte(i) = 0xff;
}

std::string NorFlash::open(const Memory &memory) {
    memory_ = memory;
    if (path_.empty())
        return "";
    file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    struct stat status;
    if (file_ < 0 || fstat(file_, &status) != 0)
        return strerror(errno);
    if (!S_ISREG(status.st_mode))
        return "not a file";
    if (status.st_size == 0) {
        save(0, memory.bytes);
        return "";
    }
    if (status.st_size != memory.bytes)
        return "has " + std::to_string(status.st_size) + " bytes; the flash has " +
               std::to_string(memory.bytes);
    std::vector<uint8_t> contents(memory.bytes);
    if (pread(file_, contents.data(), contents.size(), 0) != static_cast<ssize_t>(contents.size()))
        return "cannot be read to its end";
    for (uint32_t i = 0; i < memory.bytes; i++)
        byte(i) = contents[i];
    return "";
}

bool NorFlash::change(bool busy, uint32_t address) {
    busy_ = busy;
    if (busy) {
        operations_++;
        start_ = address;
        before_.clear();
        for (uint32_t i = start_; i < memory_.bytes && i < start_ + kLargestOperation; i++)
            before_.push_back(byte(i));
        return operations_ == cut_operation_ && cut_ == Cut::kBefore;
    }
    const bool cut = operations_ == cut_operation_;
    if (cut && cut_ == Cut::kInside)
        tear(address);
    save(start_, address);
    return cut;
}

void NorFlash::tear(uint32_t end) {
    const uint32_t middle = start_ + (end - start_) / 8 * 4;
    for (uint32_t i = middle; i < end; i++) {
        const uint8_t old = before_[i - start_];
        byte(i) = i < middle + 4 ? old ^ ((old ^ byte(i)) & kEveryOtherBit) : old;
    }
}

void NorFlash::save(uint32_t from, uint32_t to) {
    if (file_ < 0)
        return;
    std::vector<uint8_t> contents;
    for (uint32_t i = from; i < to; i++)
        contents.push_back(byte(i));
    if (pwrite(file_, contents.data(), contents.size(), from) !=
        static_cast<ssize_t>(contents.size()))
        perror(path_.c_str());
}
